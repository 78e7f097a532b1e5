"""The text of a cell before any check: one Unicode form, no invisible ends, typed columns in canonical text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import DriftError

_NO_BREAK_SPACE = "\u00a0"
_EXACT_INTEGERS = 1e15  # whole floats below this print without an exponent


def clean_text(values: pa.Array) -> pa.Array:
    """Return string values in NFC, with plain spaces for no-break spaces and without white space at the ends.

    Args:
        values: Arrow string; null stays null.
    """
    if pc.all(pc.string_is_ascii(values)).as_py() not in {True, None}:
        values = pc.utf8_normalize(pc.replace_substring(values, _NO_BREAK_SPACE, " "), form="NFC")
    return pc.utf8_trim_whitespace(values)


def canonical_text(column: pa.Array, *, field_type: str = "string") -> pa.Array:
    """Return a column of any type as Arrow string: dates ISO, whole floats without `.0`, booleans `true` and `false`.

    Args:
        column: as the source delivered it; null stays null.
        field_type: a timestamp at midnight becomes a bare date for a `date` field.

    Raises:
        DriftError: the type has no text, for instance a list.
    """
    kind = column.type
    if pa.types.is_string(kind):
        return column
    try:
        if pa.types.is_floating(kind):
            return _float_text(column)
        text = pc.cast(column, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DriftError(
            f"a column of Arrow type {kind} cannot be read as a Table Schema {field_type}.",
            cure="cast it to text or to a plain type in the source query",
        ) from None  # Arrow's own message may quote a value
    if pa.types.is_timestamp(kind):
        text = pc.replace_substring_regex(pc.replace_substring(text, " ", "T"), r"\.0+(Z?)$", r"\1")
        return pc.replace_substring_regex(text, "T00:00:00Z?$", "") if field_type == "date" else text
    return pc.replace_substring_regex(text, r"\.0+$", "") if pa.types.is_time(kind) else text


def _float_text(column: pa.Array) -> pa.Array:
    column = pc.cast(column, pa.float64())
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), _EXACT_INTEGERS))
    integers = pc.cast(pc.cast(pc.if_else(whole, column, 0.0), pa.int64()), pa.string())
    return pc.if_else(whole, integers, pc.cast(column, pa.string()))
