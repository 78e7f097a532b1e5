"""`datastore_search_sql`: one SELECT over tables that the caller may read. Off unless the operator switches it on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalogue.actions.context import Context, Params
from catalogue.errors import BadRequest, ValidationError
from catalogue.rows.column_types import guessed_type, to_shown
from catalogue.rows.row_source import find_table
from catalogue.rows.row_table import Column, RowTable


def datastore_search_sql(context: Context, params: Params) -> dict[str, Any]:
    """Return the rows that one SELECT finds, `sql` in PostgreSQL's words; tables are resource ids in double quotes.

    At most 32000 rows, and `records_truncated` when there would be more. The operator may have switched it off.

    Raises:
        BadRequest: it is switched off.
        NotFound: a table is no resource with rows.
        NotAuthorized: a table is not the caller's to read, or a function is not available.
        ValidationError: the query is no single SELECT, cannot be read or takes too long.
    """
    if not context.settings.sqlsearch_enabled:
        raise BadRequest("Bad request: Action name not known: datastore_search_sql")
    sql = params.get("sql")
    if not isinstance(sql, str) or not sql.strip():
        raise ValidationError({"sql": ["Missing value"]})
    from catalogue.rows.sql_run import fetched, opened
    from catalogue.rows.sql_statement import MAX_TABLES, origins, read_statement, translated  # the parser is large

    statement = read_statement(sql)
    if len(statement.tables) > MAX_TABLES:
        raise ValidationError({"query": [f"At most {MAX_TABLES} tables in one query"]})
    sources = {name: (_table(context, name), f"r{number}") for number, name in enumerate(statement.tables)}
    with opened(sources) as connection:
        names, rows, is_cut = fetched(connection, translated(statement, sources))
    known = {column.name: column.type for table, _ in sources.values() for column in table.columns}
    columns = [
        Column(name, known.get(origin) or _type_of(row[position] for row in rows), "")
        for position, (name, origin) in enumerate(zip(names, origins(statement, names), strict=True))
    ]
    records = [{c.name: to_shown(c.type, value) for c, value in zip(columns, row, strict=True)} for row in rows]
    fields = [{"id": column.name, "type": column.type} for column in columns]
    cut = {"records_truncated": True} if is_cut else {}
    return {"sql": sql, "records": records, "fields": fields, **cut}


def _table(context: Context, name: str) -> RowTable:
    return find_table(context, name, missing=f'Table "{name[:100]}" was not found.')


def _type_of(values: Iterable[Any]) -> str:
    """Return the type of a column that no table has, by its first value."""
    first = next((value for value in values if value is not None), None)
    kind = guessed_type(first) if isinstance(first, int | float) else "text"
    return "int8" if kind == "int4" else kind
