"""Which rows a row check of Frictionless may fail; all others are proven to pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.validation.checks.row_judge import Doubt
from publisher.validation.checks.rows import Rows
from publisher.validation.layouts import Mask

_TRUNCATED_LENGTHS = [255]
_TRUNCATED_INTEGERS = [2**63 - 1, 2**32 - 1, 2**31 - 1, 2_097_152, 65_535, 32_767]
_WHOLE = {"integer", "year"}
_TEXT = {"string", "any"}


def doubt_values(name: str, field_type: str, values: Sequence[Any]) -> Doubt:
    """Return the rows whose field may hold one of the values; null stands for a missing value."""
    known = _known_values(field_type, values)

    def doubt(rows: Rows) -> Mask:
        column = rows.typed(name)
        valid: Mask = column.is_valid().to_numpy(zero_copy_only=False)
        found: Mask = valid if known is None else _is_in(column, known) & valid
        return np.logical_or(found, ~valid) if None in values else found

    return doubt


def doubt_truncated(types: dict[str, str]) -> Doubt:
    """Return the rows with a text or an integer that may have been cut off."""
    texts, wholes = ([name for name, kind in types.items() if kind in kinds] for kinds in (_TEXT, _WHOLE))

    def doubt(rows: Rows) -> Mask:
        found = np.zeros(rows.count, np.bool_)
        for name in texts:
            found |= _is_in(pc.utf8_length(rows.typed(name)), pa.array(_TRUNCATED_LENGTHS, pa.int32()))
        for name in wholes:
            found |= _is_in(rows.typed(name), pa.array(_TRUNCATED_INTEGERS, pa.int64()))
        return found

    return doubt


def doubt_foreign_letters(types: dict[str, str]) -> Doubt:
    """Return the rows with a text that is not ASCII."""
    texts = [name for name, kind in types.items() if kind == "string"]

    def doubt(rows: Rows) -> Mask:
        found = np.zeros(rows.count, np.bool_)
        for name in texts:
            found |= ~pc.fill_null(pc.string_is_ascii(rows.typed(name)), True).to_numpy(zero_copy_only=False)
        return found

    return doubt


def _known_values(field_type: str, values: Sequence[Any]) -> pa.Array | None:
    """Return values of the column's type that a cell equal to one of the values must have, null when that is not known."""
    if field_type in _TEXT:
        return pa.array([value for value in values if isinstance(value, str)], pa.string())
    numbers = [value for value in values if isinstance(value, (int, float))]
    if field_type in _WHOLE:
        return pa.array([int(n) for n in numbers if n == int(n) and abs(n) < 2**63], pa.int64())
    if field_type == "number":
        return pa.array([float(n) + 0.0 for n in numbers], pa.float64())
    return None


def _is_in(column: pa.Array, values: pa.Array) -> Mask:
    found: Mask = pc.fill_null(pc.is_in(column, value_set=values), False).to_numpy(zero_copy_only=False)
    return found
