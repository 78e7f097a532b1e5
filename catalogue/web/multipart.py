"""Reads `multipart/form-data` part by part: texts into a dict, files into sinks, never more than a little in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from flask import Request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from catalogue.errors import BadRequest, CatalogueError

CHUNK_BYTES = 64 * 2**10
MAX_PARTS = 1000
MAX_HEAD_BYTES = 2**20  # of a part's head, and of what is read ahead
MAX_READ_PAST_BYTES = 8 * 2**20
_BROKEN = "Bad request: the multipart body is broken or has no boundary"


class FileTaker(Protocol):
    """Where the bytes of one file go."""

    def write(self, chunk: bytes) -> None: ...
    def finish(self) -> Any: ...
    def abort(self) -> None: ...


def read_multipart(
    request: Request, take_file: Callable[[str, str], FileTaker], *, most_text_bytes: int
) -> dict[str, Any]:
    """Return the fields of the body: a text, a list of texts when a name is repeated, or what became of a file.

    Args:
        request: of Flask, whose body nobody has read yet.
        take_file: gets the field's and the file's name and returns where the bytes go.
        most_text_bytes: of all texts together.

    Raises:
        BadRequest: the body is no whole multipart document.
        RequestEntityTooLarge: too many parts, or too much text.
    """
    parts = _Parts(take_file, most_text_bytes)
    try:
        _feed(request, parts)
    except (ValueError, CatalogueError, RequestEntityTooLarge) as error:
        _read_past(request)
        if isinstance(error, ValueError):
            raise BadRequest(_BROKEN) from error
        raise
    finally:
        parts.close()
    return {name: values[0] if len(values) == 1 else values for name, values in parts.texts.items()} | parts.files


def _feed(request: Request, parts: _Parts) -> None:
    boundary = request.mimetype_params.get("boundary", "").encode("ascii")
    if not boundary:
        raise ValueError("boundary")
    decoder = MultipartDecoder(boundary, max_form_memory_size=MAX_HEAD_BYTES, max_parts=MAX_PARTS)
    while True:
        chunk = _next_chunk(request)
        decoder.receive_data(chunk or None)
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            parts.take(event)
        if not chunk:
            return


def _next_chunk(request: Request) -> bytes:
    try:
        return request.stream.read(CHUNK_BYTES)
    except OSError as error:  # a body whose own chunks are broken, or whose sender has gone
        raise ValueError("body") from error


def _read_past(request: Request) -> None:
    """Read some of what is still coming, because a client that is sending does not see an answer."""
    for _ in range(MAX_READ_PAST_BYTES // CHUNK_BYTES):
        try:
            if not request.stream.read(CHUNK_BYTES):
                return
        except (HTTPException, OSError):
            return


class _Parts:
    """The parts that were read so far, and the one that is being read."""

    def __init__(self, take_file: Callable[[str, str], FileTaker], most_text_bytes: int) -> None:
        self.texts: dict[str, list[str]] = {}
        self.files: dict[str, Any] = {}
        self._take_file = take_file
        self._text_bytes_left = most_text_bytes
        self._name = ""
        self._text = bytearray()
        self._file: FileTaker | None = None

    def take(self, event: Event) -> None:
        if isinstance(event, Field | File):
            self._begin(event)
        elif isinstance(event, Data):
            if self._file is not None:
                self._file.write(event.data)
            else:
                self._text_bytes_left -= len(event.data)
                if self._text_bytes_left < 0:
                    raise RequestEntityTooLarge
                self._text += event.data
            if not event.more_data:
                self._end()

    def _begin(self, event: Field | File) -> None:
        if not event.name:  # null for a part without a name, whatever the library's types say
            raise ValueError("name")
        self._name = event.name
        self._text_bytes_left -= len(event.name)
        # A form on a page sends a part without a file name when no file was chosen: that is an empty text.
        self._file = self._take_file(event.name, event.filename) if isinstance(event, File) and event.filename else None

    def _end(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            self.files[self._name] = file.finish()
        else:
            self.texts.setdefault(self._name, []).append(self._text.decode(errors="replace"))
            self._text.clear()

    def close(self) -> None:
        """Forget a file of which the rest did not come."""
        if self._file is not None:
            self._file.abort()
