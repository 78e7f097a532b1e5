"""Aggregated tables: one cell for each combination of groups, with its measures and how many units stand behind each."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.search.groups import Codes
from publisher.anonymise.staging import measure_column, unit_column
from publisher.policy import AggregateTable, Measure
from publisher.published import PublishedTable

_FUNCTIONS = {"sum": "fsum", "mean": "favg", "median": "median"}


@dataclass
class Cells:
    """The cells of one aggregated table in the order of its groups.

    `units` counts the units in each cell, `contributors` those with a value for each measure; `hidden` cells lose their measures.
    """

    published: PublishedTable
    values: pa.Table
    units: Codes
    contributors: tuple[Codes, ...]
    hidden: npt.NDArray[np.bool_]
    complementary: int = 0

    @property
    def aggregate(self) -> AggregateTable:
        """Return the policy of the table."""
        assert self.published.aggregate is not None  # noqa: S101  cells are counted for aggregates only
        return self.published.aggregate

    def table(self) -> pa.Table:
        """Return the publishable table: hidden cells stay as rows, with null for every measure."""
        hidden = pa.array(self.hidden)
        columns = {name: self.values.column(name) for name in self.aggregate.group_by}
        for measure in self.aggregate.measures:
            column = self.values.column(measure.name)
            columns[measure.name] = pc.if_else(hidden, pa.scalar(None, column.type), column)
        return pa.table(columns).cast(self.published.arrow_schema)


def count_cells(connection: duckdb.DuckDBPyConnection, published: PublishedTable) -> Cells:
    """Count the cells of an aggregated table over the view `leaving` and hide the small ones."""
    return hide_small(published, query_cells(connection, published))


def query_cells(connection: duckdb.DuckDBPyConnection, published: PublishedTable) -> pa.Table:
    """Return the groups of the view `leaving` in order with their measures, and how many units stand behind each."""
    aggregate = published.aggregate
    assert aggregate is not None  # noqa: S101  the caller passes aggregates
    units = ", ".join(f'"{unit_column(name)}"' for name in published.source.privacy.unit_key)
    groups = ", ".join(f'"{name}"' for name in aggregate.group_by)
    numbers = [f'{_value(measure)} AS "{measure.name}"' for measure in aggregate.measures]
    behind = [_contributors(measure, units) for measure in aggregate.measures]
    counted = [f'{expression} AS "__behind_{place}"' for place, expression in enumerate(behind)]
    everyone = f"count(DISTINCT row({units}))" if units else "count(*)"
    order = ", ".join(f'"{name}" NULLS LAST' for name in aggregate.group_by)
    wanted = ", ".join([groups, *numbers, *counted, f'{everyone} AS "__units"'])
    query = f"SELECT {wanted} FROM leaving GROUP BY {groups} ORDER BY {order}"  # noqa: S608  names of the definition
    return connection.sql(query).to_arrow_table()


def hide_small(published: PublishedTable, values: pa.Table) -> Cells:
    """Return the cells with the small ones hidden.

    A cell is small when fewer than `min` units stand in it, or, for one of its measures, some but fewer than `min` have a value.
    """
    aggregate = published.aggregate
    assert aggregate is not None  # noqa: S101  the caller passes aggregates
    unit_counts = _numbers(values, "__units")
    contributors = tuple(_numbers(values, f"__behind_{place}") for place in range(len(aggregate.measures)))
    hidden = unit_counts < aggregate.small_cell.min
    for behind_measure in contributors:
        hidden |= (behind_measure > 0) & (behind_measure < aggregate.small_cell.min)
    return Cells(published, values, unit_counts, contributors, hidden)


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


def _numbers(values: pa.Table, name: str) -> Codes:
    return np.asarray(values.column(name).to_numpy(), np.int64)
