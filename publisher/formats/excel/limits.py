"""What Excel takes, and what it would do to values that are not what they look like to it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from publisher.published import PublishedField, PublishedTable

MAX_ROWS = 1_048_575
"""Rows of a sheet, without the header."""

MAX_CELLS = 20_000_000
"""More than this no desk computer opens, and the sheet's text could outgrow its container."""

MAX_TEXT = 32_767
"""Letters of a cell, counted as UTF-16 does."""

MAX_DIGITS = 15
"""Digits of a number that Excel keeps; whole numbers with more leave as text."""


def fits_excel(table: PublishedTable, rows: int) -> bool:
    """Tell whether a table has a place on a sheet; whether its texts do is known when they are seen."""
    return rows <= MAX_ROWS and rows * len(table.fields) <= MAX_CELLS


def has_long_text(column: pa.Array) -> bool:
    """Tell whether a text is longer than a cell holds."""
    if not pa.types.is_string(column.type):
        return False
    candidates = pc.filter(column, pc.fill_null(pc.greater(pc.binary_length(column), MAX_TEXT), fill_value=False))
    return any(len(text.encode("utf-16-le")) // 2 > MAX_TEXT for text in candidates.to_pylist())


def is_long_number(column: pa.Array) -> pa.Array:
    """Tell for whole numbers which have more digits than Excel keeps."""
    limit = 10**MAX_DIGITS
    return pc.or_(pc.greater_equal(column, limit), pc.less_equal(column, -limit))


def headings(fields: Sequence[PublishedField]) -> list[str]:
    """Return the Vietnamese titles, with the name behind those that stand twice."""
    titles = [field.title or field.name for field in fields]
    return [
        title if titles.count(title) == 1 else f"{title} ({field.name})"
        for title, field in zip(titles, fields, strict=True)
    ]
