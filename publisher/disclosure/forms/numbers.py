"""Forms of numbers: bands, multiples, bounds that enough rows share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from publisher.disclosure.forms.values import Judge, Shared
from publisher.policy import Perturb, Round, TopCode

Fits = Callable[[Any], bool]
_BAND = re.compile(r"(-?[\d.]+(?:e[+-]?\d+)?)-(<?)(-?[\d.]+(?:e[+-]?\d+)?)")
_NEAR = 1e-6


def band_judge(width: float | Literal["*"], top: float | None, *, whole: bool) -> Fits:
    """Return what tells whether a text is a band of that width."""
    if width == "*":
        return lambda text: bool(text == "*")
    step: float = width

    def fits(text: Any) -> bool:
        if not isinstance(text, str):
            return False
        if top is not None and text == f"{_plain(top)}+":
            return True
        low, high = _bounds(text, whole=whole)
        cut = top if top is not None and low < top < low + step else low + step
        return abs(low / step - round(low / step)) < _NEAR and abs(high - cut) < _NEAR

    return fits


def numbers_judge(steps: Sequence[TopCode | Round | Perturb], *, counts_rows: bool) -> Judge:
    """Return the judge of a number after its steps.

    The last rounding decides which multiples may stand, every bound how far the numbers may reach, and a bound at a quantile
    must be shared by as many rows as its units, where rows leave (`counts_rows`).
    """

    def judge(values: Shared) -> bool:
        numbers = [(float(value), rows) for value, rows in values]
        if not all(_fits_steps(number, steps) for number, _ in numbers):
            return False
        if not counts_rows or not numbers:
            return True
        most = max(number for number, _ in numbers)
        rows_at_most = sum(rows for number, rows in numbers if number == most)
        return all(rows_at_most >= least for least in _least_shared(steps))

    return judge


def _fits_steps(number: float, steps: Sequence[TopCode | Round | Perturb]) -> bool:
    for place, step in enumerate(steps):
        slack = sum(_slack(later) for later in steps[place + 1 :])
        if isinstance(step, TopCode):
            low = float("-inf") if step.bottom is None else step.bottom
            high = float("inf") if step.at is None else step.at
            if not low - slack - _NEAR <= number <= high + slack + _NEAR:
                return False
        elif isinstance(step, Perturb) and slack == 0 and not number.is_integer():
            return False
    roundings = [place for place, step in enumerate(steps) if isinstance(step, Round)]
    if not roundings or any(isinstance(step, Perturb) for step in steps[roundings[-1] :]):
        return True
    last = steps[roundings[-1]]
    base = last.base if isinstance(last, Round) else 1.0
    bounds = [bound for step in steps[roundings[-1] :] if isinstance(step, TopCode) for bound in (step.at, step.bottom)]
    return abs(number / base - round(number / base)) < _NEAR or number in bounds


def _slack(step: TopCode | Round | Perturb) -> float:
    """Return how far a later step may move a number beyond a bound."""
    if isinstance(step, Perturb):
        return float(step.max)
    return step.base / 2 if isinstance(step, Round) else 0.0


def _least_shared(steps: Sequence[TopCode | Round | Perturb]) -> list[int]:
    """Return how many rows must share the highest number; a perturbation afterwards lets nobody tell."""
    if any(isinstance(step, Perturb) for step in steps):
        return []
    return [step.min_contributors for step in steps if isinstance(step, TopCode) and step.p is not None]


def _bounds(text: str, *, whole: bool) -> tuple[float, float]:
    """Return the band's lower end and its open upper end; an empty band when the text has no such form."""
    match = _BAND.fullmatch(text)
    if match and bool(match.group(2)) != whole:
        return float(match.group(1)), float(match.group(3)) + (1 if whole else 0)
    if whole and re.fullmatch(r"-?\d+", text):
        return float(text), float(text) + 1
    return 0.0, 0.0


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(float(number))
