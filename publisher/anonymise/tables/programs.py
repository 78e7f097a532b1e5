"""Linear programs, solved by HiGHS: one thread and a fixed seed, so that the same program has the same solution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

_WHOLE = 1e-6
_MOST_NODES = 200
_FEASIBLE = 2


@dataclass(frozen=True)
class Program:
    """The least cost of variables between bounds, under rows that each sum to zero.

    Attributes:
        cost, lower, upper: one for each variable.
        starts, members, factors: the rows one after the other; `members[starts[r]:starts[r + 1]]` are the variables of row r.
    """

    cost: Floats
    lower: Floats
    upper: Floats
    starts: Places
    members: Places
    factors: Floats


class Solver:
    """Solves one program after the other."""

    def __init__(self) -> None:
        import highspy

        self._highs: Any = highspy
        self._solver = self._highs.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("presolve", "off")):
            self._solver.setOptionValue(option, value)
        self._solver.setOptionValue("mip_max_nodes", _MOST_NODES)

    def solve(self, program: Program, *, whole: bool) -> Floats | None:
        """Return the cheapest solution, null when there is none; in whole numbers where these are asked for."""
        found = self._run(program, whole=False)
        if found is None or not whole:
            return found
        if (np.abs(found - np.round(found)) > _WHOLE).any():
            found = self._run(program, whole=True)
        return None if found is None else np.round(found)

    def _run(self, program: Program, *, whole: bool) -> Floats | None:
        highs = self._highs
        model: Any = highs.HighsLp()
        model.num_col_, model.num_row_ = len(program.cost), len(program.starts) - 1
        model.col_cost_, model.col_lower_, model.col_upper_ = program.cost, program.lower, program.upper
        model.row_lower_ = model.row_upper_ = np.zeros(model.num_row_)
        model.a_matrix_.format_ = highs.MatrixFormat.kRowwise
        model.a_matrix_.start_ = program.starts.astype(np.int32)
        model.a_matrix_.index_ = program.members.astype(np.int32)
        model.a_matrix_.value_ = program.factors
        if whole:
            model.integrality_ = [highs.HighsVarType.kInteger] * model.num_col_
        self._solver.passModel(model)
        self._solver.run()
        is_best = self._solver.getModelStatus() == highs.HighsModelStatus.kOptimal
        if not is_best and not (whole and self._solver.getInfo().primal_solution_status == _FEASIBLE):
            return None
        return np.asarray(self._solver.getSolution().col_value, np.float64)
