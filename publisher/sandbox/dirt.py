"""Dirty rows, as every real system has them, at a stated rate; each of them breaks one rule of its dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

DIRTY_SHARE = 0.003
"""Share of rows in every source that fail validation."""

Row = tuple[Any, ...]
Spoiler = Callable[[Row, Row], Row]


def put(position: int, value: object) -> Spoiler:
    """Return a spoiler that writes the value into a column."""
    return lambda row, _: (*row[:position], value, *row[position + 1 :])


def repeat(row: Row, before: Row) -> Row:  # noqa: ARG001  every spoiler takes both
    """Return the row before once more, so that its key stands twice."""
    return before


def spoil(rows: list[Row], rng: np.random.Generator, spoilers: Sequence[Spoiler]) -> list[int]:
    """Spoil `DIRTY_SHARE` of the rows in place, each kind of dirt in turn; return their positions.

    Two dirty rows are never neighbours, so that a repeated row always repeats a clean one.
    """
    count = round(len(rows) * DIRTY_SHARE)
    odd_positions = np.arange(1, len(rows), 2)
    drawn = rng.choice(odd_positions, min(count, len(odd_positions)), replace=False)
    positions: list[int] = np.sort(drawn).tolist()
    for turn, position in enumerate(positions):
        rows[position] = spoilers[turn % len(spoilers)](rows[position], rows[position - 1])
    return positions
