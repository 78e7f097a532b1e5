"""Checks of the table as a whole, and of the order of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from publisher.checks import TableDimensions
from publisher.validation.checks.row_judge import Doubt
from publisher.validation.checks.rows import Failure, Rows, mask_of
from publisher.validation.columns import FieldCheck
from publisher.validation.rows import Fault

_BEYOND = 2**63
"""The first whole number that no column holds."""


class DimensionsCheck:
    """`table-dimensions`: a bound of 0 is none, as in Frictionless."""

    def __init__(self, check: TableDimensions, fields: int) -> None:
        self._check = check
        self._fields = fields

    def faults(self, rows: Rows) -> list[Fault]:  # noqa: ARG002  it is about the whole
        """Return nothing."""
        return []

    def failures(self, row_count: int) -> Iterator[Failure]:
        """Return each bound that the numbers of rows and fields break."""
        check = self._check
        for what, number, exactly, least, most in (
            ("fields", self._fields, check.numFields, check.minFields, check.maxFields),
            ("rows", row_count, check.numRows, check.minRows, check.maxRows),
        ):
            for word, bound, holds in (
                ("required", exactly, number == exactly),
                ("minimum", least, number >= (least or 0)),
                ("maximum", most, number <= (most or 0)),
            ):
                if bound and not holds:
                    yield Failure("table-dimensions", None, f"number of {what} is {number}, the {word} is {bound}")


class RequiredCheck:
    """`required-value`: each of the values stands in at least one row; one failure for each that does not."""

    def __init__(self, check: FieldCheck, place: int, values: Sequence[Any], doubt: Doubt) -> None:
        self._check = check
        self._place = place
        self._missing = set(values)
        self._doubt = doubt

    def faults(self, rows: Rows) -> list[Fault]:
        """Return nothing; the values that occur are struck off."""
        if self._missing:
            places = pa.array(np.flatnonzero(self._doubt(rows)))
            texts = self._check.texts(rows.delivered.column(self._place).take(places)).unique().to_pylist()
            self._missing -= {None if text is None else self._check.judge.value(text) for text in texts}
        return []

    def failures(self, row_count: int) -> list[Failure]:  # noqa: ARG002  the number of rows does not matter
        """Return one failure for each value that did not occur; the text counts them and names none."""
        name = self._check.definition.name
        text = f"one of the values that {name} must hold is absent"
        return [Failure("required-value", name, text)] * len(self._missing)


class SequenceCheck:
    """`sequential-value`: from the first row on each value is one more; only the first that is not is an error.

    As in Frictionless a sequence that reaches 0 may go on anywhere, because 0 counts as not begun.
    """

    def __init__(self, check: FieldCheck, place: int) -> None:
        self._check = check
        self._place = place
        self._next: Any = None
        self._is_over = False

    def faults(self, rows: Rows) -> list[Fault]:
        """Return the row where the sequence breaks."""
        if self._is_over or not rows.count:
            return []
        name = self._check.definition.name
        whole = self._check.definition.type in {"integer", "year"}
        broken = self._first_jump(rows.typed(name)) if whole else self._first_break(self._values(rows))
        if broken is None:
            return []
        self._is_over = True
        return [Fault("sequential-value", name, mask_of([broken], rows.count))]

    def failures(self, row_count: int) -> list[Failure]:  # noqa: ARG002  it is about rows
        """Return nothing."""
        return []

    def _values(self, rows: Rows) -> Iterator[Any]:
        for text in self._check.texts(rows.delivered.column(self._place)).to_pylist():
            yield None if text is None else self._check.judge.value(text)

    def _first_break(self, values: Iterable[Any]) -> int | None:
        for place, value in enumerate(values):
            expected = self._next or value
            if not isinstance(value, (int, float, Decimal)) or expected != value:
                return place
            self._next = expected + 1
        return None

    def _first_jump(self, column: pa.Array) -> int | None:
        """Do the same for whole numbers, a run up to the next 0 at a time."""
        numbers = column.fill_null(0).to_numpy()
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        start = 0
        while start < len(numbers):
            if not self._next:
                self._next = int(numbers[start])
            stop = len(numbers) if self._next >= 0 else min(len(numbers), start - self._next)
            stop = max(stop, start + 1)
            if self._next >= _BEYOND:
                return start
            stop = min(stop, start + _BEYOND - self._next)
            expected = self._next + np.arange(stop - start)
            wrong = np.flatnonzero((numbers[start:stop] != expected) | ~valid[start:stop])
            if len(wrong):
                return start + int(wrong[0])
            self._next += stop - start
            start = stop
        return None
