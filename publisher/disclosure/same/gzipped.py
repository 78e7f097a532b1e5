"""A gzip file that holds one text and nothing beside it: no name, no comment, no second member, nothing behind the end."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from isal import isal_zlib

_GZIP_CONTAINER = 31
_READ_BYTES = 1 << 17
_TEXT_BYTES = 1 << 20
_FLAGS, _MOMENT = 3, slice(4, 8)


def has_gzip_names(path: Path) -> bool:
    """Tell whether a gzip file says more of itself than its content: a name, a comment, when it was made."""
    with path.open("rb") as raw:
        head = raw.read(_MOMENT.stop)
    return head[_FLAGS] != 0 or any(head[_MOMENT])


@contextmanager
def gunzipped(path: Path) -> Iterator[io.BufferedReader[_OneMember]]:
    """Open the text of a gzip file; its check sum is compared when it has been read to the end.

    Raises:
        ValueError: on reading, when the file ends too soon or goes on behind its only member.
        isal.isal_zlib.error: on reading, when it is damaged.
    """
    with path.open("rb") as file, io.BufferedReader(_OneMember(file), _TEXT_BYTES) as text:
        yield text


class _OneMember(io.RawIOBase):
    """The unpacked content of a gzip file's only member."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._gzip = isal_zlib.decompressobj(wbits=_GZIP_CONTAINER)
        self._packed = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        while not self._gzip.eof:
            packed = self._gzip.unconsumed_tail or self._file.read(_READ_BYTES)
            text = self._gzip.decompress(packed, len(view))
            if text:
                view[: len(text)] = text
                return len(text)
            if not packed and not self._gzip.eof:
                raise ValueError("the gzip file ends too soon")
        if self._gzip.unused_data or self._file.read(1):
            raise ValueError("the gzip file goes on behind its end")
        return 0
