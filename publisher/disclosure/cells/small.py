"""G6 for one table: no cell stands for fewer than `min`, hidden cells hide everything, no group is told one value, and rows count nothing hidden."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.policy import AggregateTable
from publisher.published import PublishedTable

Row = dict[str, Any]

TOTAL = "*"
_PERSONS = {"person", "household"}


def small_cells(path: Path, table: PublishedTable) -> list[str]:
    """Check one aggregated table on its own."""
    aggregate = aggregate_of(table)
    rows = pq.read_table(path).to_pylist()
    count = count_name(aggregate)
    if count is None:
        if table.source.privacy.subject == "none":
            return []
        return ["no measure counts, so small cells could not be checked; publish a `count`"]
    faults = []
    small = sum(1 for row in rows if row[count] is not None and 0 < row[count] < aggregate.small_cell.min)
    if small:
        faults.append(f"{small} cells stand for fewer than {aggregate.small_cell.min}")
    zeros = sum(1 for row in rows if row[count] == 0)
    if zeros and aggregate.or_round is None:
        faults.append(f"{zeros} cells show that nobody stands in them")
    names = [measure.name for measure in aggregate.measures]
    leaking = sum(1 for row in rows if row[count] is None and any(row[name] is not None for name in names))
    if leaking:
        faults.append(f"{leaking} hidden cells still show a measure")
    if len({_key(row, aggregate.group_by) for row in rows}) < len(rows):
        faults.append("a cell stands twice")
    faults += _wrong_groupings(rows, aggregate)
    if aggregate.or_round:
        uneven = sum(1 for row in rows if row[count] is not None and row[count] % aggregate.or_round.base)
        faults += [f"{uneven} counts are no multiples of {aggregate.or_round.base}"] if uneven else []
    elif table.source.privacy.subject in _PERSONS and not table.source.privacy.publishes_rows:
        uniform = sum(1 for by in aggregate.groupings for _ in _uniform(rows, list(by), aggregate, count))
        faults += [f"{uniform} cells hold everybody of a group, so that its members' value is told"] if uniform else []
    return faults


def recounts(aggregates: list[tuple[PublishedTable, Path]], rows: list[tuple[PublishedTable, Path]]) -> list[str]:
    """Check that rows of the same source, leaving beside an aggregate, do not count the very cells that it hides."""
    faults = []
    for aggregated, _ in aggregates:
        aggregate = aggregate_of(aggregated)
        for table, path in rows:
            same_source = table.source.name == aggregated.source.name
            if not same_source or not set(aggregate.group_by) <= {field.name for field in table.fields}:
                continue
            cells = (
                pq.read_table(path, columns=aggregate.group_by)
                .group_by(aggregate.group_by)
                .aggregate([([], "count_all")])
            )
            small = pc.sum(pc.less(cells["count_all"], aggregate.small_cell.min)).as_py()
            if small:
                faults.append(f"{small} small cells of {aggregated.name} can be counted from the rows of {table.name}")
    return faults


def count_name(aggregate: AggregateTable) -> str | None:
    """Return the measure that counts; null when none does."""
    return next((measure.name for measure in aggregate.measures if measure.kind == "count"), None)


def aggregate_of(table: PublishedTable) -> AggregateTable:
    """Return the policy of an aggregated table.

    Raises:
        ValueError: the table has none.
    """
    if table.aggregate is None:
        raise ValueError(f"{table.name} is no aggregated table")
    return table.aggregate


def grouping_of(row: Row, aggregate: AggregateTable) -> tuple[str, ...]:
    """Return the fields that a row is grouped by, which in a margin are not all of the table's."""
    by = aggregate.group_by
    return tuple(name for name in by if row[name] != TOTAL) if aggregate.has_margins else tuple(by)


def _wrong_groupings(rows: list[Row], aggregate: AggregateTable) -> list[str]:
    if not aggregate.has_margins:
        return []
    declared = set(aggregate.groupings)
    constant = {name for name in aggregate.group_by if {row[name] for row in rows} == {TOTAL}}  # one level hid it all
    others = sum(1 for row in rows if not constant and grouping_of(row, aggregate) not in declared)
    return [f"{others} rows are totals that the policy does not name"] if others else []


def _uniform(rows: list[Row], by: list[str], aggregate: AggregateTable, count: str) -> Iterator[Row]:
    """Yield the visible cells that hold all of a group, though other values of the remaining fields occur."""
    own = [row for row in rows if list(grouping_of(row, aggregate)) == by]
    for along in _separate(own, by):
        if len({_key(row, along) for row in own}) < 2:
            continue
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        others = [name for name in by if name not in along]
        for row in own:
            groups[_key(row, others)].append(row)
        yield from (group[0] for group in groups.values() if len(group) == 1 and group[0][count] is not None)


def _separate(rows: list[Row], by: list[str]) -> list[list[str]]:
    """Return the fields put together where one follows from another, such as a code and its name."""
    together = {name: {name} for name in by}
    for one, other in combinations(by, 2):
        pairs, single = len({_key(r, [one, other]) for r in rows}), [len({r[n] for r in rows}) for n in (one, other)]
        if pairs in single and 1 not in single:
            joined = together[one] | together[other]
            together.update(dict.fromkeys(joined, joined))
    return [list(names) for names in {tuple(n for n in by if n in joined) for joined in together.values()}]


def _key(row: Row, names: list[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)
