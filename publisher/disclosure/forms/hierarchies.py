"""Forms of codes that climbed a hierarchy: every value is one of a level, and enough people share it where the policy sets a floor.

The facts of hierarchies are read here anew, and which units a floor of population lets show is worked out again from the rule.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from publisher.disclosure.forms.values import Judge, each, never
from publisher.hierarchies import BUILT_IN
from publisher.policy import LEFT_OVER, GeneraliseHierarchy, HierarchyFile, InlineHierarchy

_PEOPLE = ("population", "dan_so")
_CODES = {
    "icd10": {"code": r"[A-Za-z]\d\d(?:\.?[0-9A-Za-z]{1,4})?[*†+]?", "category": r"[A-Z]\d\d"},
    "isco08": {"unit": r"\d{4}", "minor": r"\d{3}", "sub_major": r"\d{2}", "major": r"\d"},
    "vsic": {"subclass": r"[A-Ua-u]?[\d.]{2,7}", "class": r"\d{2,4}", "group": r"\d{2,3}", "division": r"\d{2}"},
}
"""Levels that are told by their form; those that are not here are the columns of the facts."""


@dataclass(frozen=True)
class Levels:
    """For each level asked for, fine to coarse, the value of every leaf; and the people of each leaf, empty without any."""

    values: tuple[tuple[str, ...], ...]
    people: tuple[int, ...] = ()


def hierarchy_judges(action: GeneraliseHierarchy, folder: Path) -> list[Judge]:
    """Return a judge for each level of the action."""
    if isinstance(action.hierarchy, InlineHierarchy):
        leaves = [[leaf, *coarser] for leaf, coarser in action.hierarchy.leaves.items()]
        return _judges(_chosen(leaves, action.hierarchy.names, action.levels), action.min_population)
    if action.file is not None:
        rows, names = _file_rows(action, folder)
        return _judges(_chosen(rows, names, action.levels), action.min_population)
    name = str(action.hierarchy).removeprefix("builtin:")
    if name in _CODES:
        return _code_judges(name, action.levels)
    return _list_judges(name, action) if name in BUILT_IN else [never]


def _list_judges(name: str, action: GeneraliseHierarchy) -> list[Judge]:
    """Return the judges of a list of units, for each way in which a table may name them."""
    built_in = BUILT_IN[name]
    with built_in.path.open(encoding="utf-8", newline="") as file:
        facts = list(csv.DictReader(file))
    people = next((column for column in _PEOPLE if column in facts[0]), None)
    judges: list[Judge] = []
    for leaf in (column for column in built_in.written if column != "also"):
        names = [*built_in.levels, *([people] if people else [])]
        rows = [
            [row[leaf], *(row[level] for level in built_in.levels[1:]), *([row[people]] if people else [])]
            for row in facts
        ]
        asked = action.levels or [*built_in.levels, "*"]
        judges += _judges(_chosen(rows, names, asked), action.min_population)
    return judges


def _code_judges(name: str, levels: Sequence[str] | None) -> list[Judge]:
    built_in = BUILT_IN[name]
    facts: list[dict[str, str]] = []
    if built_in.file:
        with built_in.path.open(encoding="utf-8", newline="") as file:
            facts = list(csv.DictReader(file))
    judges: list[Judge] = []
    for asked in levels or [*built_in.levels, "*"]:
        level = built_in.levels[int(asked)] if asked.isdigit() and int(asked) < len(built_in.levels) else asked
        if level in _CODES[name]:
            shape = re.compile(_CODES[name][level])
            judges.append(each(lambda value, shape=shape: bool(shape.fullmatch(value))))  # type: ignore[misc]
        else:
            known = {"*"} if level == "*" else {row[level] for row in facts}
            judges.append(each(lambda value, known=known: value in known))  # type: ignore[misc]
    return judges


def _file_rows(action: GeneraliseHierarchy, folder: Path) -> tuple[list[list[str]], list[str] | None]:
    """Return the rows of a hierarchy file and its level names, null when it has no header.

    Where nothing tells whether the first row is a header it counts as a row: its cells are then values that nothing takes.
    """
    spec = action.hierarchy if isinstance(action.hierarchy, HierarchyFile) else HierarchyFile(file=str(action.file))
    path = folder / spec.file
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    sign = spec.delimiter or max(",;\t|", key=first.count)
    query = (
        "SELECT * FROM read_csv(?, header = false, all_varchar = true, delim = ?, quote = '\"', null_padding = false)"
    )
    with closing(duckdb.connect(":memory:")) as connection:
        found = connection.execute(query, [str(path), sign]).fetchall()
    rows = [[_composed(cell or "") for cell in row] for row in found]
    words = {level for level in action.levels or () if level != "*" and not level.isdigit()}
    named = words <= set(rows[0]) if words else bool({name.casefold() for name in rows[0]} & set(_PEOPLE))
    has_header = named if spec.header is None else spec.header
    return (rows[1:], rows[0]) if has_header else (rows, None)


def _chosen(rows: Sequence[Sequence[str]], names: Sequence[str] | None, asked: Sequence[str] | None) -> Levels:
    """Return the values of the levels asked for, all when null."""
    width = len(rows[0])
    known = list(names) if names else [str(place) for place in range(width)]
    if len(known) == width - 1:
        known = ["0", *known]  # names of the levels above the leaf
    people_at = next((place for place, name in enumerate(known) if name.casefold() in _PEOPLE), None)
    people = tuple(int(row[people_at]) for row in rows) if people_at is not None else ()
    kept = [place for place in range(len(known)) if place != people_at]
    if asked is None:
        places: list[int | None] = list(kept)
    elif names is None and len(asked) == width and not set(asked) & set(known):
        places = list(range(width))
    else:
        kept_names = [known[place] for place in kept]
        places = [_place(level, kept_names, kept) for level in asked]
    columns = [
        ("*",) * len(rows) if place is None else tuple(_composed(row[place]) for row in rows) for place in places
    ]
    return Levels(tuple(columns), people)


def _place(level: str, names: Sequence[str], kept: Sequence[int]) -> int | None:
    if level in names:
        return kept[names.index(level)]
    if level == "*":
        return None
    return kept[int(level)]


def _judges(levels: Levels, floor: int | None) -> list[Judge]:
    columns: Sequence[Sequence[str]] = levels.values
    if floor is not None:
        if not levels.people:
            return [never]
        columns = _with_floor(levels, floor)
        if not all(_is_shared(column, levels.people, floor) for column in columns):
            return [never]
    return [each(lambda value, known=set(column): value in known) for column in columns]  # type: ignore[misc]


def _with_floor(levels: Levels, floor: int) -> list[list[str]]:
    """Return the values of each level under a floor, by the rule of the policy language.

    From fine to coarse, leaves whose value is shared by too few of those that have not found one yet wait for the next level. Those
    that found none are left over; while they are somebody but too few, the value of the fewest people joins them.
    """
    shown = [column for column in levels.values if set(column) != {"*"}]
    found: dict[int, int] = {}
    for level, column in enumerate(shown):
        people: Counter[str] = Counter()
        waiting = [leaf for leaf in range(len(column)) if leaf not in found]
        for leaf in waiting:
            people[column[leaf]] += levels.people[leaf]
        found |= {leaf: level for leaf in waiting if people[column[leaf]] >= floor}
    while found and len(found) < len(levels.people):
        left = sum(one for leaf, one in enumerate(levels.people) if leaf not in found)
        if left >= floor:
            break
        values: dict[tuple[int, str], list[int]] = {}
        for leaf in sorted(found):
            values.setdefault((found[leaf], shown[found[leaf]][leaf]), []).append(leaf)
        smallest = min(values.values(), key=lambda leaves: (sum(levels.people[leaf] for leaf in leaves), leaves[0]))
        found = {leaf: level for leaf, level in found.items() if leaf not in set(smallest)}
    columns = [
        [shown[max(level, found[leaf])][leaf] if leaf in found else LEFT_OVER for leaf in range(len(levels.people))]
        for level in range(len(shown))
    ]
    return columns + [["*"] * len(levels.people)] * (len(levels.values) - len(shown))


def _is_shared(column: Sequence[str], people: Sequence[int], floor: int) -> bool:
    """Tell whether at least so many people stand behind every value."""
    shared: Counter[str] = Counter()
    for value, number in zip(column, people, strict=True):
        shared[value] += number
    return min(shared.values()) >= floor


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()
