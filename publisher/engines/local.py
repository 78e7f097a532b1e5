"""How a step runs on one machine: one batch ahead of the writer, a Parquet file that is there whole or not at all."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from publisher.engines.working_files import new_file

Item = TypeVar("Item")


@contextmanager
def new_parquet(output: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Write a Parquet file, for speed without compression or dictionaries, that gets its name when the block ends well and vanishes otherwise.

    Raises:
        EnvironmentFault: the folder cannot be written, for instance because the disk is full.
    """
    with new_file(output) as part, pq.ParquetWriter(part, schema, compression="none", use_dictionary=False) as writer:
        yield writer


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
