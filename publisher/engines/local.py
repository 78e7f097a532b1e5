"""Where batch functions run on one machine: a Parquet file in, a Parquet file out, memory bounded by the batch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from publisher.errors import EnvironmentFault

Item = TypeVar("Item")
MAX_BATCH_ROWS = 65_536
MAX_BATCH_CELLS = 1_000_000
MAX_BATCH_BYTES = 32 << 20
_READ_BUFFER_BYTES = 1 << 20
_COMPRESSION_LEVEL = 1  # between two steps of a run speed counts, not size


def map_batches(
    source: Path,
    function: Callable[[pa.RecordBatch], pa.RecordBatch],
    output: Path,
    *,
    schema: pa.Schema,
    columns: Sequence[str] | None = None,
    ahead: bool = True,
) -> int:
    """Stream a Parquet file through a pure batch function into another one; return the rows written.

    Args:
        source: read in its own order, only `columns` when given.
        function: gets each batch once, in order, never two at a time.
        output: appears only when everything went well.
        schema: of what the function returns; nothing is cast.
        columns: names to read; all when null.
        ahead: read and map the next batch in one worker thread while this one is written.

    Raises:
        EnvironmentFault: a file cannot be read or written.
    """
    batches = (function(batch) for batch in read_batches(source, columns=columns))
    rows = 0
    with new_parquet(output, schema) as writer, closing(one_ahead(batches) if ahead else batches) as mapped:
        for batch in mapped:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def read_batches(
    source: Path, *, columns: Sequence[str] | None = None, dictionaries: Sequence[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in order, in batches that hold few cells and few bytes.

    Args:
        source: a Parquet file.
        columns: names to read; all when null.
        dictionaries: columns to deliver dictionary-encoded; worth it where few values repeat often.
    """
    with (
        working_file(source),
        pq.ParquetFile(
            source, read_dictionary=list(dictionaries), pre_buffer=False, buffer_size=_READ_BUFFER_BYTES
        ) as file,
    ):
        rows = batch_rows(file.metadata)
        yield from file.iter_batches(batch_size=rows, columns=None if columns is None else list(columns))


@contextmanager
def working_file(path: Path) -> Iterator[None]:
    """Translate what goes wrong with a working file or folder in this block.

    Raises:
        EnvironmentFault: naming the file, never its content.
    """
    try:
        yield
    except (OSError, pa.ArrowInvalid) as error:
        what = getattr(error, "strerror", None) or type(error).__name__
        raise EnvironmentFault(
            f"the working file {path.name} cannot be read or written ({what}).",
            cure="look at free space and rights of the working folder; the run can be repeated",
        ) from None  # Arrow's own message may quote a value


def batch_rows(metadata: pq.FileMetaData) -> int:
    """Return how many rows a batch of this file may have, by its columns and its average row."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    row_bytes = sum(group.total_byte_size for group in groups) // max(1, metadata.num_rows)
    by_cells = MAX_BATCH_CELLS // max(1, metadata.num_columns)
    by_bytes = MAX_BATCH_BYTES // max(1, row_bytes)
    return int(max(16, min(MAX_BATCH_ROWS, by_cells, by_bytes)))


@contextmanager
def new_parquet(output: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Write a Parquet file (zstd) that gets its name when the block ends well and vanishes otherwise.

    Raises:
        EnvironmentFault: the folder cannot be written, for instance because the disk is full.
    """
    part = output.with_name(output.name + ".part")
    with working_file(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            with pq.ParquetWriter(part, schema, compression="zstd", compression_level=_COMPRESSION_LEVEL) as writer:
                yield writer
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)


def one_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield the items while one worker thread already makes the next one; at most two are alive."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batch") as worker:
        upcoming = worker.submit(_next, items)
        while got := upcoming.result():
            upcoming = worker.submit(_next, items)
            yield got[0]


def _next(items: Iterator[Item]) -> tuple[Item] | None:
    for item in items:
        return (item,)
    return None
