"""G6: no published cell stands for fewer than `min`, hidden cells hide everything, and no roll-up lets a hidden one be computed."""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.policy import AggregateTable
from publisher.published import PublishedTable

Row = dict[str, Any]


def small_cells(path: Path, table: PublishedTable) -> list[str]:
    """Check one aggregated table on its own."""
    aggregate = _aggregate(table)
    rows = pq.read_table(path).to_pylist()
    count = _count_name(aggregate)
    if count is None:
        if table.source.privacy.subject == "none":
            return []
        return ["no measure counts, so small cells could not be checked; publish a `count`"]
    faults = []
    small = sum(1 for row in rows if row[count] is not None and row[count] < aggregate.small_cell.min)
    if small:
        faults.append(f"{small} cells stand for fewer than {aggregate.small_cell.min}")
    names = [measure.name for measure in aggregate.measures]
    leaking = sum(1 for row in rows if row[count] is None and any(row[name] is not None for name in names))
    if leaking:
        faults.append(f"{leaking} hidden cells still show a measure")
    if len({_key(row, aggregate.group_by) for row in rows}) < len(rows):
        faults.append("a cell stands twice")
    return faults


def subtractions(tables: list[tuple[PublishedTable, Path]]) -> list[str]:
    """Check every pair of aggregated tables of one source of which one rolls the other up."""
    faults = []
    for (fine, fine_path), (coarse, coarse_path) in permutations(tables, 2):
        is_pair = fine.source.name == coarse.source.name
        if is_pair and set(_aggregate(coarse).group_by) <= set(_aggregate(fine).group_by):
            number = _computable(
                fine, pq.read_table(fine_path).to_pylist(), coarse, pq.read_table(coarse_path).to_pylist()
            )
            if number:
                faults.append(f"{number} hidden cells can be computed from {fine.name} and {coarse.name}")
    return faults


def recounts(aggregates: list[tuple[PublishedTable, Path]], rows: list[tuple[PublishedTable, Path]]) -> list[str]:
    """Check that rows of the same source, leaving beside an aggregate, do not count the very cells that it hides."""
    faults = []
    for aggregated, _ in aggregates:
        aggregate = _aggregate(aggregated)
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


def _computable(fine: PublishedTable, fine_rows: list[Row], coarse: PublishedTable, coarse_rows: list[Row]) -> int:
    """Return the coarser cells that, with their finer ones, give a hidden or a small number away."""
    below: dict[tuple[Any, ...], list[int | None]] = defaultdict(list)
    by = _aggregate(coarse).group_by
    for row in fine_rows:
        below[_key(row, by)].append(_shown(row, _aggregate(fine)))
    least = max(_aggregate(fine).small_cell.min, _aggregate(coarse).small_cell.min)
    counted = _count_name(_aggregate(fine)) is not None and _count_name(_aggregate(coarse)) is not None
    cells = ((_shown(row, _aggregate(coarse)), below[_key(row, by)]) for row in coarse_rows)
    return sum(1 for whole, parts in cells if _gives_away(whole, parts, least=least, counted=counted))


def _gives_away(whole: int | None, parts: list[int | None], *, least: int, counted: bool) -> bool:
    hidden = parts.count(None)
    if whole is None:
        return hidden == 0
    if hidden == 0:
        return False
    rest = whole - sum(part for part in parts if part is not None)
    return hidden == 1 or (counted and rest < least)


def _shown(row: Row, aggregate: AggregateTable) -> int | None:
    """Return the cell's count (0 when it counts nothing), or null when it is hidden."""
    count = _count_name(aggregate)
    if count is not None:
        return row[count] if row[count] is None else int(row[count])
    return None if all(row[measure.name] is None for measure in aggregate.measures) else 0


def _count_name(aggregate: AggregateTable) -> str | None:
    return next((measure.name for measure in aggregate.measures if measure.kind == "count"), None)


def _key(row: Row, names: list[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def _aggregate(table: PublishedTable) -> AggregateTable:
    if table.aggregate is None:
        raise ValueError(f"{table.name} is no aggregated table")
    return table.aggregate
