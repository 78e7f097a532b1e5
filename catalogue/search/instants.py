"""Ranges over dates of custom keys, which the index cannot do by itself: a number is indexed at several precisions.

The instant is cut into steps of `STEP` bits; each level is one term. A range is then a small set of terms, however many
different dates lie in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
STEP = 8
LEVELS = 8
_BIAS = 1 << 57  # instants before 1970 count up as well
LOWEST, HIGHEST = -_BIAS, _BIAS - 1


def micros(instant: datetime) -> int:
    """Return a naive UTC instant as microseconds since 1970."""
    delta = instant - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant_terms(number: int) -> Iterator[str]:
    """Yield the terms of one instant, from the finest to the coarsest."""
    value = number + _BIAS
    for level in range(LEVELS):
        yield _term(level, value >> level * STEP)


def range_terms(low: int, high: int) -> list[str]:
    """Return the terms of which one is on every instant from `low` to `high`, both included."""
    first, last = max(low, LOWEST) + _BIAS, min(high, HIGHEST) + _BIAS
    terms: list[str] = []
    for level in range(LEVELS):
        if first > last:
            return terms
        is_coarsest = level == LEVELS - 1
        while first <= last and (is_coarsest or first % (1 << STEP)):
            terms.append(_term(level, first))
            first += 1
        while first <= last and (last + 1) % (1 << STEP):
            terms.append(_term(level, last))
            last -= 1
        first, last = first >> STEP, (last >> STEP) if first <= last else -1
    return terms


def _term(level: int, value: int) -> str:
    return f"{level}:{value:x}"
