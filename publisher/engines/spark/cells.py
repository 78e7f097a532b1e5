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
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.anonymise.staging import measure_column, open_table, unit_column
from publisher.anonymise.tables.cells import Cells, hide_small, query_cells
from publisher.engines.local import new_parquet
from publisher.engines.spark.arrow_bytes import cut, from_bytes
from publisher.engines.spark.tasks import Cluster, Emitted
from publisher.policy import AggregateTable
from publisher.published import PublishedTable
from publisher.validation.hashes import hash_rows


def count_cells_on_cluster(cluster: Cluster, published: PublishedTable, staged: Sequence[Path], *, rows: int) -> Cells:
    """Return the cells of an aggregated table in the order of its groups, small ones hidden, as `count_cells` does."""
    aggregate = published.aggregate
    assert aggregate is not None  # noqa: S101  the caller passes aggregates
    names = _names(aggregate, published)
    counted = cluster.shuffle(
        partial(_emit_rows, aggregate, names, cluster.buckets_for(rows)), partial(_count, published), staged
    )
    if not counted:  # no row leaves
        counted = [_count(published, _nothing(staged[0], names))]
    groups = [(name, "ascending", "at_end") for name in aggregate.group_by]
    values = pa.concat_tables(counted).combine_chunks()
    return hide_small(published, values.take(pc.sort_indices(values, sort_keys=groups)))


def _names(aggregate: AggregateTable, published: PublishedTable) -> list[str]:
    measured = sorted({measure_column(measure.field) for measure in aggregate.measures if measure.field})
    units = [unit_column(name) for name in published.source.privacy.unit_key]
    return [*aggregate.group_by, *units, *measured]


def _emit_rows(aggregate: AggregateTable, names: list[str], buckets: int, file: Path) -> Emitted:
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(columns=names):
            if batch.num_rows:
                hashes = hash_rows([batch.column(name) for name in aggregate.group_by])
                yield from cut(batch, (hashes % np.uint64(buckets)).astype(np.int64))


def _nothing(file: Path, names: list[str]) -> pa.Table:
    return pq.read_schema(file).empty_table().select(names)


def _count(published: PublishedTable, rows: list[bytes] | pa.Table) -> pa.Table:
    table = rows if isinstance(rows, pa.Table) else from_bytes(rows)
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / "staged.parquet"
        with new_parquet(staged, table.schema) as writer:
            writer.write_table(table)
        with open_table(staged) as connection:
            return query_cells(connection, published)
