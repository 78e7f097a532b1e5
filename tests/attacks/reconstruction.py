"""What an attacker computes from all published tables together: the least and the greatest number that every hidden cell can stand for.

Unknown are the numbers of the finest cells over all columns of all tables; every visible count is an equation between them, a cell that is
not listed is empty. Solved as integer linear programs (HiGHS), in whole numbers, since people are not halved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, vstack

TOTAL = "*"
Row = Mapping[str, Any]
_ALMOST = 1e-6


@dataclass(frozen=True)
class Table:
    """A published table: its columns of groups, the name of its count, its rows; null is a hidden count."""

    groups: tuple[str, ...]
    count: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Interval:
    """What a hidden cell may stand for."""

    low: int
    high: int

    @property
    def width(self) -> int:
        return self.high - self.low


def hidden_intervals(tables: Sequence[Table], *, least_hidden: int = 0) -> list[Interval] | None:
    """Return the interval of every hidden cell; null when no numbers at all fit, so that the attacker assumed too much.

    `least_hidden` is what the attacker takes every listed hidden cell to stand for at least.
    """
    columns = list(dict.fromkeys(name for table in tables for name in table.groups))
    values = {name: _values(name, tables) for name in columns}
    cells = np.array(list(product(*(range(len(values[name])) for name in columns))), np.int64)
    known, sums, hidden = _equations(tables, columns, values, cells)
    empty = np.zeros(len(cells), bool)
    for table in tables:
        empty |= ~_listed(table, columns, values, cells)
    system = _System(known, np.array(sums, float), hidden, empty, least_hidden)
    if system.extreme(np.zeros(len(cells))) is None:
        return None
    return [system.interval(place) for place in range(hidden.shape[0])]


class _System:
    def __init__(
        self,
        known: csr_matrix,
        sums: npt.NDArray[np.float64],
        hidden: csr_matrix,
        empty: npt.NDArray[np.bool_],
        least: int,
    ) -> None:
        self._hidden = hidden
        rows = vstack([known, hidden])
        low = np.concatenate([sums, np.full(hidden.shape[0], float(least))])
        high = np.concatenate([sums, np.full(hidden.shape[0], np.inf)])
        self._rows = LinearConstraint(rows, low, high)
        self._bounds = Bounds(0, np.where(empty, 0, np.inf))

    def interval(self, place: int) -> Interval:
        objective = np.asarray(self._hidden[[place]].todense()).ravel()
        low, high = self.extreme(objective), self.extreme(-objective)
        assert low is not None
        return Interval(round(np.ceil(low - _ALMOST)), 10**9 if high is None else round(np.floor(-high + _ALMOST)))

    def extreme(self, objective: npt.NDArray[np.float64]) -> float | None:
        """Return the least value of an objective in whole numbers; null when there is none."""
        found = milp(objective, constraints=self._rows, bounds=self._bounds, integrality=np.ones(len(objective)))
        return None if found.x is None else float(found.fun)


def _values(name: str, tables: Sequence[Table]) -> list[Any]:
    seen = {row[name] for table in tables if name in table.groups for row in table.rows}
    return sorted(seen - {TOTAL}, key=str)


def _equations(
    tables: Sequence[Table], columns: list[str], values: dict[str, list[Any]], cells: npt.NDArray[np.int64]
) -> tuple[csr_matrix, list[int], csr_matrix]:
    known, sums, hidden = [], [], []
    for table in tables:
        for row in table.rows:
            parts = np.ones(len(cells), bool)
            for name in table.groups:
                if row[name] != TOTAL:
                    parts &= cells[:, columns.index(name)] == values[name].index(row[name])
            if row[table.count] is None:
                hidden.append(parts)
            else:
                known.append(parts)
                sums.append(int(row[table.count]))
    return csr_matrix(np.array(known, float)), sums, csr_matrix(np.array(hidden, float).reshape(-1, len(cells)))


def _listed(
    table: Table, columns: list[str], values: dict[str, list[Any]], cells: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Tell which finest cells lie in a row of the table that sums over nothing."""
    there = {
        tuple(values[name].index(row[name]) for name in table.groups)
        for row in table.rows
        if all(row[name] != TOTAL for name in table.groups)
    }
    places = [columns.index(name) for name in table.groups]
    return np.array([tuple(cell[places]) in there for cell in cells], bool)
