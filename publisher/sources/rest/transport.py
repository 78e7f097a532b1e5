"""One request over a guarded connection: redirects judged, bodies unpacked and bounded, spooled to disk when they are long."""

from __future__ import annotations

import os
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlencode, urljoin, urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, SSLError

from publisher.errors import SourceError
from publisher.sources.rest.addresses import Guard, origin

CHUNK_BYTES = 262_144
IN_MEMORY_BYTES = 8_000_000
MOST_REDIRECTS = 5
LONGEST_ANSWER_SECONDS = 3600.0
"""However slowly a service drips, nobody waits longer for one answer."""
REDIRECTS = {301, 302, 303, 307, 308}


class Interrupted(Exception):  # noqa: N818  no error yet, a request to try again
    """The connection failed, or broke off within the answer."""


@dataclass(frozen=True)
class Response:
    """An answer whose body lies in a file, at its beginning."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: IO[bytes]


@dataclass(frozen=True)
class Request:
    """What is asked; private headers carry a sign-in and go to no other origin."""

    url: str
    headers: dict[str, str]
    private_headers: dict[str, str]
    form: dict[str, str] | None = None


class Transport:
    """Connections to the hosts that the guard lets through; proxies and `.netrc` of the environment are not used."""

    def __init__(self, guard: Guard, *, label: str, timeout_seconds: float, clock: Callable[[], float]) -> None:
        self._pools = _guarded_pools(guard)
        self._label = label
        self._timeout = urllib3.Timeout(connect=timeout_seconds, read=timeout_seconds)
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pools.clear()

    def send(self, request: Request, count: Callable[[int], None]) -> Response:
        """Send a request, following redirects of a GET; `count` hears of every piece of the unpacked body.

        Raises:
            Interrupted: the connection failed; another attempt may succeed.
            SourceError: the address may not be asked, or redirects never end.
        """
        for _ in range(MOST_REDIRECTS + 1):
            response = self._send_once(request, count)
            location = response.headers.get("location")
            if response.status not in REDIRECTS or location is None or request.form is not None:
                return response
            response.body.close()
            request = self._redirected(request, urljoin(request.url, location))
        raise self._error("redirects without end", "give the final address in the source")

    def _redirected(self, request: Request, url: str) -> Request:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise self._error("redirects to something that is no web address", "give the final address in the source")
        if request.url.startswith("https:") and parts.scheme == "http":
            raise self._error("redirects from https to http", "give the final address in the source")
        stays = origin(url) == origin(request.url)
        return Request(url, request.headers, request.private_headers if stays else {})

    def _send_once(self, request: Request, count: Callable[[int], None]) -> Response:
        try:
            answer = self._pools.request(
                "GET" if request.form is None else "POST",
                request.url,
                headers=_headers(request),
                body=None if request.form is None else urlencode(request.form),
                redirect=False,
                retries=False,
                timeout=self._timeout,
                preload_content=False,
                decode_content=False,
            )
        except SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                raise Interrupted from None
            raise self._error(
                "shows a certificate that nobody here vouches for",
                "have the agency renew it; add a government's own authority to this machine's, or name it in SSL_CERT_FILE",
            ) from None
        except (HTTPError, OSError, UnicodeError):
            raise Interrupted from None
        body = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  handed on
        try:
            deadline = self._clock() + LONGEST_ANSWER_SECONDS
            for part in unpacked(answer.stream(CHUNK_BYTES, decode_content=False), answer.headers):
                count(len(part))
                body.write(part)
                if self._clock() > deadline:
                    raise self._error("needs hours for one answer", "ask for smaller pages")
            answer.release_conn()
        except (HTTPError, OSError, zlib.error, EOFError):
            body.close()
            answer.close()
            raise Interrupted from None
        except SourceError:
            body.close()
            answer.close()
            raise
        body.seek(0)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, request.url, headers, body)

    def _error(self, happened: str, cure: str) -> SourceError:
        return SourceError(f"{self._label} {happened}.", cure=cure)


def unpacked(chunks: Iterator[bytes], headers: Mapping[str, str]) -> Iterator[bytes]:
    """Yield a body without its compression, in pieces of bounded size, whatever a chunk would swell to.

    Raises:
        EOFError: the compressed body breaks off.
        zlib.error: it is broken.
    """
    if not (headers.get("Content-Encoding") or "").strip().lower().endswith(("gzip", "deflate")):
        yield from chunks
        return
    engine = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip and zlib tell themselves apart
    for chunk in chunks:
        data = chunk
        while data:
            if engine.eof:  # one member of gzip may follow another
                engine = zlib.decompressobj(zlib.MAX_WBITS | 32)
            yield engine.decompress(data, CHUNK_BYTES)
            data = engine.unused_data if engine.eof else engine.unconsumed_tail
    while piece := engine.decompress(engine.unconsumed_tail, CHUNK_BYTES):
        yield piece
    if not engine.eof:
        raise EOFError


def _headers(request: Request) -> dict[str, str]:
    form = {} if request.form is None else {"Content-Type": "application/x-www-form-urlencoded"}
    return {"Accept-Encoding": "gzip", **form, **request.headers, **request.private_headers}


def _guarded_pools(guard: Guard) -> urllib3.PoolManager:
    class GuardedConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self._dns_host, self.port, _seconds(self.timeout))

    class GuardedSecureConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self._dns_host, self.port, _seconds(self.timeout))

    class Pool(HTTPConnectionPool):
        ConnectionCls = GuardedConnection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = GuardedSecureConnection

    pools = urllib3.PoolManager(
        ssl_context=_authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    )
    pools.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
    return pools


@cache
def _authorities(file: str | None, folder: str | None) -> ssl.SSLContext:  # noqa: ARG001  OpenSSL reads both itself
    """Return whom this process trusts, read once: it takes longer than a small answer."""
    context = ssl.create_default_context()  # the machine's authorities, among them a government's own
    context.load_verify_locations(certifi.where())
    return context


def _seconds(timeout: object) -> float | None:
    return float(timeout) if isinstance(timeout, int | float) else None
