"""Sign-in with an OpenID Connect provider: authorization code with PKCE, state and nonce; the ID token is checked here.

    begin()    -> where to send the browser, and what its session must remember
    finish()   -> who came back, or `OidcRefused`

What the provider says of itself (discovery) and its keys are kept for an hour; keys that changed are fetched again.
https://openid.net/specs/openid-connect-core-1_0.html sections 3.1.2.1, 3.1.3.3 and 3.1.3.7.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from catalogue.people.oidc_accounts import OidcPerson
from catalogue.settings import CatalogueSettings, OidcSection

SCOPE = "openid email profile"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")  # never `none`, never one whose key both sides know
LEEWAY_SECONDS = 60
TIMEOUT_SECONDS = 10
KEPT_FOR = timedelta(hours=1)


class OidcRefused(Exception):  # noqa: N818  what it says
    """The answer of the provider does not prove who came; the message is for the log and holds no value of it."""


class OidcUnavailable(OidcRefused):
    """The provider does not answer as one."""


class OidcCancelled(OidcRefused):
    """The person changed their mind at the provider."""


@dataclass(frozen=True)
class Attempt:
    """What the browser's session remembers between leaving for the provider and coming back."""

    state: str
    nonce: str
    verifier: str


class OidcProvider:
    """The provider of the settings, seen from one process."""

    def __init__(self, settings: CatalogueSettings) -> None:
        self.section = settings.oidc
        self.redirect_uri = f"{settings.site_url}/user/oidc/back"
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}
        self._known_until = datetime.min.replace(tzinfo=UTC)

    def begin(self, now: datetime) -> tuple[str, Attempt]:
        """Return the address that the browser must go to, and what to remember until it comes back.

        Raises:
            OidcUnavailable: the provider cannot be reached.
        """
        metadata, _ = self._provider(now)
        attempt = Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))
        with self._client(metadata) as client:
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return address, attempt

    def finish(self, attempt: Attempt, came_back_to: str, now: datetime) -> OidcPerson:
        """Return who came back.

        Args:
            attempt: what the session remembered; usable once.
            came_back_to: the full address that the browser was sent to, with its query.
            now: with zone; the ID token must be valid at this time, give or take a minute.

        Raises:
            OidcUnavailable: the provider cannot be reached.
            OidcRefused: state, issuer, code or ID token are not right.
        """
        query = parse_qs(urlsplit(came_back_to).query)
        given = {name: values[0] for name, values in query.items() if len(values) == 1}
        if not hmac.compare_digest(given.get("state", "").encode(), attempt.state.encode()):
            raise OidcRefused("the state is not the one of this browser")
        if given.get("iss", self.section.issuer) != self.section.issuer:
            raise OidcRefused("another issuer answered")
        if given.get("error") == "access_denied":
            raise OidcCancelled("cancelled")
        if "code" not in given:
            raise OidcRefused("the provider sent no code")
        metadata, _ = self._provider(now)
        token = self._redeem(metadata, given["code"], attempt)
        claims = self._claims(token, attempt.nonce, now)
        return person_from_claims(self._with_userinfo(metadata, claims, token), self.section)

    def _redeem(self, metadata: Mapping[str, Any], code: str, attempt: Attempt) -> dict[str, Any]:
        """Exchange the code for the tokens."""
        try:
            with self._client(metadata) as client:
                token = client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                )
        except AuthlibBaseError as error:
            raise OidcRefused("the provider does not take the code") from error
        except (requests.RequestException, ValueError) as error:
            raise OidcUnavailable("the token endpoint does not answer") from error
        if not isinstance(token, dict) or not isinstance(token.get("id_token"), str):
            raise OidcRefused("the provider sent no ID token")
        return dict(token)

    def _claims(self, token: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        for attempt in (1, 2):
            _, keys = self._provider(now, anew=attempt == 2)
            try:
                return claims_of_id_token(token, keys, self.section, nonce=nonce, now=now)
            except UnknownKey:
                if attempt == 2:
                    raise
        raise AssertionError

    def _with_userinfo(
        self, metadata: Mapping[str, Any], claims: dict[str, Any], token: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the claims, completed by those that the provider tells at its userinfo endpoint only."""
        endpoint = metadata.get("userinfo_endpoint")
        if "email" in claims or not endpoint or not token.get("access_token"):
            return claims
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        told = _get_json(endpoint, headers)
        if told.get("sub") != claims["sub"]:
            raise OidcRefused("the user information is about somebody else")
        return {**told, **claims}

    def _client(self, metadata: Mapping[str, Any]) -> OAuth2Session:
        ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        way = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        return OAuth2Session(
            self.section.client_id,
            self._secret or None,
            token_endpoint_auth_method=way if self._secret else "none",
            scope=SCOPE,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            default_timeout=TIMEOUT_SECONDS,
        )

    def _provider(self, now: datetime, *, anew: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what the provider says of itself, and its keys."""
        with self._lock:
            if anew or now >= self._known_until:
                metadata = _get_json(get_well_known_url(self.section.issuer, external=True))
                if metadata.get("issuer") != self.section.issuer:
                    raise OidcUnavailable("the provider names another issuer than the settings")
                self._metadata, self._keys = metadata, _get_json(metadata.get("jwks_uri", ""))
                self._known_until = now + KEPT_FOR
            return self._metadata, self._keys


class UnknownKey(OidcRefused):
    """The ID token is signed with a key that is not, or not yet, known."""


def claims_of_id_token(
    token: Mapping[str, Any], keys: Mapping[str, Any], section: OidcSection, *, nonce: str, now: datetime
) -> dict[str, Any]:
    """Return the claims of the ID token in a token answer after checking signature, issuer, audience, times and nonce.

    Raises:
        UnknownKey: none of the keys signed it.
        OidcRefused: it is not for us, not now, or not for this browser.
    """
    try:
        decoded = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise UnknownKey(f"the ID token is not signed by the provider ({type(error).__name__})") from error
    options = {
        "iss": {"essential": True, "value": section.issuer},
        "aud": {"essential": True, "value": section.client_id},
        "exp": {"essential": True},
        "nonce": {"essential": True, "value": nonce},
    }
    params = {"nonce": nonce, "client_id": section.client_id, "access_token": token.get("access_token")}
    claims = CodeIDToken(decoded.claims, decoded.header, options, params)
    try:
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        raise OidcRefused(f"the ID token does not hold ({type(error).__name__})") from error
    return dict(claims)


def person_from_claims(claims: Mapping[str, Any], section: OidcSection) -> OidcPerson:
    """Return the person of checked claims; an address that the provider has not verified counts as none.

    Raises:
        OidcRefused: the subject is no text.
    """
    subject, email = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not subject:
        raise OidcRefused("the ID token names nobody")
    verified = isinstance(email, str) and claims.get("email_verified") in (True, "true")
    return OidcPerson(
        issuer=section.issuer,
        subject=subject,
        email=str(email) if verified else None,
        fullname=_text(claims, "name"),
        username=_text(claims, "preferred_username"),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip()[:200] if isinstance(value, str) else ""


def _get_json(address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    try:
        answer = requests.get(address, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        told = answer.json() if answer.status_code == requests.codes.ok else None
    except (requests.RequestException, ValueError) as error:
        raise OidcUnavailable(f"the provider does not answer ({type(error).__name__})") from error
    if not isinstance(told, dict):
        raise OidcUnavailable(f"the provider answers {answer.status_code}")
    return told
