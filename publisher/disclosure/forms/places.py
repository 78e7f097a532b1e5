"""Forms of places on a grid: every place is the centre of a square, and enough rows share it where the policy sets a floor."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from publisher.disclosure.cells.small import TOTAL
from publisher.disclosure.forms.values import shared_values
from publisher.policy import Grid
from publisher.published import PublishedTable

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_METRES_OF_A_DEGREE = 111_195.0
_REFERENCES = range(24, 85, 12)
"""Latitudes by which a grid of degrees may set its step of longitudes: north of Viet Nam, and beyond."""
_SIZES = 14
Place = tuple[float, float, int]
"""Two numbers and the rows that share them."""


def wrong_places(path: Path, table: PublishedTable) -> list[str]:
    """Return the fields whose places are no centres of squares, or stand for too few rows."""
    privacy = table.source.privacy
    grids = [field.name for field in table.fields if isinstance(privacy.action_of(field.name), Grid)]
    numbers = [name for name in grids if table.source.schema_.field(name).type in {"integer", "number"}]
    groups = [(name,) for name in grids if name not in numbers] + ([tuple(numbers)] if numbers else [])
    faults = []
    for names in groups:
        action = privacy.action_of(names[0])
        if isinstance(action, Grid) and not _fits(path, names, action):
            faults.append(f"{' and '.join(names)} hold places that are no squares of {action.metres} metres")
        elif isinstance(action, Grid) and not _is_shared(path, table, names, action):
            faults.append(f"{' and '.join(names)} hold squares that too few rows share")
    return faults


def _fits(path: Path, names: tuple[str, ...], action: Grid) -> bool:
    places = _places(path, names)
    if places is None or not places:
        return places is not None
    if len(names) == 2 and len(set(names)) < 2:
        return False
    metres = max(max(abs(one), abs(two)) for one, two, _ in places) > 180
    slack = 0.51 if metres else 1.1e-6
    return any(
        all(
            any(_is_centre(one, first, size, slack) and _is_centre(two, second, size, slack) for size in range(_SIZES))
            for one, two, _ in places
        )
        for first, second in _steps(action.metres, metres=metres)
    )


def _steps(metres_wide: int, *, metres: bool) -> list[tuple[float, float]]:
    """Return the pairs of steps that a grid may have, in either order of the two numbers."""
    if metres:
        return [(float(metres_wide), float(metres_wide))]
    step = metres_wide / _METRES_OF_A_DEGREE
    pairs = [(step, step / math.cos(math.radians(reference))) for reference in _REFERENCES]
    return [*pairs, *((wide, high) for high, wide in pairs)]


def _is_centre(number: float, step: float, size: int, slack: float) -> bool:
    side = step * (1 << size)
    off = number / side - math.floor(number / side) - 0.5
    return bool(abs(off) * side <= slack)


def _is_shared(path: Path, table: PublishedTable, names: tuple[str, ...], action: Grid) -> bool:
    """Tell whether every square has its rows; cells of aggregates are judged by their own rules."""
    if action.min_population is None or table.aggregate is not None:
        return True
    return all(rows >= action.min_population for *_, rows in shared_values(path, names))


def _places(path: Path, names: tuple[str, ...]) -> Sequence[Place] | None:
    """Return the places; null when a value is none."""
    found: list[Place] = []
    for *values, rows in shared_values(path, names):
        if TOTAL in values:
            continue
        numbers = _numbers_of(values)
        if len(numbers) != 2:
            return None
        found.append((numbers[0], numbers[1], int(rows)))
    return found


def _numbers_of(values: Sequence[Any]) -> list[float]:
    return [float(text) for value in values for text in _NUMBER.findall(str(value))]
