"""Foreign keys: values of one table that must stand in another one, or elsewhere in the same.

As in Frictionless all rows of the other table count that have a readable value, whatever else is wrong with them; so no order of
tables matters, and tables may refer to each other. A row whose key is null throughout is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.definition import TableDefinition
from publisher.engines.local import new_parquet
from publisher.engines.working_files import Table, first_row_of, read_batches
from publisher.errors import DescriptorError
from publisher.table_schema import ForeignKey
from publisher.validation.columns import CheckedColumn, FieldCheck
from publisher.validation.hashes import hash_rows
from publisher.validation.judge import judges_of
from publisher.validation.keys import RowNumbers, open_duckdb
from publisher.validation.layouts import Mask
from publisher.validation.rows import Fault
from publisher.validation.stored import EXACT_DIGITS, digits_of

_LONGEST_EXACT = 10**EXACT_DIGITS
_WHOLE = (pa.int64(), pa.bool_())


@dataclass(frozen=True)
class Staged:
    """A table of the dataset with the working file or files of its rows as the source delivered them."""

    path: Path
    table: TableDefinition


@dataclass(frozen=True)
class Orphans:
    """The rows of a table, from 0 and ascending, whose foreign key is nowhere; the field is null for keys of several."""

    field: str | None
    rows: RowNumbers

    def faults(self, first_row: int, count: int) -> list[Fault]:
        """Return the orphans of one batch."""
        low, high = np.searchsorted(self.rows, [first_row, first_row + count])
        if low == high:
            return []
        mask = np.zeros(count, np.bool_)
        mask[self.rows[low:high] - first_row] = True
        return [Fault("foreign-key", self.field, mask)]


def find_orphans(
    staged: Staged, checks: Sequence[FieldCheck], *, others: Mapping[str, Staged], folder: Path
) -> list[Orphans]:
    """Return the orphans of each foreign key of a table.

    Reads the key columns of both tables once, and the table's own again where there are orphans. Memory is bounded but for 8
    bytes for each orphan and each different key without a match.

    Args:
        staged: the table.
        checks: of all its fields, exact for those of its keys.
        others: the dataset's tables by name.
        folder: an empty one for files of our own; the caller removes it.

    Raises:
        DescriptorError: the other table is not there.
        EnvironmentFault: the disk is full.
    """
    found = []
    for number, key in enumerate(staged.table.schema_.foreignKeys):
        place = folder / f"foreign{number}"
        place.mkdir()
        other = other_table(staged, key, others)
        rows = _find(Side.mine(staged.path, checks, key), Side.theirs(other.path, other.table, key), place)
        found.append(Orphans(key.fields[0] if len(key.fields) == 1 else None, rows))
    return found


def other_table(staged: Staged, key: ForeignKey, others: Mapping[str, Staged]) -> Staged:
    """Return the table that a foreign key refers to, which may be its own.

    Raises:
        DescriptorError: it is not there.
    """
    other = staged if key.reference.resource in {"", staged.table.name} else others.get(key.reference.resource)
    if other is None:
        raise DescriptorError(
            f"table {staged.table.name}: its foreign key needs the table {key.reference.resource}.",
            cure="define that table in the same dataset",
        )
    return other


@dataclass(frozen=True)
class Side:
    """One of the two tables: its rows and the checks of the key's fields."""

    path: Table
    checks: list[FieldCheck]

    @classmethod
    def mine(cls, path: Table, checks: Sequence[FieldCheck], key: ForeignKey) -> Side:
        """Return the table that has the key."""
        by_name = {check.definition.name: check for check in checks}
        return cls(path, [by_name[name] for name in key.fields])

    @classmethod
    def theirs(cls, path: Table, table: TableDefinition, key: ForeignKey) -> Side:
        """Return the table that the key refers to."""
        by_name = {judge.definition.name: judge for judge in judges_of(table)}
        return cls(path, [FieldCheck(by_name[name], is_key=True) for name in key.reference.fields])

    def columns(self) -> Iterator[tuple[int, list[CheckedColumn]]]:
        """Yield the key's columns batch by batch, with the number of the batch's first row."""
        names = list(dict.fromkeys(check.definition.name for check in self.checks))
        first_row = first_row_of(self.path)
        for batch in read_batches(self.path, columns=names):
            yield first_row, [check.check(batch.column(check.definition.name)) for check in self.checks]
            first_row += batch.num_rows


def common_kinds(mine: Side, theirs: Side) -> list[pa.DataType]:
    """Return the types that the fields of both sides are compared in."""
    return [_common_kind(a.kind, b.kind) for a, b in zip(mine.checks, theirs.checks, strict=True)]


def _find(mine: Side, theirs: Side, folder: Path) -> RowNumbers:
    kinds = common_kinds(mine, theirs)
    with open_duckdb(folder / "spill") as connection:
        for name, side in (("mine", mine), ("theirs", theirs)):
            _write_distinct(side, kinds, folder / f"{name}.parquet")
            connection.read_parquet(str(folder / f"{name}.parquet")).create_view(name)
        query = lost_query(kinds)
        reader = connection.sql(query).to_arrow_reader(65_536)
        hashes = [hash_rows(batch.columns) for batch in reader]
        if not hashes:
            return np.zeros(0, np.int64)
        connection.execute(f"CREATE TABLE lost AS {query}")
        write_suspects(mine, kinds, np.unique(np.concatenate(hashes)), folder / "suspects.parquet")
        connection.read_parquet(str(folder / "suspects.parquet")).create_view("suspects")
        return lost_rows(connection, kinds)


def lost_query(kinds: Sequence[pa.DataType]) -> str:
    """Return the query for the different keys of the view `mine` that are not in the view `theirs`."""
    names = _schema(kinds).names
    same = " AND ".join(f"mine.{name} IS NOT DISTINCT FROM theirs.{name}" for name in names)
    # the names are ours, nothing of the data enters the text of the query
    return f"SELECT DISTINCT {', '.join(names)} FROM mine WHERE NOT EXISTS (SELECT 1 FROM theirs WHERE {same})"  # noqa: S608


def lost_rows(connection: Any, kinds: Sequence[pa.DataType]) -> RowNumbers:
    """Return the numbers of the rows of the view `suspects` whose keys are in the view `lost`, ascending."""
    same = " AND ".join(f"suspects.{name} IS NOT DISTINCT FROM lost.{name}" for name in _schema(kinds).names)
    query = f"SELECT row FROM suspects WHERE EXISTS (SELECT 1 FROM lost WHERE {same}) ORDER BY row"  # noqa: S608
    rows: RowNumbers = np.asarray(connection.execute(query).fetchnumpy()["row"], np.int64)
    return rows


def distinct_keys(side: Side, kinds: Sequence[pa.DataType]) -> Iterator[pa.Table]:
    """Yield the keys of a table, each once a batch, without those that are null throughout."""
    schema = _schema(kinds)
    for _, columns in side.columns():
        arrays, present = _arrays(columns, kinds)
        keys = pa.Table.from_arrays(arrays, schema=schema).filter(pa.array(present))
        yield keys.group_by(schema.names, use_threads=False).aggregate([]).select(schema.names).cast(schema)


def _write_distinct(side: Side, kinds: Sequence[pa.DataType], output: Path) -> None:
    with new_parquet(output, _schema(kinds)) as writer:
        for keys in distinct_keys(side, kinds):
            writer.write_table(keys)


def write_suspects(side: Side, kinds: Sequence[pa.DataType], hashes: Any, output: Path) -> None:
    """Write the rows whose key has one of the hashes, each with its number, to a Parquet file."""
    schema = pa.schema([("row", pa.int64()), *_schema(kinds)])
    with new_parquet(output, schema) as writer:
        for first_row, columns in side.columns():
            arrays, present = _arrays(columns, kinds)
            places = np.flatnonzero(present & np.isin(hash_rows(arrays), hashes))
            taken = [array.take(pa.array(places)) for array in arrays]
            writer.write_batch(pa.RecordBatch.from_arrays([pa.array(places + first_row), *taken], schema=schema))


def _arrays(columns: Sequence[CheckedColumn], kinds: Sequence[pa.DataType]) -> tuple[list[pa.Array], Mask]:
    arrays: list[pa.Array] = []
    for column, kind in zip(columns, kinds, strict=True):
        identity = pa.nulls(len(column.values), pa.string()) if column.identity is None else column.identity
        if column.values.type in _WHOLE and kind == pa.float64():
            identity = _long_identities(column.values.cast(pa.int64()))
        arrays += [pc.cast(column.values, kind, safe=False), identity]
    valid = [column.values.is_valid().to_numpy(zero_copy_only=False) for column in columns]
    present: Mask = np.logical_or.reduce(valid)
    return arrays, present


def _long_identities(values: pa.Array) -> pa.Array:
    """Return what tells whole numbers apart that a float does not hold, as decimals are told apart."""
    numbers = pc.fill_null(values, 0).to_numpy()
    identities = np.full(len(numbers), None, object)
    for place in np.flatnonzero((numbers >= _LONGEST_EXACT) | (numbers <= -_LONGEST_EXACT)):
        identities[place] = digits_of(Decimal(int(numbers[place])))
    return pa.array(identities, pa.string())


def _common_kind(mine: pa.DataType, theirs: pa.DataType) -> pa.DataType:
    """Return the type that both sides are compared in; whole numbers are decimals where the other side has decimals."""
    if mine == theirs:
        return mine
    return pa.int64() if mine in _WHOLE and theirs in _WHOLE else pa.float64()


def _schema(kinds: Sequence[pa.DataType]) -> pa.Schema:
    pairs = [((f"value{i}", kind), (f"identity{i}", pa.string())) for i, kind in enumerate(kinds)]
    return pa.schema([field for pair in pairs for field in pair])
