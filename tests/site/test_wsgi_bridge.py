"""The bridge between the ASGI server and Flask: bodies of every kind in both directions, and readers who go away."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import uvicorn

from cityportal.wsgi_bridge import PIECE_BYTES, StartResponse, WsgiBridge

BIG = 3 * PIECE_BYTES + 7


class Endless:
    """An answer without an end, which notes that it was closed."""

    def __init__(self) -> None:
        self.is_closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    def close(self) -> None:
        self.is_closed.set()


class Peer:
    """The WSGI application behind the bridge."""

    def __init__(self) -> None:
        self.endless = Endless()

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        answer: Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
        answer = getattr(self, environ["PATH_INFO"].strip("/"))
        return answer(environ, start)

    def echo(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        start("200 OK", [("Content-Length", str(len(body))), ("X-Query", environ["QUERY_STRING"])])
        return [body]

    def count(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        size = sum(len(line) for line in environ["wsgi.input"])
        start("200 OK", [])
        return [str(size).encode()]

    def big(self, _environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", str(BIG))])
        return (b"a" * 1000 if left >= 1000 else b"a" * left for left in range(BIG, 0, -1000))

    def pieces(self, _environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        start("201 Created", [("X-Word", "phù".encode().decode("latin-1"))])
        yield b""
        yield b"first "
        yield b"second"

    def dated(self, _environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        start("200 OK", [("Date", "Thu, 01 Jan 1970 00:00:00 GMT")])
        return []

    def nothing(self, _environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        start("204 No Content", [])
        return []

    def wrong(self, _environ: dict[str, Any], _start: StartResponse) -> Iterable[bytes]:
        raise ZeroDivisionError

    def forever(self, _environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        start("200 OK", [])
        return self.endless


@pytest.fixture(scope="module")
def peer() -> Peer:
    return Peer()


@pytest.fixture(scope="module")
def port(peer: Peer) -> Iterator[int]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(WsgiBridge(peer, threads=2), log_config=None, access_log=False, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def ask(port: int) -> Iterator[Callable[..., tuple[int, dict[str, str], bytes]]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def send(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection.request(method, path, body, headers, encode_chunked=body is not None and not isinstance(body, bytes))
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    yield send
    connection.close()


def test_a_small_body_comes_back(ask):
    status, headers, body = ask("POST", "/echo?a=b%20c&d", b"\x00\xff")
    assert (status, headers["x-query"], body) == (200, "a=b%20c&d", b"\x00\xff")
    assert ask("GET", "/echo")[2] == b""


def test_a_large_body_comes_back(ask):
    body = bytes(range(256)) * 20_000
    assert ask("POST", "/echo", body)[2] == body


def test_a_body_in_chunks_is_read_to_its_end(ask):
    chunks = [b"line\n" * 1000, b"x" * 100_000, b"end"]
    status, _, body = ask("POST", "/count", iter(chunks), **{"Transfer-Encoding": "chunked"})
    assert (status, body) == (200, str(sum(map(len, chunks))).encode())


def test_a_long_answer_of_known_length_is_whole(ask):
    status, headers, body = ask("GET", "/big")
    assert (status, headers["content-length"], len(body)) == (200, str(BIG), BIG)


def test_an_answer_in_pieces_is_whole_and_keeps_its_head(ask):
    status, headers, body = ask("GET", "/pieces")
    assert (status, headers["x-word"].encode("latin-1").decode(), body) == (201, "phù", b"first second")
    assert ask("HEAD", "/pieces")[2] == b""


def test_an_answer_is_dated_once(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/dated")
    (date,) = connection.getresponse().headers.get_all("Date")
    connection.close()
    assert "1970" not in date


def test_an_answer_without_a_body(ask):
    assert ask("GET", "/nothing")[::2] == (204, b"")


def test_a_fault_is_a_500_and_the_next_request_is_answered(ask):
    assert ask("GET", "/wrong")[0] == 500
    assert ask("GET", "/nothing")[0] == 204


def test_an_answer_stops_when_its_reader_has_gone(peer, port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET /forever HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert peer.endless.is_closed.wait(20)


@pytest.mark.parametrize("target", [b"/echo?q=xe bu\xc3\xbdt", b"/echo?q=\xff", b"/\xff", b"/echo?q=%ff%fe"])
def test_odd_bytes_in_an_address_do_no_harm(ask, port, target):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        connection.recv(1000)
    assert ask("GET", "/nothing")[0] == 204
