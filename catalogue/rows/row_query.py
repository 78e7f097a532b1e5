"""The parameters `fields`, `filters`, `q`, `full_text`, `sort` and `distinct` of a datastore call, as SQL over one table."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalogue.actions.parameters import boolean
from catalogue.errors import ValidationError
from catalogue.rows.filters import Condition, filters_condition, read_json
from catalogue.rows.row_table import ROW_ID, Column, RowTable
from catalogue.rows.text_query import TextQuery, joined_queries, plain_query, structured_query

_EQUAL_RANK = 0.0607927  # of rows that hold the words once: PostgreSQL's figure for one word


@dataclass(frozen=True)
class RowQuery:
    """What rows and columns of a table are asked for.

    Attributes:
        table: to read.
        columns: to show, in this order; rank columns among them.
        where: condition on the rows; null: all.
        text: full-text condition; null: none.
        order: SQL of the order; empty: by rank when there is one, else by `_id`.
        distinct: equal rows are shown once.
        has_equal_rank: all rows found have the same rank, so that nothing must be sorted by it.
    """

    table: RowTable
    columns: tuple[Column, ...]
    where: Condition | None = None
    text: TextQuery | None = None
    order: tuple[str, ...] = ()
    distinct: bool = False
    has_equal_rank: bool = True

    @property
    def is_whole_table(self) -> bool:
        """Tell whether every row is asked for."""
        return self.where is None and self.text is None and not self.distinct

    @property
    def needs_words(self) -> bool:
        """Tell whether the index of words must be open."""
        return self.text is not None

    def select(self, *, limit: int | None, offset: int) -> Condition:
        """Return the statement that reads the rows; a null limit means all."""
        names = [self._sql(column) for column in self.columns]
        if not self.distinct and ROW_ID not in {column.name for column in self.columns}:
            names.append("t.rowid")  # for the next page; cut off before rows are shown
        verb = "SELECT DISTINCT" if self.distinct else "SELECT"
        source = self._source()
        sql = f"{verb} {', '.join(names)} {source.sql} ORDER BY {', '.join(self._ordering())} LIMIT ? OFFSET ?"
        return Condition(sql, (*source.values, -1 if limit is None else limit, offset))

    def count(self, *, at_most: int | None = None) -> Condition:
        """Return the statement that counts the rows, no further than `at_most`."""
        source = self._source()
        if not self.distinct and at_most is None:
            return Condition(f"SELECT count(*) {source.sql}", source.values)
        names = ", ".join(self._sql(column) for column in self.columns) if self.distinct else "t.rowid AS found"
        verb = "SELECT DISTINCT" if self.distinct else "SELECT"
        limit = f" LIMIT {int(at_most)}" if at_most is not None else ""
        last = "" if self.distinct else ", max(found)"
        return Condition(f"SELECT count(*){last} FROM ({verb} {names} {source.sql}{limit})", source.values)  # noqa: S608  names are quoted

    def _source(self) -> Condition:
        conditions = [self.where] if self.where else []
        tables = f"{self.table.sql} AS t"
        if self.text is not None:
            words = f"{self.table.words_schema}.words"
            if not self.text.expression:
                conditions.append(Condition("0"))
            elif self.text.is_negated:
                outside = f"t.rowid NOT IN (SELECT rowid FROM {words} WHERE words MATCH ?)"  # noqa: S608  fixed names
                conditions.append(Condition(outside, (self.text.expression,)))
            else:
                tables = f"{words} AS w CROSS JOIN {self.table.sql} AS t ON t.rowid = w.rowid"
                conditions.insert(0, Condition("w.words MATCH ?", (self.text.expression,)))
        where = " AND ".join(f"({condition.sql})" for condition in conditions) or "1"
        return Condition(
            f"FROM {tables} WHERE {where}", tuple(value for condition in conditions for value in condition.values)
        )

    def _ordering(self) -> tuple[str, ...]:
        ranks = self._joins_words and not self.has_equal_rank
        order = tuple(clause for clause in self.order if ranks or not clause.startswith("w.rank "))
        if order:
            return order
        if self.distinct:
            return tuple(str(number) for number in range(1, len(self.columns) + 1))
        # In the order of the word index, which is that of `_id`, reading may stop at the limit.
        by_id = "w.rowid" if self._joins_words else "t.rowid"
        return ("w.rank", by_id) if ranks else (by_id,)

    @property
    def _joins_words(self) -> bool:
        return self.text is not None and bool(self.text.expression) and not self.text.is_negated

    def _sql(self, column: Column) -> str:
        if column.type != "float4" or column.sql != "rank":
            return column.sql
        return str(_EQUAL_RANK) if self.has_equal_rank or not self._joins_words else "-w.rank"


def build_query(table: RowTable, params: Mapping[str, Any]) -> RowQuery:
    """Return the query for the parameters of a call.

    Raises:
        ValidationError: with the messages that CKAN clients know.
    """
    known = table.by_name
    distinct = boolean(params, "distinct", default=False)
    text, ranks = _text(known, params)
    return RowQuery(
        table=table,
        columns=_columns(known, ranks, params.get("fields")),
        where=filters_condition(known, params.get("filters")),
        text=text,
        order=_order({**known, **ranks}, params.get("sort"), distinct=distinct),
        distinct=distinct,
    )


def rank_is_equal(connection: sqlite3.Connection, query: RowQuery) -> tuple[bool, int | None]:
    """Tell whether all rows that the text finds rank the same, and how many there are when the index knows it.

    That is so when every word occurs once in each of its rows, as words of a form or a street do in large tables. Only
    common words are asked for: where few rows are found, ranking costs nothing.
    """
    text = query.text
    if text is None or text.is_negated or not text.words or not all(text.words):
        return text is None or text.is_negated, None
    statement = f"SELECT doc, cnt FROM {query.table.words_schema}.terms WHERE term = ?"  # noqa: S608  fixed name
    found = [connection.execute(statement, (word,)).fetchone() for word in set(text.words)]
    is_equal = all(row is not None and row[0] == row[1] for row in found)
    is_counted = is_equal and len(found) == 1 and not text.column
    return is_equal, found[0][0] if is_counted else None


# ---- columns and order ---------------------------------------------------------------------------------------------


def names_in(value: Any, known: Mapping[str, Any] | None = None) -> list[str]:
    """Return the names in a list or in a text with commas; a text that is a known name as a whole is one."""
    if isinstance(value, str):
        if known is not None and value in known:
            return [value]
        return [name.strip() for name in value.split(",") if name.strip()]
    return [str(name) for name in value] if isinstance(value, list) else [str(value)]


def _columns(known: Mapping[str, Column], ranks: Mapping[str, Column], value: Any) -> tuple[Column, ...]:
    if value is None or value in ("", []):
        return (*known.values(), *ranks.values())
    everything = {**known, **ranks}
    chosen = {}
    for name in names_in(value, everything):
        bare = name[1:-1] if name not in everything and re.fullmatch(r'"[^"]+"', name) else name
        if bare not in everything:
            raise ValidationError({"fields": [f'invalid value "{name}"']})
        chosen[bare] = everything[bare]
    return tuple(chosen.values())


_SORT = re.compile(
    r'\s*(?:"((?:[^"]|"")+)"|([^",]+?))(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?\s*(?:,|\Z)', re.IGNORECASE
)


def _order(known: Mapping[str, Column], value: Any, *, distinct: bool) -> tuple[str, ...]:
    clauses = [str(clause) for clause in value] if isinstance(value, list) else [str(value)] if value else []
    order = [one for clause in clauses for one in _clauses(known, clause)]
    if order and not distinct:
        order.append("t.rowid")  # ties must not move between pages
    return tuple(order)


def _clauses(known: Mapping[str, Column], text: str) -> list[str]:
    if text in known:
        return [_ordered(known[text], down=False, nulls="")]
    found, position = [], 0
    while position < len(text):
        match = _SORT.match(text, position)
        name = (match[1].replace('""', '"') if match[1] else match[2].strip()) if match else ""
        if match is None or name not in known:
            raise ValidationError({"sort": [f'invalid value "{name or text}"']})
        found.append(_ordered(known[name], down=(match[3] or "").lower() == "desc", nulls=(match[4] or "").upper()))
        position = match.end()
    return found


def _ordered(column: Column, *, down: bool, nulls: str) -> str:
    sql = "w.rank" if column.sql == "rank" else column.sql
    if sql == "w.rank":
        down = not down  # FTS5 counts the best rank lowest
    return f"{sql} {'DESC' if down else 'ASC'} NULLS {nulls or ('FIRST' if down else 'LAST')}"


# ---- words ---------------------------------------------------------------------------------------------------------


def _text(known: Mapping[str, Column], params: Mapping[str, Any]) -> tuple[TextQuery | None, dict[str, Column]]:
    """Return the full-text condition and the rank columns that come with it."""
    language = str(params.get("language") or "")
    read = plain_query if boolean(params, "plain", default=True) else structured_query
    queries, ranks = [], {}
    asked = params.get("q")
    if asked not in (None, "", {}):
        if isinstance(asked, str) and asked.lstrip().startswith("{"):
            asked = read_json("q", asked)
        if isinstance(asked, list):
            raise ValidationError({"q": ["Not a json object or text"]})
        by_column = asked if isinstance(asked, dict) else {"": asked}
        for name, text in by_column.items():
            if name and name not in known:
                raise ValidationError({"q": [f'invalid value "{name}"']})
            rank = f"rank {name}".rstrip()
            ranks[rank] = Column(rank, "float4", "rank")
            queries.append(_one_query(read, known[name] if name else None, text, language))
    if params.get("full_text"):
        queries.append(structured_query(str(params["full_text"]), language=language))
    return (joined_queries(queries) if queries else None), ranks


def _one_query(read: Any, column: Column | None, text: Any, language: str) -> TextQuery:
    if isinstance(text, dict | list):
        raise ValidationError({"q": ["Invalid value"]})
    written = json.dumps(text) if isinstance(text, bool | None) else str(text)
    if column is not None and not column.words:
        return TextQuery("")
    found: TextQuery = read(written, language=language, column=column.words if column else "")
    return found
