"""Runs translated SQL of the public on files that it can only read: names, functions, time and bytes are limited."""

from __future__ import annotations

import math
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from catalogue.errors import ValidationError
from catalogue.rows.row_table import RowTable, limited

SECONDS = 2.0  # as long as a query of the query service may take
MAX_ROWS = 32_000
MAX_VALUE_BYTES = 8_000_000
MAX_ANSWER_LETTERS = 50_000_000
# Nothing interrupts a function, so one call of it may not take long however its arguments are made.
MAX_COMPARISONS = 50_000_000  # letters of a text times letters of a pattern
MAX_TRIMMED = 100  # letters that one call of trim takes away

_FUNCTIONS_TEXT = """
count sum avg min max lower upper length trim ltrim rtrim substr substring round abs ceil ceiling floor coalesce
nullif ifnull replace row_number rank dense_rank like_exactly like_folded as_bool as_date date_trunc date_part iif
concat max min
"""
_FUNCTIONS = frozenset(_FUNCTIONS_TEXT.split())

Source = tuple[RowTable, str]


@contextmanager
def opened(sources: Mapping[str, Source]) -> Iterator[sqlite3.Connection]:
    """Yield a connection that can read these tables and do nothing else."""
    with closing(sqlite3.connect(":memory:", uri=True, isolation_level=None)) as connection:
        for table, schema in sources.values():
            connection.execute(f"ATTACH ? AS {schema}", (table.uri,))
        for name, arguments, function in _OWN_FUNCTIONS:
            connection.create_function(name, arguments, function, deterministic=True)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 20)
        connection.set_authorizer(_guard(list(sources.values())))
        with limited(connection, SECONDS):
            yield connection


def _guard(sources: Sequence[Source]) -> Callable[..., int]:
    readable = {(schema, table.sql.removeprefix("main.").strip('"').replace('""', '"')) for table, schema in sources}

    def decide(action: int, first: str | None, second: str | None, schema: str | None, _trigger: str | None) -> int:
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_OK if str(second).lower() in _FUNCTIONS else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ:
            is_inner = schema is None  # a part of the statement itself, which was checked where it reads
            return sqlite3.SQLITE_OK if is_inner or (schema, first) in readable else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_DENY

    return decide


def fetched(connection: sqlite3.Connection, sql: str) -> tuple[list[str], list[tuple[Any, ...]], bool]:
    """Return names, rows and whether there would have been more.

    Raises:
        ValidationError: SQLite refuses the statement, or it takes too long.
    """
    try:
        cursor = connection.execute(sql)
        names = [str(column[0]) for column in cursor.description]
        rows: list[tuple[Any, ...]] = []
        letters = 0
        for row in cursor:
            letters += sum(len(value) for value in row if isinstance(value, str))
            if len(rows) == MAX_ROWS or letters > MAX_ANSWER_LETTERS:
                return names, rows, True
            rows.append(tuple(map(_finite, row)))
    except sqlite3.OperationalError:
        raise  # too slow, or no such thing: told by `limited`
    except (sqlite3.Error, sqlite3.Warning):
        raise ValidationError({"query": ["Invalid query"]}) from None
    return names, rows, False


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if isinstance(value, bytes) else value


# ---- functions that SQLite has otherwise or not at all -------------------------------------------------------------


def _text(value: Any) -> str:
    return unicodedata.normalize("NFC", str(value))


@lru_cache(maxsize=64)
def _segments(pattern: str, *, folds_case: bool) -> tuple[re.Pattern[str], ...]:
    """Return what stands between the `%` of a pattern; each part has a fixed length, so that finding it takes no time."""
    segments = [""]
    for letter in re.findall(r"\\.|.", pattern, re.DOTALL):
        if letter == "%":
            segments.append("")
        elif letter == "_":
            segments[-1] += "."
        else:
            segments[-1] += re.escape(letter[-1])
    return tuple(re.compile(one, re.DOTALL | (re.IGNORECASE if folds_case else 0)) for one in segments)


def _like(value: Any, pattern: Any, *, folds_case: bool) -> int | None:
    if value is None or pattern is None:
        return None
    text, wanted = _text(value), _text(pattern)
    if len(text) * len(wanted) > MAX_COMPARISONS:
        raise ValueError("pattern")
    first, *others = _segments(wanted, folds_case=folds_case)
    if not others:
        return int(first.fullmatch(text) is not None)
    found = first.match(text)
    for segment in others[:-1]:
        found = found and segment.search(text, found.end())
    return int(found is not None and _ends_with(text, others[-1], found.end()))


def _ends_with(text: str, segment: re.Pattern[str], start: int) -> bool:
    length = len(re.sub(r"\\(.)", r"\1", segment.pattern, flags=re.DOTALL))
    return len(text) - length >= start and segment.fullmatch(text, len(text) - length) is not None


def _lower(value: Any) -> str | None:
    return None if value is None else str(value).lower()


def _upper(value: Any) -> str | None:
    return None if value is None else str(value).upper()


def _replace(value: Any, old: Any, new: Any) -> str | None:
    if value is None or old is None or new is None:
        return None
    text, wanted, instead = str(value), str(old), str(new)
    if not wanted:
        return text
    if len(text) + text.count(wanted) * len(instead) > MAX_VALUE_BYTES:
        raise ValueError("replace")
    return text.replace(wanted, instead)


def _trimmed(strip: Callable[[str, str], str]) -> Callable[[Any, Any], str | None]:
    def trim(value: Any, letters: Any) -> str | None:
        if value is None or letters is None:
            return None
        if len(str(letters)) > MAX_TRIMMED:
            raise ValueError("trim")
        return strip(str(value), str(letters))

    return trim


def _as_bool(value: Any) -> int | None:
    if value is None:
        return None
    return int(str(value).strip().lower() in {"1", "t", "true", "y", "yes", "on", "1.0"})


def _as_date(value: Any) -> str | None:
    return None if value is None else str(value)[:10]


_DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(str(value))


def _date_part(unit: Any, value: Any) -> float | int | None:
    if value is None:
        return None
    name, moment = str(unit).lower(), _moment(value)
    others = {
        "dow": moment.isoweekday() % 7,
        "isodow": moment.isoweekday(),
        "doy": moment.timetuple().tm_yday,
        "week": moment.isocalendar().week,
        "quarter": (moment.month + 2) // 3,
    }
    return int(getattr(moment, name)) if name in _DATE_PARTS else others[name]


def _date_trunc(unit: Any, value: Any) -> str | None:
    if value is None:
        return None
    name, moment = str(unit).lower(), _moment(value)
    first = {"year": 1, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0}
    names = [*_DATE_PARTS, "microsecond"]
    later = names[names.index(name) + 1 :]
    return moment.replace(tzinfo=None, **{part: first[part] for part in later}).isoformat()


_OWN_FUNCTIONS: Sequence[tuple[str, int, Callable[..., Any]]] = (
    ("like_exactly", 2, lambda value, pattern: _like(value, pattern, folds_case=False)),
    ("like_folded", 2, lambda value, pattern: _like(value, pattern, folds_case=True)),
    ("lower", 1, _lower),
    ("upper", 1, _upper),
    ("replace", 3, _replace),
    ("trim", 2, _trimmed(str.strip)),
    ("ltrim", 2, _trimmed(str.lstrip)),
    ("rtrim", 2, _trimmed(str.rstrip)),
    ("as_bool", 1, _as_bool),
    ("as_date", 1, _as_date),
    ("date_part", 2, _date_part),
    ("date_trunc", 2, _date_trunc),
)
