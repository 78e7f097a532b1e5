"""A real HTTP server in a thread; routes are plain functions from a request to a reply."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What the server says; a body that is no bytes is sent as JSON. `cut` bytes of the body are never sent."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


Route = Callable[[Request], Reply]


@dataclass
class HttpServer:
    """A running server: set `routes[path]`, look at `requests` afterwards."""

    url: str
    routes: dict[str, Route] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        route = self.routes.get(request.path)
        return route(request) if route else Reply({"error": "no such route"}, 404)


@contextmanager
def running_http(*, certificate: Path | None = None) -> Iterator[HttpServer]:
    """Serve on a free port of 127.0.0.1 until the end of the context; over TLS with a file of key and certificate."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.reply(
                server.answer(Request(self.command, parts.path, query, headers, self.rfile.read(size) if size else b""))
            )

        do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815

        def reply(self, reply: Reply) -> None:
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) - reply.cut])
            if reply.cut:
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Keep quiet; the tests look at `requests`."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # The handshake belongs into the thread of the connection; here it would stop all others.
        listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "http" if certificate is None else "https"
    server = HttpServer(f"{scheme}://127.0.0.1:{listener.server_address[1]}")
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    """Return a server of this test's own."""
    with running_http() as server:
        yield server
