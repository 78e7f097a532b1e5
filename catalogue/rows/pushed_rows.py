"""A table of pushed rows as its readers see it, and the ways in which records come into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from catalogue.actions.context import Context
from catalogue.errors import NotFound, ValidationError
from catalogue.model import PushedTable
from catalogue.rows.column_types import to_stored
from catalogue.rows.pushed_files import Fields, pushed_path, reading
from catalogue.rows.released_rows import size_in
from catalogue.rows.row_table import ROW_ID, Column, RowTable

METHODS = ("upsert", "insert", "update")


def pushed_table(context: Context, pushed: PushedTable) -> RowTable:
    """Return a table of pushed rows.

    Raises:
        NotFound: its file is gone.
    """
    path = pushed_path(context.settings, pushed)
    if not path.exists():
        raise NotFound(f'Resource "{pushed.resource_id}" was not found.')
    with reading(path) as connection:
        version = connection.execute("SELECT version FROM state").fetchone()[0]
    return RowTable(
        resource_id=pushed.resource_id,
        sql="main.rows",
        columns=pushed_columns(pushed.fields),
        version=(str(path), str(version)),
        open=partial(_open, path),
        size=partial(size_in, path),
        keys=tuple(pushed.primary_key),
        indexed=tuple(index[0] for index in pushed.indexes),
        aliases=tuple(pushed.aliases),
        uri=f"{path.resolve().as_uri()}?mode=ro",
    )


def pushed_columns(fields: Fields) -> tuple[Column, ...]:
    """Return the columns of a table, `_id` first."""
    return (
        Column(ROW_ID, "int", "t.rowid"),
        *(Column(f["id"], f["type"], f"t.{f['column']}", f.get("info") or {}, words=str(f["column"])) for f in fields),
    )


@contextmanager
def _open(path: Path, _words: bool) -> Iterator[sqlite3.Connection]:
    with reading(path) as connection:
        yield connection


# ---- records -------------------------------------------------------------------------------------------------------


def read_records(fields: Fields, records: Any) -> list[dict[str, Any]]:
    """Return records as the file stores them: column to value, for the fields that each record has.

    Raises:
        ValidationError: a record is no object, has a key that is no field, or a value of another type; no value is told.
    """
    if not isinstance(records, list):
        raise ValidationError({"records": ["Must be a list of objects"]})
    known = {field["id"]: field for field in fields}
    return [_read_record(known, record, row) for row, record in enumerate(records, 1)]


def _read_record(known: Mapping[str, dict[str, Any]], record: Any, row: int) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise ValidationError({"records": [f'row "{row}" is not a json object'], "records_row": row - 1})
    extra = [str(name) for name in record if name not in known and name != ROW_ID]
    if extra:
        raise ValidationError({"records": [f'row "{row}" has extra keys "{", ".join(extra)}"'], "records_row": row - 1})
    stored = {}
    for name, value in record.items():
        kind, column = ("int8", ROW_ID) if name == ROW_ID else (known[name]["type"], known[name]["column"])
        try:
            stored[str(column)] = to_stored(str(kind), value)
        except (ValueError, TypeError, OverflowError):
            message = f'row "{row}": invalid input for field "{name}" of type {kind}'
            raise ValidationError({"records": [message], "records_row": row - 1}) from None
    return stored


def write_records(
    connection: sqlite3.Connection, rows: Sequence[dict[str, Any]], *, method: str, keys: Sequence[str], names: str
) -> list[int]:
    """Write rows and return their ids.

    Args:
        connection: in a transaction.
        rows: as `read_records` returns them.
        method: insert, update or upsert.
        keys: columns of the primary key; rows that name an `_id` are known by that.
        names: the fields of the key, for messages.

    Raises:
        ValidationError: a key is missing, taken or unknown.
    """
    ids = []
    for number, row in enumerate(rows, 1):
        try:
            ids.append(_write(connection, row, method=method, keys=keys, names=names))
        except sqlite3.IntegrityError:
            message = f'row "{number}": another row has the same key'
            raise ValidationError({"records": [message], "records_row": number - 1}) from None
        except _NoSuchKey:
            raise ValidationError(
                {"key": [f'row "{number}": no row has this key'], "records_row": number - 1}
            ) from None
    return ids


class _NoSuchKey(Exception):  # noqa: N818  it never leaves this module
    """An update names no row."""


def _write(connection: sqlite3.Connection, row: dict[str, Any], *, method: str, keys: Sequence[str], names: str) -> int:
    if method == "insert":
        return _insert(connection, row)
    key = [ROW_ID] if row.get(ROW_ID) is not None else list(keys)
    if not key:
        raise ValidationError({"table": ["table does not have a unique key defined"]})
    missing = [column for column in key if column not in row]
    if missing:
        raise ValidationError({"key": [f'fields "{names}" are needed as key']})
    where = " AND ".join(f"{column} IS ?" for column in key)
    values = [row[column] for column in key]
    found = connection.execute(f"SELECT _id FROM rows WHERE {where}", values).fetchone()  # noqa: S608  names are ours
    if found is None and method == "update":
        raise _NoSuchKey
    if found is None:
        return _insert(connection, row)
    changed = [column for column in row if column not in key]
    if changed:
        assignments = ", ".join(f"{column} = ?" for column in changed)
        statement = f"UPDATE rows SET {assignments} WHERE _id = ?"  # noqa: S608  names are ours
        connection.execute(statement, [*(row[column] for column in changed), found[0]])
    return int(found[0])


def _insert(connection: sqlite3.Connection, row: dict[str, Any]) -> int:
    if not row:
        return int(connection.execute("INSERT INTO rows DEFAULT VALUES").lastrowid or 0)
    marks = ", ".join("?" * len(row))
    statement = f"INSERT INTO rows ({', '.join(row)}) VALUES ({marks})"  # noqa: S608  names are ours
    return int(connection.execute(statement, list(row.values())).lastrowid or 0)
