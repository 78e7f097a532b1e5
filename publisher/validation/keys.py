"""Uniqueness over the whole table: hashes of keys show the suspects, the keys of these alone are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from publisher.engines.local import new_parquet
from publisher.engines.working_files import Table, first_row_of, read_batches
from publisher.errors import DiskFull, EnvironmentFault, tells_of_full_disk
from publisher.validation.columns import CheckedColumn, FieldCheck
from publisher.validation.hashes import MAX_HELD, Hashes, RepeatedHashes, hash_rows

RowNumbers = npt.NDArray[np.int64]
_MEMORY = "192MB"


@dataclass(frozen=True)
class Key:
    """Fields whose values must not come twice: of a `unique` field, or of the primary key when `field` is null.

    With `frees_nulls` (`uniqueKeys`) a row is free when one of its fields is null, otherwise when all are.
    """

    fields: tuple[str, ...]
    field: str | None = None
    frees_nulls: bool = False

    @property
    def error_type(self) -> str:
        """Frictionless' name of the rule."""
        return "primary-key" if self.is_primary else "unique-error"

    @property
    def is_primary(self) -> bool:
        """Whether rows whose key is null throughout are errors too."""
        return self.field is None and not self.frees_nulls


def find_repeats(
    staged: Path, checks: Sequence[FieldCheck], keys: Sequence[Key], *, folder: Path
) -> dict[Key, RowNumbers]:
    """Return for each key the rows, counted from 0 and ascending, that repeat the key of an earlier row.

    As in Frictionless all rows take part that have a readable value, whatever else is wrong with them; values count, not
    their texts. A null in a unique field is free; in a primary key nulls equal each other unless all are null. Reads the key
    columns of the whole file once, and again when there are suspects; memory is bounded but for 8 bytes for each repeating row.

    Args:
        staged: a working file with one column for each field.
        checks: of all fields.
        keys: what must be unique.
        folder: an empty one for files of our own; the caller removes it.

    Raises:
        EnvironmentFault: the disk is full.
    """
    by_name = {check.definition.name: check for check in checks}
    repeats = {}
    suspected = _suspected(staged, by_name, keys, folder=folder)
    for key in keys:
        hashes = suspected[key]
        repeats[key] = _compare(staged, by_name, key, hashes, folder=folder) if len(hashes) else np.zeros(0, np.int64)
    return repeats


def _suspected(
    staged: Path, checks: Mapping[str, FieldCheck], keys: Sequence[Key], *, folder: Path
) -> dict[Key, Hashes]:
    """Return the hashes that come more than once."""
    seen = {}
    for number, key in enumerate(keys):
        runs = folder / f"hashes{number}"
        runs.mkdir()
        seen[key] = RepeatedHashes(runs, max_held=MAX_HELD // len(keys))
    for _, columns in key_columns(staged, checks, list(dict.fromkeys(name for key in keys for name in key.fields))):
        for key, hashes in seen.items():
            members = [columns[name] for name in key.fields]
            hashes.add(hashes_of(members)[present_in(members, key)])
    return {key: hashes.found() for key, hashes in seen.items()}


def key_columns(
    staged: Table, checks: Mapping[str, FieldCheck], names: Sequence[str]
) -> Iterator[tuple[int, dict[str, CheckedColumn]]]:
    """Yield the checked columns batch by batch, with the number of the batch's first row."""
    first_row = first_row_of(staged)
    for batch in read_batches(staged, columns=names) if names else ():
        yield first_row, {name: checks[name].check(batch.column(name)) for name in names}
        first_row += batch.num_rows


def hashes_of(members: Sequence[CheckedColumn]) -> Hashes:
    """Return one hash for each row of a key; equal keys have equal hashes."""
    hashes = hash_rows([column.values for column in members])
    for identity in (column.identity for column in members if column.identity is not None):
        told = identity.is_valid().to_numpy(zero_copy_only=False)
        hashes[told] ^= hash_rows([identity])[told]
    return hashes


def present_in(members: Sequence[CheckedColumn], key: Key) -> npt.NDArray[np.bool_]:
    """Return the rows that take part in a key."""
    valid = [column.values.is_valid().to_numpy(zero_copy_only=False) for column in members]
    present: npt.NDArray[np.bool_] = (np.logical_and if key.frees_nulls else np.logical_or).reduce(valid)
    return present


def _compare(
    staged: Path, checks: Mapping[str, FieldCheck], key: Key, suspected: Hashes, *, folder: Path
) -> RowNumbers:
    """Return the rows that repeat a key, told by the keys themselves."""
    schema = suspects_schema(checks, key)
    path = folder / f"suspects{key.field or ''}.parquet"
    with new_parquet(path, schema) as writer:
        for batch, _ in suspects(staged, checks, key, suspected):
            writer.write_batch(batch)
    with open_duckdb(folder / "spill") as connection:
        connection.read_parquet(str(path)).create_view("suspects")
        return repeats_among(connection, schema.names[1:])


def suspects_schema(checks: Mapping[str, FieldCheck], key: Key) -> pa.Schema:
    """Return the schema of suspects: the row's number, then the value and the identity of each field of the key."""
    pairs = [((f"value{i}", checks[name].kind), (f"identity{i}", pa.string())) for i, name in enumerate(key.fields)]
    return pa.schema([("row", pa.int64()), *(field for pair in pairs for field in pair)])


def suspects(
    staged: Table, checks: Mapping[str, FieldCheck], key: Key, suspected: Hashes
) -> Iterator[tuple[pa.RecordBatch, Hashes]]:
    """Yield the rows whose key has one of the hashes, batch by batch, with the hash of each."""
    schema = suspects_schema(checks, key)
    for first_row, columns in key_columns(staged, checks, key.fields):
        members = [columns[name] for name in key.fields]
        hashes = hashes_of(members)
        found = np.flatnonzero(present_in(members, key) & np.isin(hashes, suspected))
        arrays = [array for column in members for array in (column.values, _identity_of(column))]
        rows = [pa.array(found + first_row), *(array.take(pa.array(found)) for array in arrays)]
        yield pa.RecordBatch.from_arrays(rows, schema=schema), hashes[found]


def _identity_of(checked: CheckedColumn) -> pa.Array:
    return pa.nulls(len(checked.values), pa.string()) if checked.identity is None else checked.identity


@contextmanager
def open_duckdb(spill: Path) -> Iterator[Any]:
    """Open a query engine in bounded memory that spills to a folder.

    Raises:
        DiskFull: there is no space left to spill to.
        EnvironmentFault: a query failed otherwise.
    """
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
        if tells_of_full_disk(error):
            raise DiskFull(
                "There is no space left for the search for repeated keys.",
                cure="free space on the disk of the working folder, then run again",
            ) from None
        raise EnvironmentFault(
            f"the search for repeated keys failed ({type(error).__name__}).",
            cure="look at free space of the working folder",
        ) from error


def repeats_among(connection: Any, names: Sequence[str]) -> RowNumbers:
    """Return the numbers of the rows of the view `suspects` whose named columns repeat those of an earlier row."""
    columns = ", ".join(names)
    # the names above are ours, nothing of the data enters the text of the query
    found = connection.execute(
        f"""
        WITH counted AS (SELECT row, row_number() OVER (PARTITION BY {columns} ORDER BY row) AS n FROM suspects)
        SELECT row FROM counted WHERE n > 1 ORDER BY row
        """  # noqa: S608
    ).fetchnumpy()["row"]
    rows: RowNumbers = np.asarray(found, np.int64)
    return rows
