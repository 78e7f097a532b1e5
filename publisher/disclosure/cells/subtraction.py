"""G6 over all tables: the published cells of one source as equations, and whether these tell a hidden cell too closely."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from publisher.disclosure.cells.attack import Contradiction, Equations, Unfinished, narrow
from publisher.disclosure.cells.small import aggregate_of, count_name, groupings_of
from publisher.formats.rows import column_to_text
from publisher.policy import AggregateTable
from publisher.published import PublishedTable

Key = tuple[Any, ...]
Fields = tuple[str, ...]
Sum = tuple[list[int], float]
"""Unknowns that are added up, and what is known beside them."""

_MOST_TOGETHER = 3
"""So many fields at most follow from one another, such as a code, its name and its area."""


@dataclass
class _Source:
    """The cells of all tables of one source: by grouping and key either a count or the number of an unknown."""

    known: dict[Fields, dict[Key, float]] = field(default_factory=lambda: defaultdict(dict))
    unknown: dict[Fields, dict[Key, int]] = field(default_factory=lambda: defaultdict(dict))
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    empty: list[bool] = field(default_factory=list)
    differing: int = 0
    rounded: bool = False

    def add_unknown(self, by: Fields, key: Key, *, bounds: tuple[float, float], width: float, empty: bool) -> None:
        """Name a cell that is not known exactly; where another table has it too, both bounds hold."""
        number = self.unknown[by].setdefault(key, len(self.lower))
        if number == len(self.lower):
            self.lower.append(bounds[0])
            self.upper.append(bounds[1])
            self.width.append(width)
            self.empty.append(empty)
        else:
            self.lower[number] = max(self.lower[number], bounds[0])
            self.upper[number] = min(self.upper[number], bounds[1])
            self.width[number] = max(self.width[number], width)
            self.empty[number] &= empty


def subtractions(
    tables: Sequence[tuple[PublishedTable, Path]],
    may_be_empty: Mapping[str, Collection[Key]] | None = None,
) -> list[str]:
    """Check all aggregated tables of each source together.

    Hidden cells hold at least one row, for who is in none is not listed; a cell may be empty where zeros are hidden, where all values
    of a group are hidden, and where `may_be_empty` (keys of published values by table) says that it was hidden before. Of a table that
    rounds, these are cells with a number of an earlier release, which they may say again until they differ enough from it.
    """
    faults = []
    by_source: dict[str, list[tuple[PublishedTable, Path]]] = defaultdict(list)
    for table, path in tables:
        if table.source.privacy.dp is None:
            by_source[table.source.name].append((table, path))
    for linked in by_source.values():
        if all(count_name(aggregate_of(table)) is None for table, _ in linked):
            continue
        source = _Source()
        for table, path in linked:
            _read(source, table, path, set((may_be_empty or {}).get(table.name, ())))
        faults += _faults_of(source, " and ".join(table.name for table, _ in linked))
    return faults


def _faults_of(source: _Source, names: str) -> list[str]:
    faults = []
    for by, cells in source.known.items():
        doubled = source.unknown[by].keys() & cells.keys()
        if doubled:
            faults.append(f"{len(doubled)} cells are hidden in one of {names} and visible in another")
            for key in doubled:
                source.unknown[by].pop(key)
    equations, wrong = _equations(source)
    if source.differing or wrong:
        faults.append(f"{source.differing + wrong} cells of {names} contradict each other")
        return faults
    width, empty = np.array(source.width, np.float64), np.array(source.empty, np.bool_)
    try:
        number = narrow(equations, width, empty)
    except Contradiction:
        return [*faults, f"the cells of {names} contradict each other"]
    except Unfinished:
        return [*faults, f"{names} hide too many linked cells to be checked; group by fewer fields or coarser levels"]
    return [*faults, f"{number} hidden cells can be computed too closely from {names}"] if number else faults


def _read(source: _Source, table: PublishedTable, path: Path, may_be_empty: set[Key]) -> None:
    aggregate = aggregate_of(table)
    content = pq.read_table(path)
    count = count_name(aggregate)
    by = aggregate.group_by
    texts = [column_to_text(content[name].combine_chunks()).to_pylist() for name in by]
    values = [content[name].to_pylist() for name in by]
    counts = content[count].to_pylist() if count else [None] * content.num_rows
    keys = list(zip(*texts, strict=True))
    groupings = groupings_of(content, aggregate)
    opened = set() if aggregate.or_round else _opened(keys, counts, by, groupings)
    ordered = {grouping: sorted(grouping) for grouping in set(groupings)}
    ahead = {grouping: [by.index(name) for name in names] for grouping, names in ordered.items()}
    for grouping, key, plain, number in zip(groupings, keys, zip(*values, strict=True), counts, strict=True):
        names, own = tuple(ordered[grouping]), tuple([key[place] for place in ahead[grouping]])
        if aggregate.or_round and number is not None:
            (low, high), width = _rounded(int(number), aggregate)
            late = aggregate.small_cell.min + 2 * (aggregate.or_round.base - 1) if plain in may_be_empty else 0
            bounds = (max(0.0, low - late), high + late)
            source.rounded = True
            source.add_unknown(names, own, bounds=bounds, width=width, empty=False)
        elif number is not None:
            source.differing += int(source.known[names].setdefault(own, number) != number)
        else:
            hides = aggregate.small_cell.zero == "hide"
            empty = hides or key in opened or plain in may_be_empty
            width = 0 if aggregate.or_round else aggregate.secondary.protect_width
            bounds = (0.0 if empty else 1.0, np.inf)
            source.add_unknown(names, own, bounds=bounds, width=width, empty=empty and not hides)


def _rounded(number: int, aggregate: AggregateTable) -> tuple[tuple[float, float], float]:
    """Return between which numbers a rounded count lies, and how closely it may be told: half of what rounding leaves open."""
    assert aggregate.or_round is not None  # noqa: S101  the caller looked
    base, least = aggregate.or_round.base, aggregate.least_rounded
    low = 0 if number == 0 else 1 if number <= least else max(number - base + 1, least)
    high = least - 1 if number == 0 else number + base - 1
    is_small = low < aggregate.small_cell.min
    return (float(low), float(high)), float(max(1, (least - 1) // 2)) if is_small else 0.0


def _opened(keys: Sequence[Key], counts: Sequence[Any], by: Sequence[str], groupings: Sequence[Fields]) -> set[Key]:
    """Return the hidden cells of which a whole group is listed and hidden, whatever value of one field its members have."""
    patterns: dict[Fields, list[int]] = defaultdict(list)
    for place, grouping in enumerate(groupings):
        patterns[grouping].append(place)
    opened: set[Key] = set()
    for grouping, places in patterns.items():
        if all(counts[place] is not None for place in places):
            continue
        for size in range(1, min(len(grouping), _MOST_TOGETHER) + 1):
            for along in combinations(grouping, size):
                opened |= _whole_groups([keys[p] for p in places], [counts[p] for p in places], by, set(along))
    return opened


def _whole_groups(keys: Sequence[Key], counts: Sequence[Any], by: Sequence[str], along: set[str]) -> set[Key]:
    ahead = [place for place, name in enumerate(by) if name in along]
    others = [place for place, name in enumerate(by) if name not in along]
    values = {tuple(key[p] for p in ahead) for key in keys}
    if len(values) < 2:
        return set()
    groups: dict[Key, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        groups[tuple(key[p] for p in others)].append(place)
    full = (members for members in groups.values() if len(members) == len(values))
    return {keys[p] for members in full if all(counts[m] is None for m in members) for p in members}


def _equations(source: _Source) -> tuple[Equations, int]:
    """Return how the groupings must agree, and in how many places what is visible does not."""
    rows, columns, factors = list[int](), list[int](), list[float]()
    low, high, wrong = list[float](), list[float](), 0
    for unknowns, rest, at_least in _agreements(source):
        if not unknowns:
            wrong += int(rest != 0 and not (at_least and rest < 0))
            continue
        rows += [len(low)] * len(unknowns)
        columns += [number for number, _ in unknowns]
        factors += [factor for _, factor in unknowns]
        low.append(-np.inf if at_least else -rest)
        high.append(-rest)
    return (
        Equations(
            lower=np.array(source.lower), upper=np.array(source.upper),
            rows=np.array(rows, np.int64), columns=np.array(columns, np.int64), factors=np.array(factors, np.float64),
            low=np.array(low, np.float64), high=np.array(high, np.float64),
        ),
        wrong,
    )  # fmt: skip


def _agreements(source: _Source) -> Iterator[tuple[list[tuple[int, float]], float, bool]]:
    """Yield sums over two groupings that are the same: their unknowns with signs, and what is known, one less the other.

    Where counts are rounded, cells that are not listed may hold a few: the listed parts are then at most their total.
    """
    groupings = sorted({*source.known, *source.unknown}, key=lambda by: (-len(by), by))
    for one, other in combinations(groupings, 2):
        common = tuple(name for name in one if name in other)
        is_total = common == other
        if source.rounded and not is_total:
            continue
        if any(
            set(common) <= set(by) and by not in {one, other} and _between(common, by, one, other) for by in groupings
        ):
            continue
        parts, wholes = _summed(source, one, common), _summed(source, other, common)
        for key in parts.keys() | wholes.keys():
            (fine, seen), (coarse, told) = parts.get(key, ([], 0.0)), wholes.get(key, ([], 0.0))
            if source.rounded and not coarse:
                continue  # an unlisted total
            unknowns = [*((number, 1.0) for number in fine), *((number, -1.0) for number in coarse)]
            yield unknowns, seen - told, source.rounded


def _between(common: Fields, by: Fields, one: Fields, other: Fields) -> bool:
    """Tell whether two groupings agree already because each agrees with a third: one between them, or all they have in common."""
    if common == other:
        return set(other) < set(by) < set(one)
    return set(by) == set(common) or set(common) < set(by) < set(one) or set(common) < set(by) < set(other)


def _summed(source: _Source, by: Fields, common: Fields) -> dict[Key, Sum]:
    places = [by.index(name) for name in common]
    unknowns: dict[Key, list[int]] = defaultdict(list)
    known: dict[Key, float] = defaultdict(float)
    for key, number in source.unknown.get(by, {}).items():
        unknowns[tuple(key[p] for p in places)].append(number)
    for key, count in source.known.get(by, {}).items():
        known[tuple(key[p] for p in places)] += count
    return {key: (unknowns.get(key, []), known.get(key, 0.0)) for key in unknowns.keys() | known.keys()}
