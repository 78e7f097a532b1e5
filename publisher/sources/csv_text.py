"""The bytes of a delimited text as blocks of whole lines in UTF-8, with the declared encoding confirmed on the way."""

from __future__ import annotations

import codecs
import re
import unicodedata
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from isal import igzip

from publisher.errors import SourceError

BLOCK_BYTES = 4 * 1024 * 1024
LONGEST_LINE_BYTES = 64 * 1024 * 1024
SINGLE_BYTE = {"windows-1258": "cp1258", "windows-1252": "cp1252", "latin-1": "latin-1"}
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

TONES = "\u0300\u0301\u0303\u0309\u0323"
TONE = re.compile(f"[{TONES}]")
STRAY_TONE = re.compile(
    f"(?<![aeiouyAEIOUY\u0102\u0103\u00c2\u00e2\u00ca\u00ea\u00d4\u00f4\u01a0\u01a1\u01af\u01b0])[{TONES}]"
)
"""Windows-1258 writes tones as marks of their own, which only ever follow one of the twelve vowels."""
STRAY_SHARE = 0.1
SIGN = re.compile("[\u00a1-\u00aa\u00ac-\u00af\u00b1\u00b4-\u00b6\u00b8-\u00ba\u00bc\u00be\u00bf]")
"""Currency, fraction and accent signs that no Vietnamese text is full of."""
SIGN_SHARE = 0.25


@dataclass(frozen=True)
class Block:
    """Whole lines in UTF-8, each ended by a line feed; `line` is the 1-based number of the first."""

    line: int
    data: bytes


def read_blocks(path: Path, encoding: str) -> Generator[Block, None, None]:
    """Yield the file's lines in blocks of some megabytes; gzip is undone, a byte order mark left out.

    Raises:
        SourceError: the file cannot be read, is damaged, or is not in that encoding; names file and line.
    """
    line = 1
    for data in _whole_lines(_chunks(path, encoding), path.name):
        utf8 = _utf8(data, encoding, path.name, line)
        yield Block(line, utf8)
        line += utf8.count(b"\n")


def _chunks(path: Path, encoding: str) -> Iterator[bytes]:
    """Yield raw bytes without their mark; UTF-16 is decoded here already, because its lines cannot be cut as bytes."""
    decoder = codecs.getincrementaldecoder("utf-16")() if encoding == "utf-16" else None
    try:
        with _opened(path) as stream:
            chunk = stream.read(BLOCK_BYTES)
            chunk = _without_mark(chunk, encoding, path.name)
            while chunk:
                yield decoder.decode(chunk).encode() if decoder else chunk
                chunk = stream.read(BLOCK_BYTES)
            if decoder:
                decoder.decode(b"", final=True)
    except UnicodeError:
        raise SourceError(f"{path.name} is not intact UTF-16.", cure="have it delivered again") from None
    except (EOFError, zlib.error, igzip.BadGzipFile):
        raise SourceError(
            f"{path.name} is no intact gzip file.", cure="have it delivered again; the transfer may have broken off"
        ) from None
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}.", cure="see who may read it") from None


def _opened(path: Path) -> IO[bytes]:
    return igzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[no-untyped-call]


def _without_mark(chunk: bytes, encoding: str, name: str) -> bytes:
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


def _utf8(data: bytes, encoding: str, name: str, line: int) -> bytes:
    if data.isascii() or encoding == "utf-16":
        return data
    if encoding == "utf-8":
        _confirm_utf8(data, name, line)
        return data
    if _is_surely_utf8(data):
        raise _wrong_encoding(name, line, encoding, "all its letters are UTF-8", "utf-8")
    try:
        text = data.decode(SINGLE_BYTE[encoding])
    except UnicodeDecodeError as error:
        bad = line + data.count(b"\n", 0, error.start)
        raise _wrong_encoding(name, bad, encoding, "a byte means nothing in it") from None
    if encoding == "windows-1258":
        text = _composed(text, name, line)
    return text.encode()


def _confirm_utf8(data: bytes, name: str, line: int) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        bad = line + data.count(b"\n", 0, error.start)
        start = data.rfind(b"\n", 0, error.start) + 1
        fits = _fitting(data[start : data.find(b"\n", error.start)])
        raise _wrong_encoding(name, bad, "utf-8", "a byte there means nothing in it", fits) from None


def _fitting(line: bytes) -> str:
    """Return the single-byte encoding that the line speaks for; empty when nothing tells."""
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


def _composed(text: str, name: str, line: int) -> str:
    stray = STRAY_TONE.search(text)
    if stray and len(STRAY_TONE.findall(text)) > STRAY_SHARE * len(TONE.findall(text)):
        bad = line + text.count("\n", 0, stray.start())
        raise _wrong_encoding(
            name, bad, "windows-1258", "tone marks stand where no Vietnamese vowel is", "windows-1252"
        )
    sign = SIGN.search(text)
    if sign and len(SIGN.findall(text)) > SIGN_SHARE * sum(letter > "\x7f" for letter in text):
        bad = line + text.count("\n", 0, sign.start())
        raise _wrong_encoding(
            name, bad, "windows-1258", "it would hold more signs than letters; VISCII or TCVN3 looks so"
        )
    return unicodedata.normalize("NFC", text)


def _wrong_encoding(name: str, line: int, declared: str, sign: str, fitting: str = "") -> SourceError:
    advice = f"declare `encoding: {fitting}`, which seems to fit" if fitting else "declare the encoding it has"
    return SourceError(f"{name}: line {line} is not {declared}: {sign}.", cure=f"{advice}, or have it delivered anew")
