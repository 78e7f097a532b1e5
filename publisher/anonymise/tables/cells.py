"""Aggregated tables: one cell for each combination of groups and each margin, with its measures and how many units stand behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.search.groups import Codes
from publisher.anonymise.staging import measure_column, unit_column
from publisher.errors import DescriptorError
from publisher.formats.rows import column_to_text
from publisher.policy import AggregateTable, Measure
from publisher.published import PublishedTable

SUMMED = "*"
"""What stands in a group column of a margin, for all its values together."""
ALL = -1
"""The code of a group that is summed over."""

_WIDEST_KEY = 2**62
_FUNCTIONS = {"sum": "fsum", "mean": "favg", "median": "median"}


@dataclass
class Cells:
    """The cells of one aggregated table and its margins, in the order of its groups, totals before their parts.

    Attributes:
        published: the table and its policy.
        domains: the values of each group as they are published, null among them where it occurs.
        codes: for each cell and group the place of its value in the domain, -1 where the cell sums over it.
        measures: what the cells would publish; rounding puts its own counts in their place.
        rows: source rows in each cell; a cell that is listed although nobody stands in it has 0.
        units: units in each cell; `contributors`: those with a value for each measure.
        leading: for each field that dominance protects, the contributions to each cell: all, the largest, the second largest.
        hidden: cells that lose their measures; `small` those that are hidden for their own sake.
    """

    published: PublishedTable
    domains: list[pa.Array]
    codes: npt.NDArray[np.int64]
    measures: pa.Table
    rows: Codes
    units: Codes
    contributors: tuple[Codes, ...]
    leading: dict[str, npt.NDArray[np.float64]]
    hidden: npt.NDArray[np.bool_]
    small: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    @property
    def aggregate(self) -> AggregateTable:
        """Return the policy of the table."""
        assert self.published.aggregate is not None  # noqa: S101  cells are counted for aggregates only
        return self.published.aggregate

    @property
    def complementary(self) -> int:
        """Return how many cells are hidden for the sake of others."""
        return int(self.hidden.sum() - (self.hidden & self.small).sum())

    def groups(self) -> dict[str, pa.Array]:
        """Return the group columns as they are published."""
        columns = {}
        for place, name in enumerate(self.aggregate.group_by):
            codes = self.codes[:, place]
            values = self.domains[place].take(pa.array(np.maximum(codes, 0)))
            summed = pa.array(codes == ALL)
            columns[name] = pc.if_else(summed, SUMMED, values) if self.aggregate.has_margins else values
        return columns

    def keys(self) -> list[tuple[object, ...]]:
        """Return each cell's key: the values of its group columns as they are published, in the policy's order."""
        return list(zip(*(column.to_pylist() for column in self.groups().values()), strict=True))

    def table(self) -> pa.Table:
        """Return the publishable table: hidden cells stay as rows, with null for every measure."""
        hidden = pa.array(self.hidden)
        columns = self.groups()
        for measure in self.aggregate.measures:
            column = self.measures.column(measure.name)
            columns[measure.name] = pc.if_else(hidden, pa.scalar(None, column.type), column)
        return pa.table(columns).cast(self.published.arrow_schema)

    def add_empty(self, codes: npt.NDArray[np.int64]) -> None:
        """List further cells in which nobody stands, hidden; codes that are listed already are left as they are."""
        known = {tuple(row) for row in self.codes.tolist()}
        fresh = [row for row in dict.fromkeys(map(tuple, codes.tolist())) if row not in known]
        if not fresh:
            return
        number = len(fresh)
        zeros = np.zeros(number, np.int64)
        nothing = pa.table({c.name: pa.nulls(number, c.type) for c in self.measures.schema})
        self.codes = np.concatenate([self.codes, np.array(fresh, np.int64).reshape(number, -1)])
        self.measures = pa.concat_tables([self.measures, nothing]).combine_chunks()
        self.rows, self.units = np.concatenate([self.rows, zeros]), np.concatenate([self.units, zeros])
        self.contributors = tuple(np.concatenate([behind, zeros]) for behind in self.contributors)
        self.leading = {n: np.concatenate([v, np.zeros((number, 3))]) for n, v in self.leading.items()}
        self.hidden = np.concatenate([self.hidden, np.ones(number, np.bool_)])
        self.small = np.concatenate([self.small, np.zeros(number, np.bool_)])
        self._sort()

    def _sort(self) -> None:
        order = np.lexsort(self.codes.T[::-1])
        self._keep(order)

    def _keep(self, places: npt.NDArray[np.int64]) -> None:
        self.codes, self.measures = self.codes[places], self.measures.take(pa.array(places))
        self.rows, self.units = self.rows[places], self.units[places]
        self.contributors = tuple(behind[places] for behind in self.contributors)
        self.leading = {name: values[places] for name, values in self.leading.items()}
        self.hidden, self.small = self.hidden[places], self.small[places]

    def drop(self, unlisted: npt.NDArray[np.bool_]) -> None:
        """List some cells no more, as those are in which nobody stands."""
        if unlisted.any():
            self._keep(np.flatnonzero(~unlisted))


def count_cells(connection: duckdb.DuckDBPyConnection, published: PublishedTable) -> Cells:
    """Count the cells of an aggregated table and its margins over the view `leaving`."""
    aggregate = _aggregate(published)
    return cells_from(published, [query_cells(connection, published, by) for by in aggregate.groupings])


def query_cells(connection: duckdb.DuckDBPyConnection, published: PublishedTable, by: Sequence[str]) -> pa.Table:
    """Return the groups of the view `leaving` by some of the table's fields, with their measures and what stands behind each."""
    aggregate = _aggregate(published)
    units = ", ".join(f'"{unit_column(name)}"' for name in published.source.privacy.unit_key)
    wanted = [f'"{name}"' for name in by]
    wanted += [f'{_value(measure)} AS "{measure.name}"' for measure in aggregate.measures]
    wanted += [f'{_contributors(m, units)} AS "__behind_{place}"' for place, m in enumerate(aggregate.measures)]
    wanted += [f'count({f"DISTINCT row({units})" if units else "*"}) AS "__units"', 'count(*) AS "__rows"']
    groups = ", ".join(f'"{name}"' for name in by)
    query = f"SELECT {', '.join(wanted)} FROM leaving{f' GROUP BY {groups}' if by else ''} HAVING count(*) > 0"  # noqa: S608  names of the definition
    for name in _dominated(aggregate):
        query = _with_leading(query, name, by=by, units=units)
    return connection.sql(query).to_arrow_table()


def cells_from(published: PublishedTable, counted: Sequence[pa.Table]) -> Cells:
    """Return the cells from what was counted by each of the table's groupings, in their order.

    A field that says `*` in every row, since no finer level was acceptable, has no margins of its own: they would be the same cells.

    Raises:
        DescriptorError: a margin's `*` could not be told from a value `*`.
    """
    aggregate = _aggregate(published)
    domains, orders = [], []
    for name in aggregate.group_by:
        values = counted[0].column(name).combine_chunks().unique()
        domain = values.take(pc.array_sort_indices(values))  # null last
        orders.append(domain)
        domains.append(_as_text(domain, published, name) if aggregate.has_margins else domain)
    if aggregate.has_margins:
        silent = {
            name for name, domain in zip(aggregate.group_by, domains, strict=True) if domain.to_pylist() == [SUMMED]
        }
        counted = [table for table in counted if silent <= set(table.column_names)]
    codes = [
        np.stack([_codes(table, name, orders[n]) for n, name in enumerate(aggregate.group_by)], axis=1)
        for table in counted
    ]
    behind = [f"__behind_{place}" for place in range(len(aggregate.measures))]
    names = [measure.name for measure in aggregate.measures]
    leading = [f"__leading_{field}" for field in _dominated(aggregate)]
    rest = pa.concat_tables([table.select([*names, *behind, *leading, "__units", "__rows"]) for table in counted])
    cells = Cells(
        published=published,
        domains=domains,
        codes=np.concatenate(codes),
        measures=rest.select(names).combine_chunks(),
        rows=_numbers(rest, "__rows"),
        units=_numbers(rest, "__units"),
        contributors=tuple(_numbers(rest, name) for name in behind),
        leading={n.removeprefix("__leading_"): _leading(rest.column(n)) for n in leading},
        hidden=np.zeros(rest.num_rows, np.bool_),
        small=np.zeros(rest.num_rows, np.bool_),
    )
    cells._sort()  # noqa: SLF001  it was made here
    return cells


def different(codes: npt.NDArray[np.int64]) -> tuple[Codes, Codes]:
    """Return the place of one row for each combination of codes, in their order, and for each row the number of its combination."""
    key = np.zeros(len(codes), np.int64)
    size = 1
    for column in codes.T:
        width = int(column.max(initial=ALL)) + 2
        if size > _WIDEST_KEY // width:
            key = np.unique(key, return_inverse=True)[1].ravel().astype(np.int64)
            size = int(key.max(initial=0)) + 1
        key, size = key * width + (column + 1), size * width
    _, first, members = np.unique(key, return_index=True, return_inverse=True)
    return first.astype(np.int64), members.ravel().astype(np.int64)


def patterns_of(codes: npt.NDArray[np.int64]) -> list[tuple[bool, ...]]:
    """Return which fields cells are grouped by, every combination once."""
    grouped = (codes != ALL).astype(np.int64)
    return [tuple(row) for row in (grouped[different(grouped)[0]] == 1).tolist()]


def _as_text(domain: pa.Array, published: PublishedTable, name: str) -> pa.Array:
    text = column_to_text(domain)
    if len(text) > 1 and pc.any(pc.equal(text, SUMMED)).as_py():
        raise DescriptorError(
            f"The field `{name}` has the value `{SUMMED}`, which stands for totals in the margins of `{published.name}`.",
            step="anonymise",
            cure="give what is left over another word, or leave the margins out",
        )
    return text


def _codes(table: pa.Table, name: str, domain: pa.Array) -> Codes:
    if name not in table.column_names:
        return np.full(table.num_rows, ALL, np.int64)
    places = pc.index_in(table.column(name).combine_chunks(), value_set=domain)
    return np.asarray(places.to_numpy(zero_copy_only=False), np.int64)


def _value(measure: Measure) -> str:
    if measure.field is None:
        return "count(*)"
    field = f'"{measure_column(measure.field)}"'
    return f"round({_FUNCTIONS[measure.kind]}({field}), {measure.decimals}) + 0.0"  # + 0.0 turns -0.0 into 0.0


def _contributors(measure: Measure, units: str) -> str:
    if measure.field is None:
        return f"count(DISTINCT row({units}))" if units else "count(*)"
    field = f'"{measure_column(measure.field)}"'
    return f"count(DISTINCT row({units})) FILTER ({field} IS NOT NULL)" if units else f"count({field})"


def _dominated(aggregate: AggregateTable) -> list[str]:
    """Return the fields from whose sums or means a large contributor could be estimated."""
    if aggregate.small_cell.dominance is None:
        return []
    return sorted({m.field for m in aggregate.measures if m.field and m.kind in {"sum", "mean"}})


def _with_leading(query: str, name: str, *, by: Sequence[str], units: str) -> str:
    """Return the query with a list for each cell: all that its units contribute to a field's sum, the largest, the second."""
    field = f'"{measure_column(name)}"'
    groups = [f'"{name}"' for name in by]
    within = ", ".join([*groups, units])
    each = f"SELECT {within}, abs(fsum({field})) AS v FROM leaving WHERE {field} IS NOT NULL GROUP BY {within}"  # noqa: S608  names of the definition
    if not units:
        each = f"SELECT {', '.join([*groups, f'abs({field}) AS v'])} FROM leaving WHERE {field} IS NOT NULL"  # noqa: S608
    grouped = f" GROUP BY {', '.join(groups)}" if groups else ""
    top = f"SELECT {', '.join([*groups, 'list_prepend(fsum(v), max(v, 2)) AS t'])} FROM ({each}){grouped}"  # noqa: S608
    same = " AND ".join(f"counted.{name} IS NOT DISTINCT FROM led.{name}" for name in groups) or "true"
    return f'SELECT counted.*, led.t AS "__leading_{name}" FROM ({query}) counted LEFT JOIN ({top}) led ON {same}'  # noqa: S608


def _leading(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    lists = column.to_pylist()
    return np.array([[*(values or []), 0.0, 0.0, 0.0][:3] for values in lists], np.float64).reshape(-1, 3)


def _numbers(values: pa.Table, name: str) -> Codes:
    return np.asarray(values.column(name).to_numpy(), np.int64)


def _aggregate(published: PublishedTable) -> AggregateTable:
    assert published.aggregate is not None  # noqa: S101  the caller passes aggregates
    return published.aggregate
