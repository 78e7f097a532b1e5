"""What an attacker may not learn about hidden cells, and what lies hidden under each total."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from publisher.anonymise.search.groups import Codes

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Demand:
    """What an attacker may not learn about the cells of a system.

    Attributes:
        values: what adds up, rows or a sum for each cell.
        floor: what an attacker knows a hidden cell to be at least.
        width: how wide its interval must be at least; 0 where nothing is asked.
        units, least: units in each cell, and the fewest for which hidden cells under one visible total may stand together.
        additive: whether units add up, because each row is one; otherwise only the largest hidden cell is sure.
        whole: whether values are whole numbers.
        below, above: how far a cell that is not hidden may be off what is published of it; null when it is published as it is.
    """

    values: Floats
    floor: Floats
    width: Floats
    units: Codes
    least: Codes
    additive: bool
    whole: bool
    below: Floats | None = None
    above: Floats | None = None


class Totals:
    """What lies hidden under each total; the last place stands for no total."""

    def __init__(self, number: int) -> None:
        self.number = np.zeros(number + 1, np.int64)
        self.room = np.zeros(number + 1)
        self.need = np.zeros(number + 1)
        self.rest = np.zeros(number + 1)
        self.largest = np.zeros(number + 1, np.int64)
        self.least = np.zeros(number + 1, np.int64)

    def add(self, above: Codes, *, room: float, width: float, rest: float) -> None:
        self.number[above] += 1
        self.room[above] += room
        self.rest[above] += rest
        self.need[above] = np.maximum(self.need[above], width)

    def add_units(self, above: Codes, *, units: int, least: int) -> None:
        self.largest[above] = np.maximum(self.largest[above], units)
        self.least[above] = np.maximum(self.least[above], least)
