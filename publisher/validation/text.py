"""The text of a cell before any check: one Unicode form, no invisible ends, typed columns in canonical text."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import DriftError
from publisher.validation.clean_bytes import are_clean
from publisher.validation.stored import canonical_json, iso_duration

_NO_BREAK_SPACE = "\u00a0"
_EXACT_INTEGERS = {
    32: 2.0**24,
    64: 2.0**63,
}  # whole floats below this are written as integers, by the width of the float
_JSON_TYPES = {"object", "array", "geojson", "geopoint", "any"}
_OFFSET = r"(Z|[+-][0-9]{2}:[0-9]{2})?"


def clean_text(values: pa.Array) -> pa.Array:
    """Return string values in NFC, with plain spaces for no-break spaces and without white space at the ends.

    Args:
        values: Arrow string; null stays null.
    """
    if are_clean(values):
        return values
    if pc.all(pc.string_is_ascii(values)).as_py() not in {True, None}:
        values = pc.utf8_normalize(pc.replace_substring(values, _NO_BREAK_SPACE, " "), form="NFC")
    return pc.utf8_trim_whitespace(values)


def canonical_text(column: pa.Array, *, field_type: str = "string") -> pa.Array:
    """Return a column of any type as Arrow string, as a careful source would have written it.

    Dates and times in ISO 8601, durations too (`P1DT2H`), whole floats without `.0`, floats of 32 bits with no more digits than
    they hold, booleans `true` and `false`, lists and structs as JSON where the field is of a type that JSON can be.

    Args:
        column: as the source delivered it; null stays null.
        field_type: a timestamp at midnight becomes a bare date for a `date` field, a whole decimal an integer for an `integer`.

    Raises:
        DriftError: the type has no text, for instance a list in a field of numbers.
    """
    kind = column.type
    if pa.types.is_string(kind):
        return column
    try:
        return _text_of(column, field_type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, OverflowError):
        raise DriftError(
            f"a column of Arrow type {kind} cannot be read as a Table Schema {field_type}.",
            cure="cast it to text or to a plain type in the source query",
        ) from None  # Arrow's own message may quote a value


def base64_text(column: pa.Array) -> pa.Array:
    """Return a column of bytes as Base64."""
    return _each(column, lambda value: b64encode(value).decode("ascii"))


def _text_of(column: pa.Array, field_type: str) -> pa.Array:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return (
            _uuid_text(column)
            if isinstance(kind, pa.UuidType)
            else canonical_text(column.storage, field_type=field_type)
        )
    if pa.types.is_dictionary(kind):
        return canonical_text(column.dictionary, field_type=field_type).take(column.indices)
    if pa.types.is_nested(kind):
        if field_type not in _JSON_TYPES:
            raise ValueError
        return _each(column, _json_text)
    for is_kind, write in _WRITERS:
        if is_kind(kind):
            return write(column, field_type)
    return pc.cast(column, pa.string())


def _float_text(column: pa.Array, field_type: str) -> pa.Array:  # noqa: ARG001  one signature for all kinds
    limit = _EXACT_INTEGERS[max(32, column.type.bit_width)]
    short = pc.cast(column, pa.string())
    column = pc.cast(column, pa.float64())
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), limit))
    integers = pc.cast(pc.cast(pc.if_else(whole, column, 0.0), pa.int64()), pa.string())
    return pc.if_else(whole, integers, short)


def _decimal_text(column: pa.Array, field_type: str) -> pa.Array:
    text = pc.cast(column, pa.string())
    return pc.replace_substring_regex(text, r"\.0+$", "") if field_type in {"integer", "year"} else text


def _timestamp_text(column: pa.Array, field_type: str) -> pa.Array:
    text = pc.replace_substring(pc.cast(column, pa.string()), " ", "T")
    if column.type.tz is not None:
        text = pc.replace_substring_regex(text, r"[+]00:?00$", "Z")
        text = pc.replace_substring_regex(text, r"([+-][0-9]{2})([0-9]{2})$", r"\1:\2")
    text = pc.replace_substring_regex(text, rf"\.0+{_OFFSET}$", r"\1")
    return pc.replace_substring_regex(text, rf"T00:00:00{_OFFSET}$", "") if field_type == "date" else text


def _time_text(column: pa.Array, field_type: str) -> pa.Array:  # noqa: ARG001
    return pc.replace_substring_regex(pc.cast(column, pa.string()), r"\.0+$", "")


def _duration_text(column: pa.Array, field_type: str) -> pa.Array:  # noqa: ARG001
    encoded = pc.cast(column, pa.duration("us"), safe=False).dictionary_encode()
    return _each(encoded.dictionary, _signed).take(encoded.indices)


def _interval_text(column: pa.Array, field_type: str) -> pa.Array:  # noqa: ARG001
    def write(value: Any) -> str:
        parts = (value.months, value.days, value.nanoseconds)
        if min(parts) < 0 < max(parts):
            raise ValueError  # ISO 8601 has one sign for all
        delta = timedelta(days=abs(value.days), microseconds=abs(value.nanoseconds) // 1000)
        return ("-" if min(parts) < 0 else "") + iso_duration(delta, months=abs(value.months))

    return _each(column, write)


def _signed(value: timedelta) -> str:
    return ("-" if value < timedelta(0) else "") + iso_duration(abs(value))


def _uuid_text(column: pa.Array) -> pa.Array:
    return _each(column.storage, lambda value: str(UUID(bytes=value)))


def _json_text(value: object) -> str:
    try:
        return canonical_json(value)
    except ValueError:  # a number that JSON does not have; the judge will say so
        return json.dumps(value, default=str)


def _each(column: pa.Array, write: Callable[[Any], str]) -> pa.Array:
    values = (scalar.as_py(maps_as_pydicts="lossy") for scalar in column)
    return pa.array([None if value is None else write(value) for value in values], pa.string())


_WRITERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array, str], pa.Array]], ...] = (
    (pa.types.is_floating, _float_text),
    (pa.types.is_decimal, _decimal_text),
    (pa.types.is_timestamp, _timestamp_text),
    (pa.types.is_time, _time_text),
    (pa.types.is_duration, _duration_text),
    (pa.types.is_interval, _interval_text),
)
