"""G1 for the lists of changed rows: declared columns only, every row one of this release, and of removed rows the key alone.

Written from the layout of the lists alone: `<table>.changes.parquet` holds `_change` and the table's columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from publisher.published import PublishedTable

_ENDING = ".changes.parquet"
_CHANGE = "_change"
_KINDS = {"added", "changed", "removed"}


def changes_files(folder: Path, tables: Sequence[PublishedTable]) -> set[str]:
    """Return the lists of changed rows that lie in the folder, as far as they belong to a published table."""
    return {name for table in tables if (folder / (name := f"{table.name}{_ENDING}")).is_file()}


def wrong_changes(folder: Path, table: PublishedTable) -> list[str]:
    """Compare a table's list of changed rows with its Parquet file; an absent list is right.

    Returns:
        What is wrong in words, column names and numbers, never a value.
    """
    path = folder / f"{table.name}{_ENDING}"
    if not path.is_file():
        return []
    if table.aggregate is None and table.source.privacy.subject in {"person", "household"}:
        return ["single rows about persons or households are listed"]
    schema, wanted = pq.read_schema(path), table.arrow_schema
    if schema.names != [_CHANGE, *wanted.names]:
        return ["the columns are not the declared ones"]
    faults = [f"another type than declared: {f.name}" for f in wanted if schema.field(f.name).type != f.type]
    if pq.read_metadata(path).metadata:
        faults.append("undeclared entries in the file's metadata")
    return faults or _wrong_rows(path, folder / f"{table.name}.parquet", table)


def _wrong_rows(path: Path, parquet: Path, table: PublishedTable) -> list[str]:
    names = table.arrow_schema.names
    columns = ", ".join(map(_quoted, names))
    others = " OR ".join(f"{_quoted(name)} IS NOT NULL" for name in names if name not in _key(table)) or "false"
    with closing(duckdb.connect(config={"memory_limit": "256MB", "threads": 2})) as engine:
        kinds = engine.execute(f"SELECT DISTINCT {_quoted(_CHANGE)} FROM read_parquet(?)", [str(path)]).fetchall()  # noqa: S608  fixed name
        foreign = f"""
            SELECT count(*) FROM read_parquet(?) WHERE {_quoted(_CHANGE)} <> 'removed'
            AND hash({columns}) NOT IN (SELECT hash({columns}) FROM read_parquet(?))
        """  # noqa: S608  names come from checked definitions
        [[strange]] = engine.execute(foreign, [str(path), str(parquet)]).fetchall()
        gone = f"SELECT count(*) FROM read_parquet(?) WHERE {_quoted(_CHANGE)} = 'removed' AND ({others})"  # noqa: S608  checked names
        [[told]] = engine.execute(gone, [str(path)]).fetchall()
    faults = ["other kinds of change than added, changed and removed"] * bool({kind for (kind,) in kinds} - _KINDS)
    faults += [f"{strange} rows that are not in the release"] * bool(strange)
    return faults + [f"{told} removed rows that tell more than their key"] * bool(told)


def _key(table: PublishedTable) -> set[str]:
    """Return the columns that a removed row may tell: the groups of an aggregate, or the key when all of it is kept as it is."""
    if table.aggregate is not None:
        return set(table.aggregate.group_by)
    key = set(table.source.schema_.primaryKey)
    kept = {field.name for field in table.fields if field.treatment == "keep"}
    return key if key <= kept else set()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
