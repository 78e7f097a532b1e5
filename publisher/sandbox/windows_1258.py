"""Vietnamese text as old Windows programs write it: a letter with its tone is two bytes where the code page has no one."""

from __future__ import annotations

import unicodedata
from functools import cache

_TONES = "\N{COMBINING GRAVE ACCENT}\N{COMBINING HOOK ABOVE}\N{COMBINING TILDE}\N{COMBINING ACUTE ACCENT}\N{COMBINING DOT BELOW}"
_VIETNAMESE_BLOCKS = (range(0x00C0, 0x0180), range(0x01A0, 0x01B1), range(0x1EA0, 0x1EFA))


def encode_windows_1258(text: str) -> bytes:
    """Encode text in NFC; raises UnicodeEncodeError for letters that Vietnamese does not have."""
    return text.translate(_two_byte_letters()).encode("cp1258")


@cache
def _two_byte_letters() -> dict[int, str]:
    letters = (code for block in _VIETNAMESE_BLOCKS for code in block)
    return {code: _split_tone(chr(code)) for code in letters if not _fits(chr(code))}


def _split_tone(letter: str) -> str:
    parts = unicodedata.normalize("NFD", letter)
    tones = "".join(part for part in parts if part in _TONES)
    stem = "".join(part for part in parts if part not in _TONES)
    return unicodedata.normalize("NFC", stem) + tones


def _fits(letter: str) -> bool:
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        return False
    return True
