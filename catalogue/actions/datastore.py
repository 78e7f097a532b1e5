"""The reading datastore actions of the CKAN API, over released tables and over rows that an organization pushed.

`_id` is the position of a row in its release, so pages are stable within a release; the extra key `release` tells which, and
a caller who sends it back as a parameter is told when there is a newer one, instead of reading a mixture.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from catalogue.actions.context import Context
from catalogue.actions.parameters import boolean, natural
from catalogue.errors import ValidationError
from catalogue.rows.column_types import native_type
from catalogue.rows.counting import total_of
from catalogue.rows.record_text import DUMP_TYPES, RECORD_FORMATS, dumped, formatted
from catalogue.rows.row_query import RowQuery, build_query, rank_is_equal
from catalogue.rows.row_source import TABLE_LIST, find_table
from catalogue.rows.row_table import ROW_ID, Column, RowTable, limited
from catalogue.rows.table_list import table_list

QUERY_SECONDS = 10
_BATCH_ROWS = 2000
_PARAMETERS_TEXT = """
resource_id id filters q full_text plain language distinct fields sort limit offset include_total
total_estimation_threshold records_format include_next_page release
"""
_PARAMETERS = frozenset(_PARAMETERS_TEXT.split())
_ECHOED = ("offset", "filters", "fields", "q", "full_text", "plain", "language", "sort", "distinct")
_JSON_ECHOED = {"filters", "fields", "q", "sort"}


@dataclass(frozen=True)
class _Page:
    """What part of the rows is asked for, and how it is told."""

    limit: int
    offset: int
    records_format: str
    include_total: bool
    include_next_page: bool
    threshold: int | None


def datastore_search(context: Context, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return rows of the resource `resource_id`, by its id or an alias.

    `filters` is an object of column and value (a list: any of them; an object: gt, gte, lt, lte, eq, in; `$and` and `$or`
    take lists of filters). `q` finds words, in all columns or per column; `plain=false` reads PostgreSQL's query language.
    `fields`, `sort`, `distinct`, `limit` (100, at most 32000), `offset`, `records_format` (objects, lists, csv, tsv),
    `include_total`, `total_estimation_threshold` and `include_next_page` shape the answer. A `release` given back from an
    earlier answer is checked against the current one.

    Raises:
        NotFound: There is no such resource, or it has no rows to read.
        NotAuthorized: The dataset is not the caller's to read.
        ValidationError: A parameter is wrong, or the query takes too long.
    """
    unknown = sorted(str(name) for name in set(params) - _PARAMETERS)
    if unknown:
        raise ValidationError({"__extras": [f'invalid value "{name}"' for name in unknown]})
    resource_id = _resource_id(params)
    page = _read_page(context, params)
    table = _table(context, resource_id)
    _check_release(table, params.get("release"))
    query = _query(context, table, params)
    with _opened(query) as connection:
        query, told = _ranked(connection, query)
        rows = _rows(connection, query, page)
        result = _head(resource_id, params, page, query, rows)
        if page.include_total:
            is_last = len(rows) < page.limit and (rows or not page.offset)  # then what was read tells the total
            total, is_estimate = (
                (page.offset + len(rows), False)
                if is_last
                else total_of(connection, query, told=told, threshold=page.threshold)
            )
            result |= {"total": total, "total_was_estimated": is_estimate}
    if page.include_next_page and rows and not params.get("sort") and not query.distinct and query.has_equal_rank:
        result["next_page"] = {ROW_ID: {"gt": rows[-1][_id_index(query)]}}
    return result


def datastore_info(context: Context, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return size and data dictionary of the resource `resource_id`, by its id or an alias; `fields` leaves out `_id`."""
    resource_id = _resource_id(params)
    table = find_table(context, resource_id, missing=f'Resource/Alias "{resource_id}" was not found.')
    query = RowQuery(table, table.columns)
    with _opened(query) as connection:
        count = total_of(connection, query)[0]
    size = table.size()
    meta = {
        "id": table.resource_id,
        "count": count,
        "table_type": "BASE TABLE",
        "size": size.table,
        "db_size": size.file,
        "idx_size": size.indexes,
        "aliases": list(table.aliases),
    }
    if table.release is not None:
        meta["release"] = table.release
    return {
        "meta": meta,
        "fields": [{**column.shown(), "schema": _native_schema(table, column)} for column in table.columns[1:]],
    }


def _native_schema(table: RowTable, column: Column) -> dict[str, Any]:
    is_key = column.name in table.keys
    is_indexed = is_key or column.name in table.indexed
    return {
        "native_type": native_type(column.type),
        "notnull": False,
        "index_name": f"{'primary_key' if is_key else 'index'}_{column.name}" if is_indexed else None,
        "is_index": is_indexed,
        "uniquekey": is_key,
    }


# ---- dump ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dump:
    """A whole table on its way out; the rows are read while `chunks` is."""

    file_name: str
    media_type: str
    release: str | None
    chunks: Iterator[str]


def datastore_dump(context: Context, params: Mapping[str, Any]) -> Dump:
    """Return the rows of a resource as a stream of CSV, TSV, JSON or XML text; without `limit`, all of them.

    Raises:
        NotFound: There is no such resource, or it has no rows to read.
        NotAuthorized: The dataset is not the caller's to read.
        ValidationError: A parameter is wrong.
    """
    file_format = str(params.get("format") or "csv").lower()
    if file_format not in DUMP_TYPES:
        raise ValidationError({"format": [f"Value must be one of {', '.join(sorted(DUMP_TYPES))}"]})
    limit = natural(params, "limit", default=None)
    offset = natural(params, "offset", default=0) or 0
    bom = boolean(params, "bom", default=False)
    table = _table(context, _resource_id(params))
    _check_release(table, params.get("release"))
    query = _query(context, table, params)
    with _opened(query) as connection:
        query = _ranked(connection, query)[0]
    chunks = dumped(_stream(query, limit=limit, offset=offset), query.columns, file_format, bom=bom)
    return Dump(f"{table.resource_id}.{file_format}", DUMP_TYPES[file_format], table.release, chunks)


def _stream(query: RowQuery, *, limit: int | None, offset: int) -> Iterator[list[Any]]:
    statement = query.select(limit=limit, offset=offset)
    with query.table.open(query.needs_words) as connection:
        cursor = connection.execute(statement.sql, statement.values)
        try:
            while batch := cursor.fetchmany(_BATCH_ROWS):
                yield batch
        finally:
            cursor.close()


# ---- parameters ----------------------------------------------------------------------------------------------------


def _resource_id(params: Mapping[str, Any]) -> str:
    value = params.get("resource_id") or params.get("id")
    if not value or isinstance(value, dict | list):
        raise ValidationError({"resource_id": ["Missing value" if not value else "Invalid value"]})
    return str(value)


def _table(context: Context, resource_id: str) -> RowTable:
    if resource_id == TABLE_LIST:
        return table_list(context)
    return find_table(context, resource_id, missing=f'Resource "{resource_id}" was not found.')


def _query(context: Context, table: RowTable, params: Mapping[str, Any]) -> RowQuery:
    return build_query(table, {"language": context.settings.default_fts_lang, **params})


def _check_release(table: RowTable, release: Any) -> None:
    if release not in (None, "") and release != table.release:
        raise ValidationError({"release": [f"The rows are of release {table.release} now; start from the first page"]})


def _read_page(context: Context, params: Mapping[str, Any]) -> _Page:
    records_format = str(params.get("records_format") or "objects")
    if records_format not in RECORD_FORMATS:
        raise ValidationError({"records_format": [f"Value must be one of {sorted(RECORD_FORMATS)}"]})
    limit = natural(params, "limit", default=100, maximum=context.settings.datastore_rows_max)
    return _Page(
        limit=limit or 0,
        offset=natural(params, "offset", default=0) or 0,
        records_format=records_format,
        include_total=boolean(params, "include_total", default=True),
        include_next_page=boolean(params, "include_next_page", default=False),
        threshold=natural(params, "total_estimation_threshold", default=None),
    )


# ---- rows ----------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(query: RowQuery) -> Iterator[sqlite3.Connection]:
    with query.table.open(query.needs_words) as connection, limited(connection, QUERY_SECONDS):
        yield connection


def _ranked(connection: sqlite3.Connection, query: RowQuery) -> tuple[RowQuery, int | None]:
    is_equal, told = rank_is_equal(connection, query)
    return (query if is_equal else replace(query, has_equal_rank=False)), told


def _rows(connection: sqlite3.Connection, query: RowQuery, page: _Page) -> list[Any]:
    if not page.limit:
        return []
    statement = query.select(limit=page.limit, offset=page.offset)
    return connection.execute(statement.sql, statement.values).fetchall()


def _id_index(query: RowQuery) -> int:
    names = [column.name for column in query.columns]
    return names.index(ROW_ID) if ROW_ID in names else len(names)


def _head(resource_id: str, params: Mapping[str, Any], page: _Page, query: RowQuery, rows: list[Any]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "resource_id": resource_id,
        "records_format": page.records_format,
        "limit": page.limit,
        "include_total": page.include_total,
        "include_next_page": page.include_next_page,
        **{name: _echo(name, params[name], page) for name in _ECHOED if name in params},
        "fields": [column.shown() for column in query.columns],
        "records": formatted(rows, query.columns, page.records_format),
        "_links": _links(params, page),
    }
    if query.table.release is not None:
        result["release"] = query.table.release
    return result


def _echo(name: str, value: Any, page: _Page) -> Any:
    """Return a parameter as the answer repeats it: read, whether it came as JSON or as text."""
    if name == "offset":
        return page.offset
    if name in {"distinct", "plain"}:
        return boolean({name: value}, name, default=False)
    if name in {"filters", "q"} and isinstance(value, str) and value.lstrip().startswith("{"):
        return json.loads(value)
    return value


def _links(params: Mapping[str, Any], page: _Page) -> dict[str, str]:
    kept = {key: _link_value(value) for key, value in params.items() if key != "offset"}

    def link(start: int) -> str:
        return "/api/3/action/datastore_search?" + urlencode(kept | ({"offset": str(start)} if start else {}))

    links = {"start": link(0), "next": link(page.offset + page.limit)}
    return links | ({"prev": link(max(0, page.offset - page.limit))} if page.offset else {})


def _link_value(value: Any) -> str:
    if isinstance(value, bool | dict):
        return json.dumps(value, ensure_ascii=False)
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
