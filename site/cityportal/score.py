"""The data quality of a release as its pages tell it: one number from 0 to 1 and its six parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SCORE_PARTS = (
    ("validity", "V", 0.25),
    ("completeness", "C", 0.20),
    ("uniqueness", "U", 0.15),
    ("consistency", "K", 0.15),
    ("stability", "S", 0.10),
    ("documentation", "D", 0.15),
)
"""Name, letter and weight of the parts as the page on the method tells them; a report carries the weights it was made with."""


@dataclass(frozen=True)
class ScorePart:
    """One part of the score; null where there was nothing to measure."""

    name: str
    weight: float
    value: float | None


@dataclass(frozen=True)
class Score:
    """The data quality of a release, from 0 to 1, with its parts."""

    q: float
    parts: tuple[ScorePart, ...]


def score_from_report(
    said: Mapping[str, float | None] | None, weights: Mapping[str, float] | None = None
) -> Score | None:
    """Read a score with its parts; null for a release that was not scored."""
    if not said or said.get("q") is None:
        return None
    known = weights or {}
    parts = tuple(ScorePart(name, known.get(name, weight), said.get(name)) for name, _, weight in SCORE_PARTS)
    return Score(float(said["q"] or 0.0), parts)
