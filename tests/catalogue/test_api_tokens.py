"""API tokens over HTTP: the three headers, reading tokens, expiry, and whose they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests

from catalogue.actions.context import utc_now
from catalogue.errors import NotAuthorized, ValidationError
from catalogue.model import ApiToken
from catalogue.people.accounts import find_user
from catalogue.people.tokens import create_token, find_token


def call(live, action, params=None, **headers):
    return requests.post(f"{live.url}/api/3/action/{action}", json=params or {}, headers=headers, timeout=20)


@pytest.mark.parametrize(
    ("header", "written"),
    [
        ("Authorization", "{}"),
        ("Authorization", "Bearer {}"),
        ("authorization", "bearer  {}"),
        ("X-CKAN-API-Key", "{}"),
        ("x-ckan-api-key", " {} "),
    ],
)
def test_each_header_says_who_calls(live, boss, header, written):
    answer = call(live, "user_show", {"id": "boss"}, **{header: written.format(boss).strip()})
    assert answer.json()["result"]["email"] == "boss@example.vn"


@pytest.mark.parametrize("state", ["deleted", "pending"])
def test_a_token_of_somebody_who_is_not_active_is_nobodys(live, boss, state):
    token = live.add_user(f"was-{state}")
    with live.store.write() as session:
        find_user(session, f"was-{state}").state = state
    assert call(live, "package_list", Authorization=token).status_code == 200
    assert call(live, "user_show", {"id": "boss"}, Authorization=token).status_code == 403


def test_a_cookie_and_a_query_are_no_token(live, boss):
    assert call(live, "user_show", {"id": "boss"}, Cookie=f"phusa_session={boss}; auth_tkt={boss}").status_code == 403
    answer = requests.get(f"{live.url}/api/3/action/user_show?id=boss&apikey={boss}", timeout=20)
    assert answer.status_code == 403


def test_a_reading_token_reads_and_writes_nothing(live, boss):
    made = call(live, "api_token_create", {"user": "boss", "name": "r", "scope": "read"}, Authorization=boss).json()
    token = made["result"]["token"]
    assert call(live, "user_show", {"id": "boss"}, Authorization=token).json()["result"]["email"]
    for action, params in (
        ("organization_create", {"name": "so-moi"}),
        ("user_create", {"name": "x"}),
        ("api_token_create", {"user": "boss", "name": "w"}),
    ):
        answer = call(live, action, params, Authorization=token)
        assert answer.status_code == 403
        assert answer.json()["error"]["__type"] == "Authorization Error"
    assert "so-moi" not in call(live, "organization_list").json()["result"]
    upload = requests.post(
        f"{live.url}/api/3/action/resource_create",
        data={"package_id": "any"},
        files={"upload": ("a.csv", b"a,b")},
        headers={"Authorization": token},
        timeout=20,
    )
    assert upload.status_code == 403


def test_tokens_are_listed_with_what_clients_read_and_never_their_texts(catalogue):
    catalogue.call("api_token_create", {"user": "lan", "name": "forever"}, user="lan")
    params = {"user": "lan", "name": "short", "expires_in": "2", "unit": "3600", "scope": "read"}
    made = catalogue.call("api_token_create", params, user="lan")
    assert set(made) == {"token", "id"}
    listed = {row["name"]: row for row in catalogue.call("api_token_list", {"user_id": "lan"}, user="lan")}
    assert set(listed["forever"]) == {"id", "name", "user_id", "created_at", "last_access"}
    assert set(listed["short"]) - set(listed["forever"]) == {"expires_at", "scope"}
    assert made["token"] not in str(listed)
    seen = catalogue.call("api_token_list", {"user": "lan"}, user="boss")
    assert {row["id"] for row in seen} == {row["id"] for row in listed.values()} | {
        row["id"] for row in seen if row["name"] == "test"
    }


def test_only_oneself_and_sysadmins_touch_tokens(catalogue):
    made = catalogue.call("api_token_create", {"user": "lan", "name": "x"}, user="lan")
    for user in (None, "binh"):
        for action, params in (
            ("api_token_create", {"user": "lan", "name": "y"}),
            ("api_token_list", {"user_id": "lan"}),
            ("api_token_revoke", {"token": made["token"]}),
            ("api_token_revoke", {"jti": made["id"]}),
        ):
            with pytest.raises(NotAuthorized):
                catalogue.call(action, params, user=user)
    assert catalogue.call("api_token_revoke", {"token": made["token"]}, user="boss") is None
    assert catalogue.call("api_token_revoke", {"token": made["token"]}, user="lan") is None, (
        "an unknown one is no error"
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"scope": "everything"}, "scope"),
        ({"expires_in": "0"}, "expires_in"),
        ({"expires_in": -5}, "expires_in"),
        ({"expires_in": 1, "unit": 10**12}, "expires_in"),
        ({"expires_in": [1]}, "expires_in"),
        ({"name": ""}, "name"),
    ],
)
def test_wrong_values_are_told_by_field(catalogue, given, field):
    with pytest.raises(ValidationError) as refused:
        catalogue.call("api_token_create", {"user": "lan", "name": "x", **given}, user="lan")
    assert set(refused.value.error_dict) == {field}


def test_expired_tokens_are_nobodys_and_forgotten_at_the_next_one(catalogue):
    now = utc_now()
    with catalogue.store.write() as session:
        user = find_user(session, "lan")
        _, text = create_token(session, user, name="old", now=now, expires_at=now + timedelta(hours=1))
        assert find_token(session, text, now) is not None
        assert find_token(session, text, now + timedelta(hours=1)) is None
        create_token(session, user, name="new", now=now + timedelta(hours=2))
        assert "old" not in {row.name for row in session.query(ApiToken).filter_by(user_id=user.id)}
