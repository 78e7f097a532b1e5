"""Columns that already have the declared type (PostgreSQL through ADBC): only bounds and storable range are left to check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.published import ARROW_TYPES
from publisher.validation.judge import FieldJudge
from publisher.validation.layouts import DAY, Mask
from publisher.validation.proofs import (
    FIRST_MICROSECOND,
    LAST_MICROSECOND,
    bounds_of,
    float_bounds,
    moment_bounds,
    within_bounds,
)
from publisher.validation.stored import EXACT_DIGITS

Typed = tuple[pa.Array, Mask, Mask]
"""Values, rows of the wrong type (their value is null), rows outside the bounds."""

TypedCheck = Callable[[pa.Array], Typed | None]
"""Returns null when the column is not of the declared type; it then goes the way of text."""

_LOCAL_MICROSECONDS = 7 * 3_600_000_000
_LONGEST_KEY = 10.0**EXACT_DIGITS


def typed_check_for(judge: FieldJudge, *, is_key: bool) -> TypedCheck | None:
    """Return the check for columns that have the field's type, null when every value has to be seen as text.

    Args:
        judge: missing values other than the empty text and an `enum` are matters of text.
        is_key: times with a zone are then matters of text, because they never equal a time without.
    """
    field = judge.definition
    if field.constraints.enum is not None or judge.rules or set(judge.missing) - {""}:
        return None
    if field.type == "boolean":
        return _boolean
    if field.type == "integer":
        return _integer_check(bounds_of(judge))
    if field.type == "number":
        bounds = float_bounds(judge)
        return None if bounds is None else _number_check(bounds, is_key=is_key)
    if field.type in {"date", "datetime"}:
        return _moment_check(judge, is_key=is_key)
    return None


def _boolean(column: pa.Array) -> Typed | None:
    if not pa.types.is_boolean(column.type):
        return None
    nothing = np.zeros(len(column), np.bool_)
    return column, nothing, nothing


def _integer_check(bounds: dict[str, Any]) -> TypedCheck:
    def check(column: pa.Array) -> Typed | None:
        if not pa.types.is_integer(column.type):
            return None
        values = _cast(column, pa.int64())
        return None if values is None else _judged(values, pc.fill_null(values, 0).to_numpy(), bounds=bounds)

    return check


def _number_check(bounds: dict[str, float], *, is_key: bool) -> TypedCheck:
    def check(column: pa.Array) -> Typed | None:
        is_float = pa.types.is_floating(column.type)
        if not (pa.types.is_integer(column.type) or is_float) or (is_float and is_key):
            return None
        if is_float and column.type != pa.float64():  # 0.1 in 32 bits means 0.1
            column = pc.cast(column, pa.string())
        values = _cast(column, pa.float64())
        if values is None:
            return None
        floats = pc.fill_null(values, 0.0).to_numpy() + 0.0
        if is_key and (np.abs(floats) >= _LONGEST_KEY).any():  # told apart by their digits
            return None
        return _judged(pc.add(values, 0.0), floats, bounds=bounds, storable=np.isfinite(floats))

    return check


def _moment_check(judge: FieldJudge, *, is_key: bool) -> TypedCheck:
    is_kind = pa.types.is_date if judge.definition.type == "date" else pa.types.is_timestamp
    kind = ARROW_TYPES[judge.definition.type]

    def check(column: pa.Array) -> Typed | None:
        zoned = getattr(column.type, "tz", None) is not None
        bounds = moment_bounds(judge, zoned=zoned) if is_kind(column.type) else None
        if bounds is None or (zoned and is_key):
            return None
        if is_kind is pa.types.is_date:
            days = pc.cast(column, pa.date32())
            micros = pc.fill_null(pc.cast(days, pa.int32()), 0).to_numpy().astype(np.int64)
            storable = (micros >= FIRST_MICROSECOND // DAY) & (micros <= LAST_MICROSECOND // DAY)
            return _judged(days, np.where(storable, micros, 0) * DAY, bounds=bounds, storable=storable)
        if column.type.unit == "ns":  # a cast would round towards 1970
            column = pc.floor_temporal(column, unit="microsecond")
        instants = pc.cast(column, pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.int64())
        micros = pc.fill_null(instants, 0).to_numpy()
        shift = _LOCAL_MICROSECONDS if zoned else 0
        storable = (micros >= FIRST_MICROSECOND - shift) & (micros <= LAST_MICROSECOND - shift)
        local = pc.add(instants, shift).cast(kind)
        return _judged(local, micros, bounds=bounds, storable=storable)

    return check


def _judged(
    values: pa.Array, numbers: npt.NDArray[Any], *, bounds: dict[str, Any], storable: Mask | None = None
) -> Typed:
    present: Mask = values.is_valid().to_numpy(zero_copy_only=False)
    wrong = np.zeros(len(values), np.bool_) if storable is None else present & ~storable
    if wrong.any():
        values = pc.if_else(pa.array(wrong), pa.scalar(None, values.type), values)
    return values, wrong, present & ~wrong & ~within_bounds(numbers, bounds)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array | None:
    try:
        return pc.cast(column, kind)
    except pa.ArrowInvalid:  # an integer that the type cannot hold exactly: text says more
        return None
