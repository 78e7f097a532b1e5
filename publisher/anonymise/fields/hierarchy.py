"""Hierarchies: one row a leaf (first column), one column a level; from a CSV file beside the definition, or written into the policy.

A file has a header that names its levels, or none; then the levels are numbered, 0 being the leaf. Leaves are compared as the cells of
a table are: without surrounding white space, composed (NFC). A column `population` (or `dan_so`) is no level: it holds the people of each leaf.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from publisher.anonymise.fields.floors import climb_small
from publisher.errors import DescriptorError
from publisher.policy import LEFT_OVER, GeneraliseHierarchy, HierarchyFile, InlineHierarchy

HIDDEN: Final = "*"
"""The level, and the value, that says nothing."""

POPULATIONS = ("population", "dan_so")

_NEARLY = 0.75
"""How much alike, of 1, a level and a word of the first row are when one is the other misspelt."""


@dataclass(frozen=True)
class Hierarchy:
    """The chosen levels of one hierarchy; `labels[level][i]` is what leaf `i` becomes."""

    leaves: tuple[str, ...]
    levels: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Sheet:
    """A hierarchy with all its levels: their names from the leaf on, and a row for each leaf.

    `populations` are the people of each leaf, null where nothing is known of them; `where` names its place in errors; `leaves` are how a
    table writes the leaf of each row, where that is not its first cell.
    """

    where: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    populations: tuple[int, ...] | None = None
    has_names: bool = True
    leaves: tuple[str, ...] | None = None


def hierarchy_of(action: GeneraliseHierarchy, folder: Path) -> Hierarchy:
    """Return the hierarchy of an action that names a file or holds the leaves itself.

    Raises:
        DescriptorError: it cannot be read, lacks a level, holds a leaf twice or an empty cell, its levels do not nest, or it knows no population.
    """
    if isinstance(action.hierarchy, InlineHierarchy):
        sheet = _inline_sheet(action.hierarchy)
    else:
        spec = action.hierarchy if isinstance(action.hierarchy, HierarchyFile) else HierarchyFile(file=action.hierarchy)
        sheet = read_sheet(folder / spec.file, action.levels, delimiter=spec.delimiter, header=spec.header)
    return choose(sheet, action.levels, action.min_population)


def choose(sheet: Sheet, levels: Sequence[str] | None, floor: int | None) -> Hierarchy:
    """Keep the levels asked for, fine to coarse, all when null; `*` needs no column.

    With a floor, leaves climb until at least so many people share the value, in the end beyond all levels, to `LEFT_OVER`.
    """
    leaves = sheet.leaves or tuple(row[0] for row in sheet.rows)
    if len(set(leaves)) < len(leaves):
        raise DescriptorError(f"{sheet.where}: a leaf stands twice.", cure="keep one row for each leaf")
    names = tuple(levels) if levels is not None else sheet.names
    places = _places(sheet, names)
    labels = [
        (HIDDEN,) * len(sheet.rows) if place is None else tuple(row[place] for row in sheet.rows) for place in places
    ]
    for finer, coarser, name in zip(labels, labels[1:], names[1:], strict=False):
        if len(set(zip(finer, coarser, strict=True))) > len(set(finer)):
            raise DescriptorError(
                f"{sheet.where}: one value of a finer level has two parents at the level `{name}`.",
                cure="order `levels` from fine to coarse and give each value one parent",
            )
    if floor is not None:
        labels = _with_floor(sheet, labels, floor)
    return Hierarchy(leaves, names, tuple(labels))


def read_sheet(
    path: Path, levels: Sequence[str] | None, *, delimiter: str | None = None, header: bool | None = None
) -> Sheet:
    """Read a CSV file with all its levels; what is not declared is told by its lines and the levels asked for.

    Raises:
        DescriptorError: it cannot be read, or a row lacks a cell.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.split("\n", 1)[0]
        cut = delimiter or max(",;\t|", key=first.count)
        lines = [[_clean(cell) for cell in row] for row in csv.reader(io.StringIO(text), delimiter=cut) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DescriptorError(
            f"The hierarchy {path} cannot be read: {type(error).__name__}.", cure="put a UTF-8 CSV file there"
        ) from None
    has_header = _has_header(lines, levels) if header is None and lines else bool(header)
    if len(lines) < 1 + has_header:
        raise DescriptorError(f"The hierarchy {path} is empty.", cure="give it one row for each leaf")
    names = lines[0] if has_header else [str(place) for place in range(len(lines[0]))]
    if len(set(names)) < len(names):
        raise DescriptorError(f"{path}: its header names two levels alike.", cure="name each level once")
    rows = lines[1:] if has_header else lines
    for number, row in enumerate(rows, start=1 + has_header):
        if len(row) != len(names) or not all(row):
            raise DescriptorError(f"{path}: row {number} lacks a cell or has an empty one.", cure="fill every level")
    return _without_population(str(path), names, rows, has_names=has_header)


def _inline_sheet(inline: InlineHierarchy) -> Sheet:
    where = "The hierarchy written into the policy"
    rows = [[_clean(leaf), *map(_clean, coarser)] for leaf, coarser in inline.leaves.items()]
    width = len(rows[0])
    if any(len(row) != width or not all(row) for row in rows):
        raise DescriptorError(f"{where} has leaves with more levels than others.", cure="give each leaf as many values")
    names = inline.names or [str(place) for place in range(width)]
    if len(names) == width - 1:
        names = ["0", *names]
    if len(names) != width or len(set(names)) < width:
        raise DescriptorError(
            f"{where} has {width} levels, leaf included, and other names.", cure="name each level once"
        )
    return Sheet(where, tuple(names), tuple(map(tuple, rows)), has_names=inline.names is not None)


def _has_header(lines: Sequence[Sequence[str]], levels: Sequence[str] | None) -> bool:
    """Tell whether the first row names the levels: it holds one of those asked for, or no value of it comes again in a coarser column.

    A level that is nearly a word of the first row is one misspelt, so that the error can say which levels there are.
    """
    first, below = lines[0], lines[1:]
    asked = [level for level in levels or () if level != HIDDEN and not level.isdigit()]
    if asked:
        words = [word.casefold() for word in first]
        return any(level in first or get_close_matches(level.casefold(), words, n=1, cutoff=_NEARLY) for level in asked)
    if {name.casefold() for name in first} & set(POPULATIONS):
        return True
    coarser = range(1, len(first))
    if any(
        first[place] == HIDDEN or first[place] in {row[place] for row in below if place < len(row)} for place in coarser
    ):
        return False
    return len(first) > 1 and len(set(first)) == len(first) and len(below) > 0


def _places(sheet: Sheet, levels: Sequence[str]) -> list[int | None]:
    """Return the column of each level; a level is asked for by its name or its number, and all columns without names in their order."""
    if not sheet.has_names and len(levels) == len(sheet.names) and not set(levels) & set(sheet.names):
        return list(range(len(levels)))
    places: list[int | None] = []
    for level in levels:
        if level in sheet.names:
            places.append(sheet.names.index(level))
        elif level == HIDDEN:
            places.append(None)
        elif level.isdigit() and int(level) < len(sheet.names):
            places.append(int(level))
        else:
            raise _unknown_level(sheet, level)
    return places


def _unknown_level(sheet: Sheet, level: str) -> DescriptorError:
    known = f"{', '.join(sheet.names)} and `{HIDDEN}`"
    if sheet.has_names:
        return DescriptorError(
            f"{sheet.where}: no column for the level `{level}`.",
            cure=f"mend `levels` or add the column; its levels are {known}",
        )
    return DescriptorError(
        f"{sheet.where}: no column for the level `{level}`; no first row names the levels, so they have numbers.",
        cure=f"mend `levels`; there are {known}. Where a first row does name them, say so: `header: true`",
    )


def _without_population(where: str, names: Sequence[str], rows: Sequence[Sequence[str]], *, has_names: bool) -> Sheet:
    place = next((place for place, name in enumerate(names) if has_names and name.casefold() in POPULATIONS), None)
    if not place:
        return Sheet(where, tuple(names), tuple(map(tuple, rows)), has_names=has_names)
    try:
        populations = tuple(int(row[place]) for row in rows)
    except ValueError:
        raise DescriptorError(
            f"{where}: a population is no whole number.", cure="write it without points, such as 21500"
        ) from None
    kept = [other for other in range(len(names)) if other != place]
    return Sheet(
        where, tuple(names[at] for at in kept), tuple(tuple(row[at] for at in kept) for row in rows), populations
    )


def _with_floor(sheet: Sheet, labels: Sequence[tuple[str, ...]], floor: int) -> list[tuple[str, ...]]:
    """Return the labels of each level where what fewer people share has climbed; levels still nest, since what climbed stays above."""
    if sheet.populations is None:
        raise DescriptorError(
            f"{sheet.where} knows no populations, which min_population needs.",
            cure="add a column `population` with the people of each leaf, or leave min_population out",
        )
    if sum(sheet.populations) < floor:
        raise DescriptorError(
            f"{sheet.where}: min_population is more than all its people together.", cure="ask for fewer people"
        )
    shown = [column for column in labels if set(column) != {HIDDEN}]
    above = [*shown, (LEFT_OVER,) * len(sheet.rows)]
    climbed = climb_small(above, sheet.populations, floor)
    with_floor = [
        tuple(above[max(level, lowest)][leaf] for leaf, lowest in enumerate(climbed)) for level in range(len(shown))
    ]
    return [*with_floor, *labels[len(shown) :]]


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()
