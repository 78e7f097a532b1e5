"""What `datastore_create` says about a table: fields, key, indexes and aliases, read and made true in the table's file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.actions.parameters import json_of, words
from catalogue.errors import ValidationError
from catalogue.model import PushedTable, Resource
from catalogue.rows.column_types import guessed_type, type_named
from catalogue.rows.pushed_files import Fields, add_columns, drop_columns, index_words, set_indexes

MAX_FIELDS = 1000
MAX_NAME_LETTERS = 200  # of PostgreSQL's 63 bytes, Vietnamese letters take up to three each


def read_fields(params: Mapping[str, Any], records: Sequence[Any], stored: Fields) -> list[dict[str, Any]]:
    """Return the fields that a call names, those of its first record included; new ones have no `column` yet.

    Raises:
        ValidationError: a name or type cannot be used, or a stored field is named with another type.
    """
    given = json_of(params.get("fields") or [], "fields")
    if not isinstance(given, list) or not all(isinstance(field, dict) for field in given):
        raise ValidationError({"fields": ["Must be a list of objects"]})
    first = next((record for record in records if isinstance(record, dict)), {})
    known = {field["id"]: field for field in stored}
    named = [_read_field(field, first, known) for field in given]
    names = [field["id"] for field in named]
    if len(set(names)) < len(names):
        raise ValidationError({"fields": ["Duplicate column names are not supported"]})
    extra = [name for name in first if name not in names and name not in known and name != "_id"]
    fields = named + [_read_field({"id": name}, first, known) for name in extra]
    if len(fields) > MAX_FIELDS:
        raise ValidationError({"fields": [f"At most {MAX_FIELDS} fields"]})
    return fields


def _read_field(
    given: Mapping[str, Any], first: Mapping[str, Any], known: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    name = given.get("id")
    if not isinstance(name, str) or not is_field_name(name):
        raise ValidationError({"fields": [f'"{str(name)[:100]}" is not a valid field name']})
    info = given.get("info")
    if info is not None and not isinstance(info, dict):
        raise ValidationError({"fields": [f'"info" of "{name}" must be an object']})
    stored = known.get(name)
    written = given.get("type") or (stored["type"] if stored else guessed_type(first.get(name)))
    kind = type_named(written)
    if kind is None:
        raise ValidationError({"fields": [f'"{str(written)[:100]}" is not a valid field type']})
    if stored is not None and stored["type"] != kind:
        raise ValidationError({"fields": [f'"{name}" is of type {stored["type"]}; drop the table to change it']})
    field = {**(stored or {"id": name}), "type": kind}
    return {**field, "info": info} if info else field


def is_field_name(name: str) -> bool:
    """Tell whether a field may have this name."""
    return (
        0 < len(name) <= MAX_NAME_LETTERS
        and name == name.strip()
        and not name.startswith("_")
        and '"' not in name
        and all(letter.isprintable() for letter in name)
    )


def merged_fields(stored: Fields, given: Fields, *, delete_others: bool) -> tuple[list[dict[str, Any]], Fields]:
    """Return all fields of the table from now on, each with its column, and those that leave it."""
    by_name = {field["id"]: field for field in given}
    next_column = max((int(field["column"][1:]) for field in stored), default=-1) + 1
    fields = [
        {**field, **by_name.get(field["id"], {})} for field in stored if field["id"] in by_name or not delete_others
    ]
    for field in given:
        if "column" not in field:
            fields.append({**field, "column": f"c{next_column}"})
            next_column += 1
    return fields, [field for field in stored if delete_others and field["id"] not in by_name]


def read_names(params: Mapping[str, Any], name: str, fields: Fields) -> list[str] | None:
    """Return the field names in a parameter, null when it is not given."""
    if params.get(name) is None:
        return None
    named = words(params, name)
    unknown = [field for field in named if field not in {known["id"] for known in fields}]
    if unknown:
        raise ValidationError({name: [f'field "{unknown[0][:100]}" does not exist']})
    return named


def read_indexes(params: Mapping[str, Any], fields: Fields) -> list[list[str]] | None:
    """Return the indexes in the parameter, each a list of field names; null when it is not given."""
    given = params.get("indexes")
    if given is None:
        return None
    if isinstance(given, str) and given.lstrip().startswith("["):
        given = json_of(given, "indexes")
    listed = given if isinstance(given, list) else words(params, "indexes")
    found = [read_names({"indexes": one if isinstance(one, list) else [one]}, "indexes", fields) for one in listed]
    return [names for names in found if names]


def read_aliases(session: Session, params: Mapping[str, Any], resource_id: str) -> list[str] | None:
    """Return the aliases in the parameter, null when it is not given.

    Raises:
        ValidationError: one is no name, or the name of something else.
    """
    if params.get("aliases") is None:
        return None
    aliases = list(dict.fromkeys(words(params, "aliases")))
    others = session.execute(select(PushedTable.resource_id, PushedTable.aliases))
    taken = {alias for other, names in others if other != resource_id for alias in names}
    taken |= set(session.scalars(select(Resource.id).where(Resource.id.in_(aliases))))
    for alias in aliases:
        if not is_field_name(alias):
            raise ValidationError({"alias": [f'"{alias[:100]}" is not a valid alias name']})
        if alias in taken:
            raise ValidationError({"alias": [f'"{alias}" is already the name of another table']})
    return aliases


def reshape(connection: sqlite3.Connection, stored: Fields, fields: Fields, leaving: Fields) -> None:
    """Add and drop columns of a table that exists; indexes of keys must be made anew afterwards."""
    known = {field["column"] for field in stored}
    added = [field for field in fields if field["column"] not in known]
    if not added and not leaving:
        return
    set_indexes(connection, key=(), indexes=())
    drop_columns(connection, leaving)
    add_columns(connection, added)
    index_words(connection, fields)


def index_columns(
    connection: sqlite3.Connection, fields: Fields, *, key: Sequence[str], indexes: Sequence[Sequence[str]]
) -> None:
    """Make the key and the indexes of a table true.

    Raises:
        ValidationError: two rows share the key.
    """
    columns = {field["id"]: str(field["column"]) for field in fields}
    try:
        set_indexes(
            connection,
            key=[columns[name] for name in key],
            indexes=[[columns[name] for name in names] for names in indexes],
        )
    except sqlite3.IntegrityError:
        message = f"Two rows have the same {json.dumps(list(key), ensure_ascii=False)}"
        raise ValidationError({"primary_key": [message]}) from None
