"""Word lists beside this module, folded to plain letters: no diacritics, no đ, lower case. Sources are named in the README."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal.encodings import repair_text

_FOLDER = Path(__file__).parent / "lists"
_BOUNDS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_NUMBERED = re.compile(r"(?:[a-z]|col|cot|column|field|truong|var|unnamed|attr|thuoc tinh)? ?c? ?\d+")
_DBF_NAME = 10
"""dBase keeps ten characters of a column's name."""


def fold(text: str) -> str:
    """Return the text without diacritics, in lower case."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).lower()


def fold_all(texts: pa.Array) -> pa.Array:
    """Return every text folded; string array in and out."""
    plain = pc.replace_substring_regex(pc.utf8_normalize(texts, form="NFD"), r"\p{Mn}", "")
    return pc.utf8_lower(pc.replace_substring_regex(plain, "[đĐ]", "d"))


@cache
def words(name: str) -> frozenset[str]:
    """Return the folded lines of a list."""
    return frozenset(fold(line) for line in _lines(name))


@cache
def surnames() -> frozenset[str]:
    """Return the surnames with their diacritics, in lower case."""
    return frozenset(unicodedata.normalize("NFC", line).lower() for line in _lines("surnames.txt"))


@cache
def any_of(name: str) -> str:
    """Return a regular expression for any line of a list as a whole word; lines may hold expressions themselves."""
    return rf"\b(?:{'|'.join(sorted(_lines(name), key=len, reverse=True))})\b"


@cache
def _header_words() -> dict[str, frozenset[str]]:
    kinds: dict[str, set[str]] = {}
    with (_FOLDER / "header_words.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kinds.setdefault(row["kind"], set()).add(_apart(row["words"]))
    return {kind: frozenset(found) for kind, found in kinds.items()}


@lru_cache(maxsize=10_000)
def header_says(header: str, kind: str) -> bool:
    """Tell whether a column's name holds words of a kind, with or without diacritics, spaces or underscores.

    Words of kinds that end in `_alone` say something only where they are the whole name. A name like `F12` or `Cột 4` says nothing.
    """
    plain = plain_header(header)
    phrases = _header_words().get(kind, frozenset())
    if not plain:
        return False
    if kind.endswith("_alone"):
        return plain in phrases or plain.replace(" ", "") in phrases
    return any(_holds(plain, phrase) for phrase in phrases)


@lru_cache(maxsize=10_000)
def plain_header(header: str) -> str:
    """Return the words of a column's name, folded and apart; nothing for names that say nothing, like `Unnamed: 7`."""
    plain = _apart(repair_text(header))
    return "" if _NUMBERED.fullmatch(plain) else plain


def _apart(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", fold(_BOUNDS.sub(" ", text))).strip()


def _holds(plain: str, phrase: str) -> bool:
    if f" {phrase} " in f" {plain} ":
        return True
    glued, together = phrase.replace(" ", ""), plain.replace(" ", "")
    if glued == together or (len(glued) >= 4 and glued in plain.split()):
        return True
    if len(together) == _DBF_NAME < len(glued) and glued.startswith(together):
        return True
    return any(_is_part(glued, word) for word in plain.split())


def _is_part(glued: str, word: str) -> bool:
    """Tell whether words written as one hold a phrase: a long one anywhere, an abbreviation at either end."""
    if len(glued) >= 6:
        return glued in word
    return len(glued) >= 4 and not set(glued) & set("aeiouy") and (word.startswith(glued) or word.endswith(glued))


def _lines(name: str) -> list[str]:
    return [line for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines() if line]
