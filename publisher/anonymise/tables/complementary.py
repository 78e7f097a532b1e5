"""Subtraction between tables of one source: where one table rolls another up, a single hidden cell could be computed.

Every cell of the coarser table is the sum of its finer cells. So, for each pair of tables and until nothing changes:
a visible coarser cell must cover no hidden finer cell or at least two that together are not small, else the smallest visible finer
cell is hidden too (or, when none is left, the coarser cell itself); a hidden coarser cell hides all its finer cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt

from publisher.anonymise.search.groups import Codes, weigh
from publisher.anonymise.tables.cells import Cells


def hide_complementary(tables: Sequence[Cells]) -> None:
    """Hide further cells, in place, until no roll-up gives a small number away."""
    pairs = [_Pair(fine, coarse) for fine, coarse in permutations(tables, 2) if _rolls_up(fine, coarse)]
    while any([pair.protect() for pair in pairs]):  # noqa: C419  every pair has its turn
        pass


def _rolls_up(fine: Cells, coarse: Cells) -> bool:
    return set(coarse.aggregate.group_by) <= set(fine.aggregate.group_by)


class _Pair:
    """A finer and a coarser table of the same rows, and the coarser cell above each finer one."""

    def __init__(self, fine: Cells, coarse: Cells) -> None:
        self._fine = fine
        self._coarse = coarse
        self._minimum = max(fine.aggregate.small_cell.min, coarse.aggregate.small_cell.min)
        self._additive = not fine.published.source.privacy.unit_key
        names = coarse.aggregate.group_by
        places = {key: place for place, key in enumerate(_keys(coarse, names))}
        self._above: Codes = np.array([places[key] for key in _keys(fine, names)], np.int64)

    def protect(self) -> bool:
        """Hide what this pair needs; return whether anything changed."""
        before = int(self._fine.hidden.sum() + self._coarse.hidden.sum())
        self._hide(self._fine, np.flatnonzero(self._coarse.hidden[self._above] & ~self._fine.hidden))
        for cell in np.flatnonzero(self._unsafe()):
            visible = np.flatnonzero((self._above == cell) & ~self._fine.hidden)
            if len(visible):
                self._hide(self._fine, visible[[np.argmin(self._fine.units[visible])]])
            else:
                self._hide(self._coarse, np.array([cell]))
        return int(self._fine.hidden.sum() + self._coarse.hidden.sum()) > before

    def _unsafe(self) -> npt.NDArray[np.bool_]:
        """Return the visible coarser cells from which a small number, or a single hidden cell, could be computed."""
        covered = weigh(self._above, self._fine.hidden.astype(np.int64), len(self._coarse.hidden))
        unsafe = (covered == 1) | ((covered > 0) & (self._together(self._fine.units) < self._minimum))
        for behind in self._fine.contributors:
            together = self._together(behind)
            unsafe |= (covered > 0) & (together > 0) & (together < self._minimum)
        return np.asarray(unsafe & ~self._coarse.hidden)

    def _together(self, counts: Codes) -> Codes:
        """Return the units that the hidden finer cells of each coarser cell stand for, at least.

        A unit may stand in several cells, so with a unit key only the largest hidden cell is sure.
        """
        hidden = np.where(self._fine.hidden, counts, 0)
        if self._additive:
            return weigh(self._above, hidden, len(self._coarse.hidden))
        largest = np.zeros(len(self._coarse.hidden), np.int64)
        np.maximum.at(largest, self._above, hidden)
        return largest

    @staticmethod
    def _hide(cells: Cells, places: npt.NDArray[np.int64]) -> None:
        cells.hidden[places] = True
        cells.complementary += len(places)


def _keys(cells: Cells, names: list[str]) -> list[tuple[object, ...]]:
    return list(zip(*(cells.values.column(name).to_pylist() for name in names), strict=True))
