"""Changed rows merged into a copy of a table by its key: same rows stay where they are, other ones go to the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

MEMORY = "512MB"


def merge(base: Path, changes: Path, key: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the copy that no change supersedes, then the changes that are none of its rows already.

    Both files have the same columns. Rows are compared by all their values; nulls and NaN are equal to themselves.
    When nothing changed, the copy comes out as it went in. Memory: the changes, and two flags a row.
    """
    superseded, known = _compared(base, changes, key)
    yield from _without(base, superseded)
    yield from _without(changes, known)


def _compared(base: Path, changes: Path, key: tuple[str, ...]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the row numbers of the copy that are superseded, and those of the changes that it has already."""
    columns = pq.read_schema(base).names
    by_key = " AND ".join(f"b.{_quoted(name)} IS NOT DISTINCT FROM c.{_quoted(name)}" for name in key)
    same = " AND ".join(f"b.{_quoted(name)} IS NOT DISTINCT FROM c.{_quoted(name)}" for name in columns)
    # Names are quoted, paths are parameters.
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 2, "temp_directory": str(changes.parent)}) as engine:
        engine.execute(
            "CREATE TEMP TABLE pairs AS SELECT b.file_row_number AS base_row, c.file_row_number AS change_row,"  # noqa: S608
            f" ({same}) AS same FROM read_parquet($base, file_row_number = true) b"
            f" JOIN read_parquet($changes, file_row_number = true) c ON {by_key}",
            {"base": str(base), "changes": str(changes)},
        )
        superseded = engine.sql("SELECT base_row FROM pairs GROUP BY 1 HAVING NOT bool_or(same)").fetchnumpy()
        known = engine.sql("SELECT change_row FROM pairs GROUP BY 1 HAVING bool_or(same)").fetchnumpy()
    return np.sort(superseded["base_row"]), np.sort(known["change_row"])


def _without(path: Path, left_out: npt.NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows but those with these numbers; at least one batch comes."""
    start = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            within = left_out[np.searchsorted(left_out, start) : np.searchsorted(left_out, start + batch.num_rows)]
            start += batch.num_rows
            if within.size:
                keep = np.ones(batch.num_rows, np.bool_)
                keep[within - (start - batch.num_rows)] = False
                batch = batch.filter(pa.array(keep))  # noqa: PLW2901
            yield batch.replace_schema_metadata(None)
        if start == 0:
            yield pa.RecordBatch.from_pylist([], file.schema_arrow.remove_metadata())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
