"""The types of datastore columns by PostgreSQL's names, and how their values are stored in SQLite, shown and compared.

Stored: numbers as numbers, booleans as 0 and 1, times as ISO text, JSON and arrays as compact JSON text, the rest as text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from catalogue.errors import ValidationError
from catalogue.json_input import read_json_parameter

_SPELLINGS = {
    "text": "text varchar character char bpchar name citext string",
    "int4": "int4 int integer int2 smallint serial",
    "int8": "int8 bigint bigserial",
    "numeric": "numeric decimal",
    "float8": "float8 float double",
    "float4": "float4 real",
    "bool": "bool boolean",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "time": "time",
    "timetz": "timetz",
    "interval": "interval",
    "json": "json nested",
    "jsonb": "jsonb",
    "uuid": "uuid",
}
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_NAMES |= {
    "double precision": "float8",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "character varying": "text",
}
_LIMITS = {"int": 2**63, "int4": 2**31, "int8": 2**63}
_FLOATS = {"numeric", "float8", "float4"}
_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0"}
_INTEGER = re.compile(r"\s*[+-]?\d{1,19}\s*")
_CLOCK = re.compile(r"\s*(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?\s*([+-]\d{2}(?::?\d{2})?|Z)?\s*")


def type_named(written: object) -> str | None:
    """Return the datastore's name of a type, such as `int4` for `INTEGER` or `_text` for `text[]`; null for an unknown one."""
    text = re.sub(r"\(.*\)$", "", str(written).strip().lower()).strip()
    is_array = text.startswith("_") or text.endswith("[]")
    name = _NAMES.get(text.removeprefix("_").removesuffix("[]").strip())
    return f"_{name}" if name and is_array else name


def declared_as(kind: str) -> str:
    """Return the declaration of a column of this type in SQLite."""
    if kind in _LIMITS or kind == "bool":
        return "INTEGER"
    return "NUMERIC" if kind == "numeric" else "REAL" if kind in _FLOATS else "TEXT"


def native_type(kind: str) -> str:
    """Return the type that a column of this type has in PostgreSQL."""
    return "int8" if kind == "int" else kind


def is_nested(kind: str) -> bool:
    """Tell whether values of the type are JSON documents or lists."""
    return kind in {"json", "jsonb"} or kind.startswith("_")


# ---- in ------------------------------------------------------------------------------------------------------------


def to_stored(kind: str, value: Any) -> Any:
    """Return a value as it is stored.

    Raises:
        ValueError: it is no value of this type.
    """
    if value is None or (value == "" and kind not in {"text", "json", "jsonb"}):
        return None
    if is_nested(kind):
        return _nested(kind, value)
    if isinstance(value, dict | list) and kind != "text":
        raise ValueError("nested")
    if kind in _LIMITS:
        return _integer(kind, value)
    read: Callable[[Any], Any] = _READERS.get(kind, _text)
    return read(value)


def to_bound(kind: str, value: Any) -> Any:
    """Return a value to compare stored ones with; a whole number column is also compared with fractions.

    Raises:
        ValueError: it is nothing that a value of this type can be compared with.
    """
    if kind in _LIMITS and not _INTEGER.fullmatch(str(value)):
        return _number(value)
    return to_stored("int8" if kind in _LIMITS else kind, value) if value != "" else _empty(kind)


def _empty(kind: str) -> str:
    if declared_as(kind) != "TEXT":
        raise ValueError("empty")
    return ""


def _nested(kind: str, value: Any) -> str:
    if isinstance(value, str):
        try:
            value = read_json_parameter(value)
        except ValidationError as error:
            raise ValueError("not storable") from error
        except ValueError:
            if kind.startswith("_"):
                raise
    if kind.startswith("_") and not isinstance(value, list):
        raise ValueError("no list")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _integer(kind: str, value: Any) -> int:
    number = _number(value) if not _INTEGER.fullmatch(str(value)) else int(value)
    if number != int(number) or not -_LIMITS[kind] <= number < _LIMITS[kind]:
        raise ValueError("no whole number of this size")
    return int(number)


def _number(value: Any) -> float | int:
    if isinstance(value, bool):
        raise ValueError("no number")  # noqa: TRY004  all faults of values are the same kind
    if isinstance(value, int):
        return value if abs(value) < 2**63 else float(value)
    text = str(value).strip()
    if "_" in text:
        raise ValueError("no number")
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no finite number")
    return number


def _float(value: Any) -> float | int:
    text = str(value).strip()
    return int(text) if _INTEGER.fullmatch(text) and abs(int(text)) < 2**63 else _number(value)


def _truth(value: Any) -> int:
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError("no boolean")
    return int(text in _TRUE)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _date(value: Any) -> str:
    return str(value)[:10] if _moment(value) else ""


def _timestamp(value: Any) -> str:
    return _moment(value).replace(tzinfo=None).isoformat()


def _timestamptz(value: Any) -> str:
    return _moment(value).isoformat()


def _moment(value: Any) -> datetime:
    text = str(value).strip()
    if re.fullmatch(r"\d{8,}|[\d.]+", text):
        raise ValueError("no time")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.combine(date.fromisoformat(text[:10]), datetime.fromisoformat(f"2000-01-01T{text[11:]}").time())


def _time(value: Any) -> str:
    match = _CLOCK.fullmatch(str(value))
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        raise ValueError("no time of day")
    return f"{int(match[1]):02}:{match[2]}:{match[3] or '00'}{match[4] or ''}{match[5] or ''}"


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "numeric": _float,
    "float8": _number,
    "float4": _number,
    "bool": _truth,
    "date": _date,
    "timestamp": _timestamp,
    "timestamptz": _timestamptz,
    "time": _time,
    "timetz": _time,
}


# ---- out -----------------------------------------------------------------------------------------------------------


def to_shown(kind: str, value: Any) -> Any:
    """Return a stored value in its JSON form."""
    if value is None:
        return None
    if kind == "bool":
        return bool(value)
    if kind.startswith("timestamp"):
        return str(value).replace(" ", "T", 1)
    if is_nested(kind):
        try:
            return json.loads(value)
        except (ValueError, TypeError):
            return value
    return value


def changes_when_shown(kind: str) -> bool:
    """Tell whether values of the type look different in JSON than they are stored."""
    return kind == "bool" or kind.startswith("timestamp") or is_nested(kind)


# ---- guessing ------------------------------------------------------------------------------------------------------


def guessed_type(value: Any) -> str:
    """Return the type for a column of which one value is known; codes with leading zeros stay text."""
    if isinstance(value, dict | list):
        return "json"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int4" if abs(value) < 2**31 else "int8"
    if isinstance(value, float):
        return "numeric"
    return _guessed_of_text(value) if isinstance(value, str) else "text"


def _guessed_of_text(text: str) -> str:
    if re.fullmatch(r"-?(0|[1-9]\d{0,8})", text):
        return "int4"
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d+)?", text):
        return "numeric"
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?", text):
        try:
            _moment(text)
        except ValueError:
            return "text"
        return "timestamp"
    return "text"
