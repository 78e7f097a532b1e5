"""The writing datastore actions: organizations push rows, which wait for a release unless `direct_writes` is set.

Until then the members of the organization alone see them; the publisher reads them as a source, see docs/pushed-rows.md.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from catalogue.actions.authorize import require_on
from catalogue.actions.context import Context, Params
from catalogue.actions.create import resource_create
from catalogue.actions.parameters import boolean, json_of, optional_text, required_text
from catalogue.errors import MalformedInput, NotFound, ValidationError
from catalogue.model import Package, PushedTable, Resource, new_id
from catalogue.register.package_changes import save_package
from catalogue.register.packages import get_package, package_to_dict
from catalogue.rows.column_types import to_shown
from catalogue.rows.filters import Condition, filters_condition, read_json
from catalogue.rows.pushed_files import (
    create_file,
    pushed_path,
    remove_after_commit,
    remove_file,
    remove_orphans,
    writing,
)
from catalogue.rows.pushed_rows import METHODS, pushed_columns, read_records, write_records
from catalogue.rows.pushed_shape import (
    index_columns,
    merged_fields,
    read_aliases,
    read_fields,
    read_indexes,
    read_names,
    reshape,
)
from catalogue.rows.row_source import pushed_by_name

_DELETING = {"resource_id", "id", "filters", "force", "calculate_record_count", "include_deleted_records"}

READ_ONLY = (
    'The rows of this resource come from elsewhere and may be overwritten; pass "force": true to write all the same'
)


def datastore_create(context: Context, params: Params) -> dict[str, Any]:
    """Make the table of the resource `resource_id`, or add to it; with `resource`, make that resource first.

    `fields` is a list of `{id, type, info}`; fields of the first of `records` that are not listed get a type by their value.
    `primary_key`, `indexes` and `aliases` are lists of names. `delete_fields` drops fields that are not listed.
    `include_records` returns the rows as stored. A resource that was not made here needs `force`.
    """
    resource, package = _resource_to_create(context, params)
    records = json_of(params.get("records") or [], "records")
    if not isinstance(records, list):
        raise ValidationError({"records": ["Must be a list of objects"]})
    pushed = context.session.get(PushedTable, resource.id)
    stored = list(pushed.fields) if pushed else []
    delete_others = boolean(params, "delete_fields", default=False)
    given = read_fields(params, records, stored)
    fields, leaving = merged_fields(stored, given, delete_others=delete_others)
    aliases = read_aliases(context.session, params, resource.id)
    key, indexes = read_names(params, "primary_key", fields), read_indexes(params, fields)
    rows = read_records(fields, records)
    is_new = pushed is None
    if pushed is None:
        now = context.now()
        empty: dict[str, Any] = {"fields": [], "primary_key": [], "indexes": [], "aliases": []}
        pushed = PushedTable(resource_id=resource.id, created=now, modified=now, **empty)
        context.session.add(pushed)
        remove_orphans(context.session, context.settings)
    pushed.aliases = pushed.aliases if aliases is None else aliases
    names = {field["id"] for field in fields}
    pushed.primary_key = [name for name in pushed.primary_key if name in names] if key is None else key
    pushed.indexes = [one for one in pushed.indexes if set(one) <= names] if indexes is None else indexes
    pushed.fields, pushed.modified = fields, context.now()
    _show_as_active(context, package, resource, is_active=True)
    written = _create_rows(context, pushed, stored=stored, leaving=leaving, rows=rows, is_new=is_new)
    answer = {**_echo(params, resource.id), "fields": _given_back(given or fields, params), "method": "insert"}
    answer |= {name: params[name] for name in ("primary_key", "indexes", "aliases") if params.get(name) is not None}
    return answer | ({"records": written} if boolean(params, "include_records", default=False) else {})


def _given_back(fields: list[dict[str, Any]], params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return fields as clients know them, types in the words of the call."""
    written = {field["id"]: field.get("type") for field in json_of(params.get("fields") or [], "fields")}
    keys = ["id", "type", "info"]
    shown: list[dict[str, Any]] = [{key: field[key] for key in keys if key in field} for field in fields]
    return [{**field, "type": written.get(field["id"]) or field["type"]} for field in shown]


def _create_rows(
    context: Context,
    pushed: PushedTable,
    *,
    stored: list[dict[str, Any]],
    leaving: Any,
    rows: list[dict[str, Any]],
    is_new: bool,
) -> list[dict[str, Any]]:
    path = pushed_path(context.settings, pushed)
    context.session.flush()  # what the catalogue refuses must not be in the file
    if is_new:
        create_file(path, pushed.fields)
    try:
        with writing(path) as connection:
            if not is_new:
                reshape(connection, stored, pushed.fields, leaving)
            index_columns(connection, pushed.fields, key=pushed.primary_key, indexes=pushed.indexes)
            ids = write_records(connection, rows, method="insert", keys=[], names="")
            return _shown_records(connection, pushed, ids)
    except BaseException:
        if is_new:
            remove_file(path)
        raise


def datastore_upsert(context: Context, params: Params) -> dict[str, Any]:
    """Write `records` into the table of the resource `resource_id`.

    `method` is `upsert` (change the row with the same primary key, or add one), `update` or `insert`. With `dry_run` all is
    checked and nothing kept. `include_records` returns the rows as stored.
    """
    pushed, _package = _pushed(context, params)
    method = str(params.get("method") or "upsert")
    if method not in METHODS:
        raise ValidationError({"method": [f'"{method[:100]}" is not defined; use one of {", ".join(METHODS)}']})
    rows = read_records(pushed.fields, json_of(params.get("records") or [], "records"))
    columns = {field["id"]: str(field["column"]) for field in pushed.fields}
    answer = {**_echo(params, pushed.resource_id), "method": method}
    with writing(pushed_path(context.settings, pushed)) as connection:
        keys = [columns[name] for name in pushed.primary_key]
        ids = write_records(connection, rows, method=method, keys=keys, names=", ".join(pushed.primary_key))
        if boolean(params, "include_records", default=False):
            answer["records"] = _shown_records(connection, pushed, ids)
        if boolean(params, "dry_run", default=False):
            connection.rollback()
            return answer
    pushed.modified = context.now()
    return answer


def datastore_delete(context: Context, params: Params) -> dict[str, Any]:
    """Delete the rows that `filters` names of the resource `resource_id`; without filters, the table itself.

    `datastore_records_delete` never drops the table.

    Raises:
        ValidationError: A parameter is not known: a misspelt `filters` must not drop the table.
    """
    pushed, package = _pushed(context, params)
    _refuse_unknown(params)
    answer = _echo(params, pushed.resource_id)
    if params.get("filters") not in (None, ""):
        return answer | {"filters": _delete_rows(context, pushed, params["filters"])}
    resource = context.session.get(Resource, pushed.resource_id)
    remove_after_commit(context.session, [pushed_path(context.settings, pushed)])
    context.session.delete(pushed)
    if resource is not None:
        _show_as_active(context, package, resource, is_active=False)
    return answer


def datastore_records_delete(context: Context, params: Params) -> dict[str, Any]:
    """Delete the rows that `filters` names of the resource `resource_id`; `{}` names all of them, the table stays."""
    pushed, _package = _pushed(context, params)
    _refuse_unknown(params)
    if params.get("filters") in (None, ""):
        raise ValidationError({"filters": ["Missing value"]})
    return _echo(params, pushed.resource_id) | {"filters": _delete_rows(context, pushed, params["filters"])}


def _refuse_unknown(params: Params) -> None:
    unknown = sorted(str(name) for name in set(params) - _DELETING)
    if unknown:
        raise ValidationError({"__extras": [f'invalid value "{name}"' for name in unknown]})


def _delete_rows(context: Context, pushed: PushedTable, filters: Any) -> Any:
    read = read_json("filters", filters)
    columns = {column.name: column for column in pushed_columns(pushed.fields)}
    condition = filters_condition(columns, read) or Condition("1")
    with writing(pushed_path(context.settings, pushed)) as connection:
        chosen = f"SELECT t.rowid FROM rows AS t WHERE {condition.sql}"  # noqa: S608  names are ours
        connection.execute(f"DELETE FROM rows WHERE _id IN ({chosen})", condition.values)  # noqa: S608
    pushed.modified = context.now()
    return read


# ---- resource and table --------------------------------------------------------------------------------------------


def _resource_to_create(context: Context, params: Params) -> tuple[Resource, Package]:
    made = json_of(params.get("resource"), "resource") if params.get("resource") else None
    if made is None:
        resource_id = required_text(params, "resource_id")
        resource = context.session.get(Resource, resource_id)
        if resource is None or resource.state != "active":
            raise NotFound(f'Resource "{resource_id}" was not found.')
        package = _writable(context, resource.package_id)
        _require_force(params, resource)
        return resource, package
    if params.get("resource_id"):
        raise ValidationError({"resource": ["Give a resource_id or a resource to make, not both"]})
    if not isinstance(made, dict):
        raise MalformedInput("resource")
    resource_id = str(made.get("id") or new_id())
    url = f"{context.settings.site_url.rstrip('/')}/datastore/dump/{resource_id}"
    resource_create(context, {**made, "id": resource_id, "url": url, "url_type": "datastore"})
    resource = context.session.get_one(Resource, resource_id)
    return resource, get_package(context.session, resource.package_id)


def _pushed(context: Context, params: Params) -> tuple[PushedTable, Package]:
    """Return the table that a call names and its dataset, to be written to."""
    name = required_text(params, "resource_id", "id")
    found = pushed_by_name(context.session, name)
    resource = context.session.get(Resource, found.resource_id if found else name)
    if resource is None or resource.state != "active":
        raise NotFound(f'Resource "{name}" was not found.')
    package = _writable(context, resource.package_id)
    if found is None:
        raise NotFound(f'Resource "{name}" was not found.')
    _require_force(params, resource)
    return found, package


def _writable(context: Context, package_id: str) -> Package:
    package = get_package(context.session, package_id, lock=True)
    require_on(context, "package_update", package)
    return package


def _require_force(params: Mapping[str, Any], resource: Resource) -> None:
    if resource.url_type != "datastore" and not boolean(params, "force", default=False):
        raise ValidationError({"read-only": [READ_ONLY]})


def _show_as_active(context: Context, package: Package, resource: Resource, *, is_active: bool) -> None:
    """Tell readers of the resource that it has rows; rows that wait for a release are nothing to tell."""
    if not context.settings.direct_writes or resource.datastore_active == is_active:
        return
    before = package_to_dict(package)
    resource.datastore_active = is_active
    save_package(context, package, before=before)


def _echo(params: Mapping[str, Any], resource_id: str) -> dict[str, Any]:
    named = optional_text(params, "resource_id") or resource_id
    return {"resource_id": resource_id if params.get("resource") else named}


def _shown_records(connection: sqlite3.Connection, pushed: PushedTable, ids: list[int]) -> list[dict[str, Any]]:
    columns = pushed_columns(pushed.fields)
    statement = f"SELECT {', '.join(column.sql for column in columns)} FROM rows AS t WHERE _id = ?"  # noqa: S608  names are ours
    rows = [connection.execute(statement, (row_id,)).fetchone() for row_id in ids]
    return [{c.name: to_shown(c.type, value) for c, value in zip(columns, row, strict=True)} for row in rows]
