"""Bytes of a declared encoding as text in NFC. The Vietnamese tables lie in `letters.csv`, one row for each letter.

They follow TCVN 5712:1993 (the ABC fonts), RFC 1456 (VISCII) and the VNI fonts for Windows.
"""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from publisher.sources.files.encodings.viqr import decode_viqr

Decoder = Callable[[bytes], str]

LETTERS = "letters.csv"
UNDEFINED = "\ufffe"
"""What `codecs.charmap_decode` takes for a byte without meaning."""
TCVN_TONES = dict(zip(range(0xB0, 0xB5), "\u0300\u0309\u0303\u0301\u0323", strict=True))
"""Tones of their own, which the standard lets follow a capital vowel."""
FIRST_VNI_LETTER = "\xc0"
"""Below it, the fonts keep the quotes and signs of Windows."""


def decode(data: bytes, encoding: str) -> str:
    """Return whole lines as text in NFC.

    Raises:
        UnicodeDecodeError: a byte means nothing in the encoding; `start` is its offset in the data.
    """
    text = _decoder(encoding)(data)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


@cache
def vietnamese_letters(encoding: str) -> dict[bytes, str]:
    """Return the letters that a table has: one byte each, in VNI up to two."""
    text = files(__package__).joinpath(LETTERS).read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {bytes.fromhex(row[encoding]): row["letter"] for row in rows if row[encoding]}


@cache
def _decoder(encoding: str) -> Decoder:
    match encoding:
        case "tcvn3" | "viscii":
            return _table_decoder(encoding)
        case "tcvn3-capitals":
            # The capital fonts draw a capital for every letter; the bytes are those of the small one.
            small = _table_decoder("tcvn3")
            return lambda data: small(data).upper()
        case "vni":
            return _decode_vni
        case "viqr":
            return decode_viqr
        case _:
            codec = codecs.lookup(PYTHON_NAMES[encoding]).decode
            return lambda data: codec(data)[0]


PYTHON_NAMES = {
    "utf-8": "utf-8", "utf-16": "utf-8", "windows-1258": "cp1258", "windows-1252": "cp1252", "latin-1": "latin-1",
    "mac-roman": "mac-roman",
}  # fmt: skip
"""UTF-16 reaches us as UTF-8 already: its lines cannot be cut as bytes."""


def _table_decoder(encoding: str) -> Decoder:
    """Return a decoder by single bytes; in TCVN3, whose fonts are for Windows, quotes and dashes are those of Windows."""
    table = [chr(byte) if byte < 0x80 else UNDEFINED for byte in range(256)]
    if encoding == "tcvn3":
        for byte in range(0x80, 0xA1):
            table[byte] = bytes([byte]).decode("cp1252", "replace").replace("\ufffd", UNDEFINED)
        for byte, tone in TCVN_TONES.items():
            table[byte] = tone
    for letter_bytes, letter in vietnamese_letters(encoding).items():
        table[letter_bytes[0]] = letter
    charmap = "".join(table)
    return lambda data: codecs.charmap_decode(data, "strict", charmap)[0]


@cache
def _vni_letters() -> dict[str, str]:
    letters = {code.decode("latin-1"): letter for code, letter in vietnamese_letters("vni").items()}
    # People type a capital and then the mark of a small letter; the fonts draw both alike.
    return {code[0] + code[1:].lower(): letter for code, letter in letters.items()} | letters


@cache
def _vni_pattern() -> re.Pattern[str]:
    """Return what finds a letter with its mark, or else a single byte beyond ASCII."""
    pairs = [re.escape(code) for code in _vni_letters() if len(code) > 1]
    return re.compile("|".join([*pairs, "[\x80-\xff]"]))


def _decode_vni(data: bytes) -> str:
    letters = _vni_letters()

    def letter(found: re.Match[str]) -> str:
        code = found[0]
        if code in letters:
            return letters[code]
        sign = code.encode("latin-1").decode("cp1252", "replace") if code < FIRST_VNI_LETTER else "\ufffd"
        if sign == "\ufffd":
            raise UnicodeDecodeError("vni", data, found.start(), found.start() + 1, "a mark without its vowel")
        return sign

    return _vni_pattern().sub(letter, data.decode("latin-1"))
