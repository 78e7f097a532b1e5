"""What somebody with all published tables can compute of a hidden cell: the least and the largest number it may be.

The cells that nobody sees are unknowns, everything visible is known, and every way in which two groupings must agree is an equation. HiGHS finds
numbers that fit: first the most and the least for all unknowns at once, then for ever fewer of them, since those that rise together keep each
other down, then for each that is left. The work is counted, and what is not done when it runs out counts as unsafe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SLACK = 1e-6
_MOST_ROUNDS = 60
_MOST_HALVED = 8
"""How often in a row nothing new may be shown; each time half as many unknowns are asked about together."""
_MOST_STEPS = 1_500_000
"""Steps of the simplex method for all tables of a source; 1000 x 100 groups with 12,000 hidden cells take some 60,000."""
_ENOUGH_FAULTS = 50


@dataclass(frozen=True)
class Equations:
    """Unknowns between bounds, and rows of them that sum to between `low` and `high`.

    Attributes:
        lower, upper: of each unknown.
        rows, columns, factors: the entries of the rows.
        low, high: of each row.
    """

    lower: Floats
    upper: Floats
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    factors: Floats
    low: Floats
    high: Floats


class Contradiction(Exception):  # noqa: N818  it is the word
    """No numbers fit what is published."""


class Unfinished(Exception):  # noqa: N818  it is the word
    """The tables are too large for the work that is allowed."""


def narrow(equations: Equations, width: Floats, may_be_empty: npt.NDArray[np.bool_]) -> int:
    """Return how many unknowns can be told more closely than to `width` whole numbers' distance, counting no further than some tens.

    An unknown that may be empty and can be nothing else is none of them.

    Raises:
        Contradiction: no numbers fit.
        Unfinished: it is not known, since the tables are too large.
    """
    faults, steps = 0, _MOST_STEPS
    for unknowns, rows in _blocks(equations):
        block = _Block(equations, unknowns, rows, steps)
        faults += block.narrow(width[unknowns], may_be_empty[unknowns])
        steps = block.steps
        if faults >= _ENOUGH_FAULTS:
            break
    return faults


def _blocks(equations: Equations) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Return the unknowns and rows that hang together; unknowns without a row hang on nothing."""
    number = len(equations.lower)
    parent = list(range(number))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    order = np.argsort(equations.rows, kind="stable")
    first: dict[int, int] = {}
    for row, column in zip(equations.rows[order].tolist(), equations.columns[order].tolist(), strict=True):
        parent[root(column)] = root(first.setdefault(row, column))
    roots = np.array([root(one) for one in range(number)], np.int64)
    of_row = np.full(len(equations.low), -1, np.int64)
    of_row[list(first)] = roots[list(first.values())] if first else 0
    return [
        (np.flatnonzero(roots == one), np.flatnonzero(of_row == one)) for one in np.unique(of_row[of_row >= 0]).tolist()
    ]


class _Block:
    """Unknowns that hang together, in one model that is solved again and again from where it stood; `steps` are those left to it."""

    def __init__(
        self, equations: Equations, unknowns: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], steps: int
    ) -> None:
        import highspy

        self.steps = steps

        self._highs: Any = highspy
        self._number = len(unknowns)
        self._lower, self._upper = equations.lower[unknowns], equations.upper[unknowns]
        model: Any = highspy.HighsLp()
        model.num_col_, model.num_row_ = self._number, len(rows)
        model.col_cost_ = np.zeros(self._number)
        model.col_lower_, model.col_upper_ = self._lower, self._upper
        model.row_lower_, model.row_upper_ = equations.low[rows], equations.high[rows]
        row_place = np.full(len(equations.low), -1, np.int64)
        row_place[rows] = np.arange(len(rows))
        column_place = np.full(len(equations.lower), -1, np.int64)
        column_place[unknowns] = np.arange(self._number)
        chosen = np.flatnonzero(row_place[equations.rows] >= 0)
        chosen = chosen[np.argsort(row_place[equations.rows[chosen]], kind="stable")]
        sizes = np.bincount(row_place[equations.rows[chosen]], minlength=len(rows))
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        model.a_matrix_.index_ = column_place[equations.columns[chosen]].astype(np.int32)
        model.a_matrix_.value_ = equations.factors[chosen]
        self._solver = self._highs.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
            self._solver.setOptionValue(option, value)
        self._solver.passModel(model)
        self._all = np.arange(self._number, dtype=np.int32)

    def narrow(self, width: Floats, may_be_empty: npt.NDArray[np.bool_]) -> int:
        least = most = self._solution(np.zeros(self._number))
        random, halved = np.random.default_rng(0), 0
        for round_ in range(_MOST_ROUNDS):
            open_ = _distance(least, most) < width
            if not open_.any():
                return 0
            before = int(open_.sum())
            asked = open_ & (random.random(self._number) < 0.5 ** (halved // 2))
            up = round_ % 2 == 0  # within the width that is asked, so that no unknown takes what could open others
            lowest = np.where(asked & (not up), most - width - 2, -np.inf)
            highest = np.where(asked & up, least + width + 2, np.inf)
            self._bound(np.maximum(self._lower, lowest), np.minimum(self._upper, highest))
            found = self._solution(np.where(asked, -1.0 if up else 1.0, 0.0))
            least, most = np.minimum(least, found), np.maximum(most, found)
            halved = halved + 1 if (_distance(least, most) < width).sum() == before else 0
            if halved == _MOST_HALVED:
                break
        self._bound(self._lower, self._upper)
        return self._one_by_one(least, most, width, may_be_empty)

    def _one_by_one(self, least: Floats, most: Floats, width: Floats, may_be_empty: npt.NDArray[np.bool_]) -> int:
        faults = 0
        for place in np.flatnonzero(_distance(least, most) < width).tolist():
            for sign in (-1.0, 1.0):
                if _distance(least, most)[place] < width[place]:
                    cost = np.zeros(self._number)
                    cost[place] = sign
                    self._bound(self._lower, self._cut(place, least, width))
                    found = self._solution(cost)
                    least, most = np.minimum(least, found), np.maximum(most, found)
            if _distance(least, most)[place] < width[place] and not (may_be_empty[place] and most[place] < 1 - _SLACK):
                faults += 1
                if faults >= _ENOUGH_FAULTS:
                    break
        return faults

    def _cut(self, place: int, least: Floats, width: Floats) -> Floats:
        """Return the upper bounds with one for the unknown that is asked about, which may have none."""
        upper = self._upper.copy()
        upper[place] = min(upper[place], least[place] + width[place] + 2)
        return upper

    def _bound(self, lower: Floats, upper: Floats) -> None:
        self._solver.changeColsBounds(self._number, self._all, lower, upper)

    def _solution(self, cost: Floats) -> Floats:
        if self.steps <= 0:
            raise Unfinished
        self._solver.setOptionValue("simplex_iteration_limit", self.steps)
        self._solver.changeColsCost(self._number, self._all, cost)
        self._solver.run()
        self.steps -= max(self._solver.getInfo().simplex_iteration_count, 0)
        if self._solver.getModelStatus() == self._highs.HighsModelStatus.kIterationLimit:
            raise Unfinished
        if self._solver.getModelStatus() != self._highs.HighsModelStatus.kOptimal:
            raise Contradiction
        return np.asarray(self._solver.getSolution().col_value, np.float64)


def _distance(least: Floats, most: Floats) -> Floats:
    """Return how far apart the whole numbers in an interval lie at most."""
    return np.asarray(np.floor(most + _SLACK) - np.ceil(least - _SLACK), np.float64)
