"""A UTF-8 file of delimited text cut into blocks that hold whole records, proven to be quoted as RFC 4180 says.

Python's reader and Arrow's agree on such blocks: a quote opens a cell only behind a delimiter or a line end, closes it only
before one, and is doubled inside. Of any other block nothing is claimed.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FIRST_BLOCK = 1 << 14
LARGEST_BLOCK = 8 << 20
_LONGEST_RECORD = 256 << 20
_GROWTH = 4
_NEWLINE, _RETURN, _SPACE = 10, 13, 32
_MARK = b"\xef\xbb\xbf"

Positions = npt.NDArray[np.int64]


class NotStrictError(Exception):
    """A block whose records only Python's own reader can tell; says why, never what the block holds."""


@dataclass(frozen=True)
class TextFormat:
    """How records are written: single bytes of ASCII; `quote` is null when nothing is quoted."""

    delimiter: bytes
    quote: bytes | None
    skips_initial_space: bool = False
    plain_newlines_only: bool = False


def text_format(dialect: Any, *, plain_newlines_only: bool) -> TextFormat | None:
    r"""Return the format for a dialect of Python's csv module, null when Arrow cannot read it the same way.

    Args:
        dialect: with the attributes of `csv.Dialect`.
        plain_newlines_only: the reader turns `\r` into `\n`, also inside cells.
    """
    quoted = dialect.quoting == csv.QUOTE_MINIMAL
    if not _is_one_byte(dialect.delimiter) or dialect.escapechar or not dialect.doublequote:
        return None
    if quoted and (not _is_one_byte(dialect.quotechar) or dialect.quotechar == dialect.delimiter):
        return None
    if not quoted:
        return None
    return TextFormat(
        delimiter=dialect.delimiter.encode(),
        quote=dialect.quotechar.encode(),
        skips_initial_space=bool(dialect.skipinitialspace),
        plain_newlines_only=plain_newlines_only,
    )


def _is_one_byte(text: str | None) -> bool:
    return text is not None and len(text) == 1 and text.isascii() and text not in "\r\n\0 "


@dataclass
class Block:
    """Whole records of a file: `content` is dropped after the checks, and read again when a record is asked for."""

    path: str
    offset: int
    size: int
    text: TextFormat
    content: bytes | None = None
    _starts: npt.NDArray[np.uint32] | None = field(default=None, repr=False)

    def release(self) -> None:
        """Let go the bytes and what was found in them."""
        self.content = None
        self._starts = None

    def record(self, index: int) -> bytes:
        """Return the bytes of one record, without its line end."""
        content = self.content
        if self._starts is None:
            content = content or self._read(0, self.size)
            self._starts = record_starts(content, self.text).astype(np.uint32)
        start, end = int(self._starts[index]), int(self._starts[index + 1])
        record = content[start:end] if content is not None else self._read(start, end)
        return record.removesuffix(b"\n").removesuffix(b"\r")

    def end_of(self, index: int) -> int:
        """Return the place in the file behind one record."""
        self.record(index)
        assert self._starts is not None  # noqa: S101  the line above made them
        return self.offset + int(self._starts[index + 1])

    def lines_before(self, place: int) -> int:
        """Return how many lines of the file begin before a place behind a record."""
        lines = 0
        last = b"\n"
        with open(self.path, "rb") as file:  # noqa: PTH123  as in _read
            while place and (part := file.read(min(place, LARGEST_BLOCK))):
                lines += part.count(b"\n")
                last = part
                place -= len(part)
        return lines + (not last.endswith(b"\n"))

    def _read(self, start: int, end: int) -> bytes:
        with open(self.path, "rb") as file:  # noqa: PTH123  a plain path keeps the block picklable
            file.seek(self.offset + start)
            return file.read(end - start)


def record_starts(content: bytes, text: TextFormat) -> Positions:
    """Return where each record of a strict block begins, and the block's end."""
    letters = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(letters == _NEWLINE)
    quotes = _quotes(letters, text)
    if len(quotes):
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    starts = np.concatenate([[0], ends + 1])
    return starts if starts[-1] == len(content) else np.append(starts, len(content))


def strict_blocks(path: str, start: int, text: TextFormat) -> Iterator[Block]:
    """Yield the blocks of a file from `start` on, small ones first so that an early stop costs little.

    Raises:
        NotStrictError: the next block is not proven; those yielded are.
    """
    size = FIRST_BLOCK
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  os.path strings all along
        length = os.fstat(file.fileno()).st_size
        offset = start
        while offset < length:
            content = _read_fully(file, offset, size)
            is_last = offset + len(content) >= length
            end = _strict_end(content, text, is_last=is_last)
            if not end:
                if size >= _LONGEST_RECORD:
                    raise NotStrictError("a record is longer than 256 MiB")
                size *= _GROWTH
                continue
            whole = content if end == len(content) else content[:end]
            yield Block(path, offset, end, text, content=whole)
            offset += end
            size = min(max(size, FIRST_BLOCK) * _GROWTH, LARGEST_BLOCK)


def _read_fully(file: io.FileIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    parts = []
    while size and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _strict_end(content: bytes, text: TextFormat, *, is_last: bool) -> int:
    """Return where the last whole record ends, 0 when none does.

    Raises:
        NotStrictError: these bytes are read otherwise by Python than by Arrow.
    """
    if b"\0" in content:
        raise NotStrictError("there is a NUL byte")
    if content.startswith(_MARK):  # Arrow takes it away, Python reads a letter
        raise NotStrictError("a block begins with a byte order mark")
    _check_returns(content, text, is_last=is_last)
    letters = np.frombuffer(content, np.uint8)
    quotes = _quotes(letters, text)
    if is_last:
        end = len(content)
    else:
        end = content.rfind(b"\n") + 1
        while end and (len(quotes) - np.searchsorted(quotes, end)) % 2 != len(quotes) % 2:
            end = content.rfind(b"\n", 0, end - 1) + 1
    quotes = quotes[: np.searchsorted(quotes, end)]
    if end and len(quotes):
        _check_quotes(letters[:end], quotes, text)
    if end and text.skips_initial_space:
        _check_initial_spaces(letters[:end], quotes, text)
    return end


def _check_returns(content: bytes, text: TextFormat, *, is_last: bool) -> None:
    if b"\r" not in content:
        return
    if text.plain_newlines_only:
        raise NotStrictError("there are carriage returns in tab-separated text")
    lone = content.count(b"\r") - content.count(b"\r\n")
    if lone and not (lone == 1 and content.endswith(b"\r") and not is_last):
        raise NotStrictError("there is a carriage return without a line feed")


def _quotes(letters: npt.NDArray[np.uint8], text: TextFormat) -> Positions:
    if text.quote is None:
        return np.zeros(0, np.int64)
    return np.flatnonzero(letters == text.quote[0])


def _check_quotes(letters: npt.NDArray[np.uint8], quotes: Positions, text: TextFormat) -> None:
    if len(quotes) % 2:
        raise NotStrictError("a quote is not closed")
    opening, closing = quotes[0::2], quotes[1::2]
    doubled = opening[1:] == closing[:-1] + 1
    before = letters[np.maximum(opening - 1, 0)]
    opens = (before == text.delimiter[0]) | (before == _NEWLINE) | (opening == 0)
    opens[1:] |= doubled
    after = letters[np.minimum(closing + 1, len(letters) - 1)]
    closes = (after == text.delimiter[0]) | (after == _NEWLINE) | (after == _RETURN) | (closing == len(letters) - 1)
    closes[:-1] |= doubled
    if not (opens.all() and closes.all()):
        raise NotStrictError("a quote stands inside a cell without being doubled")


def _check_initial_spaces(letters: npt.NDArray[np.uint8], quotes: Positions, text: TextFormat) -> None:
    first = letters[:-1]
    spaces = np.flatnonzero(((first == text.delimiter[0]) | (first == _NEWLINE)) & (letters[1:] == _SPACE))
    if letters[0] == _SPACE or (np.searchsorted(quotes, spaces) % 2 == 0).any():
        raise NotStrictError("a cell begins with a space that the dialect skips")
