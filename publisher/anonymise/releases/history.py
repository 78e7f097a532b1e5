"""What the public saw of the cells of one table in all earlier releases: counts, hidden cells, and the newest state of each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from publisher.anonymise.releases.windows import window_end, window_fields
from publisher.anonymise.tables.cells import SUMMED, Cells
from publisher.earlier import Earlier, EarlierTable

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Past:
    """For each cell, in the order of the cells: what was public of it before.

    Attributes:
        nearest: the smallest difference, other than none, between its count and one that was ever shown; beyond all numbers when none was.
        bound: it was hidden once and stays so: not since its window was open, when it closes with this release.
        closes: its window was open in the newest earlier release and is closed now.
        listed: the newest earlier release has a row for it; `shown`: one, with its count.
        last: the measures of that row, null where there is none.
        units: units behind the cell when its numbers were last new, and `contributors` of each measure; -1 where that was not kept.
        gone: group columns (as text) of cells that were hidden, or are too small today, and of which nobody is left; their rows stay.
    """

    nearest: Numbers
    bound: Flags
    closes: Flags
    listed: Flags
    shown: Flags
    last: pa.Table
    units: Numbers
    contributors: tuple[Numbers, ...]
    gone: pa.Table


def past_of(cells: Cells, earlier: Earlier) -> Past | None:
    """Return what the public saw of the cells; null when no earlier release has a table that could be compared cell by cell."""
    count = count_name(cells)
    needed = {*cells.aggregate.group_by, count or ""}
    tables = [one for one in earlier.of(cells.published.name) if needed <= set(pq.read_schema(one.path).names)]
    if not tables or count is None:
        return None
    with closing(duckdb.connect(":memory:")) as engine:
        engine.execute("SET memory_limit = '400MB'")
        return _Query(engine, cells, tables, earlier).past()


def count_name(cells: Cells) -> str | None:
    """Return the measure that counts; null when none does."""
    return next((measure.name for measure in cells.aggregate.measures if measure.kind == "count"), None)


def remember(cells: Cells, past: Past | None, held: Flags, output: Path) -> None:
    """Write what stands behind each cell: as it is now, or, for a cell that keeps its numbers, as it was when they were new."""
    groups = cells.table().select(cells.aggregate.group_by)
    columns = {f"g{place}": column for place, column in enumerate(groups.columns)}

    def kept(now: Numbers, then: Numbers | None) -> Numbers:
        return now if then is None else np.where(held & (then >= 0), then, now)

    columns["units"] = pa.array(kept(cells.units, past.units if past else None))
    for place, behind in enumerate(cells.contributors):
        columns[f"behind{place}"] = pa.array(kept(behind, past.contributors[place] if past else None))
    pq.write_table(pa.table(columns), output)


class _Query:
    """The questions asked of a query engine that knows the cells and all earlier files; groups are compared as texts."""

    def __init__(
        self, engine: duckdb.DuckDBPyConnection, cells: Cells, tables: Sequence[EarlierTable], earlier: Earlier
    ) -> None:
        self._engine, self._cells, self._earlier = engine, cells, earlier
        self._newest = tables[-1]
        self._groups = [f"g{place}" for place in range(len(cells.aggregate.group_by))]
        self._texts = [
            f'CAST("{name}" AS VARCHAR) AS {g}' for g, name in zip(self._groups, cells.aggregate.group_by, strict=True)
        ]
        self._count = count_name(cells) or ""
        self._same = " AND ".join(f"cell.{g} IS NOT DISTINCT FROM past.{g}" for g in self._groups) or "true"
        self._tell(tables)

    def past(self) -> Past:
        cells = self._cells
        seen = self._rows(f"""
            SELECT cell.place, min(abs(past.n - cell.n)) FILTER (past.n <> cell.n) AS nearest,
                coalesce(bool_or(past.n IS NULL AND past.place IS NOT NULL AND past.binds), false) AS bound
            FROM cell LEFT JOIN past ON {self._same} GROUP BY cell.place ORDER BY cell.place
        """)  # noqa: S608  names of our own
        last = self._rows(f"""
            SELECT cell.place, coalesce(bool_or(past.place IS NOT NULL), false) AS listed,
                coalesce(bool_or(past.n IS NOT NULL AND past.parts = 1), false) AS shown
            FROM cell LEFT JOIN past ON {self._same} AND past.release = {self._release} GROUP BY cell.place ORDER BY cell.place
        """)  # noqa: S608  names of our own
        inherits = cells.published.source.privacy.releases.same_suppression
        units, contributors = self._remembered()
        return Past(
            nearest=_whole(seen["nearest"], NEVER),
            bound=_flags(seen["bound"]) & inherits,
            closes=self._closing(),
            listed=_flags(last["listed"]),
            shown=_flags(last["shown"]),
            last=self._last_measures(),
            units=units,
            contributors=contributors,
            gone=self._gone(inherits=inherits),
        )

    def _tell(self, tables: Sequence[EarlierTable]) -> None:
        """Name the cells, the periods of all cells and the earlier rows as views."""
        cells = self._cells
        self._release = len(tables) - 1
        listed = cells.table().select(cells.aggregate.group_by).append_column("n", cells.measures.column(self._count))
        self._engine.register("cell_rows", listed.append_column("place", pa.array(np.arange(len(cells.rows)))))
        wanted = ", ".join([*self._texts, "n", "place"])
        self._engine.execute(f"CREATE TEMP TABLE cell AS SELECT {wanted} FROM cell_rows")  # noqa: S608  names of the definition
        parts = " UNION ALL ".join(self._of_release(number, one) for number, one in enumerate(tables))
        self._engine.execute(f"CREATE TEMP TABLE told AS {parts}")
        self._engine.register("ended", self._windows())
        closes = f"coalesce(told.day < w.at AND w.at <= DATE '{self._earlier.day}', false)"
        windows = [f"w.{g} IS NOT DISTINCT FROM told.{g}" for g in self._window_groups] or ["true"]
        self._engine.execute(
            f"CREATE TEMP TABLE past AS SELECT told.*, NOT {closes} AS binds "  # noqa: S608  names of our own
            f"FROM told LEFT JOIN ended w ON {' AND '.join(windows)}"
        )

    def _of_release(self, number: int, table: EarlierTable) -> str:
        """Return a query for the counts of an earlier release, summed up where it was grouped by more; hidden where a part is."""
        groups = ", ".join(self._groups)
        wanted = ", ".join([*self._texts, f'"{self._count}" AS n'])
        told = f"SELECT {wanted} FROM {_rows_of(table.path, self._cells)}"  # noqa: S608  names of the definition
        counted = f"{groups}, CASE WHEN bool_and(n IS NOT NULL) THEN sum(n) END AS n, count(*) AS parts"
        return f"""SELECT {counted}, {number} AS release, DATE '{table.day}' AS day, 1 AS place
            FROM ({told}) GROUP BY {groups}"""  # noqa: S608

    @property
    def _window_groups(self) -> list[str]:
        by = self._cells.aggregate.group_by
        return [self._groups[by.index(name)] for name in window_fields(self._cells.published)]

    def _windows(self) -> pa.Table:
        """Return the end of each period that is named anywhere."""
        groups = self._window_groups
        if not groups:
            return pa.table({"at": pa.array([None], pa.date32())})
        names = window_fields(self._cells.published)
        labels = ", ".join(groups)
        query = f"SELECT DISTINCT {labels} FROM (SELECT {labels} FROM told UNION SELECT {labels} FROM cell)"  # noqa: S608
        rows = self._engine.sql(query).fetchall()
        ends = [window_end(self._cells.published, names, row) for row in rows]
        columns = {g: pa.array([row[place] for row in rows], pa.string()) for place, g in enumerate(groups)}
        return pa.table({**columns, "at": pa.array(ends, pa.date32())})

    def _closing(self) -> Flags:
        """Return which cells' windows close between the newest earlier release and this one."""
        windows = [f"w.{g} IS NOT DISTINCT FROM cell.{g}" for g in self._window_groups] or ["true"]
        closes = f"coalesce(DATE '{self._newest.day}' < w.at AND w.at <= DATE '{self._earlier.day}', false)"
        query = f"SELECT {closes} AS closes FROM cell LEFT JOIN ended w ON {' AND '.join(windows)} ORDER BY cell.place"  # noqa: S608
        return _flags(self._rows(query)["closes"])

    def _last_measures(self) -> pa.Table:
        """Return the measures of the newest earlier release, row by row of the cells."""
        schema = self._cells.measures.schema
        known = set(pq.read_schema(self._newest.path).names)
        measures = [f'"{m}"' if m in known else f'NULL AS "{m}"' for m in schema.names]
        rows = _rows_of(self._newest.path, self._cells)
        told = f"SELECT {', '.join([*self._texts, *measures])} FROM {rows}"  # noqa: S608  names of the definition
        single = ", ".join(f'CASE WHEN count(*) = 1 THEN any_value("{m}") END AS "{m}"' for m in schema.names)
        told = f"SELECT {', '.join(self._groups)}, {single} FROM ({told}) GROUP BY {', '.join(self._groups)}"  # noqa: S608
        wanted = ", ".join(f'past."{m}"' for m in schema.names)
        query = f"SELECT {wanted} FROM cell LEFT JOIN ({told}) past ON {self._same} ORDER BY cell.place"  # noqa: S608
        return self._engine.sql(query).to_arrow_table().cast(schema)

    def _remembered(self) -> tuple[Numbers, tuple[Numbers, ...]]:
        number = len(self._cells.aggregate.measures)
        nothing = np.full(len(self._cells.rows), -1, np.int64)
        path = self._earlier.remembered(f"{self._cells.published.name}.cells.parquet")
        wanted = ["units", *(f"behind{place}" for place in range(number))]
        if path is None or pq.read_schema(path).names != [*self._groups, *wanted]:
            return nothing, (nothing,) * number
        told = ", ".join([*(f"CAST({g} AS VARCHAR) AS {g}" for g in self._groups), *wanted])
        kept = ", ".join(f"past.{name}" for name in wanted)
        query = f"""SELECT {kept} FROM cell LEFT JOIN (SELECT {told} FROM read_parquet(?)) past ON {self._same}
            ORDER BY cell.place"""  # noqa: S608
        found = self._engine.sql(query, params=[str(path)]).to_arrow_table()
        units, *behind = (_whole(found[name], -1) for name in wanted)
        return units, tuple(behind)

    def _gone(self, *, inherits: bool) -> pa.Table:
        """Return the groups of earlier cells that must not vanish although nobody is left in them."""
        least = self._cells.aggregate.small_cell.min
        alive = " AND ".join(f"alive.{g} IS NOT DISTINCT FROM past.{g}" for g in self._window_groups)
        within = f"AND EXISTS (SELECT 1 FROM cell alive WHERE {alive})" if alive else ""  # noqa: S608
        hidden = f"n IS NULL AND binds AND {str(inherits).lower()}"
        query = f"""SELECT {", ".join(self._groups)} FROM past
            WHERE release = {self._release} AND ({hidden} OR (n > 0 AND n < {least})) {within}
            AND NOT EXISTS (SELECT 1 FROM cell WHERE {self._same})"""  # noqa: S608
        return self._rows(query)

    def _rows(self, query: str) -> pa.Table:
        return self._engine.sql(query).to_arrow_table()


def _rows_of(path: Path, cells: Cells) -> str:
    """Return a source of the rows of an earlier file, without the totals over columns that are no groups any more."""
    measures = {measure.name for measure in cells.aggregate.measures}
    others = [f for f in pq.read_schema(path) if f.name not in {*cells.aggregate.group_by, *measures}]
    totals = " AND ".join(f"\"{f.name}\" IS DISTINCT FROM '{SUMMED}'" for f in others if pa.types.is_string(f.type))
    file = "read_parquet('" + str(path).replace("'", "''") + "')"
    return f"(SELECT * FROM {file} WHERE {totals or 'true'})"  # noqa: S608  names of the definition


def _flags(column: pa.ChunkedArray) -> Flags:
    return np.asarray(column.to_numpy(), np.bool_)


def _whole(column: pa.ChunkedArray, absent: int) -> Numbers:
    return np.asarray(column.fill_null(absent).to_numpy(), np.int64)
