"""What may be shown of aggregated tables: small cells hidden with their companions over all linked tables, or all counts rounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from publisher.anonymise.tables.cells import Cells
from publisher.anonymise.tables.demand import Bools, Demand
from publisher.anonymise.tables.linked import Linked, Together, apart, link, ring
from publisher.anonymise.tables.programs import Solver
from publisher.anonymise.tables.protection import Protection, TooManyCells
from publisher.anonymise.tables.rounding import round_cells
from publisher.anonymise.tables.small import hide_small, list_all
from publisher.errors import DescriptorError
from publisher.formats.rows import column_to_text

_SUM_SCALE = 100.0
"""The widest interval asked of a sum, in the unit in which sums are given to the solver."""


def hide_small_cells(tables: Sequence[Cells]) -> None:
    """Hide, in place, the cells of all aggregated tables of one source that are hidden for their own sake.

    Raises:
        DescriptorError: the tables do not go together.
    """
    if len({cells.aggregate.small_cell.zero for cells in tables}) > 1:
        raise DescriptorError(
            "Aggregated tables of one source treat zeros differently: what one hides, another would tell.",
            step="anonymise",
            cure="give all of them the same `small_cell: {zero: …}`",
        )
    for cells in tables:
        if cells.aggregate.or_round is None:
            hide_small(cells)
        elif cells.aggregate.small_cell.zero == "hide":
            list_all(cells)
            cells.hidden[:] = False  # a rounded 0 stands for a few as well


def protect_cells(tables: Sequence[Cells], together: Together, cell_key: bytes) -> None:
    """Hide, in place, companions of the hidden cells over all tables of one source, or round all counts where the policy rounds.

    Raises:
        DescriptorError: only some of the tables are rounded, or in different ways; or the tables are too large to be proven safe.
    """
    try:
        if any(cells.aggregate.or_round for cells in tables):
            round_cells(tables, together, cell_key)
        else:
            hide_companions(tables, together)
    except TooManyCells:
        names = ", ".join(f"`{cells.published.name}`" for cells in tables)
        raise DescriptorError(
            f"The aggregated tables {names} together have too many small cells that are linked: that nobody can compute them from the "
            "rest could not be proven in good time.",
            step="anonymise",
            cure="group by fewer fields or coarser levels, or name the margins that are needed instead of `margins: all`",
        ) from None


def hide_companions(tables: Sequence[Cells], together: Together) -> None:
    """Hide, in place, companions of the hidden cells, over all tables of one source.

    Afterwards every hidden cell has, given all that is visible in all tables, an interval of at least `protect_width` whole numbers'
    distance in which its count may lie. Cells that are listed though nobody stands in them may also be visibly empty.
    """
    if any(cells.hidden.any() for cells in tables):
        _protect(tables, link(tables, together))


def _protect(tables: Sequence[Cells], linked: Linked) -> None:
    hidden, solver = _hidden(tables, linked), Solver()
    demand = _demand_of_counts(tables, linked)
    counts = Protection(linked, demand, hidden, solver)
    while True:
        counts.run()
        while fresh := _half_open(linked, demand, counts, tables):
            for node in fresh:
                counts.demand_of(node, demand.width.max())
            counts.run()
        for contributed, unseen in _demands_of_sums(tables, linked):
            sums = Protection(linked, contributed, hidden | unseen, solver)
            sums.run()
            for fresh_node in np.flatnonzero(sums.hidden & ~unseen & ~hidden).tolist():
                counts.hide(fresh_node)
        if counts.is_done:
            break
    for cells, places in zip(tables, linked.places, strict=True):
        cells.hidden |= hidden[places]


def _hidden(tables: Sequence[Cells], linked: Linked) -> Bools:
    """Return the cells that nobody sees: hidden in some table, or of a grouping that no table publishes."""
    hidden = ~linked.published
    for cells, places in zip(tables, linked.places, strict=True):
        hidden[places[cells.hidden]] = True
    return hidden & ~linked.dead


def _demand_of_counts(tables: Sequence[Cells], linked: Linked) -> Demand:
    width, least, units = np.zeros(len(linked)), np.zeros(len(linked), np.int64), np.zeros(len(linked), np.int64)
    for cells, places in zip(tables, linked.places, strict=True):
        width[places] = np.maximum(width[places], cells.aggregate.secondary.protect_width)
        least[places] = np.maximum(least[places], cells.aggregate.small_cell.min)
        units[places] = cells.units
    hides_zeros = tables[0].aggregate.small_cell.zero == "hide"
    stands = (linked.rows > 0) & linked.published
    if not hides_zeros:
        width[~stands] = 0
    return Demand(
        values=linked.rows.astype(np.float64),
        floor=np.where(stands & (not hides_zeros), 1.0, 0.0),
        width=np.where(linked.dead, 0, width),
        units=units,
        least=least,
        additive=not tables[0].published.source.privacy.unit_key,
        whole=True,
    )


def _half_open(linked: Linked, demand: Demand, counts: Protection, tables: Sequence[Cells]) -> list[int]:
    """Return listed empty cells that might hold somebody, but fewer than the width: they look like small ones."""
    if tables[0].aggregate.small_cell.zero == "hide":
        return []
    widest = demand.width.max()
    empty = (linked.rows == 0) & counts.hidden & ~linked.dead & linked.published & (demand.width == 0)
    return [int(node) for node in np.flatnonzero(empty) if 0 < counts.reach_of(int(node)) < widest - 1e-6]


def _demands_of_sums(tables: Sequence[Cells], linked: Linked) -> Iterator[tuple[Demand, Bools]]:
    """Yield what the sums of dominated cells ask for, and the cells whose sum nobody publishes.

    An attacker's upper bound must leave the largest contributor its p per cent. (The upper protection level of the p% rule: p% of
    the largest contribution, less what all but the two largest contribute.)
    """
    none = np.zeros(len(linked), np.int64)
    for field in sorted({field for cells in tables for field in cells.leading}):
        values, width = np.full(len(linked), np.nan), np.zeros(len(linked))
        for cells, places in zip(tables, linked.places, strict=True):
            rule = cells.aggregate.small_cell.dominance
            if rule and field in cells.leading:
                whole, first, second = cells.leading[field].T
                asked = first * rule.p_percent / 100 - (whole - first - second)
                values[places] = whole
                width[places] = np.maximum(width[places], np.where(cells.small, asked, 0))
        if widest := float(width.max()):
            unseen = np.isnan(values)
            values[unseen] = 2 * np.nanmax(values)
            values, width = values / widest * _SUM_SCALE, width / widest * _SUM_SCALE
            yield (
                Demand(values, np.zeros(len(linked)), width, none, none, additive=True, whole=False),
                unseen & ~linked.dead,
            )


def together_in(connection: duckdb.DuckDBPyConnection, tables: Sequence[Cells]) -> Together:
    """Return what the view `leaving` says of fields that no table groups by together."""
    pairs = {}
    for pair in apart(tables):
        names = ", ".join(f'"{name}"' for name in pair)
        found = connection.sql(f"SELECT DISTINCT {names} FROM leaving").to_arrow_table()  # noqa: S608  names of the definition
        pairs[pair] = _texts(found, pair)
    if not (names_in_ring := ring(tables)):
        return Together(pairs)
    names = ", ".join(f'"{name}"' for name in names_in_ring)
    counted = connection.sql(f"SELECT {names}, count(*) AS n FROM leaving GROUP BY {names}").to_arrow_table()  # noqa: S608
    return Together(pairs, _texts(counted, names_in_ring).append_column("n", counted["n"]))


def _texts(found: pa.Table, names: Sequence[str]) -> pa.Table:
    return pa.table({name: column_to_text(found[name].combine_chunks()) for name in names})
