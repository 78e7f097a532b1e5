"""Small sets of words without diacritics that the readers of texts ask for, from `lists/text_word_sets.csv`."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

_LIST = Path(__file__).parent.parent / "lists" / "text_word_sets.csv"


@cache
def word_set(name: str) -> frozenset[str]:
    """Return the words of a set."""
    with _LIST.open(encoding="utf-8", newline="") as file:
        return next(frozenset(row["words"].split()) for row in csv.DictReader(file) if row["set"] == name)
