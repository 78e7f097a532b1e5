"""Signing in with a real OpenID Connect provider, and all that must not work."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from pydantic import SecretStr
from samples.sample_city import PASSWORD, City
from servers.oidc import CLIENT_SECRET, OTHER_CLIENT_ID, PORTAL, running_provider

from catalogue.actions.accounts import user_create, user_delete, user_invite
from catalogue.model import User
from catalogue.people.accounts import find_user, find_user_by_email
from catalogue.settings import OidcSection

pytestmark = [pytest.mark.slow, pytest.mark.server]


@pytest.fixture(scope="module")
def provider():
    with running_provider() as running:
        yield running


class Portal:
    """A city whose people may come in through the provider."""

    def __init__(self, home, provider, **settings):
        self.provider = provider
        self.later = timedelta()
        self.city = City(home, site_url=PORTAL)
        self.configure(**settings)

    def configure(self, *, secret=CLIENT_SECRET, **settings):
        section = OidcSection(**self.provider.settings(**settings))
        changed = {"oidc": section, "oidc_client_secret": SecretStr(secret)}
        self.city.settings = self.city.settings.model_copy(update=changed)
        self.app = self.city.app(now=lambda: datetime.now(UTC) + self.later)

    def visitor(self):
        return self.app.test_client()

    def leave(self, visitor, path="/user/oidc"):
        """Return where the portal sends the browser."""
        return visitor.get(path, base_url=PORTAL).headers["Location"]

    def come_back(self, visitor, address):
        parts = urlsplit(address)
        return visitor.get(f"{parts.path}?{parts.query}", base_url=PORTAL)

    def go_through(self, account, visitor=None, path="/user/oidc"):
        """Sign in as the account and return the portal's answer to the browser that comes back."""
        visitor = visitor or self.visitor()
        return self.come_back(visitor, self.provider.sign_in(self.leave(visitor, path), account))

    def user(self, name):
        with self.city.store.read() as session:
            return find_user(session, name)


@pytest.fixture
def portal(tmp_path, provider):
    portal = Portal(tmp_path, provider)
    yield portal
    portal.city.search.close()
    portal.city.store.close()


def said(portal, visitor, answer):
    """Return what the page says that the answer leads to."""
    assert answer.status_code == 303
    page = visitor.get(answer.headers["Location"], base_url=PORTAL).get_data(as_text=True)
    return unescape(" ".join(re.findall(r'class="says \w+"[^>]*><p>([^<]+)', page)))


def with_query(address, **changed):
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changed
    return f"{parts.path}?{urlencode({name: value for name, value in query.items() if value is not None})}"


def test_the_first_visit_makes_an_account_without_rights_and_the_next_one_finds_it(portal):
    visitor = portal.visitor()
    answer = portal.go_through("sub-hoa", visitor)
    assert answer.headers["Location"] == "/account"
    page = visitor.get("/account", base_url=PORTAL).get_data(as_text=True)
    assert "Lê Thị Hoà" in page
    assert "hoa@tphcm.example" in page
    user = portal.user("hoa-le")
    assert (user.oidc_issuer, user.oidc_subject) == (portal.provider.issuer, "sub-hoa")
    assert (user.sysadmin, user.password_hash, user.state) == (False, None, "active")
    with portal.city.store.read() as session:
        before = session.query(User).count()
    assert portal.go_through("sub-hoa").status_code == 303
    with portal.city.store.read() as session:
        assert session.query(User).count() == before


def test_one_goes_on_to_where_one_wanted_to_in_ones_language(portal):
    answer = portal.go_through("sub-hoa", path="/en/user/oidc?next=/en/workspace/runs/7")
    assert answer.headers["Location"] == "/en/workspace/runs/7"
    assert portal.go_through("sub-hoa", path="/en/user/oidc").headers["Location"] == "/en/account"
    assert portal.go_through("sub-hoa", path="/user/oidc?next=//evil.example").headers["Location"] == "/account"


def test_the_request_carries_state_nonce_and_a_challenge_and_never_the_secret(portal):
    asked = parse_qs(urlsplit(portal.leave(portal.visitor())).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[name][0]) >= 32 for name in ("state", "nonce", "code_challenge"))
    assert CLIENT_SECRET not in str(asked)


def test_the_button_stands_beside_the_password(portal):
    page = portal.visitor().get("/user/login?next=/workspace", base_url=PORTAL).get_data(as_text=True)
    assert 'href="/user/oidc?next=/workspace"' in page
    assert "Đăng nhập bằng tài khoản của thành phố" in page
    assert 'type="password"' in page
    english = portal.visitor().get("/en/user/login", base_url=PORTAL).get_data(as_text=True)
    assert 'href="/en/user/oidc"' in english


@pytest.mark.parametrize(
    "changed",
    [{"state": "guessed"}, {"state": None}, {"code": "guessed"}, {"code": None}, {"iss": "https://evil.example"}],
    ids=str,
)
def test_an_answer_that_is_not_the_one_that_was_asked_for_is_refused(portal, changed):
    visitor = portal.visitor()
    back = portal.provider.sign_in(portal.leave(visitor), "sub-hoa")
    refused = visitor.get(with_query(back, **changed), base_url=PORTAL)
    assert "không hoàn tất" in said(portal, visitor, refused)
    assert portal.user("hoa-le") is None
    assert "không hoàn tất" in said(portal, visitor, portal.come_back(visitor, back)), "an attempt is for one use"


def test_the_answer_of_one_browser_is_worth_nothing_in_another(portal):
    victim, attacker = portal.visitor(), portal.visitor()
    portal.leave(victim)
    back = portal.provider.sign_in(portal.leave(attacker), "sub-hoa")
    assert "không hoàn tất" in said(portal, victim, portal.come_back(victim, back))
    stranger = portal.visitor()
    assert "không hoàn tất" in said(portal, stranger, portal.come_back(stranger, back))


@pytest.mark.parametrize("place", [1, 2], ids=["nonce", "verifier"])
def test_a_wrong_nonce_or_verifier_is_refused(portal, place):
    visitor = portal.visitor()
    back = portal.provider.sign_in(portal.leave(visitor), "sub-hoa")
    with visitor.session_transaction(base_url=PORTAL) as session:
        attempt = list(session["oidc"]["attempt"])
        attempt[place] = "x" * 43
        session["oidc"] = {**session["oidc"], "attempt": attempt}
    assert "không hoàn tất" in said(portal, visitor, portal.come_back(visitor, back))
    assert portal.user("hoa-le") is None


def test_a_token_for_another_application_is_refused(portal):
    """The code is the other application's, so the provider's token would be for it; neither door opens."""
    visitor = portal.visitor()
    asked = portal.leave(visitor)
    for_other = asked.replace("client_id=phusa", f"client_id={OTHER_CLIENT_ID}")
    back = portal.provider.sign_in(for_other, "sub-hoa")
    assert "không hoàn tất" in said(portal, visitor, portal.come_back(visitor, back))
    portal.configure(client_id=OTHER_CLIENT_ID)
    visitor = portal.visitor()
    back = portal.provider.sign_in(portal.leave(visitor), "sub-hoa")
    portal.configure()
    again = portal.visitor()
    for cookie in ("phusa_session",):
        again.set_cookie(cookie, visitor.get_cookie(cookie, domain="portal.test").value, domain="portal.test")
    assert "không hoàn tất" in said(portal, again, portal.come_back(again, back))


def test_an_expired_token_is_refused(portal):
    visitor = portal.visitor()
    back = portal.provider.sign_in(portal.leave(visitor), "sub-hoa")
    with visitor.session_transaction(base_url=PORTAL) as session:
        session["oidc"] = {**session["oidc"], "until": (datetime.now(UTC) + timedelta(days=1)).timestamp()}
    portal.later = timedelta(hours=2)
    assert "không hoàn tất" in said(portal, visitor, portal.come_back(visitor, back))
    assert portal.user("hoa-le") is None


def test_who_comes_back_too_late_starts_again(portal):
    visitor = portal.visitor()
    back = portal.provider.sign_in(portal.leave(visitor), "sub-hoa")
    portal.later = timedelta(minutes=16)
    assert "không hoàn tất" in said(portal, visitor, portal.come_back(visitor, back))


def test_a_wrong_secret_is_refused(portal):
    portal.configure(secret="another secret")
    visitor = portal.visitor()
    assert "không hoàn tất" in said(portal, visitor, portal.go_through("sub-hoa", visitor))


def test_who_cancels_hears_so(portal):
    visitor = portal.visitor()
    asked = parse_qs(urlsplit(portal.leave(visitor)).query)
    query = urlencode({"error": "access_denied", "state": asked["state"][0], "iss": portal.provider.issuer})
    assert "dừng đăng nhập" in said(portal, visitor, visitor.get(f"/user/oidc/back?{query}", base_url=PORTAL))


def test_a_provider_that_is_down_leaves_the_password(tmp_path):
    with running_provider() as provider:
        portal = Portal(tmp_path, provider)
        visitor = portal.visitor()
        back = provider.sign_in(portal.leave(visitor), "sub-hoa")
    assert "không trả lời" in said(portal, visitor, portal.come_back(visitor, back))
    portal.configure()
    portal.city.add_user("steward", roles={"tong-dai-1022": "editor"})
    visitor = portal.visitor()
    assert "không trả lời" in said(portal, visitor, visitor.get("/user/oidc", base_url=PORTAL))
    page = visitor.get("/user/login", base_url=PORTAL).get_data(as_text=True)
    token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
    form = {"form_token": token, "name": "steward", "password": PASSWORD}
    assert visitor.post("/user/login", data=form, base_url=PORTAL).headers["Location"] == "/workspace"
    portal.city.search.close()
    portal.city.store.close()


def test_an_invited_person_comes_in_by_their_verified_address(portal):
    invited = portal.city.act(user_invite, {"email": "Hoa@tphcm.example", "group_id": "tong-dai-1022", "role": "admin"})
    answer = portal.go_through("sub-hoa")
    assert answer.headers["Location"] == "/workspace"
    user = portal.user(invited["name"])
    assert (user.state, user.oidc_subject, user.reset_sha256) == ("active", "sub-hoa", None)


def test_an_address_that_is_not_verified_leads_to_no_account(portal):
    portal.city.act(user_invite, {"email": "mai@tphcm.example", "group_id": "tong-dai-1022", "role": "admin"})
    portal.go_through("sub-doubtful")
    with portal.city.store.read() as session:
        invited = find_user_by_email(session, "mai@tphcm.example")
        assert (invited.state, invited.oidc_subject) == ("pending", None)
        doubtful = session.query(User).filter_by(oidc_subject="sub-doubtful").one()
        assert doubtful.email is None


def test_an_account_with_a_password_is_connected_by_its_owner_only(portal):
    """Else whoever writes somebody's address into an account of their own would wait there for them."""
    given = {"name": "mai-le", "email": "mai@tphcm.example", "password": PASSWORD}
    portal.city.act(user_create, given)
    visitor = portal.visitor()
    assert "thuộc một tài khoản có mật khẩu" in said(portal, visitor, portal.go_through("sub-mai", visitor))
    page = visitor.get("/user/login", base_url=PORTAL).get_data(as_text=True)
    token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
    visitor.post("/user/login", data={"form_token": token, **given}, base_url=PORTAL)
    assert visitor.get("/user/oidc?connect=guessed", base_url=PORTAL).status_code == 400
    page = visitor.get("/account", base_url=PORTAL).get_data(as_text=True)
    link = unescape(re.search(r'href="(/user/oidc\?connect=[^"]+)"', page)[1])
    assert "đã được nối" in said(portal, visitor, portal.go_through("sub-mai", visitor, link))
    again = portal.visitor()
    assert portal.go_through("sub-mai", again).headers["Location"] == "/account"
    assert "mai-le" in again.get("/account", base_url=PORTAL).get_data(as_text=True)


def test_only_people_of_the_allowed_domains_come_in(portal):
    portal.configure(email_domains=("tphcm.example",))
    for account in ("sub-elsewhere", "sub-doubtful", "sub-nothing"):
        visitor = portal.visitor()
        assert "không thuộc nơi được vào" in said(portal, visitor, portal.go_through(account, visitor))
    assert portal.go_through("sub-hoa").headers["Location"] == "/account"


def test_nobody_new_comes_in_where_no_accounts_are_made(portal):
    portal.configure(create_accounts=False)
    visitor = portal.visitor()
    assert "chưa có tài khoản" in said(portal, visitor, portal.go_through("sub-hoa", visitor))
    assert portal.user("hoa-le") is None


def test_a_deleted_account_stays_closed(portal):
    portal.go_through("sub-hoa")
    portal.city.act(user_delete, {"id": "hoa-le"})
    visitor = portal.visitor()
    assert "chưa có tài khoản" in said(portal, visitor, portal.go_through("sub-hoa", visitor))


def test_somebody_of_whom_the_provider_tells_nothing_gets_a_plain_name(portal):
    assert portal.go_through("sub-nothing").status_code == 303
    assert portal.user("user").oidc_subject == "sub-nothing"
