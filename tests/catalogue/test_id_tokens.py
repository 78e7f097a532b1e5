"""What makes an ID token worth nothing; the tokens are really signed, as a provider would."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from pydantic import ValidationError

from catalogue.people.oidc import OidcRefused, UnknownKey, claims_of_id_token, person_from_claims
from catalogue.settings import OidcSection

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
ISSUER = "https://id.example"
SECTION = OidcSection(issuer=ISSUER, client_id="phusa")
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
CURVE = ECKey.generate_key("P-256", {"kid": "two"})
KEYS = KeySet([KEY, CURVE]).as_dict(private=False)
CLAIMS = {"iss": ISSUER, "sub": "hoa", "aud": "phusa", "iat": AT, "exp": AT + 300, "nonce": "a nonce"}


def signed(claims, key=KEY, algorithm="RS256"):
    return {"id_token": jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])}


def check(token, now=NOW):
    return claims_of_id_token(token, KEYS, SECTION, nonce="a nonce", now=now)


def test_a_good_token_tells_who_came():
    assert check(signed(CLAIMS))["sub"] == "hoa"
    assert check(signed(CLAIMS, CURVE, "ES256"))["sub"] == "hoa"
    assert check(signed({**CLAIMS, "aud": ["phusa"]}))["sub"] == "hoa"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"aud": "another-application"},
        {"aud": ["another-application"]},
        {"aud": ["phusa", "another-application"]},
        {"aud": ["phusa", "another-application"], "azp": "another-application"},
        {"azp": "another-application"},
        {"aud": None},
        {"exp": AT - 61},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": AT + 3600},
        {"iat": None},
        {"nbf": AT + 3600},
        {"nonce": "another nonce"},
        {"nonce": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_now_and_here_is_refused(changed):
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    with pytest.raises(OidcRefused):
        check(signed(claims))


def test_the_access_token_must_be_the_one_the_id_token_was_made_for():
    token = signed({**CLAIMS, "at_hash": "xAzTkB-XmKvDVBIrGnSxcw"})
    with pytest.raises(OidcRefused):
        check({**token, "access_token": "another"})


def test_signatures_by_others_are_refused():
    with pytest.raises(UnknownKey):
        check(signed(CLAIMS, OTHER))


def encoded(part):
    return (
        base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=").decode()
    )


def test_a_token_without_signature_is_refused():
    with pytest.raises(UnknownKey):
        check({"id_token": f"{encoded({'alg': 'none'})}.{encoded(CLAIMS)}."})


def test_the_public_key_is_no_shared_secret():
    signing_input = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(CLAIMS)}"
    signature = hmac.digest(KEY.as_pem(private=False), signing_input.encode(), "sha256")
    with pytest.raises(UnknownKey):
        check({"id_token": f"{signing_input}.{encoded(signature)}"})


@pytest.mark.parametrize("written", ["", "no token", "a.b.c", "..", "ở.ở.ở"])
def test_what_is_no_token_is_refused(written):
    with pytest.raises(UnknownKey):
        check({"id_token": written})


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "h@x.vn", "email_verified": True}, "h@x.vn"),
        ({"email": "h@x.vn", "email_verified": "true"}, "h@x.vn"),
        ({"email": "h@x.vn", "email_verified": False}, None),
        ({"email": "h@x.vn", "email_verified": "false"}, None),
        ({"email": "h@x.vn"}, None),
        ({"email": ["h@x.vn"], "email_verified": True}, None),
    ],
    ids=str,
)
def test_only_a_verified_address_is_an_address(claims, email):
    assert person_from_claims({"sub": "hoa", **claims}, SECTION).email == email


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": "http://id.example", "client_id": "x"},
        {"issuer": "https://id.example"},
        {"issuer": "id.example", "client_id": "x"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_trusted_are_refused(settings):
    with pytest.raises(ValidationError):
        OidcSection(**settings)
