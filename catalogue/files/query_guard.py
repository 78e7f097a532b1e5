"""A layer before Datasette: what the public may not ask, and CSV that is whole or refused.

Datasette ends a CSV that grows too large with a line of text and status 200, and cuts the CSV of a query silently. Here every
CSV is held back until it is complete; one that is not becomes a 413 with the address of the whole file.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote_plus

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_STREAMED_ROWS = 100_000
_OPEN_PAGES = re.compile(r"/-/(static/|static-plugins/|jump|settings|schema|$)")
_TABLE_CSV = re.compile(r"/([^/.]+)/([^/.]+)\.csv")
_QUERY_CSV = re.compile(r"/([^/.]+)(?:/-/query)?\.csv")
_WRITING = re.compile(r"/-/(create|insert|upsert|update|delete|drop|alter|execute-write|store|set-column-type)\b")
_CORS = [(b"access-control-allow-origin", b"*")]


@dataclass(frozen=True)
class QueryGuard:
    """The ASGI application around Datasette.

    Attributes:
        app: Datasette.
        base_url: Prefix of its addresses, such as `/query/`.
        site_url: Address of the portal, where whole files are.
        max_returned_rows: A query's answer with this many rows may have been cut.
        rows_of: Returns the rows of a table by database and table; null when unknown.
    """

    app: App
    base_url: str
    site_url: str
    max_returned_rows: int
    rows_of: Callable[[str, str], int | None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; lifespan messages pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = self._path(scope)
        refusal = self._refusal(str(scope["method"]), path, scope.get("query_string", b""))
        if refusal:
            await _answer(send, *refusal)
        elif path.endswith(".csv"):
            await self._csv(path, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _path(self, scope: Scope) -> str:
        path = str(scope["path"])
        prefix = self.base_url.rstrip("/")
        return path[len(prefix) :] if prefix and path.startswith(self.base_url) else path

    @staticmethod
    def _refusal(method: str, path: str, query_string: bytes) -> tuple[int, str] | None:
        """Return status and message for what the public may not ask, null when it may."""
        if method not in {"GET", "HEAD", "OPTIONS"}:
            return 405, "The data is read-only"
        if (path.startswith("/-/") and not _OPEN_PAGES.match(path)) or _WRITING.search(path):
            return 404, "There is no such page"
        if "database_list" in unquote_plus(query_string.decode("latin-1")).lower():
            return 403, "This pragma is not available"
        return None

    async def _csv(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        table = _TABLE_CSV.fullmatch(path)
        query = _QUERY_CSV.fullmatch(path)
        database = (table or query).group(1) if (table or query) else ""  # type: ignore[union-attr]  # tested beside
        if table:
            is_page = "_size" in asked or "_next" in asked
            rows = self.rows_of(table.group(1), table.group(2))
            if not is_page and not _narrows(asked) and rows is not None and rows > MAX_STREAMED_ROWS:
                await self._too_large(send, database, table.group(2))
                return
            if not is_page and "_stream" not in asked:
                joined = scope.get("query_string", b"") + (b"&" if scope.get("query_string") else b"") + b"_stream=1"
                scope = {**scope, "query_string": joined}
        held = _Held()
        await self.app(scope, receive, held.take)
        if held.status == 200 and not self._is_whole(held.body, is_query=table is None):
            await self._too_large(send, database, table.group(2) if table else "")
            return
        for message in held.messages:
            await send(message)

    def _is_whole(self, body: bytes, *, is_query: bool) -> bool:
        """Tell whether a CSV is complete: an error in its middle leaves a last line without an end."""
        if body and not body.endswith(b"\r\n"):
            return False
        return not is_query or _count_rows(body) < self.max_returned_rows

    async def _too_large(self, send: Send, database: str, table: str) -> None:
        file = f"{self.site_url}/latest/{database}/{table}.csv.gz" if table else f"{self.site_url}/dataset/{database}"
        await _answer(send, 413, f"This CSV would be incomplete; the whole file is at {file}", file=file)


class _Held:
    """Keeps an answer back until it is known to be whole; its size is bounded by Datasette's `max_csv_mb`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def take(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return next((int(m["status"]) for m in self.messages if m["type"] == "http.response.start"), 500)

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages if m["type"] == "http.response.body")


def _narrows(asked: MutableMapping[str, list[str]]) -> bool:
    """Tell whether parameters leave rows out; those with an underscore only shape the answer, `_where` and `_search` apart."""
    return any(not key.startswith("_") or key.startswith(("_where", "_search")) for key in asked)


def _count_rows(body: bytes) -> int:
    return sum(1 for _ in csv.reader(io.StringIO(body.decode("utf-8", "replace"), newline=""))) - 1


async def _answer(send: Send, status: int, message: str, **more: str) -> None:
    """Send an error in Datasette's own shape."""
    error = {"ok": False, "error": message, "errors": [message], "status": status, **more}
    body = json.dumps(error, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers + _CORS})
    await send({"type": "http.response.body", "body": body})
