from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from samples.sample_city import NOW, PASSWORD, City

from catalogue.actions.accounts import user_delete
from catalogue.actions.delete import organization_member_delete
from cityportal.chrome import init_site
from cityportal.languages import Text
from cityportal.public import public_blueprint
from cityportal.settings import read_settings
from publisher.errors import DescriptorError
from publisher.secrets import Secrets


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    city = City(tmp_path_factory.mktemp("people"))
    city.add_user("steward", roles={"tong-dai-1022": "editor"})
    yield city
    city.search.close()
    city.store.close()


@pytest.fixture(scope="module")
def app(city):
    return city.app()


@pytest.fixture
def visitor(app):
    return app.test_client()


def token_of(client, path="/user/login"):
    found = re.search(r'name="form_token" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found
    return found[1]


def sign_in(client, *, name="steward", password=PASSWORD, **more):
    form = {"form_token": token_of(client), "name": name, "password": password, **more}
    return client.post("/user/login", data=form)


def test_a_steward_signs_in_and_out(visitor):
    answer = sign_in(visitor)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/workspace")
    assert "tong-dai-1022" in visitor.get("/account").get_data(as_text=True)
    kept = visitor.get_cookie("phusa_session").value
    out = visitor.post("/user/logout", data={"form_token": token_of(visitor, "/")})
    assert out.status_code == 303
    assert visitor.get("/account").status_code == 302
    visitor.set_cookie("phusa_session", kept, domain="localhost")
    assert visitor.get("/account").status_code == 302, "a cookie that somebody kept is worth nothing"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor):
    cookie = sign_in(visitor).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(("name", "password"), [("steward", "wrong-password"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(visitor, name, password):
    answer = sign_in(visitor, name=name, password=password)
    assert answer.status_code == 403
    assert "Tên hoặc mật khẩu không đúng" in answer.get_data(as_text=True)
    assert 'role="alert"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/user/login", "/user/logout"])
def test_a_form_from_elsewhere_is_refused(visitor, path):
    assert visitor.post(path, data={"name": "steward", "password": PASSWORD}).status_code == 400
    visitor.get("/user/login")
    assert visitor.post(path, data={"form_token": "guessed", "name": "steward"}).status_code == 400


def test_the_session_starts_anew_at_sign_in(visitor):
    before = token_of(visitor)
    sign_in(visitor)
    assert token_of(visitor, "/") != before


@pytest.mark.parametrize(
    "goal",
    ["https://evil.example/", "//evil.example", "/\t/evil.example", "/\\evil.example", "\\evil", "javascript:alert(1)"],
)
def test_nobody_is_led_elsewhere_after_signing_in(visitor, goal):
    assert sign_in(visitor, next=goal).headers["Location"] == "/workspace"


def test_one_goes_on_to_where_one_wanted_to(visitor):
    assert sign_in(visitor, next="/workspace/runs/7").headers["Location"] == "/workspace/runs/7"


def test_pages_of_signed_in_people_are_kept_by_nobody(visitor):
    sign_in(visitor)
    answer = visitor.get("/")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in answer.headers["Vary"]


def test_signing_out_cannot_be_done_by_a_link(visitor):
    sign_in(visitor)
    assert visitor.get("/user/logout").status_code in {404, 405}
    assert visitor.get("/account").status_code == 200


def test_the_cookie_of_a_portal_on_https_travels_on_https_only(city):
    app = Flask("cityportal")
    init_site(app, site_url="https://portal.test", city=Text("x"), secret_key="a secret of tests")
    app.register_blueprint(public_blueprint(city.services))
    cookie = app.test_client().get("/user/login", base_url="https://portal.test").headers["Set-Cookie"]
    assert cookie.startswith("__Host-phusa_session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain=" not in cookie


def test_a_cookie_that_was_planted_before_signing_in_opens_nothing_after_it(app):
    attacker, victim = app.test_client(), app.test_client()
    attacker.get("/user/login")
    planted = attacker.get_cookie("phusa_session").value
    victim.set_cookie("phusa_session", planted, domain="localhost")
    assert sign_in(victim).status_code == 303
    assert victim.get_cookie("phusa_session").value != planted
    assert attacker.get("/account").status_code == 302


def test_every_changing_page_refuses_a_form_from_elsewhere(app, visitor):
    """Also pages that nobody thought of when this was written: the rules of the application are walked."""
    sign_in(visitor)
    changing = [
        rule for rule in app.url_map.iter_rules() if (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
    ]
    assert len(changing) >= 10
    for rule in changing:
        path = re.sub(r"<[^>]*language>", "en", rule.rule)
        path = re.sub(r"<[^>]+>", "x", path)
        assert visitor.post(path, data={"form_token": "guessed"}).status_code == 400, rule.rule
    assert visitor.get("/account").status_code == 200, "and the person is still signed in"


@pytest.mark.slow
def test_ten_failures_lock_the_account_on_the_page_too(city, app):
    city.add_user("locked")
    moment = NOW
    app = city.app(now=lambda: moment)
    visitor = app.test_client()
    for _ in range(10):
        assert sign_in(visitor, name="locked", password="wrong-password").status_code == 403
    refused = sign_in(visitor, name="locked")
    assert refused.status_code == 403
    assert "khoá mười lăm phút" in refused.get_data(as_text=True)
    moment = NOW + timedelta(minutes=16)
    assert sign_in(visitor, name="locked").status_code == 303


def test_a_session_ends_with_its_hours_and_with_the_account(city):
    city.add_user("leaving", roles={"tong-dai-1022": "editor"})
    moment = NOW
    app = city.app(now=lambda: moment)
    visitor = app.test_client()
    sign_in(visitor, name="leaving")
    assert visitor.get("/account").status_code == 200
    moment = NOW + timedelta(hours=11)
    assert visitor.get("/account").status_code == 302
    sign_in(visitor, name="leaving")
    assert visitor.get("/account").status_code == 200
    city.act(user_delete, {"id": "leaving"})
    assert visitor.get("/account").status_code == 302


def test_a_role_that_is_taken_away_is_gone_at_once(city, visitor):
    city.add_user("changing", roles={"tong-dai-1022": "admin"})
    sign_in(visitor, name="changing")
    assert "tong-dai-1022" in visitor.get("/account").get_data(as_text=True)
    city.act(organization_member_delete, {"id": "tong-dai-1022", "username": "changing"})
    assert "tong-dai-1022" not in visitor.get("/account").get_data(as_text=True)


def test_signing_out_everywhere_ends_the_other_browsers(app):
    here, there = app.test_client(), app.test_client()
    sign_in(here)
    sign_in(there)
    answer = here.post("/account/sign-out-everywhere", data={"form_token": token_of(here, "/account")})
    assert answer.status_code == 303
    assert there.get("/account").status_code == 302


def test_without_a_role_one_arrives_at_ones_account(city, visitor):
    city.add_user("plain")
    assert sign_in(visitor, name="plain").headers["Location"] == "/account"


def test_secrets_of_mail_and_provider_are_fetched_from_where_the_settings_say(tmp_path):
    (tmp_path / "secret").write_text("the client's secret\n")
    mail = {"smtp_url": "smtps://portal@mail.example", "password": "env:MAIL_PASSWORD"}
    oidc = {"issuer": "https://id.example", "client_id": "x", "client_secret": f"file:{tmp_path / 'secret'}"}
    settings = read_settings(home=tmp_path, mail=mail, oidc=oidc)
    told = settings.for_catalogue(Secrets({"MAIL_PASSWORD": "the server's password"}))
    assert told.mail_password.get_secret_value() == "the server's password"
    assert told.oidc_client_secret.get_secret_value() == "the client's secret"
    assert "client's" not in repr(told)
    assert "server's" not in repr(told)
    with pytest.raises(DescriptorError):
        settings.for_catalogue(Secrets({}))
