"""Words that stand for each other: abbreviations, English words, and the names that places and agencies had before.

What ships with the catalogue lies in `synonym_tables/*.csv`; an operator may add a file of the same form (setting
`catalogue.synonyms`); renamed and succeeded organizations come from the database.

A line is `old,new[,kind]`. Both names find each other. `Phường Bến Nghé, Quận 1` stands for the ward with its district, the
ward alone and, without its type, its bare name; a ward that is only numbered needs its district.
"""

from __future__ import annotations

import csv
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import aliased

from catalogue.folding import folded
from catalogue.model import Group, GroupSuccession, NameRedirect
from catalogue.search.spelling import has_accents, spelled, words_of
from catalogue.store import Store

TABLES = Path(__file__).parent / "synonym_tables"
# What a hit under the other name is worth beside one under the name that was asked for.
WORTH = {"abbreviation": 0.8, "english": 0.7, "word": 0.6, "agency": 0.5, "ward": 0.5, "province": 0.5, "district": 0.3}
_WORTH_FURTHER = 0.6  # of a name that another name leads to
_MOST_NAMES = 24
_SECONDS_KEPT = 2.0
_TYPES = re.compile(r"(phường|xã|thị trấn|đặc khu|quận|huyện|thị xã|thành phố|tỉnh)\s+", re.IGNORECASE)


class SynonymsError(ValueError):
    """The operator's table of synonyms cannot be read; the message names the line and the cure."""


@dataclass(frozen=True)
class Synonym:
    """One line of a table: two names that find each other."""

    old: str
    new: str
    kind: str


Entry = tuple[tuple[str, ...], tuple[tuple[str, float], ...]]


@dataclass(frozen=True)
class Lexicon:
    """All names that stand for others, found by their first word without accents.

    Attributes:
        entries: Per first folded word: the words of a name, and the names it stands for with what they are worth.
        renamed: Names of organizations and groups of today by their former ones.
    """

    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)

    def longest(self, asked: Sequence[str]) -> tuple[int, tuple[tuple[str, float], ...]]:
        """Return how many of the asked words make the longest name that begins with them, and what it stands for.

        Words without accents stand for every spelling. `(0, ())`: no name begins so.
        """
        words = [[word.lower() for word in words_of(spelled(text))] for text in asked]
        flat = [word for cut in words for word in cut]
        ends = {end: count for count, end in enumerate(accumulate(map(len, words)), start=1)}
        best: tuple[int, tuple[tuple[str, float], ...]] = (0, ())
        for name, stands_for in self.entries.get(folded(flat[0]), ()) if flat else ():
            length = ends.get(len(name), 0)
            if length > best[0] and all(map(_fits, flat, name)):
                best = (length, stands_for)
        return best

    def near(self, asked: str) -> tuple[tuple[str, float], ...]:
        """Return what a single word stands for that differs in one letter, the first one left alone; or nothing."""
        word = folded(asked)
        for name, stands_for in sorted(entry for first in self.entries for entry in self._alike(first, word)):
            if len(name) == 1:
                return stands_for
        return ()

    def _alike(self, first: str, word: str) -> Sequence[Entry]:
        is_near = first[:1] == word[:1] and abs(len(first) - len(word)) <= 1 and _is_one_edit(first, word)
        return self.entries[first] if is_near else ()


class Synonyms:
    """The lexicon of one process; follows the renaming and succession of organizations."""

    def __init__(self, path: Path | None) -> None:
        self._written = (*shipped_synonyms(), *(read_synonyms(path) if path else ()))
        self._lock = threading.Lock()
        self._known: tuple[object, ...] | None = None
        self._lexicon = Lexicon()
        self._until = 0.0

    def current(self, store: Store) -> tuple[Lexicon, bool]:
        """Return the lexicon, at most two seconds old, and whether it differs from the one returned before."""
        with self._lock:
            if time.monotonic() < self._until:
                return self._lexicon, False
            former, renamed = _names_in(store)
            self._until = time.monotonic() + _SECONDS_KEPT
            known = (former, tuple(sorted(renamed.items())))
            if known == self._known:
                return self._lexicon, False
            self._known = known
            self._lexicon = build_lexicon((*self._written, *former), renamed)
            return self._lexicon, True


@cache
def shipped_synonyms() -> tuple[Synonym, ...]:
    """Return the tables that come with the catalogue."""
    found: list[Synonym] = []
    for table in sorted(TABLES.glob("*.csv")):
        found += _read(table.read_text(encoding="utf-8").splitlines(), table.name)
    return tuple(found)


def read_synonyms(path: Path) -> tuple[Synonym, ...]:
    """Return an operator's table.

    Raises:
        SynonymsError: The file is absent, is no UTF-8, or a line has no two names.
    """
    try:
        return tuple(_read(path.read_text(encoding="utf-8-sig").splitlines(), path.name))
    except (OSError, UnicodeDecodeError) as error:
        raise SynonymsError(f"catalogue.search.synonyms: {path} cannot be read. Cure: a CSV file in UTF-8.") from error


def _read(lines: Iterable[str], name: str) -> Iterator[Synonym]:
    for number, line in enumerate(csv.reader(lines), start=1):
        if not any(line) or line[0].startswith("#") or (number == 1 and line[:2] == ["old", "new"]):
            continue
        parts = [part.strip() for part in line]
        kind = parts[2] if len(parts) > 2 and parts[2] else "word"
        if len(parts) not in {2, 3} or not (words_of(parts[0]) and words_of(parts[1])) or kind not in WORTH:
            kinds = ", ".join(sorted(WORTH))
            raise SynonymsError(
                f"catalogue.search.synonyms: {name}, line {number} is not `old,new[,kind]`. Cure: two names, the kind one of {kinds}."
            )
        yield Synonym(parts[0], parts[1], kind)


def build_lexicon(synonyms: Iterable[Synonym], renamed: Mapping[str, str] | None = None) -> Lexicon:
    """Return the lexicon of these lines; a name also stands for what its other names stand for, at a lower worth."""
    direct: dict[tuple[str, ...], dict[str, float]] = {}
    onwards: dict[tuple[str, ...], dict[str, float]] = {}
    for synonym in synonyms:
        for name, other, worth, leads_on in _pairs(synonym):
            if _key(name) != _key(other):
                _keep_best(direct.setdefault(_key(name), {}), other, worth)
                if leads_on:
                    _keep_best(onwards.setdefault(_key(name), {}), other, worth)
    entries: dict[str, list[Entry]] = {}
    for key, others in direct.items():
        further = dict(others)
        for other, worth in onwards.get(key, {}).items():
            for last, share in onwards.get(_key(other), {}).items():
                if _key(last) != key:
                    further.setdefault(last, worth * share * _WORTH_FURTHER)
        ranked = sorted(further.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_NAMES]
        entries.setdefault(folded(key[0]), []).append((key, tuple(ranked)))
    return Lexicon(entries, renamed or {})


def _keep_best(names: dict[str, float], name: str, worth: float) -> None:
    names[name] = max(worth, names.get(name, 0.0))


def _key(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in words_of(spelled(name)))


def _fits(asked: str, word: str) -> bool:
    return asked == word or (not has_accents(asked) and asked == folded(word))


def _is_one_edit(one: str, other: str) -> bool:
    """Tell whether a letter was changed, added, left out or swapped with its neighbour."""
    start = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    first, second = one[start:], other[start:]
    is_swapped = len(first) > 1 and first[:2] == second[1::-1] and first[2:] == second[2:]
    return is_swapped or first[1:] == second[1:] or first[1:] == second or first == second[1:]


def _pairs(synonym: Synonym) -> Iterator[tuple[str, str, float, bool]]:
    """Yield from which name to which other name a line leads, what that is worth, and whether from old to new."""
    worth = WORTH[synonym.kind]
    old, _, district = (part.strip() for part in synonym.old.partition(","))
    is_numbered = bool(district) and any(map(str.isdigit, old))
    olds = [f"{old} {district}".strip(), *([] if is_numbered else [old])]
    for name in dict.fromkeys([*olds, *_short(old), *(_numbered(old, district) if is_numbered else ())]):
        yield name, synonym.new, worth, True
    for name in dict.fromkeys([synonym.new, *_short(synonym.new)]):
        yield name, olds[0] if is_numbered else old, worth, False
    if district:
        yield district, synonym.new, WORTH["district"], False
        yield synonym.new, district, WORTH["district"], False


def _short(name: str) -> list[str]:
    """Return the name without the word for what it is, when enough of it is left to mean this place alone."""
    match = _TYPES.match(name)
    rest = name[match.end() :] if match else ""
    return [rest] if len(words_of(rest)) > 1 and not any(map(str.isdigit, rest)) else []


def _numbered(ward: str, district: str) -> Iterator[str]:
    """Yield how people write numbered wards: `P9 Q3`, `P.9, quận 3`, `phường 9 Tân Bình`."""
    number = ward.removeprefix("Phường ")
    place = district.removeprefix("Quận ")
    districts = [district, f"Q{place}", f"Q {place}"] if place.isdigit() else [district, place]
    for short in (ward, f"P{number}", f"P {number}"):
        for other in districts:
            yield f"{short} {other}"


def _names_in(store: Store) -> tuple[tuple[Synonym, ...], dict[str, str]]:
    """Return what the database knows of former names: titles that lead on, and names in addresses."""
    before, after = aliased(Group), aliased(Group)
    succeeded = (
        select(before.title, after.title)
        .select_from(GroupSuccession)
        .join(before, before.id == GroupSuccession.predecessor_id)
        .join(after, after.id == GroupSuccession.successor_id)
    )
    renamed = (
        select(NameRedirect.name, Group.name)
        .join(Group, Group.id == NameRedirect.target_id)
        .where(NameRedirect.kind == "group")
    )
    with store.read() as session:
        titles = [(old, new) for old, new in session.execute(succeeded).all() if old and new]
        names = dict(session.execute(renamed).all())
        for title, extras in session.execute(select(Group.title, Group.extras)).all():
            titles += [(old, title) for old in _former_titles(extras) if title]
    found = {Synonym(old, new, "agency") for old, new in titles if words_of(old) and words_of(new)}
    return tuple(sorted(found, key=lambda synonym: (synonym.old, synonym.new))), names


def _former_titles(extras: Mapping[str, object] | None) -> list[str]:
    """Return the titles that an organization had, one a line in its extra `former_titles`."""
    told = (extras or {}).get("former_titles")
    return [line.strip() for line in told.splitlines() if line.strip()] if isinstance(told, str) else []
