"""Runs a WSGI application, which is Flask, in threads behind an ASGI server.

An answer whose length is known and small crosses between the threads once, with all of its parts; that crossing is most of
what a bridge costs. Longer and streamed answers go out piece by piece, as fast as the reader takes them, and stop when the
reader has gone.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PIECE_BYTES = 256 * 1024  # so much of an answer of known length is held before it is sent

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
StartResponse = Callable[..., Callable[[bytes], None]]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class WsgiBridge:
    """An ASGI application that answers HTTP requests with a WSGI application, in this many threads."""

    def __init__(self, app: WsgiApp, *, threads: int) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="wsgi")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        loop = asyncio.get_running_loop()
        first = await receive()
        if first["type"] != "http.request":
            return
        exchange = _Exchange(loop, receive, send, has_more=first.get("more_body", False))
        body = io.BufferedReader(_Body(exchange, first.get("body", b""))) if exchange.has_more else None
        environ = _environ(scope, body or io.BytesIO(first.get("body", b"")))
        try:
            rest = await loop.run_in_executor(self._threads, exchange.run, self._app, environ)
        except _GoneError:  # nobody is left to tell
            return
        finally:
            exchange.stop_watching()
        for message in rest:
            await send(message)


class _GoneError(ConnectionError):
    """The client of the request closed its connection."""


class _Exchange:
    """One request and its answer; `run` and what it calls happen in a thread, the rest in the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive, send: Send, *, has_more: bool) -> None:
        self._loop, self._receive, self._send = loop, receive, send
        self.has_more = has_more
        self._head: Message | None = None
        self._is_sent = False
        self._is_gone = False
        self._watcher: asyncio.Task[None] | None = None

    def run(self, app: WsgiApp, environ: dict[str, Any]) -> list[Message]:
        """Call the application; return what is still to be sent of its answer."""
        chunks = app(environ, self._start)
        held: list[bytes] = []
        size = 0
        try:
            for chunk in chunks:
                held.append(chunk)
                size += len(chunk)
                if size > PIECE_BYTES or (chunk and not self._has_length()):
                    self._send_now(b"".join(held))
                    held, size = [], 0
        finally:
            close: Callable[[], None] = getattr(chunks, "close", lambda: None)
            close()
        return self._messages(b"".join(held), more=False)

    def next_of_body(self) -> bytes:
        """Wait for the next piece of the request's body; empty at its end.

        Raises:
            ConnectionError: the client has gone before the end.
        """
        while self.has_more:
            message = asyncio.run_coroutine_threadsafe(_await(self._receive()), self._loop).result()
            if message["type"] == "http.disconnect":
                raise _GoneError("The client has gone")
            self.has_more = message.get("more_body", False)
            if piece := message.get("body", b""):
                return bytes(piece)
        return b""

    def stop_watching(self) -> None:
        """Let go of what waits for the client to go."""
        if self._watcher is not None:
            self._watcher.cancel()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if self._is_sent and exc_info is not None:
            raise exc_info[1].with_traceback(exc_info[2])
        lowered = [(name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in headers]
        fields = [(name, value) for name, value in lowered if name != b"date"]  # the server writes that one
        self._head = {"type": "http.response.start", "status": int(status[:3]), "headers": fields}
        return self._send_now

    def _has_length(self) -> bool:
        return self._head is not None and any(name == b"content-length" for name, _ in self._head["headers"])

    def _messages(self, body: bytes, *, more: bool) -> list[Message]:
        head: list[Message] = []
        if not self._is_sent:
            assert self._head is not None  # noqa: S101  WSGI: start_response comes before the first chunk
            head, self._is_sent = [self._head], True
        return [*head, {"type": "http.response.body", "body": body, "more_body": more}]

    def _send_now(self, body: bytes) -> None:
        asyncio.run_coroutine_threadsafe(self._send_all(self._messages(body, more=True)), self._loop).result()
        if self._is_gone:
            raise _GoneError("The client has gone")

    async def _send_all(self, messages: list[Message]) -> None:
        if self._watcher is None and not self.has_more:
            self._watcher = asyncio.ensure_future(self._watch())
        for message in messages:
            await self._send(message)

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True


class _Body(io.RawIOBase):
    """A request's body that is still arriving."""

    def __init__(self, exchange: _Exchange, first: bytes) -> None:
        self._exchange = exchange
        self._left = memoryview(first)

    def readable(self) -> bool:
        """Tell that bytes can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next; 0 at the end."""
        if not self._left:
            self._left = memoryview(self._exchange.next_of_body())
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


async def _await(awaitable: Awaitable[Message]) -> Message:
    return await awaitable


def _environ(scope: Scope, body: Any) -> dict[str, Any]:
    """Return PEP 3333's dictionary for the request."""
    host, port = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.input_terminated": True,  # the server ends the body, also one sent in chunks
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if client := scope.get("client"):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
    for name, value in scope["headers"]:
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in {"CONTENT_LENGTH", "CONTENT_TYPE"}:
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ
