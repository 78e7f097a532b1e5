from __future__ import annotations

import re

import pytest
from samples.sample_city import PASSWORD, City


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    city = City(tmp_path_factory.mktemp("people"))
    city.add_user("steward", roles={"tong-dai-1022": "editor"})
    yield city.app()
    city.store.close()


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
    with visitor.session_transaction() as session:
        assert session["identity"]["name"] == "steward"
        assert session["identity"]["roles"] == {"tong-dai-1022": "editor"}
    out = visitor.post("/user/logout", data={"form_token": token_of(visitor, "/")})
    assert out.status_code == 303
    with visitor.session_transaction() as session:
        assert "identity" not in session


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
    "goal", ["https://evil.example/", "//evil.example", "/\\evil.example", "\\evil", "javascript:alert(1)"]
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
    assert visitor.get("/user/logout").status_code == 405
