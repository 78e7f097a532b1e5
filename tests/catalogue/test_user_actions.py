"""Actions on users: who may change whom, in which shapes, and what ends with an account."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from samples.served_catalogue import catalogue_on

from catalogue.actions.context import utc_now
from catalogue.errors import NotAuthorized, NotFound, ValidationError
from catalogue.model import Member, User
from catalogue.people.accounts import find_user, sign_in
from catalogue.people.browser_sessions import open_browser_session, user_of_browser
from catalogue.people.oidc_accounts import OidcPerson, account_of
from catalogue.people.tokens import find_token
from catalogue.settings import OidcSection

pytest_plugins = ["servers.postgres"]
PASSWORD = "correct horse"
SHOWN = {
    *("id", "name", "fullname", "display_name", "created", "about", "last_active", "sysadmin", "state", "image_url"),
    *("image_display_url", "email_hash", "number_created_packages", "activity_streams_email_notifications"),
}
CITY = "so-gtvt"
EMAIL_HASH = hashlib.md5(b"mai@example.vn", usedforsecurity=False).hexdigest()


@pytest.fixture
def mai(catalogue):
    params = {"name": "mai", "email": "mai@example.vn", "password": PASSWORD, "fullname": "Mai", "about": "hello"}
    return catalogue.call("user_create", params, user="boss")


def refused(catalogue, action, params, user):
    with pytest.raises(ValidationError) as error:
        catalogue.call(action, params, user=user)
    return error.value.error_dict


def test_others_see_a_user_without_address_and_the_user_sees_it(catalogue, mai):
    seen = catalogue.call("user_show", {"id": "mai"}, user="lan")
    assert set(seen) == SHOWN
    assert seen["email_hash"] != EMAIL_HASH
    for name in ("mai", "boss"):
        own = catalogue.call("user_show", {"id": mai["id"]}, user=name)
        assert set(own) == SHOWN | {"email", "apikey"}
        assert own["email_hash"] == EMAIL_HASH
    assert catalogue.call("user_show", {"id": "mai", "include_num_followers": "true"}, user="lan")["num_followers"] == 0


def test_users_are_hidden_from_the_public_unless_the_settings_open_them(catalogue, tmp_path, mai):
    for action in ("user_show", "user_list", "user_autocomplete"):
        with pytest.raises(NotAuthorized):
            catalogue.call(action, {"id": "mai", "q": "mai"})
    with catalogue_on(tmp_path / "open", public_user_details=True) as opened:
        opened.add_user("mai")
        assert set(opened.call("user_show", {"id": "mai"})) == SHOWN
        assert [user["name"] for user in opened.call("user_list")] == ["mai"]


def test_everybody_may_create_an_account_only_where_the_settings_say_so(catalogue, tmp_path):
    params = {"name": "mai", "email": "mai@example.vn", "password": PASSWORD, "sysadmin": True, "state": "deleted"}
    for user in (None, "lan"):
        with pytest.raises(NotAuthorized):
            catalogue.call("user_create", params, user=user)
    with catalogue_on(tmp_path / "open", create_user_via_api=True) as opened:
        made = opened.call("user_create", params)
        assert (made["sysadmin"], made["state"]) == (False, "active")


def test_an_update_replaces_and_a_patch_keeps(catalogue, mai):
    patched = catalogue.call("user_patch", {"id": "mai", "fullname": "Mai Lan"}, user="mai")
    assert set(patched) == SHOWN | {"email", "apikey"}
    assert (patched["fullname"], patched["about"], patched["email"]) == ("Mai Lan", "hello", "mai@example.vn")
    updated = catalogue.call("user_update", {"id": "mai", "email": "m@example.vn"}, user="mai")
    assert (updated["fullname"], updated["about"], updated["email"]) == (None, None, "m@example.vn")
    assert refused(catalogue, "user_update", {"id": "mai"}, "mai") == {"email": ["Missing value"]}
    assert refused(catalogue, "user_update", {"email": "x@example.vn"}, "mai") == {"id": "Missing value"}


def test_what_user_show_gives_can_be_sent_back(catalogue, mai):
    shown = catalogue.call("user_show", {"id": "mai"}, user="mai")
    assert catalogue.call("user_update", shown, user="mai") == shown


def test_only_oneself_and_sysadmins_change_an_account(catalogue, mai):
    for user in (None, "lan"):
        for action in ("user_update", "user_patch"):
            with pytest.raises(NotAuthorized):
                catalogue.call(action, {"id": "mai", "email": "x@example.vn"}, user=user)
    assert catalogue.call("user_patch", {"id": "mai", "fullname": "M"}, user="boss")["fullname"] == "M"
    with pytest.raises(NotFound):
        catalogue.call("user_patch", {"id": "nobody"}, user="boss")


def test_nobody_raises_themself(catalogue, mai):
    changed = catalogue.call("user_patch", {"id": "mai", "sysadmin": True, "state": "pending"}, user="mai")
    assert (changed["sysadmin"], changed["state"]) == (False, "active")
    assert catalogue.call("user_patch", {"id": "mai", "sysadmin": True}, user="boss")["sysadmin"] is True


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"name": "other"}, {"name"}),
        ({"email": "no address"}, {"email"}),
        ({"email": "LAN@example.vn"}, {"email"}),
        ({"email": ""}, {"email"}),
        ({"password": "seven77"}, {"password"}),
        ({"about": "buy at https://spam.example"}, {"about"}),
        ({"about": "WWW.spam.example"}, {"about"}),
        ({"image_url": "javascript:x"}, {"image_url"}),
        ({"password": "short", "about": "http://x", "email": "@"}, {"password", "about", "email"}),
    ],
)
def test_wrong_values_are_told_by_field_and_change_nothing(catalogue, mai, given, fields):
    before = catalogue.call("user_show", {"id": "mai"}, user="mai")
    assert set(refused(catalogue, "user_patch", {"id": "mai", **given}, "mai")) == fields
    assert catalogue.call("user_show", {"id": "mai"}, user="mai") == before


def test_sysadmins_may_link(catalogue, mai):
    about = "see https://example.vn"
    assert catalogue.call("user_patch", {"id": "mai", "about": about}, user="boss")["about"] == about
    assert catalogue.call("user_patch", {"id": "mai", "fullname": "M"}, user="mai")["about"] == about, "it was there"


def test_a_new_password_counts_at_once_and_ends_what_was_open(catalogue, mai):
    with catalogue.store.write() as session:
        key = open_browser_session(session, find_user(session, "mai"), utc_now())
    catalogue.call("user_patch", {"id": "mai", "password": "another horse"}, user="mai")
    assert sign_in(catalogue.store, "mai", PASSWORD, utc_now()) is None
    assert sign_in(catalogue.store, "mai", "another horse", utc_now()) == mai["id"]
    with catalogue.store.read() as session:
        assert user_of_browser(session, key, utc_now()) is None


def test_a_deleted_user_still_shows_and_has_lost_every_way_in(catalogue, mai):
    token = catalogue.call("api_token_create", {"user": "mai", "name": "x"}, user="mai")["token"]
    catalogue.call("organization_member_create", {"id": CITY, "username": "mai", "role": "admin"}, user="boss")
    for user in (None, "lan", "mai"):
        with pytest.raises(NotAuthorized):
            catalogue.call("user_delete", {"id": "mai"}, user=user)
    assert catalogue.call("user_delete", {"id": "mai"}, user="boss") is None
    assert catalogue.call("user_show", {"id": "mai"}, user="lan")["state"] == "deleted"
    assert "mai" not in catalogue.call("user_list", {"all_fields": False}, user="lan")
    assert sign_in(catalogue.store, "mai", PASSWORD, utc_now()) is None
    catalogue.call("user_patch", {"id": "mai", "state": "active"}, user="boss")
    with catalogue.store.read() as session:
        assert find_token(session, token, utc_now()) is None, "an account that comes back has nothing"
        assert session.query(Member).filter_by(user_id=mai["id"]).count() == 0
    assert sign_in(catalogue.store, "mai", PASSWORD, utc_now()) == mai["id"]
    assert refused(catalogue, "user_delete", {}, "boss") == {"id": "Missing value"}


def test_lists_are_ordered_and_narrowed(catalogue, mai):
    names = lambda **params: catalogue.call("user_list", {"all_fields": "false", **params}, user="boss")  # noqa: E731
    assert names() == ["binh", "boss", "lan", "mai"]
    assert names(order_by="created")[-1] == "mai"
    assert names(order_by="sysadmin")[-1] == "boss"
    assert names(q="MA") == ["mai"]
    assert names(email="Mai@example.vn") == ["mai"]
    assert names(include_site_user="true") == names()
    catalogue.call("package_create", {"name": "buses", "owner_org": CITY}, user="lan")
    assert names(order_by="number_created_packages")[-1] == "lan"
    assert set(refused(catalogue, "user_list", {"order_by": "password_hash"}, "boss")) == {"order_by"}
    with pytest.raises(NotAuthorized):
        catalogue.call("user_list", {"email": "mai@example.vn"}, user="lan")


def test_datasets_of_a_user_are_shown_to_those_who_may_see_them(catalogue):
    for name, private in (("buses", False), ("plans", True)):
        catalogue.call("package_create", {"name": name, "owner_org": CITY, "private": private}, user="lan")
    names = {
        user: {
            d["name"]
            for d in catalogue.call("user_show", {"id": "lan", "include_datasets": True}, user=user)["datasets"]
        }
        for user in ("binh", "lan", "boss")
    }
    assert names == {"binh": {"buses"}, "lan": {"buses", "plans"}, "boss": {"buses", "plans"}}
    assert catalogue.call("user_show", {"id": "lan"}, user="binh")["number_created_packages"] == 1


def test_two_people_cannot_have_one_address(catalogue, mai):
    with catalogue.store.read() as session:
        assert session.query(User).filter_by(email="mai@example.vn").count() == 1
    given = {"name": "mai2", "email": "MAI@example.vn", "password": PASSWORD}
    assert set(refused(catalogue, "user_create", given, "boss")) == {"email"}


@pytest.mark.slow
@pytest.mark.server
def test_postgresql_keeps_people_as_sqlite_does(tmp_path, postgres):
    now = utc_now()
    section = OidcSection(issuer="https://id.example", client_id="phusa")
    with catalogue_on(tmp_path, database_url=postgres.url(postgres.new_database())) as portal:
        portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": CITY}, user="boss")
        given = {"name": "mai", "email": "mai@example.vn", "password": PASSWORD}
        mai = portal.call("user_create", given, user="boss")
        assert portal.call("user_list", {"all_fields": "false"}, user="mai") == ["boss", "mai"]
        with ThreadPoolExecutor(10) as pool:
            assert set(pool.map(lambda _: sign_in(portal.store, "mai", "wrong", now), range(10))) == {None}
        assert sign_in(portal.store, "mai", PASSWORD, now) is None, "all ten were counted"
        portal.call("user_patch", {"id": "mai", "password": "another horse"}, user="mai")
        assert sign_in(portal.store, "MAI@example.vn", "another horse", now) == mai["id"]
        invited = {"email": "hoa@example.vn", "group_id": CITY, "role": "editor"}
        hoa = portal.call("user_invite", invited, user="boss")
        person = OidcPerson("https://id.example", "sub-hoa", "hoa@example.vn", "Hoà", "hoa")
        with portal.store.write() as session:
            user = account_of(session, person, section, now)
            assert (user.id, user.state) == (hoa["id"], "active")
            key = open_browser_session(session, user, now)
        with portal.store.read() as session:
            assert user_of_browser(session, key, now).id == hoa["id"]
        portal.call("user_delete", {"id": "hoa"}, user="boss")
        with portal.store.read() as session:
            assert user_of_browser(session, key, now) is None
