"""Rows that repeat a key, and foreign keys without a match: hashes are gathered by value, then the suspects themselves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from publisher.definition import TableDefinition
from publisher.engines.spark.arrow_bytes import cut, from_bytes
from publisher.engines.spark.tasks import Cluster, Emitted
from publisher.engines.working_files import Stretch, stretches_of
from publisher.table_schema import ForeignKey
from publisher.validation.checks.duplicates import row_texts, suspected_rows
from publisher.validation.columns import FieldCheck
from publisher.validation.foreign_keys import (
    Orphans,
    Side,
    Staged,
    common_kinds,
    distinct_keys,
    lost_query,
    lost_rows,
    other_table,
    write_suspects,
)
from publisher.validation.hashes import Hashes, hash_rows
from publisher.validation.keys import (
    Key,
    RowNumbers,
    hashes_of,
    key_columns,
    open_duckdb,
    present_in,
    repeats_among,
    suspects,
)
from publisher.validation.table import prepare_checks

Suspects = Iterator[tuple[pa.RecordBatch, Hashes]]
Hashing = Callable[[Stretch, TableDefinition], Iterator[Hashes]]
Suspecting = Callable[[Hashes, Stretch, TableDefinition], Suspects]


def find_repeats_on_cluster(
    cluster: Cluster, stretches: Sequence[Stretch], table: TableDefinition, keys: Sequence[Key]
) -> dict[Key, RowNumbers]:
    """Return for each key the rows that repeat the key of an earlier row, as `find_repeats` does."""
    return {
        key: _repeating(cluster, stretches, table, partial(_key_hashes, key), partial(_key_suspects, key))
        for key in keys
    }


def find_duplicates_on_cluster(cluster: Cluster, stretches: Sequence[Stretch], table: TableDefinition) -> RowNumbers:
    """Return the rows that repeat an earlier row, as `find_duplicates` does."""
    return _repeating(cluster, stretches, table, _row_hashes, _row_suspects)


def _repeating(
    cluster: Cluster, stretches: Sequence[Stretch], table: TableDefinition, hashing: Hashing, suspecting: Suspecting
) -> RowNumbers:
    buckets = cluster.buckets_for(sum(stretch.rows for stretch in stretches))
    repeated = cluster.shuffle(partial(_emit_hashes, table, hashing, buckets), _repeated_hashes, stretches)
    suspected = np.unique(np.concatenate([np.zeros(0, np.uint64), *repeated]))
    if not len(suspected):
        return np.zeros(0, np.int64)
    found = cluster.shuffle(
        partial(_emit_suspects, table, partial(suspecting, suspected), buckets), _repeats_among, stretches
    )
    return np.sort(np.concatenate([np.zeros(0, np.int64), *found]))


def _emit_hashes(table: TableDefinition, hashing: Hashing, buckets: int, stretch: Stretch) -> Emitted:
    hashes = np.concatenate([np.zeros(0, np.uint64), *hashing(stretch, table)])
    places = hashes % np.uint64(buckets)
    for bucket in range(buckets):
        yield bucket, hashes[places == bucket].tobytes()


def _repeated_hashes(bodies: list[bytes]) -> Hashes:
    hashes, counts = np.unique(np.frombuffer(b"".join(bodies), np.uint64), return_counts=True)
    return hashes[counts > 1]


def _emit_suspects(
    table: TableDefinition, suspecting: Callable[[Stretch, TableDefinition], Suspects], buckets: int, stretch: Stretch
) -> Emitted:
    for batch, hashes in suspecting(stretch, table):
        yield from cut(batch, (hashes % np.uint64(buckets)).astype(np.int64))


def _repeats_among(bodies: list[bytes]) -> RowNumbers:
    rows = from_bytes(bodies)
    with tempfile.TemporaryDirectory() as folder, open_duckdb(Path(folder) / "spill") as connection:
        connection.register("suspects", rows)
        return repeats_among(connection, rows.schema.names[1:])


def _checks_of(table: TableDefinition) -> dict[str, FieldCheck]:
    return {check.definition.name: check for check in prepare_checks(table)[0]}


def _key_hashes(key: Key, stretch: Stretch, table: TableDefinition) -> Iterator[Hashes]:
    for _, columns in key_columns(stretch, _checks_of(table), key.fields):
        members = [columns[name] for name in key.fields]
        yield hashes_of(members)[present_in(members, key)]


def _key_suspects(key: Key, suspected: Hashes, stretch: Stretch, table: TableDefinition) -> Suspects:
    return suspects(stretch, _checks_of(table), key, suspected)


def _row_hashes(stretch: Stretch, table: TableDefinition) -> Iterator[Hashes]:
    for _, texts in row_texts(stretch, prepare_checks(table)[0]):
        yield hash_rows([texts])


def _row_suspects(suspected: Hashes, stretch: Stretch, table: TableDefinition) -> Suspects:
    return suspected_rows(stretch, prepare_checks(table)[0], suspected)


def find_orphans_on_cluster(cluster: Cluster, staged: Staged, *, others: Mapping[str, Staged]) -> list[Orphans]:
    """Return the orphans of each foreign key, as `find_orphans` does.

    Raises:
        DescriptorError: the other table is not there.
    """
    return [
        Orphans(
            key.fields[0] if len(key.fields) == 1 else None,
            _orphans_of(cluster, staged, key, other_table(staged, key, others)),
        )
        for key in staged.table.schema_.foreignKeys
    ]


def _orphans_of(cluster: Cluster, staged: Staged, key: ForeignKey, other: Staged) -> RowNumbers:
    mine = stretches_of(staged.path, rows=cluster.rows_for_one)
    both = [("mine", one) for one in mine] + [
        ("theirs", one) for one in stretches_of(other.path, rows=cluster.rows_for_one)
    ]
    buckets = cluster.buckets_for(sum(one.rows for one in mine))
    pair = _Pair(staged.table, other.table, key)
    lost = [keys for keys in cluster.shuffle(partial(pair.emit, buckets), pair.lost, both) if keys.num_rows]
    if not lost:
        return np.zeros(0, np.int64)
    return np.concatenate(cluster.run(partial(pair.rows, pa.concat_tables(lost)), mine))


class _Pair:
    """A foreign key between two tables, as tasks look at it."""

    def __init__(self, mine: TableDefinition, theirs: TableDefinition, key: ForeignKey) -> None:
        self._mine, self._theirs, self._key = mine, theirs, key

    def emit(self, buckets: int, item: tuple[str, Stretch]) -> Emitted:
        """Yield the different keys of a stretch of either table."""
        whose, stretch = item
        mine, theirs = self._sides(stretch)
        kinds = common_kinds(mine, theirs)
        for keys in distinct_keys(mine if whose == "mine" else theirs, kinds):
            hashes = hash_rows([column.combine_chunks() for column in keys.columns]) if keys.num_rows else None
            if hashes is not None:
                marked = keys.append_column("whose", pa.repeat(pa.scalar(whose), keys.num_rows))
                places = (hashes % np.uint64(buckets)).astype(np.int64)
                yield from cut(marked.combine_chunks().to_batches()[0], places)

    def lost(self, bodies: list[bytes]) -> pa.Table:
        """Return the keys of a bucket that only the first table has."""
        keys = from_bytes(bodies)
        kinds = common_kinds(*self._sides(None))
        with tempfile.TemporaryDirectory() as folder, open_duckdb(Path(folder) / "spill") as connection:
            for whose in ("mine", "theirs"):
                of_one = keys.filter(pa.compute.equal(keys["whose"], whose)).drop_columns(["whose"])
                connection.register(whose, of_one)
            return connection.sql(lost_query(kinds)).to_arrow_table().cast(keys.drop_columns(["whose"]).schema)

    def rows(self, lost: pa.Table, stretch: Stretch) -> RowNumbers:
        """Return the rows of a stretch whose key is lost."""
        mine, theirs = self._sides(stretch)
        kinds = common_kinds(mine, theirs)
        hashes = np.unique(hash_rows([column.combine_chunks() for column in lost.columns]))
        with tempfile.TemporaryDirectory() as folder, open_duckdb(Path(folder) / "spill") as connection:
            path = Path(folder) / "suspects.parquet"
            write_suspects(mine, kinds, hashes, path)
            connection.register("lost", lost)
            connection.register("suspects", pq.read_table(path))
            return lost_rows(connection, kinds)

    def _sides(self, stretch: Stretch | None) -> tuple[Side, Side]:
        place = stretch or Stretch(Path(), 0, 0, 0, 0)
        mine = Side.mine(place, list(_checks_of(self._mine).values()), self._key)
        return mine, Side.theirs(place, self._theirs, self._key)
