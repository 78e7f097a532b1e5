"""A text as the detectors read it: repaired, composed, folded, with the way back to the text as given."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from publisher.disclosure.personal.encodings import repair_with_places

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SPACES = {ord(space): " " for space in "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"}
_SIGNS = {ord(dash): "-" for dash in "\u2010\u2011\u2012\u2013\u2014\u2212"} | {0xFF0B: "+"}
_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)}
_ALIKE = _SPACES | _SIGNS | _FULL_WIDTH
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")
_SENTENCE_END = re.compile(r"[\n;!?]|\.(?=\s+[^\W\d_a-zà-ỹđ])|\.\s*$")
_FEW_LETTERS = 40


@dataclass(frozen=True)
class Word:
    """A run of letters: as written, in lower case, without diacritics, and where it stands in the text that is read."""

    start: int
    end: int
    written: str
    lower: str
    folded: str

    @property
    def is_capital(self) -> bool:
        return self.written[0].isupper()


@dataclass(frozen=True)
class Reading:
    """A text in composed Unicode (`text`), the same without diacritics and in lower case (`folded`, of equal length).

    `places` has for each of its characters, and for its end, the code point of the given text where it begins; null for
    the same place. `plain` says that no letter carries a diacritic, so that words can only be compared folded; `even` that
    nearly all letters are capitals, or nearly none, so that capitals tell nothing.
    """

    text: str
    folded: str
    places: list[int] | None
    plain: bool
    even: bool

    def given(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters from start up to end stand in the given text."""
        return (start, end) if self.places is None else (self.places[start], self.places[end])

    @cached_property
    def words(self) -> list[Word]:
        """The words of the text in order."""
        found = []
        for match in _WORD.finditer(self.text):
            start, end = match.span()
            written = match.group()
            found.append(Word(start, end, written, written.lower(), self.folded[start:end]))
        return found

    @cached_property
    def sentence_ends(self) -> list[int]:
        """The places after which a new sentence, line or item of a list begins."""
        return [match.end() for match in _SENTENCE_END.finditer(self.text)]


def read_text(given: str) -> Reading:
    """Return a text ready to be searched; old encodings and decomposed letters are repaired, offsets stay answerable."""
    text, places = _repaired(given)
    text = text.translate(_ALIKE)
    folded = "".join(map(_folded, text))
    letters = [letter for letter in text if letter.isalpha()]
    capitals = sum(letter.isupper() for letter in letters)
    even = capitals >= 0.6 * len(letters) or capitals < (0.02 if len(letters) > _FEW_LETTERS else 0.01) * len(letters)
    return Reading(text, folded, places, folded == text.lower(), even)


def _repaired(given: str) -> tuple[str, list[int] | None]:
    """Return the text repaired, composed and without invisible characters, and the places of its characters."""
    repaired, places = repair_with_places(given)
    if len(places) != len(repaired) + 1:
        repaired, places = given, list(range(len(given) + 1))
    if _INVISIBLE.intersection(repaired):
        kept = [place for place, sign in enumerate(repaired) if sign not in _INVISIBLE]
        repaired, places = "".join(repaired[place] for place in kept), [*(places[place] for place in kept), places[-1]]
    return repaired, None if repaired == given else places


def _folded(letter: str) -> str:
    if letter.isascii():
        return letter.lower()
    if letter in "đĐ":
        return "d"
    return unicodedata.normalize("NFD", letter)[0].lower()[:1] or letter
