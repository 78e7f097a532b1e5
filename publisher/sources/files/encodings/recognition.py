"""Recognise Vietnamese that was read in the wrong encoding: its words then break the strict spelling of the language."""

from __future__ import annotations

import codecs
import re
import unicodedata
from functools import cache

from publisher.sources.files.encodings.decoding import decode

CANDIDATES = ("utf-8", "windows-1258", "tcvn3", "tcvn3-capitals", "vni", "viscii")
"""What Vietnamese offices used; `tcvn3-capitals` differs from `tcvn3` in capitals only and is never proposed first."""
SPOKEN_NAMES = {
    "utf-8": "UTF-8", "windows-1258": "Windows-1258", "tcvn3": "TCVN3 (ABC)", "vni": "VNI", "viscii": "VISCII",
    "tcvn3-capitals": "TCVN3 (ABC) in capital fonts",
}  # fmt: skip
ENOUGH_WORDS = 6
SURE_SHARE = 0.85
"""Of the words with letters beyond ASCII, so many must be Vietnamese syllables; names of foreigners are the rest."""
LEAST_GAIN = 0.15
SAMPLE_BYTES = 65_536

WORD = re.compile(rb"[A-Za-z\x02\x05\x06\x14\x19\x1e\x80-\xff]+")
"""A word of bytes; VISCII has six capitals among the control signs."""
BEYOND_ASCII = re.compile("[^\x00-\x7f]")
LETTERS = re.compile("[A-Za-z\u0080-\uffff]+")
ONSET = "(?:b|ch?|d|\u0111|gh?|gi|h|kh?|l|m|ngh?|nh?|p|ph|qu|r|s|th?|tr|v|x)?"
RHYMES = (
    "a(?:c|ch|i|m|n|ng|nh|o|p|t|u|y)?",
    "\u0103(?:c|m|n|ng|p|t)",
    "\u00e2(?:c|m|n|ng|p|t|u|y)",
    "e(?:c|m|n|ng|o|p|t)?",
    "\u00ea(?:ch|m|n|nh|p|t|u)?",
    "i(?:a|ch|m|n|nh|p|t|u|\u00ea(?:c|m|n|ng|p|t|u))?",
    "o(?:c|i|m|n|ng|oc|ong|p|t|a(?:c|ch|i|m|n|ng|nh|o|p|t|y)?|\u0103(?:c|m|n|ng|t)|e(?:n|o|t)?)?",
    "\u00f4(?:c|i|m|n|ng|p|t)?",
    "\u01a1(?:i|m|n|p|t)?",
    (
        "u(?:a|c|i|m|n|ng|p|t|\u00e2(?:n|ng|t|y)|\u00ea(?:ch|nh)?|\u01a1|y(?:a|ch|n|nh|p|t|u|\u00ean|\u00eat)?"
        "|\u00f4(?:c|i|m|n|ng|t))?"
    ),
    "\u01b0(?:a|c|i|m|n|ng|t|u|\u01a1(?:c|i|m|n|ng|p|t|u))?",
    "y(?:\u00ea(?:m|n|ng|t|u)|t|n|nh)?",
)
SYLLABLE = re.compile(f"{ONSET}(?:{'|'.join(RHYMES)})")
TONES = dict.fromkeys(map(ord, "\u0300\u0301\u0303\u0309\u0323"))


def likely_encoding(data: bytes, declared: str) -> str:
    """Return the encoding in which the words become Vietnamese while they are not in the declared one; empty when none.

    Looks at some kilobytes from the first letter beyond ASCII on.
    """
    sample = _sample(data)
    present, _ = _vietnamese_share(sample, declared)
    shares = {name: _vietnamese_share(sample, name) for name in CANDIDATES if name != declared}
    best = max(shares, key=lambda name: shares[name])
    share, words = shares[best]
    sure = words >= ENOUGH_WORDS and share >= SURE_SHARE and share - present >= LEAST_GAIN
    return best if sure else ""


def likely_misreading(text: str) -> str:
    """Return the encoding whose bytes somebody took for Windows-1252 before saving them as Unicode; empty when none."""
    beyond = BEYOND_ASCII.search(text)
    sample = text[beyond.start() : beyond.start() + SAMPLE_BYTES] if beyond else ""
    if _vietnamese_share(sample.encode("utf-8", "replace"), "utf-8")[0] >= SURE_SHARE:
        return ""
    return likely_encoding(codecs.charmap_encode(sample, "ignore", _windows_bytes())[0], "windows-1252")


@cache
def _windows_bytes() -> dict[int, int]:
    """Return the byte of every Windows-1252 letter; bytes without one count as the control signs that Windows makes of them."""
    letters = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)}
    return {ord(letter): byte for byte, letter in letters.items()}


def _sample(data: bytes) -> bytes:
    beyond = re.search(rb"[\x80-\xff]", data)
    if beyond is None:
        return b""
    start = data.rfind(b"\n", 0, beyond.start()) + 1
    start = max(start, beyond.start() - SAMPLE_BYTES)
    end = data.find(b"\n", start + SAMPLE_BYTES)
    return data[start : end if 0 <= end < start + 2 * SAMPLE_BYTES else start + SAMPLE_BYTES]


def _vietnamese_share(sample: bytes, encoding: str) -> tuple[float, int]:
    """Return which share of the different words with letters beyond ASCII are syllables, and how many words there are."""
    words = {word for word in WORD.findall(sample) if not word.isascii()}
    return (sum(_is_syllable_in(word, encoding) for word in words) / len(words), len(words)) if words else (0.0, 0)


def _is_syllable_in(word: bytes, encoding: str) -> bool:
    try:
        return all(map(is_syllable, LETTERS.findall(decode(word, encoding))))
    except UnicodeDecodeError:
        return False


@cache
def _plain(letter: str) -> tuple[str, bool]:
    """Return a letter without its tone, and whether it had one."""
    apart = unicodedata.normalize("NFD", letter)
    toneless = apart.translate(TONES)
    return unicodedata.normalize("NFC", toneless), toneless != apart


def is_syllable(word: str) -> bool:
    """Tell whether a word is spelt as a Vietnamese syllable: one onset, one rhyme, at most one tone."""
    letters = [_plain(letter) for letter in word.lower()]
    if sum(has_tone for _, has_tone in letters) > 1:
        return False
    return SYLLABLE.fullmatch("".join(letter for letter, _ in letters)) is not None
