"""G1 for a series in pieces: the Parquet files of all periods, one after the other, hold the rows of the whole one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from publisher.disclosure.same.cells import differences, parquet_batches, wrong_parquet
from publisher.disclosure.same.parquet_bytes import wrong_bytes
from publisher.published import PublishedTable

_LENGTHS = {"year": 4, "month": 7}


def part_files(folder: Path, table: PublishedTable) -> list[str]:
    """Return the names of the pieces that a table has, in the order of its rows; none where it is not partitioned."""
    if table.partition is None:
        return []
    name, length = table.partition.field, _LENGTHS[table.partition.period]
    periods: dict[str, None] = {}
    with pq.ParquetFile(folder / f"{table.name}.parquet") as file:
        for batch in file.iter_batches(columns=[name]):
            periods |= dict.fromkeys(_period(value, length) for value in batch.column(name).unique().to_pylist())
    return [f"{table.name}.{period}.parquet" for period in periods]


def wrong_parts(folder: Path, table: PublishedTable) -> list[str]:
    """Compare the pieces with the whole file: columns, metadata and every cell, null and empty text apart."""
    names = part_files(folder, table)
    if not names:
        return []
    faults = [fault for name in names for fault in wrong_parquet(folder / name, table) + wrong_bytes(folder / name)]
    if any(b"phusa.release" in (pq.read_metadata(folder / name).metadata or {}) for name in names):
        faults.append("a piece names a release")
    pieces: Iterator[pa.RecordBatch] = chain.from_iterable(parquet_batches(folder / name) for name in names)
    whole = parquet_batches(folder / f"{table.name}.parquet")
    return faults or differences(pieces, whole, lambda column, _: column, tells_empty=True)


def _period(value: object, length: int) -> str:
    text = "" if value is None else str(value)
    for size in (length, 4):
        digits = text[:size].replace("-", "", 1) if size > 4 else text[:size]
        ends = not text[size : size + 1].isdigit()
        if ends and len(text[:size]) == size and digits.isdecimal() and digits.isascii():
            return text[:size]
    return "undated"
