"""Counts rounded by cell key instead of hidden: each becomes a multiple of the base, up or down by a keyed hash of what the cell is.

The hash knows the cell and not the day or the question, so asking a thousand times, or in another table, gives the same number, and an average
nothing. Below the smallest cell counts become 0 or the first multiple that is no small cell. Up and down are drawn so that the expected
number is the true one; totals are rounded on their own and need not be the sum of their parts.
(The idea of the key: Fraser and Wooton 2005, the Australian statistics office's method of perturbing cells of tables.)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from publisher.anonymise.search.groups import Codes
from publisher.anonymise.tables.cells import ALL, Cells
from publisher.anonymise.tables.demand import Demand
from publisher.anonymise.tables.linked import Linked, Together, link
from publisher.anonymise.tables.programs import Solver
from publisher.anonymise.tables.protection import Protection
from publisher.errors import DescriptorError
from publisher.formats.rows import column_to_text
from publisher.policy import AggregateTable


def round_cells(tables: Sequence[Cells], together: Together, key: bytes) -> None:
    """Round, in place, all counts of the aggregated tables of one source; cells that become 0 are listed only where zeros are.

    A cell of few units but many rows is hidden, since rounding its rows would still show it. So is, with its companions, a small cell of which the
    rounded cells together would leave open fewer numbers than half of what rounding leaves.

    Raises:
        DescriptorError: only some of the tables are rounded, or in different ways.
    """
    if len({(cells.aggregate.or_round, cells.aggregate.small_cell.min) for cells in tables}) > 1:
        raise DescriptorError(
            "Aggregated tables of one source are rounded in different ways, or only some of them are.",
            step="anonymise",
            cure="give all of them the same `or_round` and `small_cell: {min: …}`, or none",
        )
    aggregate = tables[0].aggregate
    linked = link(tables, together)
    drawn = _draws(tables, linked, key)
    rounded = _rounded(linked.rows, drawn, aggregate)
    few = np.zeros(len(linked), np.bool_)
    for cells, places in zip(tables, linked.places, strict=True):
        few[places] |= cells.hidden
        few[places] |= (
            (cells.units > 0) & (cells.units < aggregate.small_cell.min) & (cells.rows >= aggregate.small_cell.min)
        )
    hidden = (few | ~linked.published) & ~linked.dead
    Protection(linked, _demand(linked, rounded, aggregate), hidden, Solver()).run()
    for cells, places in zip(tables, linked.places, strict=True):
        counts = pa.array(rounded[places])
        names = cells.measures.column_names
        cells.measures = pa.table(dict.fromkeys(names, counts))
        cells.hidden = hidden[places]
        cells.small = few[places]
        if aggregate.small_cell.zero == "keep":
            cells.drop((rounded[places] == 0) & ~cells.hidden)


def _rounded(rows: Codes, drawn: npt.NDArray[np.float64], aggregate: AggregateTable) -> Codes:
    """Return each count moved to the multiple below or above it; `drawn` lies between 0 and 1."""
    assert aggregate.or_round is not None  # noqa: S101  the caller looked
    base, least = aggregate.or_round.base, aggregate.least_rounded
    below = np.where(rows < least, 0, rows // base * base)
    step = np.where(rows < least, least, base)
    return np.asarray(below + step * (drawn * step < rows - below), np.int64)


def _demand(linked: Linked, rounded: Codes, aggregate: AggregateTable) -> Demand:
    """Return what may not be learnt of small cells, and what the rounded numbers leave open."""
    assert aggregate.or_round is not None  # noqa: S101  the caller looked
    base, least = aggregate.or_round.base, aggregate.least_rounded
    low = np.where(rounded == 0, 0, np.where(rounded <= least, 1, np.maximum(rounded - base + 1, least)))
    high = np.where(rounded == 0, least - 1, rounded + base - 1)
    is_small = linked.published & ~linked.dead & (low < aggregate.small_cell.min) & (linked.rows > 0)
    none = np.zeros(len(linked), np.int64)
    return Demand(
        values=linked.rows.astype(np.float64),
        floor=np.zeros(len(linked)),
        width=np.where(is_small, max(1, (least - 1) // 2), 0).astype(np.float64),
        units=none,
        least=none,
        additive=True,
        whole=True,
        below=np.where(linked.published, linked.rows - low, 0).astype(np.float64),
        above=np.where(linked.published, high - linked.rows, 0).astype(np.float64),
    )


def _draws(tables: Sequence[Cells], linked: Linked, key: bytes) -> npt.NDArray[np.float64]:
    """Return a number between 0 and 1 for each cell, from the key and the names and values of its groups."""
    drawn = np.zeros(len(linked))
    done = np.zeros(len(linked), np.bool_)
    for cells, places in zip(tables, linked.places, strict=True):
        by = sorted(range(len(cells.aggregate.group_by)), key=lambda place: cells.aggregate.group_by[place])
        names = [cells.aggregate.group_by[place] for place in by]
        texts = [column_to_text(cells.domains[place]).to_pylist() for place in by]
        for number, codes in zip(places.tolist(), cells.codes[:, by].tolist(), strict=True):
            if not done[number]:
                said = [(n, t[c]) for n, t, c in zip(names, texts, codes, strict=True) if c != ALL]
                digest = hmac.digest(key, repr(said).encode(), hashlib.sha256)
                drawn[number] = int.from_bytes(digest[:6]) / 2**48
                done[number] = True
    return drawn
