"""How we sign in with a service: headers or a query parameter, made from secrets; tokens are fetched and renewed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources.rest.addresses import Address
from publisher.sources.rest.spec import ApiKeyAuth, Auth, BasicAuth, BearerAuth, OAuth2Auth
from publisher.sources.rest.transport import Interrupted, Request, Transport

TOKEN_BYTES = 1_000_000
EARLY_SECONDS = 30.0
"""A token is renewed so long before it expires, for the clocks differ and a page takes its time."""


class SignIn:
    """Makes the private part of every request."""

    def __init__(self, auth: Auth | None, secrets: Secrets) -> None:
        self.headers: dict[str, str] = {}
        self.parameters: dict[str, str] = {}
        match auth:
            case BearerAuth():
                self.headers = {"Authorization": f"Bearer {secrets.resolve(auth.token)}"}
            case BasicAuth():
                self.headers = {"Authorization": basic(auth.user, secrets.resolve(auth.password))}
            case ApiKeyAuth():
                key = secrets.resolve(auth.key)
                self.headers = {} if auth.header is None else {auth.header: key}
                self.parameters = {} if auth.parameter is None else {auth.parameter: key}
            case _:
                pass

    def prepare(self) -> None:
        """Have valid credentials."""

    def renew(self) -> bool:
        """Throw away credentials that were refused; return whether there can be better ones."""
        return False


class OAuth2SignIn(SignIn):
    """A token for client credentials (RFC 6749, section 4.4), kept as long as it lives."""

    def __init__(
        self, auth: OAuth2Auth, secrets: Secrets, *, address: Address, transport: Transport, clock: Callable[[], float]
    ) -> None:
        super().__init__(None, secrets)
        self._auth = auth
        self._secret = secrets.resolve(auth.client_secret)
        self._address = address
        self._transport = transport
        self._clock = clock
        self._expires = 0.0

    def prepare(self) -> None:
        """Fetch a token when there is none, or when it is about to expire.

        Raises:
            Interrupted: the token endpoint does not answer now.
            SourceError: it refuses, or sends no bearer token.
        """
        if self.headers and self._clock() < self._expires:
            return
        token, lifetime = self._fetch()
        self.headers = {"Authorization": f"Bearer {token}"}
        self._expires = self._clock() + max(0.0, lifetime - EARLY_SECONDS)

    def renew(self) -> bool:
        """Forget the token."""
        self.headers = {}
        return True

    def _fetch(self) -> tuple[str, float]:
        auth = self._auth
        form = {"grant_type": "client_credentials", **({"scope": auth.scope} if auth.scope else {})}
        private = {}
        if auth.client_authentication == "basic":
            private["Authorization"] = basic(quote(auth.client_id, safe=""), quote(self._secret, safe=""))
        else:
            form |= {"client_id": auth.client_id, "client_secret": self._secret}
        request = Request(self._address.url, {"Accept": "application/json"}, private, form)
        response = self._transport.send(request, self._limit())
        with response.body:
            if response.status == 429 or response.status >= 500:
                raise Interrupted
            if response.status != 200:
                raise self._error(
                    f"refused us ({response.status})", "renew client_id and client_secret, or correct `scope`"
                )
            try:
                answer = json.load(response.body)
                token, kind = answer["access_token"], answer["token_type"]
                lifetime = float(answer.get("expires_in", 3600))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                token, kind, lifetime = "", "", 0.0
        if not isinstance(token, str) or not token.isprintable() or not token or str(kind).lower() != "bearer":
            raise self._error("sent no bearer token", "see that this is the address of the token endpoint")
        return token, lifetime

    def _limit(self) -> Callable[[int], None]:
        left = TOKEN_BYTES

        def count(size: int) -> None:
            nonlocal left
            left -= size
            if left < 0:
                raise self._error("sent far more than a token", "see that this is the address of the token endpoint")

        return count

    def _error(self, happened: str, cure: str) -> SourceError:
        return SourceError(f"The token endpoint {self._address.label} {happened}.", cure=cure)


def basic(user: str, password: str) -> str:
    """Return the header's value of HTTP Basic."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
