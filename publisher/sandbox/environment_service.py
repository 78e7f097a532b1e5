"""System (b): the environment service, a real HTTP server with token, paging, rate limit and bad moments.

`GET /api/v1/readings?page=1&size=500` and `GET /api/v1/stations` answer `{"total", "page", "size", "items"}`. Every 17th
request with a good token is told to wait (429 with Retry-After), every 29th fails (500): by count, so that tests know when.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LARGEST_PAGE = 5_000
Slice = Callable[[int, int], Iterable[dict[str, Any]]]


@dataclass(frozen=True)
class Listing:
    """What one address lists: how many rows there are, and a slice of them."""

    total: Callable[[], int]
    rows: Slice


@dataclass(frozen=True)
class Temper:
    """How often the service is in a bad mood; 0 is never."""

    limit_every: int = 17
    fail_every: int = 29
    retry_after_seconds: int = 1


@dataclass(frozen=True)
class _Answer:
    status: HTTPStatus
    body: dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()


class EnvironmentService:
    """Runs the service in a thread on a loopback port."""

    def __init__(
        self, listings: dict[str, Listing], *, token: str, port: int = 0, temper: Temper | None = None
    ) -> None:
        self.port = port
        self._listings = listings
        self._token = token
        self._temper = temper or Temper()
        self._lock = threading.Lock()
        self._requests = 0
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def url(self, listing: str) -> str:
        """Return the address of a listing; true once the service has started."""
        return f"http://127.0.0.1:{self.port}/api/v1/{listing}"

    def start(self) -> None:
        """Listen; port 0 takes a free one and keeps it over later stops and starts."""
        if self._server is not None:
            return
        service = self

        class Handler(_Handler):
            answer = staticmethod(service.answer)

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="sandbox-environment", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; may be called twice."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server = self._thread = None

    def answer(self, path: str, authorization: str) -> _Answer:
        """Decide what a GET of the path gets."""
        address = urlsplit(path)
        listing = self._listings.get(address.path.removeprefix("/api/v1/"))
        if listing is None:
            return _Answer(HTTPStatus.NOT_FOUND, {"error": "no such address"})
        if not compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            return _Answer(
                HTTPStatus.UNAUTHORIZED, {"error": "token missing or wrong"}, (("WWW-Authenticate", "Bearer"),)
            )
        return self._bad_moment() or _page(listing, parse_qs(address.query))

    def _bad_moment(self) -> _Answer | None:
        with self._lock:
            self._requests += 1
            number = self._requests
        temper = self._temper
        if temper.limit_every and number % temper.limit_every == 0:
            wait = (("Retry-After", str(temper.retry_after_seconds)),)
            return _Answer(HTTPStatus.TOO_MANY_REQUESTS, {"error": "too many requests"}, wait)
        if temper.fail_every and number % temper.fail_every == 0:
            return _Answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "out of order for a moment"})
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing when a client hangs up; anything else is a fault of ours and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True
    answer: Callable[[str, str], _Answer]

    def do_GET(self) -> None:
        answer = self.answer(self.path, self.headers.get("Authorization", ""))
        body = json.dumps(answer.body, ensure_ascii=False).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that http.server gives
        """Say nothing: the demo's lines belong to the publisher."""


def _page(listing: Listing, query: dict[str, list[str]]) -> _Answer:
    try:
        page, size = (int(query.get(name, [usual])[0]) for name, usual in (("page", "1"), ("size", "500")))
    except ValueError:
        page = size = 0
    if page < 1 or not 1 <= size <= LARGEST_PAGE:
        return _Answer(HTTPStatus.BAD_REQUEST, {"error": f"page starts at 1, size is 1 to {LARGEST_PAGE}"})
    items = list(listing.rows((page - 1) * size, page * size))
    return _Answer(HTTPStatus.OK, {"total": listing.total(), "page": page, "size": size, "items": items})
