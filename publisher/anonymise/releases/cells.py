"""Cells beside those of earlier releases: what would tell of fewer people than a cell may stand for keeps its state, or is hidden.

A cell that changed by fewer than `min` since any earlier release says again what it said last. To the public that is a cell in which
nothing happened; a newly hidden one would say that somebody came. Its next number is the one that differs by `min` or more.

Where totals can be computed, from margins or from other tables of the same source, numbers of two days would contradict each other.
There such a cell is hidden instead, and so are the cells that it could be computed from.

A cell once hidden stays hidden, until the window that its group columns name, such as a month, has closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.releases.history import Flags, Numbers, Past, count_name, past_of, remember
from publisher.anonymise.tables.cells import Cells
from publisher.anonymise.tables.small import hide_known
from publisher.earlier import Earlier, is_compared


class CellHistories:
    """The aggregated tables of one source and what the public saw of them; called before and after secondary suppression."""

    def __init__(self, tables: Sequence[Cells], earlier: Earlier | None) -> None:
        self._earlier = earlier
        self._tables = [cells for cells in tables if is_compared(cells.published)]
        self._linked = len(tables) > 1 or any(cells.aggregate.has_margins for cells in tables)
        self._inherited: dict[str, int] = {}

    def hide(self) -> None:
        """Hide, in place, what has to stay hidden; secondary suppression comes next and protects it like any small cell."""
        for cells in self._tables:
            past = past_of(cells, self._earlier) if self._earlier else None
            if past is None:
                continue
            before = int(cells.hidden.sum())
            must = past.bound
            if not self._may_hold(cells):
                must = must | self._moved_little(cells, past)
            cells.hidden |= must
            _list_again(cells, past.gone)
            self._inherited[cells.published.name] = int(cells.hidden.sum()) - before

    def settle(self, output: Path) -> tuple[Mapping[str, dict[str, int]], Mapping[str, Path]]:
        """Let cells keep their state, in place.

        Returns:
            What the privacy report says of each table; and files, by name, with what stands behind the cells.
        """
        kept, remembered = {}, {}
        for cells in self._tables:
            name = cells.published.name
            past = past_of(cells, self._earlier) if self._earlier else None
            held = np.zeros(len(cells.hidden), np.bool_)
            absent = held
            if past is not None:
                held, absent = self._keep(cells, past)
            path = output / f".{name}.cells.parquet"
            remember(cells, past, held, path)
            remembered[f"{name}.cells.parquet"] = path
            cells.drop(absent)
            kept[name] = {
                "held_cells": int(held.sum() + absent.sum()),
                "inherited_hidden_cells": self._inherited.get(name, 0),
            }
        return kept, remembered

    def _may_hold(self, cells: Cells) -> bool:
        """Tell whether nothing adds the cells of the table up, so that one may say a number of another day."""
        return not self._linked or cells.aggregate.or_round is not None

    def _moved_little(self, cells: Cells, past: Past) -> Flags:
        """Return the visible cells that moved by too little: by few rows since any release, or by few units since their numbers were new."""
        little = past.nearest < _least_step(cells)
        if cells.published.source.privacy.unit_key:
            counts = np.asarray(cells.measures.column(count_name(cells) or "").to_numpy(), np.float64)
            moved = past.shown & (past.units >= 0) & (counts != _last_counts(cells, past))
            little |= moved & (np.abs(cells.units - past.units) < cells.aggregate.small_cell.min)
        return np.asarray(~cells.hidden & little)

    def _keep(self, cells: Cells, past: Past) -> tuple[Flags, Flags]:
        """Return the cells that say again what they said last, and those that stay unlisted."""
        held = _same_but_for_measures(cells, past)
        absent = np.zeros(len(cells.hidden), np.bool_)
        if self._may_hold(cells):
            last = _last_counts(cells, past)
            again = past.shown & (last >= cells.aggregate.small_cell.min)
            moved = self._moved_little(cells, past)
            shrank = _only_small(cells) & (np.abs(last - cells.rows) < cells.aggregate.small_cell.min)
            held |= again & (moved | shrank)
            absent = ~past.listed & (moved | (_only_small(cells) & ~past.closes))
            cells.hidden |= moved & ~held & ~absent
        _say_again(cells, past, held)
        return held, absent


def _least_step(cells: Cells) -> int:
    """Return the smallest difference that two releases of a cell may show; rounded counts may each be off by less than the base."""
    rounding = cells.aggregate.or_round
    return cells.aggregate.small_cell.min + (2 * (rounding.base - 1) if rounding else 0)


def _only_small(cells: Cells) -> Flags:
    """Return the cells that are hidden only because few units stand in them."""
    return cells.hidden & cells.small & (cells.units > 0) & (cells.units < cells.aggregate.small_cell.min)


def _last_counts(cells: Cells, past: Past) -> Numbers:
    counts = past.last.column(count_name(cells) or "")
    return np.asarray(counts.fill_null(0).to_numpy(), np.int64)


def _same_but_for_measures(cells: Cells, past: Past) -> Flags:
    """Return the visible cells of equal count in which another measure moved, as far as too few units are known to have moved it.

    Their numbers of last time stay, all of them: a mean whose one new contributor is known gives that contribution away.
    """
    now = np.asarray(cells.measures.column(count_name(cells) or "").to_numpy(), np.float64)
    equal = ~cells.hidden & past.shown & (now == _last_counts(cells, past))
    moved = np.zeros(len(equal), np.bool_)
    for place, measure in enumerate(cells.aggregate.measures):
        differs = _differ(cells.measures.column(measure.name), past.last.column(measure.name))
        moved |= differs & ~_many_more(cells.contributors[place], past.contributors[place], cells)
    return np.asarray(equal & moved)


def _many_more(now: Numbers, then: Numbers, cells: Cells) -> Flags:
    return np.asarray((then >= 0) & (np.abs(now - then) >= cells.aggregate.small_cell.min))


def _differ(one: pa.ChunkedArray, other: pa.ChunkedArray) -> Flags:
    unlike = pc.fill_null(pc.not_equal(one, other), fill_value=False)
    return np.asarray(pc.or_(unlike, pc.not_equal(pc.is_null(one), pc.is_null(other))).to_numpy(), np.bool_)


def _say_again(cells: Cells, past: Past, held: Flags) -> None:
    mask = pa.chunked_array([pa.array(held)])
    columns = {
        name: pc.if_else(mask, past.last.column(name), cells.measures.column(name))
        for name in cells.measures.schema.names
    }
    cells.measures = pa.table(columns, schema=cells.measures.schema).combine_chunks()
    cells.hidden &= ~held


def _list_again(cells: Cells, gone: pa.Table) -> None:
    """List cells in which nobody stands any more, hidden."""
    columns = [
        text.combine_chunks().cast(domain.type) for text, domain in zip(gone.columns, cells.domains, strict=True)
    ]
    hide_known(cells, zip(*(column.to_pylist() for column in columns), strict=True))
