"""Users, passwords, tokens, and locking out who guesses."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import argon2
import pytest

from catalogue.actions.context import utc_now
from catalogue.errors import ValidationError
from catalogue.model import ApiToken, User
from catalogue.people import passwords
from catalogue.people.accounts import LOCKED_FOR, sign_in
from catalogue.people.tokens import find_token

NOW = utc_now()
PASSWORD = "correct horse"


@pytest.fixture
def mai(catalogue):
    params = {"name": "mai", "email": "mai@example.vn", "password": PASSWORD, "fullname": "Mai", "with_apitoken": True}
    return catalogue.call("user_create", params, user="boss")


def try_to_sign_in(catalogue, password, now=NOW, name="mai"):
    user_id = sign_in(catalogue.store, name, password, now)
    with catalogue.store.read() as session:
        return session.get(User, user_id).name if user_id else None


def test_signing_in_by_name_or_address(catalogue, mai):
    assert try_to_sign_in(catalogue, PASSWORD) == "mai"
    assert try_to_sign_in(catalogue, PASSWORD, name="Mai@Example.vn") == "mai"
    assert try_to_sign_in(catalogue, "wrong") is None
    assert try_to_sign_in(catalogue, PASSWORD, name="nobody") is None
    assert try_to_sign_in(catalogue, PASSWORD, name="lan") is None, "lan has no password"


@pytest.mark.slow
def test_ten_failures_lock_the_account_for_a_while(catalogue, mai):
    for _ in range(10):
        assert try_to_sign_in(catalogue, "wrong") is None
    assert try_to_sign_in(catalogue, PASSWORD) is None
    assert try_to_sign_in(catalogue, PASSWORD, NOW + LOCKED_FOR + timedelta(seconds=1)) == "mai"


@pytest.mark.slow
def test_nine_failures_and_a_success_start_counting_again(catalogue, mai):
    for _ in range(2):
        for _ in range(9):
            try_to_sign_in(catalogue, "wrong")
        assert try_to_sign_in(catalogue, PASSWORD) == "mai"


def test_a_deleted_user_neither_signs_in_nor_uses_tokens(catalogue, mai):
    with catalogue.store.write() as session:
        session.query(User).filter_by(name="mai").one().state = "deleted"
    assert try_to_sign_in(catalogue, PASSWORD) is None
    with catalogue.store.read() as session:
        assert find_token(session, mai["token"], NOW) is None


def test_tokens_are_stored_as_a_hash_and_end(catalogue, mai):
    made = catalogue.call("api_token_create", {"user": "mai", "name": "x", "expires_in": 1, "unit": 3600}, user="boss")
    assert made["token"].startswith("phusa_")
    with catalogue.store.read() as session:
        assert made["token"] not in {row.token_sha256 for row in session.query(ApiToken)}
        assert find_token(session, made["token"], NOW).user.name == "mai"
        assert find_token(session, made["token"], NOW + timedelta(hours=2)) is None
    with pytest.raises(ValidationError):
        catalogue.call("api_token_create", {"user": "mai", "name": "x", "expires_in": "never"}, user="boss")


def test_a_new_user_needs_a_name_an_address_and_a_password(catalogue, mai):
    with pytest.raises(ValidationError) as refused:
        catalogue.call("user_create", {"name": "mai", "email": "mai@example.vn", "password": "short"}, user="boss")
    assert set(refused.value.error_dict) == {"name", "email", "password"}
    with pytest.raises(ValidationError) as refused:
        catalogue.call("user_create", {}, user="boss")
    assert set(refused.value.error_dict) == {"name", "email", "password"}


def test_users_are_shown_with_the_keys_that_clients_read(catalogue, mai):
    assert {
        *(
            "id",
            "name",
            "fullname",
            "display_name",
            "created",
            "about",
            "last_active",
            "sysadmin",
            "state",
            "image_url",
        ),
        *("image_display_url", "email_hash", "number_created_packages", "activity_streams_email_notifications"),
    } <= set(catalogue.call("user_show", {"id": "mai"}, user="lan"))
    assert catalogue.call("user_list", {"all_fields": "false", "q": "ma"}, user="lan") == ["mai"]
    assert catalogue.call("user_autocomplete", {"q": "mai"}, user="lan")[0]["fullname"] == "Mai"


def test_a_password_is_the_same_however_the_keyboard_writes_its_accents(catalogue, mai):
    composed, decomposed = unicodedata.normalize("NFC", "Nguyễn Huệ 1"), unicodedata.normalize("NFD", "Nguyễn Huệ 1")
    assert composed != decomposed
    catalogue.call("user_patch", {"id": "mai", "password": decomposed}, user="boss")
    assert try_to_sign_in(catalogue, composed) == "mai"


def test_passwords_are_hashed_at_a_price(catalogue, mai, dear_passwords, monkeypatch):
    monkeypatch.setattr(passwords, "_HASHER", dear_passwords)
    catalogue.call("user_patch", {"id": "mai", "password": "đắt tiền lắm"}, user="boss")
    with catalogue.store.read() as session:
        stored = session.query(User).filter_by(name="mai").one().password_hash
    parameters = argon2.extract_parameters(stored)
    assert parameters.type is argon2.Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2


@pytest.mark.slow
def test_guesses_at_the_same_moment_are_all_counted(catalogue, mai):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: try_to_sign_in(catalogue, "wrong"), range(10))) == {None}
    assert try_to_sign_in(catalogue, PASSWORD) is None
