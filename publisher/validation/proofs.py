"""Proofs that a text is clean, column-wise: inside the fast language a value needs no judge, outside it nothing is claimed.

A proof takes Arrow string values without nulls of meaning (null is never proven) and returns which are proven and the typed
values, whatever stands where nothing is proven. It must never accept what Frictionless refuses, nor convert otherwise.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.published import ARROW_TYPES
from publisher.validation.judge import FieldJudge
from publisher.validation.layouts import DAY, Layout, Mask, fixed_layout
from publisher.validation.patterns import re2_pattern
from publisher.validation.stored import EXACT_DIGITS, LOCAL_ZONE
from publisher.validation.text_proofs import text_proof_for

Proof = Callable[[pa.Array], tuple[Mask, pa.Array]]

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  wall time
LAST_MICROSECOND = (datetime.max - EPOCH) // timedelta(microseconds=1)  # noqa: DTZ901  naive like EPOCH
FIRST_MICROSECOND = (datetime.min - EPOCH) // timedelta(microseconds=1)  # noqa: DTZ901  naive like EPOCH

_COMPARE = {
    "minimum": operator.ge,
    "maximum": operator.le,
    "exclusiveMinimum": operator.gt,
    "exclusiveMaximum": operator.lt,
}
_LONGEST_INTEGER = 18
_LONGEST_NUMBER = 40
_LOCAL_MINUTES = 420
_ISO_DATETIMES = [
    fixed_layout(f"%Y-%m-%d{between}%H:%M:%S{fraction}{zone}", offset_minutes=offset)
    for between in ("T", " ")
    for fraction in ("", ".%f")
    for zone, offset in (("", None), ("Z", 0), ("+00:00", 0), ("+07:00", _LOCAL_MINUTES))
]


def proof_for(judge: FieldJudge, *, is_key: bool) -> Proof | None:
    """Return the proof for a field, null when only the judge can tell.

    Args:
        judge: its field and bounds.
        is_key: values must then be told apart as exactly as Frictionless does.
    """
    field = judge.definition
    if field.constraints.enum is not None or judge.rules:
        return None  # few distinct values by nature
    if field.type == "string" and field.format in {None, "default"}:
        return _string_proof(judge)
    if field.type == "integer":
        return _integer_proof(judge)
    if field.type == "number":
        return _number_proof(judge, is_key=is_key)
    if field.type in {"date", "datetime"} and field.format != "any":
        return _moment_proof(judge, is_key=is_key)
    has_more = any(
        getattr(field.constraints, name) is not None for name in (*_COMPARE, "minLength", "maxLength", "pattern")
    )
    return None if has_more else text_proof_for(field)


def within_bounds(values: npt.NDArray[Any], bounds: dict[str, Any]) -> Mask:
    """Return which numbers lie within the bounds, by their names in Table Schema."""
    inside = np.ones(len(values), np.bool_)
    for name, bound in bounds.items():
        inside &= _COMPARE[name](values, bound)
    return inside


def float_bounds(judge: FieldJudge) -> dict[str, float] | None:
    """Return a number field's bounds as floats, null when a float says less than the bound."""
    if judge.definition.floatNumber:
        floats: dict[str, float] = bounds_of(judge)
        return floats if all(math.isfinite(bound) for bound in floats.values()) else None
    decimals = {name: Decimal(bound) for name, bound in bounds_of(judge).items()}
    exact = all(len(bound.as_tuple().digits) <= EXACT_DIGITS and bound.is_finite() for bound in decimals.values())
    return {name: float(bound) for name, bound in decimals.items()} if exact else None


def bounds_of(judge: FieldJudge) -> dict[str, Any]:
    """Return the bounds that the field has, as values of its type."""
    found = {name: judge.bound(name) for name in _COMPARE}
    return {name: bound for name, bound in found.items() if bound is not None}


def moment_bounds(judge: FieldJudge, *, zoned: bool) -> dict[str, int] | None:
    """Return date or datetime bounds in microseconds since 1970 (UTC when zoned), null when they cannot be compared."""
    bounds = {}
    for name, bound in bounds_of(judge).items():
        moment = bound if isinstance(bound, datetime) else datetime(bound.year, bound.month, bound.day)  # noqa: DTZ001
        if (moment.tzinfo is not None) != zoned:
            return None
        naive = (
            moment.astimezone(LOCAL_ZONE).replace(tzinfo=None) - timedelta(minutes=_LOCAL_MINUTES) if zoned else moment
        )
        bounds[name] = (naive - EPOCH) // timedelta(microseconds=1)
    return bounds


def _mask(values: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask


def _string_proof(judge: FieldJudge) -> Proof | None:
    rules = judge.definition.constraints
    pattern = None if rules.pattern is None else re2_pattern(rules.pattern)
    if rules.pattern is not None and (pattern is None or not _compiles(pattern)):
        return None

    def prove(values: pa.Array) -> tuple[Mask, pa.Array]:
        proven = _mask(pc.is_valid(values))
        if rules.minLength is not None or rules.maxLength is not None:
            length = _lengths(values, shortest=rules.minLength, longest=rules.maxLength)
            proven = proven & (length >= (rules.minLength or 0))
            proven &= length <= (rules.maxLength if rules.maxLength is not None else 2**31)
        if pattern is not None:
            proven = proven & _mask(pc.match_substring_regex(values, pattern))
        return proven, values

    return prove


def _lengths(values: pa.Array, *, shortest: int | None, longest: int | None) -> npt.NDArray[np.int32]:
    """Return the length of each text, -1 for null: bytes where they settle it, which are at least as many as characters."""
    size = pc.fill_null(pc.binary_length(values), -1)
    settled = not shortest and longest is not None and (pc.max(size).as_py() or 0) <= longest
    lengths: npt.NDArray[np.int32] = (size if settled else pc.fill_null(pc.utf8_length(values), -1)).to_numpy()
    return lengths


def _compiles(pattern: str) -> bool:
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid:
        return False
    return True


def _integer_proof(judge: FieldJudge) -> Proof:
    bounds = bounds_of(judge)

    def prove(values: pa.Array) -> tuple[Mask, pa.Array]:
        short = pc.less_equal(pc.binary_length(values), _LONGEST_INTEGER)
        proven = _mask(pc.and_(pc.ascii_is_decimal(values), short))
        if not proven.all():
            proven = proven | _mask(pc.match_substring_regex(values, r"\A-?[0-9]{1,18}\z"))
        numbers = _cast_proven(values, proven, pa.int64())
        return proven & within_bounds(numbers.to_numpy(), bounds), numbers

    return prove


def _number_proof(judge: FieldJudge, *, is_key: bool) -> Proof | None:
    field = judge.definition
    group, decimal = field.groupChar or "", field.decimalChar or "."
    bounds = float_bounds(judge)
    if bounds is None or (field.bareNumber is False and (group or decimal != ".")):
        return None

    def prove(values: pa.Array) -> tuple[Mask, pa.Array]:
        plain = values if not group else pc.replace_substring(values, group, "")
        if decimal != ".":  # a point left over is no number
            plain = pc.if_else(pc.match_substring(plain, "."), "", plain)
            plain = pc.replace_substring(plain, decimal, ".")
        proven = _mask(pc.match_substring_regex(plain, r"\A-?[0-9]+(?:\.[0-9]+)?\z"))
        length = pc.fill_null(pc.binary_length(plain), 0).to_numpy()
        proven = proven & (length <= (EXACT_DIGITS if is_key else _LONGEST_NUMBER))
        numbers = _cast_proven(plain, proven, pa.float64())
        floats = numbers.to_numpy() + 0.0
        # a long decimal that rounds onto the bound may lie on either side of it
        for bound in bounds.values():
            proven = proven & ((length <= EXACT_DIGITS) | (floats != bound))
        return proven & within_bounds(floats, bounds), pa.array(floats)

    return prove


def _cast_proven(values: pa.Array, proven: Mask, kind: pa.DataType) -> pa.Array:
    return pc.cast(values if proven.all() else pc.if_else(pa.array(proven), values, "0"), kind)


def _moment_proof(judge: FieldJudge, *, is_key: bool) -> Proof | None:
    field = judge.definition
    layouts = []
    for layout in _layouts(field.type, field.format):
        bounds = moment_bounds(judge, zoned=layout.offset_minutes is not None)
        if bounds is not None and not (is_key and layout.offset_minutes is not None):
            layouts.append((layout, bounds))
    kind = ARROW_TYPES[field.type]

    def prove(values: pa.Array) -> tuple[Mask, pa.Array]:
        proven = np.zeros(len(values), np.bool_)
        local = np.zeros(len(values), np.int64)
        for layout, bounds in layouts:
            if proven.all():
                break
            read, wall = layout.read(values)
            moment = wall - (layout.offset_minutes or 0) * 60_000_000
            read = read & within_bounds(moment, bounds)
            shifted = moment if layout.offset_minutes is None else moment + _LOCAL_MINUTES * 60_000_000
            read &= (shifted <= LAST_MICROSECOND) & (moment >= FIRST_MICROSECOND)
            local = np.where(read, shifted, local)
            proven |= read
        units = local if field.type == "datetime" else (local // DAY).astype(np.int32)
        return proven, pa.array(units).cast(kind)

    return prove if layouts else None


def _layouts(field_type: str, field_format: str | None) -> list[Layout]:
    if field_type == "datetime" and field_format in {None, "default", "excel"}:
        return [layout for layout in _ISO_DATETIMES if layout]
    pattern = "%Y-%m-%d" if field_format in {None, "default", "excel"} else field_format
    layout = fixed_layout(str(pattern))
    return [layout] if layout else []
