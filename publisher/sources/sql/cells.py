"""Values of database drivers that the common text form does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any


def cell_columns(rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Yield the columns of some rows; spans of time (MySQL's TIME) become exact text."""
    for column in zip(*rows, strict=True):
        if any(isinstance(value, timedelta) for value in column):
            yield [exact_clock(value) if isinstance(value, timedelta) else value for value in column]
        else:
            yield column


def exact_clock(span: timedelta) -> str:
    """Return a span as `HH:MM:SS`, with a sign and a fraction where it has them; hours may pass 24."""
    micros = span // timedelta(microseconds=1)
    seconds, fraction = divmod(abs(micros), 1_000_000)
    text = f"{'-' if micros < 0 else ''}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction:06d}" if fraction else text
