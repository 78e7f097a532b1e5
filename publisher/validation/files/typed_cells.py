"""One field over a typed column of a Parquet file: bounds over numbers, and the judge for each other distinct value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.validation.files.cells import CellCheck, CheckedCells
from publisher.validation.files.languages import BOUNDS
from publisher.validation.files.parquet import ColumnKind, nulls_of
from publisher.validation.files.texts import Integers, indices_of, numbers_of
from publisher.validation.layouts import Mask

Rule = Callable[[pa.Array], Mask]
"""Returns which values are clean; those at nulls mean nothing."""

_COMPARE = {
    "minimum": np.greater_equal,
    "maximum": np.less_equal,
    "exclusiveMinimum": np.greater,
    "exclusiveMaximum": np.less,
}
_EXACT = 10**15
_EXACT_DIGITS = 15
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  wall time


class TypedCells:
    """The checks of one field over a column.

    Args:
        texts: the checks of the field for texts and single cells.
        field: Frictionless' field.
        kind: of the column.
    """

    def __init__(self, texts: CellCheck, field: Any, kind: ColumnKind) -> None:
        self._texts = texts
        self._kind = kind
        self._rule = None if texts.is_key else _rule_for(field, kind, texts)

    @property
    def judged(self) -> int:
        """Distinct values that the judge was asked about."""
        return self._texts.judged

    @property
    def has_language(self) -> bool:
        """Whether values can be proven without the judge."""
        return self._rule is not None

    def judge(self, cell: Any) -> Any:
        """Return the verdict on one cell."""
        return self._texts.judge(cell)

    def value(self, cell: Any) -> object:
        """Return the value of one cell."""
        return self._texts.value(cell)

    def check(self, column: pa.Array) -> CheckedCells:
        """Return the checks of a column in the form that its kind reads."""
        nulls = nulls_of(column)
        if self._kind.name == "text":
            return self._as_texts(column, nulls)
        has_none = self._kind.name not in {"integer", "float", "timestamp"}
        missing = nulls if has_none and nulls.any() else None
        if self._rule is None:
            return self._judged(column, missing)
        doubtful = ~self._rule(column)
        if nulls.any():
            if has_none:
                doubtful[nulls] = self._texts.required
            else:
                rows = indices_of(np.flatnonzero(nulls)[:1])
                doubtful[nulls] = not self.judge(self._kind.cells(column.take(rows))[0]).clean
        return CheckedCells(doubtful if doubtful.any() else None, missing)

    def _as_texts(self, column: pa.Array, nulls: Mask) -> CheckedCells:
        if not nulls.any():
            return self._texts.check(column)
        checked = self._texts.check(pc.fill_null(column, ""))
        checked.missing = nulls if checked.missing is None else checked.missing | nulls
        doubtful = np.zeros(len(column), np.bool_) if checked.doubtful is None else checked.doubtful.copy()
        doubtful[nulls] = not self.judge(None).clean
        checked.doubtful = doubtful if doubtful.any() else None
        if checked.keys is not None:
            checked.nulls = nulls if checked.nulls is None else checked.nulls | nulls
        return checked

    def _judged(self, column: pa.Array, missing: Mask | None) -> CheckedCells:
        encoded = column.dictionary_encode(null_encoding="encode")
        verdicts = [self.judge(cell) for cell in self._kind.cells(encoded.dictionary)]
        indices: Integers = numbers_of(encoded.indices, np.int32)
        doubtful = ~np.array([verdict.clean for verdict in verdicts], np.bool_)
        checked = CheckedCells(doubtful if doubtful.any() else None, None)
        if self._texts.is_key:
            checked.keys = np.array([verdict.key or 0 for verdict in verdicts], np.int64)
            checked.nulls = np.array([verdict.key is None for verdict in verdicts], np.bool_)
        checked = checked.take(indices)
        checked.missing = missing
        return checked


def _rule_for(field: Any, kind: ColumnKind, texts: CellCheck) -> Rule | None:
    """Return the rule for a field and a column of its own kind, null when every distinct value has to be judged."""
    if field.constraints.get("enum") is not None or set(texts.missing_values) - {""} or texts.has_categories:
        return None
    read = field.create_value_reader()
    bounds = {name: read(field.constraints[name]) for name in BOUNDS if field.constraints.get(name) is not None}
    if any(bound is None for bound in bounds.values()):
        return None
    makers: dict[tuple[str, str], Callable[[], Rule | None]] = {
        ("boolean", "boolean"): lambda: _all_clean,
        ("integer", "integer"): lambda: _number_rule(kind, bounds, whole=True),
        ("integer", "float"): lambda: _number_rule(kind, bounds, whole=True),
        ("number", "integer"): lambda: _number_rule(kind, bounds, whole=False),
        ("number", "float"): lambda: _number_rule(kind, bounds, whole=False),
        ("date", "date"): lambda: _units_rule(np.int32, _days(bounds)),
        ("datetime", "timestamp"): lambda: _moment_rule(kind, bounds),
        **{("any", name): lambda: _all_clean for name in ("boolean", "integer", "float", "date", "timestamp", "other")},
    }
    maker = makers.get((field.type, kind.name))
    return maker() if maker else None


def _all_clean(column: pa.Array) -> Mask:
    return np.ones(len(column), np.bool_)


def _days(bounds: dict[str, date]) -> dict[str, int]:
    return {name: bound.toordinal() - _EPOCH.toordinal() for name, bound in bounds.items()}


def _number_rule(kind: ColumnKind, bounds: dict[str, Any], *, whole: bool) -> Rule | None:
    limits = {name: float(bound) for name, bound in bounds.items()}
    digits = [len(Decimal(bound).normalize().as_tuple().digits) for bound in bounds.values()]
    if not all(np.isfinite(limit) for limit in limits.values()) or any(count > _EXACT_DIGITS for count in digits):
        return None

    def clean(column: pa.Array) -> Mask:
        values = kind.floats(column) if kind.name == "float" else numbers_of(column, kind.number).astype(np.float64)
        with np.errstate(invalid="ignore"):
            good: Mask = np.isfinite(values) if whole or limits else np.ones(len(values), np.bool_)
            if limits or (whole and kind.name == "float"):
                good &= np.abs(values) < _EXACT
            if whole and kind.name == "float":
                good &= np.floor(values) == values
            for name, limit in limits.items():
                good &= _COMPARE[name](values, limit)
        return good

    return clean


def _moment_rule(kind: ColumnKind, bounds: dict[str, Any]) -> Rule | None:
    zoned = kind.arrow.tz is not None
    units = {}
    for name, bound in bounds.items():
        if (bound.tzinfo is not None) != zoned:
            return None
        offset = bound.utcoffset() or timedelta()
        units[name] = (bound.replace(tzinfo=None) - offset - _EPOCH) // timedelta(microseconds=1)
    return _units_rule(np.int64, units)


def _units_rule(width: Any, bounds: dict[str, int]) -> Rule:
    def clean(column: pa.Array) -> Mask:
        values = numbers_of(column, width)
        good: Mask = np.ones(len(column), np.bool_)
        for name, bound in bounds.items():
            good &= _COMPARE[name](values, bound)
        return good

    return clean
