"""Uniqueness over the whole table: keys go to a file, DuckDB finds the repeats and spills when memory is short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from publisher.engines.local import map_batches
from publisher.errors import EnvironmentFault
from publisher.validation.columns import CheckedColumn, FieldCheck

RowNumbers = npt.NDArray[np.int64]
_MEMORY = "192MB"


@dataclass(frozen=True)
class Key:
    """Fields whose values must not come twice: of a `unique` field, or of the primary key when `field` is null."""

    fields: tuple[str, ...]
    field: str | None = None

    @property
    def error_type(self) -> str:
        """Frictionless' name of the rule."""
        return "primary-key" if self.field is None else "unique-error"


def find_repeats(
    staged: Path, checks: Sequence[FieldCheck], keys: Sequence[Key], *, folder: Path
) -> dict[Key, RowNumbers]:
    """Return for each key the rows, counted from 0 and ascending, that repeat the key of an earlier row.

    As in Frictionless all rows take part that have a readable value, whatever else is wrong with them; values count, not
    their texts. A null in a unique field is free; in a primary key nulls equal each other unless all are null. Reads the key
    columns of the whole file once; memory is bounded but for 8 bytes for each repeating row.

    Args:
        staged: Parquet with one column for each field.
        checks: of all fields.
        keys: what must be unique.
        folder: an empty one for files of our own; the caller removes it.

    Raises:
        EnvironmentFault: the disk is full.
    """
    names = {name for key in keys for name in key.fields}
    members = [check for check in checks if check.definition.name in names]
    if not members:
        return {}
    path = folder / "keys.parquet"
    columns = [check.definition.name for check in members]
    map_batches(staged, _key_batches(members), path, schema=_key_schema(members), columns=columns)
    with _duckdb(folder / "spill") as connection:
        connection.read_parquet(str(path), file_row_number=True).create_view("keys")
        places = {name: place for place, name in enumerate(columns)}
        return {key: _repeats(connection, [places[name] for name in key.fields]) for key in keys}


def _key_batches(members: Sequence[FieldCheck]) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    schema = _key_schema(members)

    def keys_of(batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays: list[pa.Array] = []
        for check in members:
            checked = check.check(batch.column(check.definition.name))
            arrays += [checked.values, _identity_of(checked)]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    return keys_of


def _identity_of(checked: CheckedColumn) -> pa.Array:
    return pa.nulls(len(checked.values), pa.string()) if checked.identity is None else checked.identity


def _key_schema(members: Sequence[FieldCheck]) -> pa.Schema:
    pairs = [((f"value{i}", check.kind), (f"identity{i}", pa.string())) for i, check in enumerate(members)]
    return pa.schema([field for pair in pairs for field in pair])


@contextmanager
def _duckdb(spill: Path) -> Iterator[Any]:
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(spill),
        "preserve_insertion_order": "false",
        "threads": "2",
    }
    try:
        with duckdb.connect(":memory:", config=settings) as connection:
            connection.execute("SET enable_progress_bar = false")
            yield connection
    except duckdb.Error as error:
        raise EnvironmentFault(
            f"the search for repeated keys failed ({type(error).__name__}).",
            cure="look at free space of the working folder",
        ) from error


def _repeats(connection: Any, places: Sequence[int]) -> RowNumbers:
    """Look at 8-byte hashes of all keys first, and at the keys themselves only where hashes meet."""
    columns = ", ".join(f"value{place}, identity{place}" for place in places)
    present = " OR ".join(f"value{place} IS NOT NULL" for place in places)
    # the names above are ours, nothing of the data enters the text of the query
    found = connection.execute(
        f"""
        WITH meeting AS (SELECT hash({columns}) AS h FROM keys WHERE {present} GROUP BY h HAVING count(*) > 1),
        suspects AS (SELECT file_row_number AS row, {columns} FROM keys
                     WHERE ({present}) AND hash({columns}) IN (SELECT h FROM meeting)),
        counted AS (SELECT row, row_number() OVER (PARTITION BY {columns} ORDER BY row) AS n FROM suspects)
        SELECT row FROM counted WHERE n > 1 ORDER BY row
        """  # noqa: S608
    ).fetchnumpy()["row"]
    rows: RowNumbers = np.asarray(found, np.int64)
    return rows
