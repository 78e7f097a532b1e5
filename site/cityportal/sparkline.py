"""A small line over time as the points of an SVG: no script, no axis, first and last value told in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 160, 36
_EDGE = 4


@dataclass(frozen=True)
class Sparkline:
    """The line of a series: `points` for a polyline, the place of its last point, and the numbers to tell."""

    points: str
    last_x: float
    last_y: float
    first: float
    last: float
    count: int


def sparkline(values: Sequence[float]) -> Sparkline | None:
    """Return the line of a series between its least and greatest value, null when there are fewer than two values.

    A series that never moves is a line in the middle.
    """
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    step = (WIDTH - 2 * _EDGE) / (len(values) - 1)
    room = HEIGHT - 2 * _EDGE
    places = [
        (_EDGE + step * number, _EDGE + room * ((high - value) / (high - low) if high > low else 0.5))
        for number, value in enumerate(values)
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return Sparkline(points, round(places[-1][0], 1), round(places[-1][1], 1), values[0], values[-1], len(values))
