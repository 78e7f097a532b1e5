"""Asking a service politely: sign-in, rate, patience, and an end to both patience and size."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets
from publisher.sources.spec import ApiKeyAuth, Auth, BearerAuth, RestSource

LONGEST_WAIT_SECONDS = 120.0
FIRST_WAIT_SECONDS = 0.5
CHUNK_BYTES = 262_144

CURES = {
    401: ("refused the sign-in (401)", "renew the secret named in `auth`"),
    403: ("forbids this account to read (403)", "have the agency grant access, or correct `auth`"),
    404: ("knows no such address (404)", "correct the address"),
    429: ("still asks for patience (429)", "lower requests_per_second, or ask the agency for a higher limit"),
}


@dataclass(frozen=True)
class Answer:
    """The body of a good answer and the address of the next page, when a `Link` header names one."""

    body: bytes
    next_url: str | None


class NoSuchPage(SourceError):  # noqa: N818  the end of a walk as often as an error
    """The service answered 404; beyond the last page some do."""


class Later(Exception):  # noqa: N818  no error yet, a request to try again
    """The service could not answer now."""

    def __init__(self, happened: str, cure: str, wait_seconds: float | None = None) -> None:
        super().__init__(happened)
        self.happened = happened
        self.cure = cure
        self.wait_seconds = wait_seconds


class RestClient:
    """One session with one service.

    Args:
        spec: the service and its limits.
        secrets: resolves the address and the sign-in.
        sleep: waits for so many seconds.
        clock: seconds that only ever grow.
    """

    def __init__(
        self,
        spec: RestSource,
        secrets: Secrets,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._url = _checked_address(secrets.resolve(spec.url), spec)
        self._session = requests.Session()
        self._session.auth = _HeaderAuth(spec.auth, secrets)
        self._sleep = sleep
        self._clock = clock
        self._next_request = 0.0
        self._bytes_left = spec.max_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def get(self, url: str, parameters: dict[str, str]) -> Answer:
        """Ask for a page; the empty address is the source's own.

        Raises:
            SourceError: the service refuses, keeps failing, or has sent more than `max_bytes` in all.
        """
        address, asked = (url, {}) if url else (self._url, {**self._spec.parameters, **parameters})
        for attempt in range(self._spec.retries + 1):
            self._keep_to_the_rate()
            try:
                return self._try(address, asked)
            except Later as later:
                if attempt == self._spec.retries:
                    raise self._error(f"{later.happened}, asked {attempt + 1} times", later.cure) from None
                self._sleep(min(_or(later.wait_seconds, FIRST_WAIT_SECONDS * 2**attempt), LONGEST_WAIT_SECONDS))
        raise AssertionError("the last attempt returns or raises")

    def _keep_to_the_rate(self) -> None:
        now = self._clock()
        if now < self._next_request:
            self._sleep(self._next_request - now)
        self._next_request = max(now, self._next_request) + 1 / self._spec.requests_per_second

    def _try(self, address: str, parameters: dict[str, str]) -> Answer:
        try:
            # Redirects are not followed: they could carry the key to another host.
            with self._session.get(
                address, params=parameters, timeout=self._spec.timeout_seconds, stream=True, allow_redirects=False
            ) as response:
                self._judge(response)
                return Answer(self._body(response), self._next_url(response))
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, HTTPError):
            raise Later("does not answer, or breaks off", "see that it runs and can be reached from here") from None
        except requests.RequestException as error:
            raise self._error(f"cannot be asked ({type(error).__name__})", "correct the address") from None

    def _judge(self, response: requests.Response) -> None:
        status = response.status_code
        happened, cure = CURES.get(status, (f"answered {status}", "ask the agency what that means"))
        if status == requests.codes.too_many_requests or status >= requests.codes.internal_server_error:
            raise Later(happened, cure, _retry_after(response.headers.get("Retry-After"), datetime.now(UTC)))
        if 300 <= status < 400:
            raise self._error(f"redirects elsewhere ({status})", "give the final address in the source")
        if status != requests.codes.ok:
            error = self._error(happened, cure)
            raise NoSuchPage(error.message, cure=cure) if status == requests.codes.not_found else error

    def _body(self, response: requests.Response) -> bytes:
        parts = []
        for part in response.iter_content(CHUNK_BYTES):
            self._bytes_left -= len(part)
            if self._bytes_left < 0:
                raise self._error("sent more than max_bytes", "raise max_bytes if that much is right, or ask for less")
            parts.append(part)
        return b"".join(parts)

    def _next_url(self, response: requests.Response) -> str | None:
        link = response.links.get("next", {}).get("url")
        if link is None:
            return None
        url = urljoin(response.url, link)
        if urlsplit(url)[:2] != urlsplit(self._url)[:2]:
            raise self._error("links its next page to another host", "the key must not go there; ask the agency")
        return url

    def _error(self, happened: str, cure: str) -> SourceError:
        return SourceError(f"The service behind {self._spec.url} {happened}.", cure=cure)


class _HeaderAuth(AuthBase):
    """Puts the sign-in into a header; being an auth object, it also keeps requests from looking into ~/.netrc."""

    def __init__(self, auth: Auth | None, secrets: Secrets) -> None:
        self._headers = _auth_headers(auth, secrets)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def _auth_headers(auth: Auth | None, secrets: Secrets) -> dict[str, str]:
    if auth is None:
        return {}
    if isinstance(auth, BearerAuth):
        return {"Authorization": f"Bearer {secrets.resolve(auth.token)}"}
    if isinstance(auth, ApiKeyAuth):
        return {auth.header: secrets.resolve(auth.key)}
    pair = f"{auth.user}:{secrets.resolve(auth.password)}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _checked_address(url: str, spec: RestSource) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise DescriptorError(f"What {spec.url} names is no web address.", cure="write it as https://host/path")
    return url


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds the service asks us to wait, given as a number or a date; null when it does not say."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
