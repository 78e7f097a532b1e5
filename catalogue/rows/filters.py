"""The parameter `filters`: equality, lists, the operators of CKAN 2.12, `$and` and `$or`, as one SQL condition.

Names are checked against the table; values only ever travel as bound parameters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.errors import ValidationError
from catalogue.json_input import read_json_parameter
from catalogue.rows.column_types import to_bound
from catalogue.rows.row_table import Column

MAX_DEPTH = 10
MAX_OPERATORS = 100
MAX_VALUES = 32_000
_OPERATORS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True)
class Condition:
    """A piece of SQL and the values it binds, in order."""

    sql: str
    values: tuple[Any, ...] = ()


def read_json(name: str, value: Any) -> Any:
    """Return a value that may come as JSON text, as every value of a GET does."""
    if not isinstance(value, str):
        return value
    try:
        return read_json_parameter(value)
    except ValueError:
        raise ValidationError({name: ["Cannot parse JSON"]}) from None


def filters_condition(known: Mapping[str, Column], value: Any) -> Condition | None:
    """Return the condition for the parameter, null when it asks for nothing.

    Raises:
        ValidationError: with the messages that CKAN clients know.
    """
    filters = read_json("filters", value) if value not in (None, "") else {}
    if not isinstance(filters, dict):
        raise ValidationError({"filters": ["Not a json object"]})
    return _Reader(known).all_of(filters, depth=1) if filters else None


class _Reader:
    """Reads one document of filters and counts what it asks for."""

    def __init__(self, known: Mapping[str, Column]) -> None:
        self.known = known
        self.operators = 0

    def all_of(self, filters: Any, *, depth: int) -> Condition:
        if not isinstance(filters, dict):
            raise _invalid()
        if depth > MAX_DEPTH:
            raise ValidationError({"filters": [f"Filters may be nested {MAX_DEPTH} deep"]})
        return _joined("AND", [self._entry(key, value, depth=depth) for key, value in filters.items()])

    def _entry(self, key: str, value: Any, *, depth: int) -> Condition:
        self._count()
        if key in {"$and", "$or"}:
            if not isinstance(value, list):
                raise _invalid()
            return _joined(key[1:].upper(), [self.all_of(item, depth=depth + 1) for item in value])
        column = self.known.get(key) or self.known.get(unicodedata.normalize("NFC", key))
        if column is None:
            raise ValidationError({"filters": [f"Unknown field: {key}"]})
        return self._of_column(column, value)

    def _of_column(self, column: Column, value: Any) -> Condition:
        if isinstance(value, dict):
            return _joined("AND", [self._operator(column, name, wanted) for name, wanted in value.items()])
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            return _joined("OR", [self._of_column(column, item) for item in value])
        return _comparison(column, "in" if isinstance(value, list) else "eq", value)

    def _operator(self, column: Column, name: str, wanted: Any) -> Condition:
        self._count()
        return _comparison(column, name, wanted)

    def _count(self) -> None:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise ValidationError({"filters": [f"Too many operators: at most {MAX_OPERATORS}"]})


def _invalid() -> ValidationError:
    return ValidationError({"filters": ["Invalid filter"]})


def _joined(word: str, parts: Sequence[Condition]) -> Condition:
    if len(parts) < 2:
        return parts[0] if parts else Condition("1" if word == "AND" else "0")
    sql = f" {word} ".join(f"({part.sql})" for part in parts)
    return Condition(sql, tuple(value for part in parts for value in part.values))


def _comparison(column: Column, operator: str, value: Any) -> Condition:
    if operator == "in":
        return _membership(column, value)
    if operator not in _OPERATORS or isinstance(value, dict | list):
        raise _invalid()
    if value is None:
        return Condition(f"{column.sql} IS NULL" if operator == "eq" else "0")
    return Condition(f"{column.sql} {_OPERATORS[operator]} ?", (_bound(column, value),))


def _membership(column: Column, value: Any) -> Condition:
    if not isinstance(value, list) or len(value) > MAX_VALUES or any(isinstance(item, dict | list) for item in value):
        raise _invalid()
    values = tuple(_bound(column, item) for item in value if item is not None)
    found = Condition(f"{column.sql} IN ({', '.join('?' * len(values))})", values)
    return _joined("OR", [found, Condition(f"{column.sql} IS NULL")]) if None in value else found


def _bound(column: Column, value: Any) -> Any:
    try:
        return to_bound(column.type, value)
    except (TypeError, ValueError, OverflowError):
        raise ValidationError({"query": ["Invalid query"]}) from None
