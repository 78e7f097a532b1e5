"""G6 for one table: no cell stands for fewer than `min`, hidden cells hide everything, no group is told one value, and rows count nothing hidden."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.policy import AggregateTable
from publisher.published import PublishedTable

Fields = tuple[str, ...]

TOTAL = "*"
"""What group columns of margins hold for all values together."""
_PERSONS = {"person", "household"}


def small_cells(path: Path, table: PublishedTable) -> list[str]:
    """Check one aggregated table on its own."""
    aggregate = aggregate_of(table)
    count = count_name(aggregate)
    if count is None:
        if table.source.privacy.subject == "none":
            return []
        return ["no measure counts, so small cells could not be checked; publish a `count`"]
    cells = pq.read_table(path)
    counts = pc.cast(cells[count], pa.int64())
    faults = []
    small = _number(pc.and_(pc.greater(counts, 0), pc.less(counts, aggregate.small_cell.min)))
    if small:
        faults.append(f"{small} cells stand for fewer than {aggregate.small_cell.min}")
    zeros = _number(pc.equal(counts, 0))
    if zeros and aggregate.or_round is None:
        faults.append(f"{zeros} cells show that nobody stands in them")
    hidden = cells.filter(pc.is_null(counts))
    leaking = _number(reduce(pc.or_, (pc.is_valid(hidden[measure.name]) for measure in aggregate.measures)))
    if leaking:
        faults.append(f"{leaking} hidden cells still show a measure")
    if distinct(cells, aggregate.group_by) < cells.num_rows:
        faults.append("a cell stands twice")
    by_grouping = rows_by_grouping(cells, aggregate)
    faults += _wrong_groupings(by_grouping, aggregate)
    if aggregate.or_round:
        base = aggregate.or_round.base
        uneven = _number(pc.not_equal(pc.multiply(pc.divide(counts, base), base), counts))
        faults += [f"{uneven} counts are no multiples of {base}"] if uneven else []
    elif table.source.privacy.subject in _PERSONS and not table.source.privacy.publishes_rows:
        uniform = sum(_uniform(by_grouping[by], by, count) for by in aggregate.groupings if by in by_grouping)
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
            small = _number(pc.less(cells["count_all"], aggregate.small_cell.min))
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


def groupings_of(cells: pa.Table, aggregate: AggregateTable) -> list[Fields]:
    """Return the fields that each row is grouped by, which in a margin are not all of the table's."""
    by = tuple(aggregate.group_by)
    if not aggregate.has_margins:
        return [by] * cells.num_rows
    groups = [pc.fill_null(pc.not_equal(cells[name], TOTAL), True).to_numpy() for name in by]
    patterns, places = np.unique(np.stack(groups, axis=1), axis=0, return_inverse=True)
    named = [tuple(name for name, is_group in zip(by, pattern, strict=True) if is_group) for pattern in patterns]
    return [named[place] for place in places.ravel()]


def rows_by_grouping(cells: pa.Table, aggregate: AggregateTable) -> dict[Fields, pa.Table]:
    """Return the rows of each grouping that there is."""
    places: dict[Fields, list[int]] = defaultdict(list)
    for place, grouping in enumerate(groupings_of(cells, aggregate)):
        places[grouping].append(place)
    return {grouping: cells.take(own) for grouping, own in places.items()}


def distinct(cells: pa.Table, names: Sequence[str]) -> int:
    """Return how many combinations of values some columns hold, null being a value."""
    return int(cells.group_by(list(names)).aggregate([]).num_rows) if names else min(cells.num_rows, 1)


def _wrong_groupings(by_grouping: Mapping[Fields, pa.Table], aggregate: AggregateTable) -> list[str]:
    if set(aggregate.group_by) - {name for by in by_grouping for name in by}:  # one level hid it all
        return []
    declared = set(aggregate.groupings)
    others = sum(own.num_rows for by, own in by_grouping.items() if by not in declared)
    return [f"{others} rows are totals that the policy does not name"] if others else []


def _uniform(own: pa.Table, by: Fields, count: str) -> int:
    """Count the visible cells that hold all of a group, though other values of the remaining fields occur."""
    found = 0
    for along in _separate(own, by):
        if distinct(own, along) > 1:
            others = [name for name in by if name not in along]
            *_, cells, shown = own.group_by(others).aggregate([([], "count_all"), (count, "count")]).columns
            found += _number(pc.and_(pc.equal(cells, 1), pc.equal(shown, 1)))
    return found


def _separate(own: pa.Table, by: Fields) -> set[Fields]:
    """Return the fields put together where one follows from another, such as a code and its name."""
    together = {name: {name} for name in by}
    single = {name: distinct(own, [name]) for name in by}
    for one, other in combinations(by, 2):
        sizes = {single[one], single[other]}
        if 1 not in sizes and distinct(own, [one, other]) in sizes:
            joined = together[one] | together[other]
            together.update(dict.fromkeys(joined, joined))
    return {tuple(name for name in by if name in joined) for joined in together.values()}


def _number(which: pa.ChunkedArray) -> int:
    """Return how many are true; null is not."""
    return int(pc.sum(which).as_py() or 0)
