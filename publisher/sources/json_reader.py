"""JSON read piece by piece: a text of any size, of which only one value is ever in memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from publisher.sources.json_text import JsonNumber, exact_decoder
from publisher.sources.stream import Readable

CHUNK_BYTES = 1 << 20
LONGEST_VALUE = 16 * 1024 * 1024
"""Letters of one row, or of one value around the rows."""
ENOUGH_TO_DETECT = 4
BLANK = re.compile("[ \t\n\r\x1e]*")
"""The record separator of RFC 8142 counts as a blank."""
NEAR_END = 16
NUMBER_TAIL = 3
"""Letters behind a number without which `1` may still become `1.5` or `1e-5`."""
DEEPEST = 100
CONTAINERS = {"{": "}", "[": "]"}


class NotJsonError(ValueError):
    """The bytes are no JSON, or hold a value that is too long; says what is wrong and near which byte, never a value."""


class JsonReader:
    """A reader that knows the next value and hands it out, whole or member by member.

    UTF-8, UTF-16 and UTF-32 are told apart as RFC 4627 says. Every method raises NotJsonError.

    Args:
        stream: the bytes.
        longest: letters of the longest value that is taken whole.
    """

    def __init__(self, stream: Readable, *, longest: int = LONGEST_VALUE) -> None:
        self._stream = stream
        self._longest = longest
        self._decoder = exact_decoder()
        self._encoding = ""
        self._text = ""
        self._at = 0
        self._fresh = 0
        self._bytes = 0
        self._ended = False
        self._depth = 0

    def next_sign(self) -> str:
        """Return the sign with which the next value begins, without taking it; empty at the end."""
        while True:
            found = BLANK.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """Take the next value whole; numbers are `JsonNumber`."""
        closing = CONTAINERS.get(self.next_sign(), '"')
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                incomplete = "Unterminated string" in error.msg or error.pos >= len(self._text) - NEAR_END
                if not (incomplete and self._more()):
                    cut_off = "Unterminated string" in error.msg or error.pos >= len(self._text.rstrip())
                    raise self._broken("ends in the middle" if cut_off else "") from None
                self._read_to(closing)
                continue
            except (ValueError, RecursionError):
                raise self._broken("states a key twice in one object, or is nested too deeply") from None
            surely_whole = NUMBER_TAIL if isinstance(value, JsonNumber) else 1
            if end + surely_whole <= len(self._text) or not self._more():
                self._at = end
                return value

    def members(self) -> Iterator[str]:
        """Walk through an object: yield each key; the caller takes or skips the value before the next."""
        for _ in self._inside("{"):
            key = self.value() if self.next_sign() == '"' else None
            if not isinstance(key, str) or self.next_sign() != ":":
                raise self._broken()
            self._at += 1
            yield key

    def elements(self) -> Iterator[None]:
        """Walk through a list: yield before each element, which the caller takes or skips."""
        yield from self._inside("[")

    def values(self) -> Iterator[Any]:
        """Yield values that follow each other, as one on each line."""
        while self.next_sign():
            yield self.value()

    def end(self) -> None:
        """Take the end, behind which there must be nothing."""
        if self.next_sign():
            raise self._broken("goes on behind its document")

    def skip(self) -> None:
        """Pass over the next value; of lists and objects, member by member."""
        sign = self.next_sign()
        if sign == "{":
            for _ in self.members():
                self.skip()
        elif sign == "[":
            for _ in self.elements():
                self.skip()
        else:
            self.value()

    def _inside(self, opening: str) -> Iterator[None]:
        if self.next_sign() != opening:
            raise self._broken()
        closing = CONTAINERS[opening]
        self._at += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._broken("is nested too deeply")
        first = True
        while (sign := self.next_sign()) != closing:
            if not first:
                if sign != ",":
                    raise self._broken()
                self._at += 1
            elif sign == ",":
                raise self._broken()
            first = False
            yield
        self._at += 1
        self._depth -= 1

    def _read_to(self, closing: str) -> None:
        """Read on until what came last holds the sign without which the value cannot end; trying earlier is in vain."""
        while closing not in self._text[-self._fresh :] and self._more():
            pass

    def _more(self) -> bool:
        """Read on; return whether there was more."""
        if self._ended:
            return False
        left = len(self._text) - self._at
        if left >= self._longest:
            raise NotJsonError(f"has a value longer than {self._longest >> 20} MiB")
        # Doubling, so that a long value is not tried too often.
        data = self._stream.read(min(max(CHUNK_BYTES, left), max(self._longest - left, 1)))
        if not self._encoding:
            while len(data) < ENOUGH_TO_DETECT and (more := self._stream.read(ENOUGH_TO_DETECT)):
                data += more
            self._encoding = json.detect_encoding(data)
            self._letters = codecs.getincrementaldecoder(self._encoding)()
        self._bytes += len(data)
        self._ended = not data
        try:
            fresh = self._letters.decode(data, final=self._ended)
        except UnicodeDecodeError:
            encoding = self._encoding.upper().removesuffix("-SIG")
            raise NotJsonError(f"is not {encoding} within the first {self._bytes} bytes") from None
        self._text = self._text[self._at :] + fresh
        self._fresh = len(fresh)
        self._at = 0
        return True

    def _broken(self, what: str = "") -> NotJsonError:
        at_end = not what and self._ended and self._at >= len(self._text)
        fault = what or ("ends in the middle" if at_end else "is no intact JSON")
        offset = self._bytes - len(self._text[self._at :].encode(self._encoding or "utf-8", "replace")) + 1
        return NotJsonError(f"{fault}, near byte {max(offset, 1)}")
