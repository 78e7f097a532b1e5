"""VIQR: Vietnamese in plain ASCII, a mark written behind its letter (RFC 1456)."""

from __future__ import annotations

import re
import unicodedata

SHAPES = {"(": "\u0306", "^": "\u0302", "+": "\u031b", "*": "\u031b"}
TONES = {"'": "\u0301", "`": "\u0300", "?": "\u0309", "~": "\u0303", ".": "\u0323"}
MARKED = re.compile(
    r"\\(?P<plain>[(^+*'`?~.dD\\])"
    r"|(?P<d>d[dD]|D[dD])"
    r"|(?P<letter>[aA][(^]?|[eE]\^?|[oO][\^+*]?|[uU][+*]?|[iIyY])(?P<tone>['`?~.]?)"
)
"""A backslash takes the meaning from the sign behind it; a shape goes only with the vowels that have it."""


def decode_viqr(data: bytes) -> str:
    """Return the text in NFC; a tone sign behind a vowel is always a tone, as the standard has it.

    Raises:
        UnicodeDecodeError: a byte is not ASCII.
    """
    return unicodedata.normalize("NFC", MARKED.sub(_letter, data.decode("ascii")))


def _letter(found: re.Match[str]) -> str:
    if found["plain"]:
        return found["plain"]
    if found["d"]:
        return "\u0111" if found["d"][0] == "d" else "\u0110"
    letter, tone = found["letter"], found["tone"]
    return letter[0] + SHAPES.get(letter[1:], "") + TONES.get(tone, "")
