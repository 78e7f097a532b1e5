"""Whole tables as the files that lie between two steps of a run."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from publisher.engines.working_files import new_working_file, read_batches, schema_of


def write_working(table: pa.Table, path: Path, *, rows_per_batch: int | None = None) -> Path:
    """Write a table into a working file and return its path."""
    with new_working_file(path, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=rows_per_batch):
            writer.write_batch(batch)
    return path


def read_working(path: Path) -> pa.Table:
    """Return a working file as one table."""
    return pa.Table.from_batches(read_batches(path), schema_of(path))
