"""Turns the parameters of `datastore_search` into SQL over one released SQLite table.

Column names are checked against the table and quoted; values only ever travel as bound parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalogue.actions.parameters import boolean
from catalogue.errors import ValidationError
from catalogue.folding import folded
from catalogue.released_schema import ReleasedField

ROW_ID = "_id"
MAX_LIMIT = 32_000
_MAX_DEPTH = 10
_MAX_OPERATORS = 100
_OPERATORS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0"}


@dataclass(frozen=True)
class Condition:
    """A piece of SQL and the values it binds, in order."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class RowQuery:
    """What rows and columns of a table are asked for."""

    table: str
    columns: tuple[ReleasedField, ...]
    conditions: tuple[Condition, ...] = ()
    order: tuple[str, ...] = ()
    distinct: bool = False
    known: Mapping[str, ReleasedField] = field(default_factory=dict)

    @property
    def is_whole_table(self) -> bool:
        """Tell whether every row is asked for, so that the stored count is the answer."""
        return not self.conditions and not self.distinct

    def select(self, *, limit: int | None, offset: int) -> Condition:
        """Return the statement that reads the rows; a null limit means all."""
        order = self.order or ((ROW_ID,) if not self.distinct else tuple(quoted(c.name) for c in self.columns))
        tail = f" ORDER BY {', '.join(order)} LIMIT ? OFFSET ?"
        rows = self._rows()
        return Condition(rows.sql + tail, (*rows.values, -1 if limit is None else limit, offset))

    def count(self) -> Condition:
        """Return the statement that counts the rows."""
        rows = self._rows()
        return Condition(f"SELECT count(*) FROM ({rows.sql})", rows.values)  # noqa: S608  names are quoted

    def _rows(self) -> Condition:
        """Return the statement without order; the row id rides along for a stable order unless rows are distinct."""
        names = [_column_sql(column.name) for column in self.columns]
        hidden = [] if self.distinct or ROW_ID in {c.name for c in self.columns} else [_column_sql(ROW_ID)]
        where = " AND ".join(f"({condition.sql})" for condition in self.conditions) or "1"
        verb = "SELECT DISTINCT" if self.distinct else "SELECT"
        sql = f"{verb} {', '.join(names + hidden)} FROM {quoted(self.table)} WHERE {where}"
        return Condition(sql, tuple(value for condition in self.conditions for value in condition.values))


def quoted(name: str) -> str:
    """Return an identifier in SQL quotes."""
    return '"' + name.replace('"', '""') + '"'


def _column_sql(name: str) -> str:
    return f"rowid AS {ROW_ID}" if name == ROW_ID else quoted(name)


def _operand(name: str) -> str:
    return "rowid" if name == ROW_ID else quoted(name)


def build_query(table: str, fields: Sequence[ReleasedField], params: Mapping[str, Any]) -> RowQuery:
    """Return the query for the parameters `fields`, `filters`, `q`, `sort` and `distinct`.

    Raises:
        ValidationError: with the messages that CKAN clients know.
    """
    known = {column.name: column for column in fields}
    distinct = boolean(params, "distinct", default=False)
    return RowQuery(
        table=table,
        columns=_columns(known, params.get("fields")),
        conditions=(
            *_filters(known, params.get("filters")),
            *_words(known, params.get("q") or params.get("full_text")),
        ),
        order=_order(known, params.get("sort"), distinct=distinct),
        distinct=distinct,
        known=known,
    )


# ---- plain values --------------------------------------------------------------------------------------------------


def read_json(name: str, value: Any) -> Any:
    """Return a value that may come as JSON text, as every value of a GET does."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValidationError({name: ["Cannot parse JSON"]}) from None


# ---- columns and order ---------------------------------------------------------------------------------------------


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return [str(name) for name in value]


def _columns(known: Mapping[str, ReleasedField], value: Any) -> tuple[ReleasedField, ...]:
    if value is None or value in ("", []):
        return tuple(known.values())
    names = [value] if isinstance(value, str) and value in known else _names(value)
    for name in names:
        if name not in known:
            raise ValidationError({"fields": [f'invalid value "{name}"']})
    return tuple(known[name] for name in dict.fromkeys(names))


_SORT = re.compile(r'(?:"((?:[^"]|"")+)"|(.+?))(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?', re.IGNORECASE)


def _order(known: Mapping[str, ReleasedField], value: Any, *, distinct: bool) -> tuple[str, ...]:
    clauses = _names(value) if value else []
    order = []
    for clause in clauses:
        match = _SORT.fullmatch(clause)
        name = clause if clause in known else (match.group(1) or match.group(2)).strip() if match else clause
        if name not in known:
            raise ValidationError({"sort": [f'invalid value "{name}"']})
        down = bool(match and clause != name and str(match.group(3)).lower() == "desc")
        nulls = str(match.group(4) or "").upper() if match else ""
        order.append(f"{quoted(name)} {'DESC' if down else 'ASC'} NULLS {nulls or ('FIRST' if down else 'LAST')}")
    if order and not distinct:
        order.append(ROW_ID)  # ties must not move between pages
    return tuple(order)


# ---- filters -------------------------------------------------------------------------------------------------------


def _filters(known: Mapping[str, ReleasedField], value: Any) -> list[Condition]:
    filters = read_json("filters", value) if value not in (None, "") else {}
    if not isinstance(filters, dict):
        raise ValidationError({"filters": ["Not a json object"]})
    budget = [_MAX_OPERATORS]
    return [_filter(known, filters, depth=0, budget=budget)] if filters else []


def _filter(known: Mapping[str, ReleasedField], filters: Any, *, depth: int, budget: list[int]) -> Condition:
    if not isinstance(filters, dict) or depth > _MAX_DEPTH:
        raise ValidationError({"filters": ["Invalid filter"]})
    parts = []
    for key, value in filters.items():
        budget[0] -= 1
        if budget[0] < 0:
            raise ValidationError({"filters": ["Too many operators"]})
        if key in {"$and", "$or"}:
            listed = value if isinstance(value, list) else [value]
            parts.append(_joined(key[1:], [_filter(known, v, depth=depth + 1, budget=budget) for v in listed]))
        elif key not in known:
            raise ValidationError({"filters": [f"Unknown field: {key}"]})
        else:
            parts.append(_column_filter(known[key], value))
    return _joined("and", parts)


def _joined(word: str, parts: Sequence[Condition]) -> Condition:
    if not parts:
        return Condition("1" if word == "and" else "0")
    sql = f" {word.upper()} ".join(f"({part.sql})" for part in parts)
    return Condition(sql, tuple(value for part in parts for value in part.values))


def _column_filter(column: ReleasedField, value: Any) -> Condition:
    if isinstance(value, dict):
        return _joined("and", [_comparison(column, name, wanted) for name, wanted in value.items()])
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return _joined("or", [_column_filter(column, item) for item in value])
    return _comparison(column, "in" if isinstance(value, list) else "eq", value)


def _comparison(column: ReleasedField, operator: str, value: Any) -> Condition:
    name = _operand(column.name)
    if operator == "in" and isinstance(value, list):
        values = tuple(_bound(column, item) for item in value if item is not None)
        found = Condition(f"{name} IN ({', '.join('?' * len(values))})", values)
        return _joined("or", [found, Condition(f"{name} IS NULL")]) if None in value else found
    if operator not in _OPERATORS or isinstance(value, dict | list):
        raise ValidationError({"filters": ["Invalid filter"]})
    if value is None:
        return Condition(f"{name} IS NULL" if operator == "eq" else "0")
    return Condition(f"{name} {_OPERATORS[operator]} ?", (_bound(column, value),))


def _bound(column: ReleasedField, value: Any) -> Any:
    """Return a filter value in the type that the column stores."""
    readers: dict[str, Callable[[Any], Any]] = {"int": _whole, "numeric": _number, "bool": _truth}
    read: Callable[[Any], Any] = readers.get(column.type, _text)
    try:
        return read(value)
    except (TypeError, ValueError):
        raise ValidationError({"query": ["Invalid query"]}) from None


def _number(value: Any) -> float:
    return float(value)


def _whole(value: Any) -> int | float:
    number = float(value)
    return int(str(value)) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", str(value)) else number


def _truth(value: Any) -> int:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError("no boolean")
    return int(text in _TRUE)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---- words ---------------------------------------------------------------------------------------------------------


def _words(known: Mapping[str, ReleasedField], value: Any) -> list[Condition]:
    """Return the conditions of `q`: every word somewhere in the row, or per column when it is an object."""
    if value in (None, ""):
        return []
    asked = read_json("q", value) if isinstance(value, str) and value.lstrip().startswith("{") else value
    if not isinstance(asked, dict):
        columns = [column for column in known.values() if column.type == "text"]
        return [_word(columns, word) for word in str(asked).split()]
    for name in asked:
        if name not in known:
            raise ValidationError({"q": [f'invalid value "{name}"']})
    return [_word([known[name]], word) for name, text in asked.items() for word in str(text).split()]


def _word(columns: Sequence[ReleasedField], word: str) -> Condition:
    pattern = re.sub(r"([\\%_])", r"\\\1", folded(word))
    tests = [Condition(f"folded({_operand(column.name)}) LIKE ? ESCAPE '\\'", (f"%{pattern}%",)) for column in columns]
    return _joined("or", tests)
