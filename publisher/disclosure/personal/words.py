"""Word lists beside this module, folded to plain letters: no diacritics, no đ, lower case. Sources are named in the README."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

_FOLDER = Path(__file__).parent / "lists"
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


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
            kinds.setdefault(row["kind"], set()).add(row["words"])
    return {kind: frozenset(found) for kind, found in kinds.items()}


@cache
def header_says(header: str, kind: str) -> bool:
    """Tell whether a column's name holds words of a kind, with or without diacritics, spaces or underscores."""
    plain = re.sub(r"[^a-z0-9]+", " ", fold(_CAMEL.sub(" ", header))).strip()
    together = re.sub(r"[^a-z0-9]+", "", fold(header))
    return any(f" {phrase} " in f" {plain} " or phrase.replace(" ", "") == together for phrase in _header_words()[kind])


def _lines(name: str) -> list[str]:
    return [line for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines() if line]
