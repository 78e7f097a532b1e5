"""Asking a service politely: sign-in, rate, patience, and an end to both patience and size."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import IO, Self
from urllib.parse import unquote_plus, urlencode, urljoin, urlsplit, urlunsplit

from requests.utils import parse_header_links

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources.rest.addresses import Guard, origin, resolve_address
from publisher.sources.rest.sign_in import OAuth2SignIn, SignIn
from publisher.sources.rest.spec import OAuth2Auth, RestSource
from publisher.sources.rest.transport import Interrupted, Request, Response, Transport

LONGEST_WAIT_SECONDS = 120.0
FIRST_WAIT_SECONDS = 0.5
SETTLED = timedelta(seconds=60)
"""A `Last-Modified` younger than this may hide a second change within its second (RFC 9110, 8.8.2.2)."""

CURES = {
    401: ("refused the sign-in (401)", "renew the secret named in `auth`"),
    403: ("forbids this account to read (403)", "have the agency grant access, or correct `auth`"),
    404: ("knows no such address (404)", "correct the address"),
    429: ("still asks for patience (429)", "lower requests_per_second, or ask the agency for a higher limit"),
}
FOR_A_WHILE = {408, 425, 429}
"""Besides 5xx, what another attempt may mend."""


@dataclass(frozen=True)
class Answer:
    """A good answer.

    Attributes:
        body: a file at its beginning; null when the service says that nothing changed.
        url: where it came from in the end.
        next_url: the address of the next page, when a `Link` header names one.
        validators: `etag` or `last_modified`, by which the service can be asked for a change; empty without.
    """

    body: IO[bytes] | None
    url: str
    next_url: str | None
    validators: dict[str, str]


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
        allowed_hosts: hosts and networks inside that a written-out address may lead to.
        sleep: waits for so many seconds.
        clock: seconds that only ever grow.
        jitter: a random share, so that many clients do not come back at the same moment.

    Raises:
        DescriptorError: an address is none.
    """

    def __init__(
        self,
        spec: RestSource,
        secrets: Secrets,
        *,
        allowed_hosts: tuple[str, ...] = (),
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spec = spec
        self._address = resolve_address(spec.url, secrets)
        self.label = f"The service behind {self._address.label}"
        self._opened = ExitStack()
        self._sign_in = self._signing_in(secrets, allowed_hosts, clock)
        guard = Guard(allowed=allowed_hosts, trusted=[self._address.host] * self._address.is_trusted, label=self.label)
        self._transport = self._opened.enter_context(
            Transport(guard, label=self.label, timeout_seconds=spec.timeout_seconds, clock=clock)
        )
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter
        self._next_request = 0.0
        self._bytes_left = spec.max_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def get(self, url: str, parameters: dict[str, str], validators: dict[str, str] | None = None) -> Answer:
        """Ask for a page; the empty address is the source's own. With validators, only for what changed since.

        Raises:
            SourceError: the service refuses, keeps failing, or has sent more than `max_bytes` in all.
        """
        address = url or _with_parameters(self._address.url, {**self._spec.parameters, **parameters})
        may_renew = True
        attempt = 0
        while True:
            self._keep_to_the_rate()
            try:
                response = self._send(address, validators or {})
                if response.status == 401 and may_renew and self._sign_in.renew():
                    may_renew = False
                    response.body.close()
                    continue
                return self._judged(response, asked_for_changes=bool(validators))
            except Later as later:
                if attempt == self._spec.retries:
                    raise self._error(f"{later.happened}, asked {attempt + 1} times", later.cure) from None
                grown = FIRST_WAIT_SECONDS * 2**attempt * (1 + self._jitter() / 2)
                self._sleep(min(grown if later.wait_seconds is None else later.wait_seconds, LONGEST_WAIT_SECONDS))
                attempt += 1

    def checked_next(self, url: str, link: str) -> str:
        """Return the address of the next page that an answer of this service names.

        Raises:
            SourceError: it lies on another host, where the key must not go.
        """
        following = urljoin(url, link)
        if origin(following) != origin(self._address.url):
            raise self._error("links its next page to another host", "the key must not go there; ask the agency")
        return following

    def _signing_in(self, secrets: Secrets, allowed: tuple[str, ...], clock: Callable[[], float]) -> SignIn:
        auth = self._spec.auth
        if not isinstance(auth, OAuth2Auth):
            return SignIn(auth, secrets)
        address = resolve_address(auth.token_url, secrets)
        label = f"The token endpoint {address.label}"
        guard = Guard(allowed=allowed, trusted=[address.host] * address.is_trusted, label=label)
        transport = Transport(guard, label=label, timeout_seconds=self._spec.timeout_seconds, clock=clock)
        return OAuth2SignIn(
            auth, secrets, address=address, transport=self._opened.enter_context(transport), clock=clock
        )

    def _keep_to_the_rate(self) -> None:
        now = self._clock()
        if now < self._next_request:
            self._sleep(self._next_request - now)
        self._next_request = max(now, self._next_request) + 1 / self._spec.requests_per_second

    def _send(self, address: str, validators: dict[str, str]) -> Response:
        conditions = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
        headers = {"User-Agent": "phusa", "Accept": "*/*"}
        headers |= {conditions[name]: value for name, value in validators.items()}
        try:
            self._sign_in.prepare()
            url = _with_parameters(address, self._sign_in.parameters)
            return self._transport.send(Request(url, headers, self._sign_in.headers), self._limit())
        except Interrupted:
            raise Later("does not answer, or breaks off", "see that it runs and can be reached from here") from None

    def _limit(self) -> Callable[[int], None]:
        left = self._spec.max_answer_bytes

        def count(size: int) -> None:
            nonlocal left
            left -= size
            self._bytes_left -= size
            if left < 0:
                raise self._error(
                    "sent more than max_answer_bytes at once", "ask for smaller pages, or raise it if that is right"
                )
            if self._bytes_left < 0:
                raise self._error("sent more than max_bytes", "raise max_bytes if that much is right, or ask for less")

        return count

    def _judged(self, response: Response, *, asked_for_changes: bool) -> Answer:
        status = response.status
        if status == 200 or (status == 304 and asked_for_changes):
            try:
                next_url = self._next_url(response)
            except SourceError:
                response.body.close()
                raise
            if status == 200:
                return Answer(response.body, response.url, next_url, _validators(response))
            response.body.close()
            return Answer(None, response.url, next_url, {})
        response.body.close()
        happened, cure = CURES.get(status, (f"answered {status}", "ask the agency what that means"))
        if status in FOR_A_WHILE or status >= 500:
            raise Later(happened, cure, _retry_after(response.headers.get("retry-after"), datetime.now(UTC)))
        error = self._error(happened, cure)
        raise NoSuchPage(error.message, cure=cure) if status == 404 else error

    def _next_url(self, response: Response) -> str | None:
        links = parse_header_links(response.headers.get("link", ""))
        link = next((one["url"] for one in links if "next" in one.get("rel", "").split()), None)
        return None if link is None else self.checked_next(response.url, link)

    def _error(self, happened: str, cure: str) -> SourceError:
        return SourceError(f"{self.label} {happened}.", cure=cure)


def _with_parameters(url: str, parameters: dict[str, str]) -> str:
    """Return the address with these query parameters, which replace its own of the same name."""
    if not parameters:
        return url
    parts = urlsplit(url)
    own = [pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in parameters]
    return urlunsplit(parts._replace(query="&".join([*own, urlencode(parameters)])))


def _validators(response: Response) -> dict[str, str]:
    """Return by what the service can be asked for a change: its own mark, or else a time that is old enough."""
    if etag := response.headers.get("etag"):
        return {"etag": etag}
    modified, sent = response.headers.get("last-modified"), response.headers.get("date")
    try:
        if modified and sent and parsedate_to_datetime(sent) - parsedate_to_datetime(modified) >= SETTLED:
            return {"last_modified": modified}
    except (ValueError, TypeError):
        pass
    return {}


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
