"""Answers of the API over HTTP: JSON and JSONP, their headers, and telling a client that it has the answer already."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from flask import Response, request

JSON_TYPE = "application/json;charset=utf-8"
JSONP_TYPE = "application/javascript;charset=utf-8"
TOKEN_HEADERS = ("Authorization", "X-CKAN-API-Key")
MOST_REMEMBERED_LETTERS = 16_000_000  # per process, of questions and answers together
LONGEST_REMEMBERED_QUESTION = 10_000  # letters; nobody asks a longer one twice


def token_of_request() -> str:
    """Return the API token of the current request: raw, after `Bearer`, or in CKAN's old header; empty without one."""
    for header in TOKEN_HEADERS:
        written = request.headers.get(header, "").strip()
        if written and written[:6].lower() != "basic ":  # that one is for a proxy before us
            return written[7:].strip() if written[:7].lower() == "bearer " else written
    return ""


def reply(text: str, status: int = 200, *, callback: str = "", tag: str = "") -> Response:
    """Return the answer with this JSON text.

    Args:
        text: in ASCII when there is a callback, because JavaScript is stricter than JSON.
        status: of HTTP.
        callback: name of the function that the answer calls, for JSONP; empty: plain JSON.
        tag: what changes when the answer does; empty: made from the text.
    """
    body = (f"{callback}({text});" if callback else text).encode()
    if status != 200 or request.method == "POST":
        return Response(body, status, _headers(callback))
    tag = tag or hashlib.sha1(body, usedforsecurity=False).hexdigest()
    return not_modified(tag) or Response(body, status, [*_headers(callback), ("ETag", f'W/"{tag}"')])


def not_modified(tag: str) -> Response | None:
    """Return the answer to a client that has the answer with this tag already, null when it has not."""
    if "If-None-Match" not in request.headers or not request.if_none_match.contains_weak(tag):
        return None
    return Response(b"", 304, [*_headers(""), ("ETag", f'W/"{tag}"')])


def _headers(callback: str) -> list[tuple[str, str]]:
    shared = "private" if token_of_request() else "public"
    return [
        ("Content-Type", JSONP_TYPE if callback else JSON_TYPE),
        ("Cache-Control", f"{shared}, max-age=0, must-revalidate"),
        ("Vary", "Cookie, Authorization, X-CKAN-API-Key"),
        ("X-Content-Type-Options", "nosniff"),
    ]


class RememberedAnswers:
    """Answers that everybody gets, kept until a dataset changes; the longest unused one goes first."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._letters = 0
        self._lock = Lock()

    def get(self, question: str, *, seq: int) -> str | None:
        """Return the answer that was given when the change log stood at this number."""
        with self._lock:
            known_at, text = self._texts.get(question, (seq, None))
            if text is not None and known_at == seq:
                self._texts.move_to_end(question)
                return text
        return None

    def put(self, question: str, text: str, *, seq: int) -> None:
        """Remember the answer, unless its question is longer than any that is asked again."""
        if len(question) > LONGEST_REMEMBERED_QUESTION:
            return
        with self._lock:
            if question in self._texts:
                self._letters -= len(question) + len(self._texts.pop(question)[1])
            self._texts[question] = (seq, text)
            self._letters += len(question) + len(text)
            while self._letters > MOST_REMEMBERED_LETTERS:
                forgotten, (_, answer) = self._texts.popitem(last=False)
                self._letters -= len(forgotten) + len(answer)
