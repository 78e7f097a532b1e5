"""Rows put into release order by many: cut by sampled bounds into buckets that follow each other, each sorted by one task."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.anonymise.staging import ORDER
from publisher.engines.local import new_parquet
from publisher.engines.spark.arrow_bytes import cut, from_bytes
from publisher.engines.spark.tasks import Cluster, Emitted
from publisher.published import PublishedTable

SAMPLES_FOR_ONE = 100
"""Rows of each staged file that are looked at for each bound."""


def put_in_order(
    cluster: Cluster, published: PublishedTable, staged: Sequence[Path], *, rows: int, folder: Path
) -> list[Path]:
    """Return files of the table's rows that, one after the other, are in release order; a bucket is sorted in memory.

    Nulls come last, and equal rows keep the staged order.
    """
    keys = [*published.sort_by, ORDER]
    buckets = cluster.buckets_for(rows)
    bounds = _bounds(cluster, staged, keys, buckets)
    ordered = cluster.shuffle(
        partial(_emit_rows, published, keys, bounds), partial(_write_sorted, published, keys, folder), staged
    )
    return ordered or [_write_nothing(published, folder)]


def _bounds(cluster: Cluster, staged: Sequence[Path], keys: list[str], buckets: int) -> pa.Table:
    samples = pa.concat_tables(cluster.run(partial(_sample, keys, SAMPLES_FOR_ONE * buckets), staged))
    samples = samples.take(_order(samples))
    places = [samples.num_rows * number // buckets for number in range(1, buckets)] if samples.num_rows else []
    return samples.take(pa.array(places, pa.int64()))


def _sample(keys: list[str], most: int, file: Path) -> pa.Table:
    rows = pq.read_table(file, columns=keys)
    step = max(1, rows.num_rows // most)
    return rows.take(pa.array(np.arange(0, rows.num_rows, step)))


def _order(rows: pa.Table) -> pa.Array:
    return pc.sort_indices(rows, sort_keys=[(name, "ascending", "at_end") for name in rows.schema.names])


def buckets_of(rows: pa.Table, bounds: pa.Table) -> npt.NDArray[np.int64]:
    """Return for each row the number of bounds that do not come after it; both tables hold the keys alone.

    A row that equals a bound may come out on either side; no two rows are equal, for the last key tells them apart.
    """
    places = _order(pa.concat_tables([bounds, rows])).to_numpy()
    is_bound = places < bounds.num_rows
    buckets = np.zeros(rows.num_rows, np.int64)
    buckets[places[~is_bound] - bounds.num_rows] = np.cumsum(is_bound)[~is_bound]
    return buckets


def _emit_rows(published: PublishedTable, keys: list[str], bounds: pa.Table, file: Path) -> Emitted:
    names = [*(field.name for field in published.fields), ORDER]
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(columns=names):
            rows = pa.Table.from_batches([batch]).select(keys).cast(bounds.schema)
            yield from cut(batch, buckets_of(rows, bounds))


def _write_sorted(published: PublishedTable, keys: list[str], folder: Path, bodies: list[bytes]) -> Path:
    rows = from_bytes(bodies)
    rows = rows.take(_order(rows.select(keys))).select(published.arrow_schema.names).cast(published.arrow_schema)
    return _write(rows, folder)


def _write_nothing(published: PublishedTable, folder: Path) -> Path:
    return _write(published.arrow_schema.empty_table(), folder)


def _write(rows: pa.Table, folder: Path) -> Path:
    file = folder / f"{uuid.uuid4().hex}.parquet"
    with new_parquet(file, rows.schema) as writer:
        writer.write_table(rows)
    return file
