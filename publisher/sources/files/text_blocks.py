"""The bytes of a text file as blocks of whole lines in UTF-8 and NFC, with the declared encoding confirmed on the way."""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from publisher.errors import SourceError
from publisher.sources.files.encodings.decoding import decode
from publisher.sources.files.encodings.recognition import SAMPLE_BYTES, SPOKEN_NAMES, likely_encoding, likely_misreading
from publisher.sources.files.payload import Payload

BLOCK_BYTES = 4 * 1024 * 1024
LONGEST_LINE_BYTES = 64 * 1024 * 1024
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
ARCHIVE_MAGIC = {b"\x1f\x8b": ".gz", b"PK\x03\x04": ".zip"}
LOOKED_AT_BLOCKS = 3
"""Blocks with letters beyond ASCII that are looked at for words of another encoding."""

TONES = "\u0300\u0301\u0303\u0309\u0323"
TONE = re.compile(f"[{TONES}]")
STRAY_TONE = re.compile(
    f"(?<![aeiouyAEIOUY\u0102\u0103\u00c2\u00e2\u00ca\u00ea\u00d4\u00f4\u01a0\u01a1\u01af\u01b0])[{TONES}]"
)
"""Windows-1258 writes tones as marks of their own, which only ever follow one of the twelve vowels."""
STRAY_SHARE = 0.1
FIRST_BEYOND_ASCII = 0x80
SIGN = re.compile("[\u00a1-\u00aa\u00ac-\u00af\u00b1\u00b4-\u00b6\u00b8-\u00ba\u00bc\u00be\u00bf]")
"""Currency, fraction and accent signs that no Vietnamese text is full of."""
SIGN_SHARE = 0.25


@dataclass(frozen=True)
class Block:
    """Whole lines in UTF-8, each ended by a line feed; `line` is the 1-based number of the first."""

    line: int
    data: bytes


def read_blocks(payload: Payload, encoding: str) -> Generator[Block, None, None]:
    """Yield the file's lines in blocks of some megabytes, without a byte order mark.

    Raises:
        SourceError: the file cannot be read, is damaged, or is not in that encoding; names file, line and offset.
    """
    to_utf8 = _Decoder(payload.name, encoding)
    for data in _whole_lines(_chunks(payload, encoding), payload.name):
        yield Block(to_utf8.line, to_utf8.decoded(data))


def _chunks(payload: Payload, encoding: str) -> Iterator[bytes]:
    """Yield raw bytes without their mark; UTF-16 is decoded here already, because its lines cannot be cut as bytes."""
    decoder = codecs.getincrementaldecoder("utf-16")() if encoding == "utf-16" else None
    try:
        with payload.open() as stream:
            chunk = _without_mark(stream.read(BLOCK_BYTES), encoding, payload.name)
            while chunk:
                yield decoder.decode(chunk).encode() if decoder else chunk
                chunk = stream.read(BLOCK_BYTES)
            if decoder:
                decoder.decode(b"", final=True)
    except UnicodeError:
        raise SourceError(f"{payload.name} is not intact UTF-16.", cure="have it delivered again") from None


def _without_mark(chunk: bytes, encoding: str, name: str) -> bytes:
    for magic, ending in ARCHIVE_MAGIC.items():
        if chunk.startswith(magic):
            raise SourceError(
                f"{name} holds an archive, not a text.",
                cure=f"have it packed once, and named with the ending {ending}; check `pattern` and `format` too",
            )
    for mark, marked in MARKS.items():
        if chunk.startswith(mark):
            if marked != encoding:
                raise _wrong_encoding(name, 1, encoding, f"the file starts with the mark of {marked}", marked)
            return chunk[len(mark) :] if marked == "utf-8" else chunk  # the UTF-16 decoder takes its mark itself
    if encoding == "utf-16" and chunk:
        raise _wrong_encoding(name, 1, encoding, "the file has no byte order mark", "utf-8")
    if b"\0" in chunk:
        raise _wrong_encoding(name, 1, encoding, "the file holds zero bytes", "utf-16")
    return chunk


def _whole_lines(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Cut chunks behind their last line end; old line ends of a single carriage return become line feeds."""
    kept = b""
    old_ends: bool | None = None
    for chunk in chunks:
        if old_ends is None and (b"\n" in chunk or b"\r" in chunk[:-1]):  # a last one may be half of a pair
            old_ends = b"\n" not in chunk
        data = kept + chunk
        if old_ends:
            data = data.replace(b"\r", b"\n")
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end]
        kept = data[end:]
        if len(kept) > LONGEST_LINE_BYTES:
            raise SourceError(f"{name} has a line longer than 64 MiB.", cure="see whether this is the right file")
    if kept:
        yield kept + b"\n"


class _Decoder:
    """Turns one file's lines into UTF-8 and knows where in the file they stand."""

    def __init__(self, name: str, encoding: str) -> None:
        self.line = 1
        self._name = name
        self._encoding = encoding
        self._offset = 0
        self._looks_left = LOOKED_AT_BLOCKS

    def decoded(self, data: bytes) -> bytes:
        """Return the lines in UTF-8 and NFC.

        Raises:
            SourceError: a byte means nothing, or the words are of another encoding.
        """
        is_plain = data.isascii() and self._encoding not in {"viqr", "viscii"}
        utf8 = data if is_plain else self._checked(data)
        self.line += utf8.count(b"\n")
        self._offset += len(data)
        return utf8

    def _checked(self, data: bytes) -> bytes:
        if self._encoding not in {"utf-8", "utf-16"} and _is_surely_utf8(data):
            raise self._wrong(data, _first_beyond_ascii(data), "all its letters are UTF-8", "utf-8")
        try:
            text = decode(data, self._encoding)
        except UnicodeDecodeError as error:
            near = data[max(error.start - BLOCK_BYTES // 64, 0) : error.start + BLOCK_BYTES // 64]
            fits = likely_encoding(near, self._encoding)
            if not fits and self._encoding == "utf-8":
                fits = _fitting_line(data, error.start)
            raise self._wrong(data, error.start, "a byte there means nothing in it", fits) from None
        if self._encoding == "windows-1258":
            self._refuse_stray_tones(data)
        if self._looks_left:
            self._looks_left -= 1
            self._refuse_other_words(data)
        return text.encode()

    def _refuse_other_words(self, data: bytes) -> None:
        start = _first_beyond_ascii(data)
        if self._encoding in {"utf-8", "utf-16"}:
            if misread := likely_misreading(data[start : start + SAMPLE_BYTES].decode("utf-8", "ignore")):
                raise SourceError(
                    f"{self._name}: from line {self._line_at(data, start)} on, the words are {SPOKEN_NAMES[misread]} that was taken for Windows-1252 and saved as Unicode.",
                    cure=f"have the agency save the original as Unicode, or deliver it as it was with `encoding: {misread}`",
                )
        elif fits := likely_encoding(data, self._encoding):
            raise self._wrong(data, start, f"its words are Vietnamese in {SPOKEN_NAMES[fits]}", fits)

    def _refuse_stray_tones(self, data: bytes) -> None:
        text = data.decode("cp1258")
        stray = STRAY_TONE.search(text)
        if stray and len(STRAY_TONE.findall(text)) > STRAY_SHARE * len(TONE.findall(text)):
            fits = likely_encoding(data, "windows-1258") or "windows-1252"
            raise self._wrong(data, stray.start(), "tone marks stand where no Vietnamese vowel is", fits)
        sign = SIGN.search(text)
        if sign and len(SIGN.findall(text)) > SIGN_SHARE * sum(letter > "\x7f" for letter in text):
            fits = likely_encoding(data, "windows-1258")
            raise self._wrong(
                data, sign.start(), "it would hold more signs than letters; VISCII or TCVN3 looks so", fits
            )

    def _line_at(self, data: bytes, position: int) -> int:
        return self.line + data.count(b"\n", 0, position)

    def _wrong(self, data: bytes, position: int, sign: str, fits: str = "") -> SourceError:
        if self._encoding != "utf-16":
            sign += f" (byte {self._offset + position + 1} of the file)"
        return _wrong_encoding(self._name, self._line_at(data, position), self._encoding, sign, fits)


def _first_beyond_ascii(data: bytes) -> int:
    return int((np.frombuffer(data, np.uint8) >= FIRST_BEYOND_ASCII).argmax()) if data else 0


def _fitting_line(data: bytes, position: int) -> str:
    """Return the single-byte encoding that the line speaks for; empty when nothing tells."""
    line = data[data.rfind(b"\n", 0, position) + 1 : data.find(b"\n", position)]
    try:
        text = line.decode("cp1258")
    except UnicodeDecodeError:
        return "windows-1252"
    if not TONE.search(text):
        return ""
    return "windows-1252" if STRAY_TONE.search(text) else "windows-1258"


def _is_surely_utf8(data: bytes) -> bool:
    """Return whether every letter beyond ASCII is valid UTF-8, and there are enough for that to be no accident."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    beyond = [letter for letter in text if letter > "\x7f"]
    return len(beyond) >= 3 or any(letter > "\u07ff" for letter in beyond)


def _wrong_encoding(name: str, line: int, declared: str, sign: str, fitting: str = "") -> SourceError:
    advice = f"declare `encoding: {fitting}`, which seems to fit" if fitting else "declare the encoding it has"
    return SourceError(f"{name}: line {line} is not {declared}: {sign}.", cure=f"{advice}, or have it delivered anew")
