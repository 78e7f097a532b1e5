"""`deviated-value` and `deviated-cell`: what lies far from the middle of its column, by Python's own exact statistics.

Frictionless tells the rows in its notes only; here they are rows that fail. Every pass streams the column from the file; memory
grows with its distinct values for `mode`, and with all of them for `median`.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.checks import DeviatedCell, DeviatedValue
from publisher.engines.working_files import read_batches
from publisher.validation.checks.rows import Failure, Rows, mask_of
from publisher.validation.columns import FieldCheck
from publisher.validation.rows import Fault

_AVERAGES: dict[str, Callable[[Any], Any]] = {
    "mean": statistics.mean,
    "median": statistics.median,
    "mode": statistics.mode,
}
_ALWAYS_ALLOWED = 5000
"""Characters that Frictionless lets a cell have whatever the others are like."""


class DeviatedValueCheck:
    """Numbers outside of an interval that the whole column determines; there is none for fewer than two numbers."""

    def __init__(self, check: FieldCheck, place: int, bounds: tuple[Any, Any] | None) -> None:
        self._check = check
        self._place = place
        self._bounds = bounds

    def faults(self, rows: Rows) -> list[Fault]:
        """Return the rows outside."""
        if self._bounds is None:
            return []
        name = self._check.definition.name
        low, high = self._bounds
        column = rows.typed(name)
        # a float tells on which side of a bound its decimal lies, unless it is as near as the next float
        near_low, near_high = (
            float(np.nextafter(float(bound), toward)) for bound, toward in ((low, np.inf), (high, -np.inf))
        )
        inside = pc.and_(pc.greater(column, near_low), pc.less(column, near_high))
        doubtful = np.flatnonzero(~pc.fill_null(inside, True).to_numpy(zero_copy_only=False))
        texts = self._check.texts(rows.delivered.column(self._place).take(pa.array(doubtful))).to_pylist()
        values = [self._check.judge.value(text) for text in texts]
        places = [int(place) for place, value in zip(doubtful, values, strict=True) if not low <= value <= high]
        return [Fault("deviated-value", name, mask_of(places, rows.count))] if places else []

    def failures(self, row_count: int) -> list[Failure]:  # noqa: ARG002  it is about rows
        """Return nothing."""
        return []


class DeviatedCellCheck:
    """Texts longer than what the column's lengths allow."""

    def __init__(self, limits: dict[str, float]) -> None:
        self._limits = limits

    def faults(self, rows: Rows) -> list[Fault]:
        """Return the rows with such a text, field by field."""
        found = []
        for name, limit in self._limits.items():
            long = pc.greater(pc.utf8_length(rows.typed(name)), limit)
            mask = pc.fill_null(long, False).to_numpy(zero_copy_only=False)
            if mask.any():
                found.append(Fault("deviated-cell", name, mask))
        return found

    def failures(self, row_count: int) -> list[Failure]:  # noqa: ARG002  it is about rows
        """Return nothing."""
        return []


def deviated_value(settings: DeviatedValue, staged: Path, check: FieldCheck, place: int) -> DeviatedValueCheck:
    """Return the check for a column of a staged file, which is read for it twice."""
    stated = settings.interval
    interval = int(stated) if float(stated).is_integer() else stated

    def values() -> Iterator[Any]:
        return _values(staged, check)

    head = list(zip(range(2), values(), strict=False))
    if len(head) < 2:
        return DeviatedValueCheck(check, place, None)
    spread = statistics.stdev(values()) * interval
    average = _AVERAGES[settings.average](values())
    return DeviatedValueCheck(check, place, (average - spread, average + spread))


def deviated_cell(settings: DeviatedCell, staged: Path, checks: list[FieldCheck]) -> DeviatedCellCheck:
    """Return the check for the text columns of a staged file; it is read once for each that holds a very long text."""
    limits = {}
    for check in checks:
        name = check.definition.name
        if check.definition.type != "string" or name in settings.ignoreFields:
            continue
        lengths = _lengths(staged, check)
        if max(lengths, default=0) > _ALWAYS_ALLOWED and lengths.total() > 1:
            spread = statistics.stdev(lengths.elements()) * settings.interval
            limits[name] = max(_ALWAYS_ALLOWED, statistics.median(sorted(lengths.elements())) + spread)
    return DeviatedCellCheck(limits)


def _values(staged: Path, check: FieldCheck) -> Iterator[Any]:
    for batch in read_batches(staged, columns=[check.definition.name]):
        for text in check.texts(batch.column(0)).drop_null().to_pylist():
            value = check.judge.value(text)
            if value is not None:
                yield value


def _lengths(staged: Path, check: FieldCheck) -> Counter[int]:
    counts: Counter[int] = Counter()
    for batch in read_batches(staged, columns=[check.definition.name]):
        values = check.check(batch.column(0)).values
        for pair in pc.value_counts(pc.utf8_length(values.drop_null())).to_pylist():
            if pair["values"]:
                counts[pair["values"]] += pair["counts"]
    return counts
