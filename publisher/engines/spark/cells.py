"""Aggregates by many: all rows of a group come to one task in the staged order, where the local engine's own query counts them.

A floating-point sum depends on the order of its summands; so it is the same to the last bit, and so is the median.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from publisher.anonymise.staging import measure_column, open_table, unit_column
from publisher.anonymise.tables.cells import Cells, cells_from, query_cells
from publisher.anonymise.tables.linked import Together, apart, ring
from publisher.anonymise.tables.protect import together_in
from publisher.engines.local import new_parquet
from publisher.engines.spark.arrow_bytes import cut, from_bytes
from publisher.engines.spark.tasks import Cluster, Emitted
from publisher.policy import AggregateTable
from publisher.published import PublishedTable
from publisher.validation.hashes import hash_rows


def count_cells_on_cluster(cluster: Cluster, published: PublishedTable, staged: Sequence[Path], *, rows: int) -> Cells:
    """Return the cells of an aggregated table and its margins in the order of its groups, as `count_cells` does."""
    aggregate = published.aggregate
    assert aggregate is not None  # noqa: S101  the caller passes aggregates
    names = _names(aggregate, published)
    by_grouping = []
    for by in aggregate.groupings:
        counted = cluster.shuffle(
            partial(_emit_rows, by, names, cluster.buckets_for(rows)), partial(_count, published, by), staged
        )
        if not counted:  # no row leaves
            counted = [_count(published, by, _nothing(staged[0], names))]
        by_grouping.append(pa.concat_tables(counted).combine_chunks())
    return cells_from(published, by_grouping)


def together_on_cluster(cluster: Cluster, tables: Sequence[Cells], staged: Sequence[Path]) -> Together:
    """Return what the rows say of fields that no table groups by together, as `together_in` does."""
    if not (apart(tables) or ring(tables)):
        return Together({})
    found = cluster.run(partial(_together, tables), staged)
    pairs = {pair: pa.concat_tables([one.pairs[pair] for one in found]) for pair in apart(tables)}
    joints = [one.joint for one in found if one.joint is not None]
    return Together(pairs, pa.concat_tables(joints) if joints else None)


def _together(tables: Sequence[Cells], file: Path) -> Together:
    with open_table(file) as connection:
        return together_in(connection, tables)


def _names(aggregate: AggregateTable, published: PublishedTable) -> list[str]:
    measured = sorted({measure_column(measure.field) for measure in aggregate.measures if measure.field})
    units = [unit_column(name) for name in published.source.privacy.unit_key]
    return [*aggregate.group_by, *units, *measured]


def _emit_rows(by: Sequence[str], names: list[str], buckets: int, file: Path) -> Emitted:
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(columns=names):
            if batch.num_rows:
                if not by:  # one total, so one task
                    yield from cut(batch, np.zeros(batch.num_rows, np.int64))
                    continue
                hashes = hash_rows([batch.column(name) for name in by])
                yield from cut(batch, (hashes % np.uint64(buckets)).astype(np.int64))


def _nothing(file: Path, names: list[str]) -> pa.Table:
    return pq.read_schema(file).empty_table().select(names)


def _count(published: PublishedTable, by: Sequence[str], rows: list[bytes] | pa.Table) -> pa.Table:
    table = rows if isinstance(rows, pa.Table) else from_bytes(rows)
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / "staged.parquet"
        with new_parquet(staged, table.schema) as writer:
            writer.write_table(table)
        with open_table(staged) as connection:
            return query_cells(connection, published, by)
