"""The datastore actions of the CKAN API, read-only, over the SQLite file of the current release.

`_id` is the position of a row in its release, so pages are stable within a release; the extra key `release` tells which.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from catalogue.actions.authorize import require_read
from catalogue.actions.context import Context
from catalogue.actions.parameters import boolean, natural
from catalogue.actions.row_query import (
    MAX_LIMIT,
    ROW_ID,
    Condition,
    RowQuery,
    build_query,
    quoted,
)
from catalogue.errors import NotFound, ValidationError
from catalogue.folding import folded
from catalogue.model import Package, Resource
from catalogue.released_schema import NATIVE_TYPES, ReleasedField, table_fields, type_of_declaration

QUERY_SECONDS = 10
_FORMATS = {"objects", "lists", "csv", "tsv"}
_PARAMETERS = frozenset(
    [
        "resource_id",
        "id",
        "filters",
        "q",
        "full_text",
        "plain",
        "language",
        "distinct",
        "fields",
        "sort",
        "limit",
        "offset",
        "include_total",
        "total_estimation_threshold",
        "records_format",
        "include_next_page",
        "callback",
    ]
)
_ECHOED = ("offset", "filters", "fields", "q", "sort", "distinct")
_ROW_FIELD = ReleasedField(ROW_ID, "int")


@dataclass(frozen=True)
class _Table:
    """One table of the current release of a dataset, as a resource offers it."""

    resource: Resource
    dataset: str
    release: str
    name: str
    manifest_sha256: str | None
    rows: int | None
    datapackage: Mapping[str, Any]


def datastore_search(context: Context, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return rows of a resource.

    Raises:
        NotFound: There is no such resource, or it has no rows to read.
        NotAuthorized: The dataset is not the caller's to read.
        ValidationError: A parameter is wrong, or the query takes too long.
    """
    _refuse_unknown(params)
    resource_id = _resource_id(params)
    if resource_id == "_table_metadata":
        return _list_tables(context, params)
    limit = natural(params, "limit", default=100, maximum=MAX_LIMIT) or 0
    offset = natural(params, "offset", default=0) or 0
    records_format = str(params.get("records_format") or "objects")
    if records_format not in _FORMATS:
        raise ValidationError({"records_format": [f"Value must be one of {sorted(_FORMATS)}"]})
    table = _table(context, resource_id, missing=f'Resource "{resource_id}" was not found.')
    with closing(_connect(context, table)) as connection:
        query = build_query(table.name, _fields(connection, table), params)
        rows = _fetch(connection, query, limit=limit, offset=offset)
        result: dict[str, Any] = {
            "resource_id": resource_id,
            "records_format": records_format,
            "limit": limit,
            "include_total": boolean(params, "include_total", default=True),
            "include_next_page": boolean(params, "include_next_page", default=False),
            **{key: params[key] for key in _ECHOED if key in params},
            "fields": [_shown_field(column) for column in query.columns],
            "records": _formatted(rows, query.columns, records_format),
            "release": table.release,
            "_links": _links(params, limit=limit, offset=offset),
        }
        if result["include_total"]:
            result["total"] = _total(connection, query, table)
            result["total_was_estimated"] = False
        if result["include_next_page"] and rows and not params.get("sort") and not query.distinct:
            result["next_page"] = {ROW_ID: {"gt": rows[-1][ROW_ID]}}
    return result


def datastore_info(context: Context, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return size and data dictionary of a resource; `fields` leaves out `_id`."""
    resource_id = _resource_id(params)
    table = _table(context, resource_id, missing=f'Resource/Alias "{resource_id}" was not found.')
    with closing(_connect(context, table)) as connection:
        fields = _fields(connection, table)[1:]
        count = _total(connection, RowQuery(table.name, tuple(fields)), table)
        pages, page_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    size = pages * page_bytes
    meta = {"id": resource_id, "count": count, "table_type": "BASE TABLE", "size": size, "db_size": size, "idx_size": 0}
    return {
        "meta": {**meta, "aliases": [], "release": table.release},
        "fields": [{**_shown_field(column), "schema": _native_schema(column)} for column in fields],
    }


# ---- dump ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dump:
    """A whole table on its way out."""

    file_name: str
    media_type: str
    release: str
    chunks: Iterator[str]


def datastore_dump(context: Context, params: Mapping[str, Any]) -> Dump:
    """Return the rows of a resource as a stream of CSV, TSV or JSON text; without `limit`, all of them."""
    file_format = str(params.get("format") or "csv").lower()
    if file_format not in {"csv", "tsv", "json"}:
        raise ValidationError({"format": ["Value must be one of csv, json, tsv"]})
    resource_id = _resource_id(params)
    limit = natural(params, "limit", default=None)
    offset = natural(params, "offset", default=0) or 0
    bom = "\ufeff" if boolean(params, "bom", default=False) else ""
    table = _table(context, resource_id, missing=f'Resource "{resource_id}" was not found.')
    connection = _connect(context, table, seconds=None)
    try:
        query = build_query(table.name, _fields(connection, table), params)
    except ValidationError:
        connection.close()
        raise
    rows = _stream(connection, query.select(limit=limit, offset=offset), query.columns)
    media_type = {"csv": "text/csv", "tsv": "text/tab-separated-values", "json": "application/json"}[file_format]
    chunks = (
        _json_chunks(rows, query.columns) if file_format == "json" else _text_chunks(rows, query.columns, file_format)
    )
    return Dump(f"{resource_id}.{file_format}", media_type, table.release, _led_by(bom, chunks))


def _led_by(first: str, chunks: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from chunks


def _stream(
    connection: sqlite3.Connection, statement: Condition, columns: Sequence[ReleasedField]
) -> Iterator[list[list[Any]]]:
    with closing(connection):
        cursor = connection.execute(statement.sql, statement.values)
        while batch := cursor.fetchmany(2000):
            yield [_values(row, columns) for row in batch]


def _text_chunks(
    batches: Iterator[list[list[Any]]], columns: Sequence[ReleasedField], file_format: str
) -> Iterator[str]:
    yield _delimited([[column.name for column in columns]], file_format)
    for batch in batches:
        yield _delimited(batch, file_format)


def _json_chunks(batches: Iterator[list[list[Any]]], columns: Sequence[ReleasedField]) -> Iterator[str]:
    fields = json.dumps([_shown_field(column) for column in columns], ensure_ascii=False)
    yield f'{{\n  "fields": {fields},\n  "records": ['
    separator = "\n    "
    for batch in batches:
        for row in batch:
            yield separator + json.dumps(row, ensure_ascii=False)
            separator = ",\n    "
    yield "\n  ]\n}\n"


# ---- resource to table ---------------------------------------------------------------------------------------------


def _refuse_unknown(params: Mapping[str, Any]) -> None:
    unknown = sorted(set(params) - _PARAMETERS)
    if unknown:
        raise ValidationError({"__extras": [f'invalid value "{name}"' for name in unknown]})


def _resource_id(params: Mapping[str, Any]) -> str:
    value = params.get("resource_id") or params.get("id")
    if not value:
        raise ValidationError({"resource_id": ["Missing value"]})
    return str(value)


def _table(context: Context, resource_id: str, *, missing: str) -> _Table:
    resource = context.session.get(Resource, resource_id)
    if resource is None or resource.state != "active":
        raise NotFound(missing)
    package = resource.package
    require_read(context, package)
    release = package.extras.get("release")
    name = (resource.extras or {}).get("table")
    if not (resource.datastore_active and release and name):
        raise NotFound(missing)
    summary = _summary(package)
    return _Table(
        resource=resource,
        dataset=package.name,
        release=str(release),
        name=str(name),
        manifest_sha256=summary.get("manifest_sha256"),
        rows=summary.get("rows", {}).get(name),
        datapackage=context.files.read_json(package.name, str(release), "datapackage.json"),
    )


def _summary(package: Package) -> dict[str, Any]:
    try:
        summary = json.loads(package.extras.get("release_summary") or "{}")
    except ValueError:
        return {}
    return summary if isinstance(summary, dict) else {}


def _connect(context: Context, table: _Table, *, seconds: float | None = QUERY_SECONDS) -> sqlite3.Connection:
    """Open the table's file; queries longer than `seconds` are interrupted (null: never)."""
    connection = context.files.tables.connect(table.dataset, table.release, manifest_sha256=table.manifest_sha256)
    connection.create_function("folded", 1, _folded_cell, deterministic=True)
    if seconds is not None:
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 50_000)
    return connection


def _folded_cell(value: object) -> str | None:
    return None if value is None else folded(value)


def _fields(connection: sqlite3.Connection, table: _Table) -> list[ReleasedField]:
    """Return `_id` and the columns of the table, described where the data package describes them."""
    described = table_fields(table.datapackage, table.name)
    columns = connection.execute(f"PRAGMA table_info({quoted(table.name)})").fetchall()
    if not columns:
        raise NotFound(f'Resource "{table.resource.id}" was not found.')
    return [_ROW_FIELD] + [
        described.get(row["name"]) or ReleasedField(row["name"], type_of_declaration(row["type"])) for row in columns
    ]


def _list_tables(context: Context, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ids of all readable tables, as CKAN does for `_table_metadata`."""
    limit = natural(params, "limit", default=100, maximum=MAX_LIMIT) or 0
    offset = natural(params, "offset", default=0) or 0
    statement = (
        select(Resource.id)
        .join(Package)
        .where(Resource.datastore_active, Package.state == "active", Package.private.is_(False))
        .order_by(Resource.id)
    )
    ids = list(context.session.scalars(statement))
    records = [{"_id": n, "name": name, "oid": n, "alias_of": None} for n, name in enumerate(ids, 1)]
    kinds = {"_id": "int", "name": "name", "oid": "int", "alias_of": "name"}
    return {
        "resource_id": "_table_metadata",
        "records_format": "objects",
        "limit": limit,
        "include_total": True,
        "fields": [{"id": name, "type": kind} for name, kind in kinds.items()],
        "records": records[offset : offset + limit],
        "_links": _links(params, limit=limit, offset=offset),
        "total": len(records),
        "total_was_estimated": False,
    }


# ---- rows ----------------------------------------------------------------------------------------------------------


def _fetch(connection: sqlite3.Connection, query: RowQuery, *, limit: int, offset: int) -> list[sqlite3.Row]:
    return _run(connection, query.select(limit=limit, offset=offset)) if limit else []


def _run(connection: sqlite3.Connection, statement: Condition) -> list[sqlite3.Row]:
    try:
        return connection.execute(statement.sql, statement.values).fetchall()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise ValidationError({"query": ["The query takes too long; ask for less or download the file"]}) from error
        raise ValidationError({"query": ["Invalid query"]}) from error


def _total(connection: sqlite3.Connection, query: RowQuery, table: _Table) -> int:
    if query.is_whole_table and table.rows is not None:
        return int(table.rows)
    return int(_run(connection, query.count())[0][0])


def _values(row: sqlite3.Row, columns: Sequence[ReleasedField]) -> list[Any]:
    return [_shown(row[index], column.type) for index, column in enumerate(columns)]


def _shown(value: Any, kind: str) -> Any:
    """Return a stored value in its JSON form."""
    if value is None:
        return None
    if kind == "bool":
        return bool(value)
    return str(value).replace(" ", "T", 1) if kind == "timestamp" else value


def _formatted(rows: Sequence[sqlite3.Row], columns: Sequence[ReleasedField], records_format: str) -> Any:
    lists = [_values(row, columns) for row in rows]
    if records_format == "objects":
        names = [column.name for column in columns]
        return [dict(zip(names, values, strict=True)) for values in lists]
    return lists if records_format == "lists" else _delimited(lists, records_format)


def _delimited(rows: Sequence[Sequence[Any]], file_format: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t" if file_format == "tsv" else ",", lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _shown_field(column: ReleasedField) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": column.name, "type": column.type}
    info = {"label": column.title, "notes": column.description, "unit": column.unit}
    filled = {key: value for key, value in info.items() if value}
    return {**shown, "info": filled} if filled else shown


def _native_schema(column: ReleasedField) -> dict[str, Any]:
    return {
        "native_type": NATIVE_TYPES.get(column.type, "text"),
        "notnull": False,
        "index_name": None,
        "is_index": False,
        "uniquekey": False,
    }


def _links(params: Mapping[str, Any], *, limit: int, offset: int) -> dict[str, str]:
    kept = {key: _link_value(value) for key, value in params.items() if key not in {"offset", "callback"}}

    def link(start: int) -> str:
        return "/api/3/action/datastore_search?" + urlencode(kept | ({"offset": str(start)} if start else {}))

    links = {"start": link(0), "next": link(offset + limit)}
    return links | ({"prev": link(max(0, offset - limit))} if offset else {})


def _link_value(value: Any) -> str:
    if isinstance(value, bool | dict):
        return json.dumps(value, ensure_ascii=False)
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


ACTIONS: dict[str, Callable[[Context, Mapping[str, Any]], dict[str, Any]]] = {
    "datastore_search": datastore_search,
    "datastore_info": datastore_info,
}
