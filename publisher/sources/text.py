"""Values of any source as canonical text: ISO dates, `true` and `false`, numbers without exponents of our making."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import SourceError

EXACT_FLOAT = 1e15
"""Below it a whole float is surely the integer somebody typed; above it digits may be lost already."""


EASY = {pa.string(), pa.int64(), pa.bool_(), pa.null()}
"""Types whose Arrow text is canonical already."""


def text_of(value: object) -> str | None:
    """Return the canonical text of a database value; null stays null.

    Raises:
        TypeError: the value is binary or of a type without one obvious text.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=text_of)
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError("binary")
    return clock_text(value) if isinstance(value, timedelta) else str(value)


def clock_text(duration: timedelta) -> str:
    """Return a duration as `HH:MM:SS`; hours may pass 24."""
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


def whole_number_text(value: float) -> str:
    """Return a spreadsheet's number as a person reads it: `1` for 1.0, else the shortest text that is exact."""
    return str(int(value)) if value.is_integer() and abs(value) < EXACT_FLOAT else repr(value)


def text_column(name: str, values: Sequence[Any]) -> pa.Array:
    """Return the values as a string column.

    Raises:
        SourceError: a value has no text; names the column only.
    """
    try:
        found = pa.array(values)
        if found.type in EASY:
            return pc.cast(found, pa.string())
    except (pa.ArrowException, UnicodeError, OverflowError):
        pass  # mixed types: each value is turned into text below
    try:
        return pa.array([text_of(value) for value in values], pa.string())
    except (TypeError, UnicodeError):
        raise SourceError(
            f"The column `{name}` holds binary data.", cure="leave it out of the query or cast it to text there"
        ) from None


def text_batch(names: Sequence[str], columns: Iterable[Sequence[Any]]) -> pa.RecordBatch:
    """Return columns of Python values as one batch of string columns."""
    arrays = [text_column(name, values) for name, values in zip(names, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=text_schema(names))


def text_schema(names: Sequence[str]) -> pa.Schema:
    """Return the schema in which every column is text."""
    return pa.schema([pa.field(name, pa.string()) for name in names])


def composed(text: str) -> str:
    """Return a text in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def column_names(cells: Sequence[str | None]) -> list[str]:
    """Return usable column names for header cells: `column_7` where there is none, `name_2` for the second `name`.

    White space is collapsed and the text brought to NFC, so that a name compares equal however it was typed.
    """
    names: list[str] = []
    for position, cell in enumerate(cells, start=1):
        wanted = unicodedata.normalize("NFC", " ".join((cell or "").split())) or f"column_{position}"
        name, copy = wanted, 1
        while name in names:
            copy += 1
            name = f"{wanted}_{copy}"
        names.append(name)
    return names
