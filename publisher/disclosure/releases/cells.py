"""G7 for cells: between any two releases a cell differs by nobody or by at least `min`, and what was hidden stays hidden.

Every earlier release is read once and compared with the new one cell by cell; differences between the earlier ones were judged when they
were new. Where a table groups by other columns than before, both are summed up to the columns they have in common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.disclosure.cells.small import TOTAL, count_name
from publisher.disclosure.releases.periods import last_day, period_columns
from publisher.earlier import Earlier, EarlierTable
from publisher.policy import AggregateTable
from publisher.published import PublishedTable

Key = tuple[str | None, ...]
Columns = tuple[str, ...]
Counts = dict[Key, int | None]
"""Counts by the text of the group columns; null for a hidden cell."""


@dataclass
class _Faults:
    """How many cells break which rule, over all earlier releases; a cell counts once."""

    small: set[Key] = field(default_factory=set)
    shown_again: set[Key] = field(default_factory=set)
    vanished: set[Key] = field(default_factory=set)
    fewer: set[Key] = field(default_factory=set)

    def words(self, aggregate: AggregateTable, mode: str) -> list[str]:
        """Return what is wrong, in words and numbers."""
        said = [
            (self.small, f"cells differ from an earlier release by fewer than {aggregate.small_cell.min}"),
            (self.shown_again, "cells are shown that were hidden in an earlier release"),
            (self.vanished, "cells are gone that were hidden in an earlier release"),
            (self.fewer, f"cells count fewer than in an earlier release, and the mode is {mode}"),
        ]
        return [f"{len(cells)} {words}" for cells, words in said if cells]


def small_differences(
    path: Path, table: PublishedTable, earlier: Earlier, others: Sequence[PublishedTable]
) -> list[str]:
    """Compare one aggregated table with all that is public already.

    Args:
        path: its Parquet file.
        table: what the policy publishes.
        earlier: the earlier releases.
        others: all tables of the dataset; a table that is new is compared with the earlier ones that it sums up or is summed up to.
    """
    aggregate = table.aggregate
    if aggregate is None or count_name(aggregate) is None:
        return []
    faults = _Faults()
    now = _read(path, aggregate)
    known = {one.release for one in earlier.of(table.name)}
    by_columns: dict[Columns, _Now] = {}
    for one in earlier.of(table.name):
        names = pq.read_schema(one.path).names
        common = tuple(name for name in aggregate.group_by if name in names)
        if common not in by_columns:
            by_columns[common] = _Now(table, common, now)
        _compare(by_columns[common], one, aggregate, earlier.day, faults)
    for other in others:
        if _sums_up(table, other):
            for one in earlier.of(other.name):
                if one.release not in known:
                    _compare_sums(now, aggregate.group_by, _read(one.path, other.aggregate), other, faults, aggregate)
    return faults.words(aggregate, table.source.privacy.releases.mode)


def told_before(path: Path, table: PublishedTable, earlier: Earlier | None) -> set[tuple[Any, ...]]:
    """Return the published keys of cells of which an earlier release may speak instead of the rows of today.

    Those that any earlier release hides, for nobody need be left in a cell that is hidden because it was; and of a table that rounds,
    those with a number that an earlier release had, for they may say it again.
    """
    aggregate = table.aggregate
    found: set[tuple[Any, ...]] = set()
    if aggregate is None or earlier is None or (count := count_name(aggregate)) is None:
        return found
    for one in earlier.of(table.name):
        if {*aggregate.group_by, count} <= set(pq.read_schema(one.path).names):
            data = pq.read_table(one.path, columns=[*aggregate.group_by, count])
            wanted = data if aggregate.or_round else data.filter(pc.is_null(data[count])).select(aggregate.group_by)
            found |= set(zip(*(column.to_pylist() for column in wanted.columns), strict=True))
    if aggregate.or_round is None:
        return found
    now = pq.read_table(path, columns=[*aggregate.group_by, count])
    rows = zip(*(column.to_pylist() for column in now.columns), strict=True)
    return {row[:-1] for row in rows if row in found}


def _compare(now: _Now, one: EarlierTable, aggregate: AggregateTable, day: date, faults: _Faults) -> None:
    only_grows = now.releases.mode != "snapshot" and aggregate.or_round is None
    for key, then in _read(one.path, aggregate, by=now.columns).items():
        count = now.counts.get(key, 0)
        if then is None:
            if now.releases.same_suppression and not now.closed_between(key, one.day, day):
                _compare_hidden(now, key, faults)
        elif count is not None:
            if 0 < abs(count - then) < aggregate.small_cell.min:
                faults.small.add(key)
            if only_grows and count < then:
                faults.fewer.add(key)


def _compare_hidden(now: _Now, key: Key, faults: _Faults) -> None:
    if key not in now.counts:
        if now.has_period_of(key):
            faults.vanished.add(key)
    elif now.counts[key] is not None:
        faults.shown_again.add(key)


def _compare_sums(
    now: Counts,
    by: Sequence[str],
    before: Counts,
    other: PublishedTable,
    faults: _Faults,
    aggregate: AggregateTable,
) -> None:
    former = other.aggregate.group_by if other.aggregate else []
    common = [name for name in by if name in former]
    sums = _summed(now, [by.index(name) for name in common])
    then = _summed(before, [former.index(name) for name in common])
    for key in sums.keys() & then.keys():
        one, two = sums[key], then[key]
        if one is not None and two is not None and 0 < abs(one - two) < aggregate.small_cell.min:
            faults.small.add(key)


def _sums_up(table: PublishedTable, other: PublishedTable) -> bool:
    """Tell whether one of two tables of one source has all groups of the other."""
    if table.aggregate is None or other.aggregate is None or table.name == other.name:
        return False
    if table.source.name != other.source.name or count_name(other.aggregate) is None:
        return False
    one, two = set(table.aggregate.group_by), set(other.aggregate.group_by)
    return one <= two or two <= one


class _Now:
    """The new release by some of its columns: its counts, which periods it still tells of, and when each was over."""

    def __init__(self, table: PublishedTable, columns: Columns, counts: Counts) -> None:
        by = table.aggregate.group_by if table.aggregate else []
        self.columns, self.releases = columns, table.source.privacy.releases
        self.counts = counts if len(columns) == len(by) else _summed(counts, [by.index(name) for name in columns])
        self._places = [(name, columns.index(name)) for name in period_columns(table) if name in columns]
        self._told = {self._period(key) for key in self.counts}
        self._last_day = cache(partial(last_day, table))

    def has_period_of(self, key: Key) -> bool:
        return self._period(key) in self._told

    def closed_between(self, key: Key, before: date, now: date) -> bool:
        """Tell whether all periods of a cell were over on a day, and not all of them on one before."""
        ends = [self._last_day(name, key[place]) for name, place in self._places]
        known = [end for end in ends if end is not None]
        return bool(known) and len(known) == len(ends) and before <= max(known) < now

    def _period(self, key: Key) -> Key:
        return tuple(key[place] for _, place in self._places)


def _read(path: Path, aggregate: AggregateTable | None, *, by: Sequence[str] | None = None) -> Counts:
    """Return the counts of a file by some of its columns, those that stand in several rows summed up."""
    assert aggregate is not None  # noqa: S101  the caller passes aggregates
    names = list(aggregate.group_by if by is None else by)
    count = count_name(aggregate)
    schema = pq.read_schema(path)
    if count is None or count not in schema.names:
        return {}
    measures = {measure.name for measure in aggregate.measures}
    dropped = [name for name in schema.names if name not in {*names, *measures}]
    data = pq.read_table(path)
    for name in dropped:  # totals over a column that is summed up here would count twice
        if pa.types.is_string(data.schema.field(name).type):
            data = data.filter(pc.fill_null(pc.not_equal(data[name], TOTAL), fill_value=True))
    keys = zip(*(pc.cast(data[name], pa.string()).to_pylist() for name in names), strict=True)
    numbers = data[count].to_pylist()
    return _added(zip(keys if names else [()] * len(numbers), numbers, strict=True))


def _summed(counts: Counts, places: Sequence[int]) -> Counts:
    """Return counts summed up to some columns; totals over the others are left out."""
    whole = len(next(iter(counts), ())) == len(places)
    others = [place for place in range(len(next(iter(counts), ()))) if place not in places]
    return _added(
        (tuple(key[place] for place in places), count)
        for key, count in counts.items()
        if whole or not any(key[place] == TOTAL for place in others)
    )


def _added(pairs: Iterable[tuple[Key, int | None]]) -> Counts:
    """Return sums by key; a sum of which one part is hidden is hidden."""
    pairs = list(pairs)
    if len(single := dict(pairs)) == len(pairs):
        return single
    sums: defaultdict[Key, int] = defaultdict(int)
    hidden: set[Key] = set()
    for key, count in pairs:
        sums[key] += int(count or 0)
        if count is None:
            hidden.add(key)
    return {key: None if key in hidden else number for key, number in sums.items()}
