"""The data quality of a release: six parts from 0 to 1 and their weighted sum Q. The formulas are those of the page `/method`.

`Q = 0.25 V + 0.20 C + 0.15 U + 0.15 K + 0.10 S + 0.15 D`; a part that there was nothing to measure for (null) leaves its weight to the
others in proportion. Privacy is a gate, not a term.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

WEIGHTS = {
    "validity": 0.25,
    "completeness": 0.20,
    "uniqueness": 0.15,
    "consistency": 0.15,
    "stability": 0.10,
    "documentation": 0.15,
}
"""The parts in the order in which they are shown, V, C, U, K, S, D, and what each weighs."""

Z_LIMIT = 3.5
"""The robust z from which a number counts as an outlier (Iglewicz and Hoaglin)."""
DECIMALS = 4
LEAST_HISTORY = 5
"""Fewer earlier releases than this tell nothing of what is usual."""
_MAD_TO_SIGMA = 1.4826
_LEAST_SPREAD = 0.01


@dataclass(frozen=True)
class Score:
    """Q with its parts; a part is null where there was nothing to measure. `decimals`: as how many it is told."""

    parts: Mapping[str, float | None]
    decimals: int = DECIMALS

    @property
    def q(self) -> float | None:
        """The weighted mean of the parts that were measured; null when none was."""
        known = {name: value for name, value in self.parts.items() if value is not None}
        weight = sum(WEIGHTS[name] for name in known)
        return sum(WEIGHTS[name] * value for name, value in known.items()) / weight if weight else None

    def to_dict(self) -> dict[str, float | None]:
        """Return Q and the parts, rounded to so many decimals as may be told."""
        known = {"q": self.q, **self.parts}
        return {name: None if value is None else round(value, self.decimals) for name, value in known.items()}


def validity(rows: int, invalid: int) -> float | None:
    """Return V, one less the share of rows with any error; null without rows."""
    return 1 - invalid / rows if rows else None


def completeness(shares: Sequence[float]) -> float | None:
    """Return C, the mean share of non-empty cells over the expected fields; null without fields."""
    return sum(shares) / len(shares) if shares else None


def uniqueness(rows: int, duplicates: int) -> float | None:
    """Return U, one less the share of rows whose key stands twice; null without rows or without a key."""
    return max(0.0, 1 - duplicates / rows) if rows else None


def consistency(passed: Sequence[bool]) -> float | None:
    """Return K, the share of cross-checks that passed; null when there was nothing to cross-check."""
    return sum(passed) / len(passed) if passed else None


def stability(numbers: Iterable[tuple[float, Sequence[float]]]) -> float | None:
    """Return S: 1 while every number's robust z is below 3.5, else 3.5 ÷ the largest z; null without history.

    Args:
        numbers: each number of this release with those of earlier releases; short histories are left out.
    """
    scores = [robust_z(value, earlier) for value, earlier in numbers if len(earlier) >= LEAST_HISTORY]
    if not scores:
        return None
    worst = max(scores)
    return 1.0 if worst < Z_LIMIT else Z_LIMIT / worst


def documentation(described: int, columns: int) -> float | None:
    """Return D, the share of columns described in Vietnamese and in English; null without columns."""
    return described / columns if columns else None


def robust_z(value: float, earlier: Sequence[float]) -> float:
    """Return how many robust standard deviations a number lies off the median of earlier ones.

    The deviation is 1.4826 times the median absolute deviation, at least one per cent of the median, so that a series that never
    moved may move a little.
    """
    middle = median(earlier)
    spread = _MAD_TO_SIGMA * median(abs(one - middle) for one in earlier)
    spread = max(spread, _LEAST_SPREAD * abs(middle))
    if spread == 0:
        return 0.0 if math.isclose(value, middle) else math.inf
    return abs(value - middle) / spread
