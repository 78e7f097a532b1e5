"""Words that say what a number is: "CCCD", "số tài khoản", "mã hồ sơ". The nearest before a number decides, then one right after."""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from publisher.disclosure.personal.texts.reading import Reading

PUBLIC = frozenset({"file", "decision", "money", "company", "hotline", "treasury", "asset", "contract"})
"""Clues of numbers that are no person's."""

_SMALL = frozenset({"site", "amount"})
"""Clues that are no clue as one word with a capital: then it is a syllable of a name."""

_LIST = Path(__file__).parent.parent / "lists" / "text_clues.csv"
_HEXADECIMAL, _HEXADECIMAL_END = re.compile(r"[\da-f\-]+(?!\w)"), re.compile(r"(?<!\w)[\da-f\-]+$")
_REACH = 45
_REACH_AFTER = 18


@dataclass(frozen=True)
class Clue:
    """A word with what it says about numbers near it; places are of the text that is read."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Clues:
    """All clues of one text in order."""

    reading: Reading
    found: tuple[Clue, ...]

    def before(self, place: int, *, reach: int = _REACH) -> str:
        """Return the kind of the nearest clue that ends within reach before a place, in its sentence; empty for none."""
        at = bisect_right(self.found, place, key=lambda clue: clue.end) - 1
        if at < 0 or place - self.found[at].end > reach:
            return ""
        return "" if self._parted(self.found[at].end, place) else self.found[at].kind

    def after(self, place: int) -> str:
        """Return the kind of a clue that begins right after a place; empty for none."""
        at = bisect_right(self.found, place - 1, key=lambda clue: clue.start)
        if at >= len(self.found) or self.found[at].start - place > _REACH_AFTER:
            return ""
        between = self.reading.text[place : self.found[at].start]
        return "" if any(sign in between for sign in ",.;\n0123456789") else self.found[at].kind

    def has(self, kinds: frozenset[str], start: int, end: int) -> bool:
        """Tell whether a clue of these kinds stands between two places."""
        return any(clue.kind in kinds and clue.start >= start and clue.end <= end for clue in self.found)

    def sentence(self, place: int) -> tuple[int, int]:
        """Return where the sentence of a place begins and ends."""
        ends = self.reading.sentence_ends
        at = bisect_right(ends, place)
        return (ends[at - 1] if at else 0), (ends[at] if at < len(ends) else len(self.reading.text))

    def _parted(self, start: int, end: int) -> bool:
        ends = self.reading.sentence_ends
        at = bisect_right(ends, start)
        return at < len(ends) and ends[at] <= end and bool(self.reading.text[start : ends[at]].strip(" :\t\r\n"))


def clues_of(reading: Reading) -> Clues:
    """Return the clues of a text; a longer clue wins over one inside it."""
    found: list[Clue] = []
    end = 0
    for word in reading.words:
        if word.start < end:
            continue
        for pattern, kind in _by_first_word().get(word.folded, ()):
            match = pattern.match(reading.folded, word.start)
            if match and not (kind in _SMALL and word.is_capital and match.end() == word.end and not reading.even):
                if _is_inside_a_digest(reading.text, word.start, word.end):
                    break
                end = match.end()
                found.append(Clue(word.start, end, kind))
                break
    return Clues(reading, tuple(found))


def _is_inside_a_digest(text: str, start: int, end: int) -> bool:
    """Tell whether hexadecimal digits with letters among them hang on a word, as in hashes and UUIDs: `5e9acb62` names no bank."""
    before, after = _HEXADECIMAL_END.search(text, max(start - 64, 0), start), _HEXADECIMAL.match(text, end)
    if before and after and before.end() == start:
        return True
    return any(digit in "abcdef" for found in (before, after) if found for digit in found.group())


@cache
def _by_first_word() -> dict[str, list[tuple[re.Pattern[str], str]]]:
    """Return the expressions of clues by the word they begin with, the longest first."""
    with _LIST.open(encoding="utf-8", newline="") as file:
        rows = sorted(((row["words"], row["kind"]) for row in csv.DictReader(file)), key=lambda row: -len(row[0]))
    found: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for words, kind in rows:
        first = re.split(r"[^a-z]", words)[0]
        found.setdefault(first, []).append((re.compile(rf"{words}(?![^\W\d_])"), kind))
    return found
