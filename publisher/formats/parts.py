"""A long series in pieces: one Parquet file for each year or month, beside the file of the whole table.

A piece whose rows did not change has the same bytes from release to release, so that who follows a series fetches the newest
piece only; for that reason its metadata does not name the release.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from publisher.definition import Partition
from publisher.errors import ReleaseRefused
from publisher.formats.parquet import parquet_sink
from publisher.formats.rows import column_to_text
from publisher.formats.sink import Sink
from publisher.published import PublishedTable

UNDATED = "undated"
_PERIODS = {"year": r"^(?P<period>[0-9]{4})(?:[^0-9]|$)", "month": r"^(?P<period>[0-9]{4}(?:-[0-9]{2})?)(?:[^0-9]|$)"}


def part_name(table: str, period: str) -> str:
    """Return the name of the file of one period, `2026`, `2026-11` or `undated`."""
    return f"{table}.{period}.parquet"


@contextmanager
def parquet_parts_sink(table: PublishedTable, partition: Partition, folder: Path) -> Iterator[Sink]:
    """Write a Parquet file for each period of the rows, which come in the order of the partition's field.

    Raises:
        StorageError: a file cannot be written.
        ReleaseRefused: the rows are not in the order of the field.
    """
    with ExitStack() as opened:
        yield _Parts(table, partition, folder, opened).put


class _Parts:
    """The piece that is open; the order of the rows closes it when the next period begins."""

    def __init__(self, table: PublishedTable, partition: Partition, folder: Path, opened: ExitStack) -> None:
        self._table = table
        self._partition = partition
        self._folder = folder
        self._opened = opened
        self._seen: list[str] = []
        self._sink: Sink | None = None

    def put(self, batch: pa.RecordBatch) -> None:
        runs = pc.run_end_encode(periods_of(batch.column(self._partition.field), self._partition.period))
        start = 0
        for period, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            self._of(period)(batch.slice(start, end - start))
            start = end

    def _of(self, period: str) -> Sink:
        if self._sink is not None and self._seen[-1] == period:
            return self._sink
        if period in self._seen:
            raise ReleaseRefused(
                f"The rows of table `{self._table.name}` are not in the order of `{self._partition.field}`.",
                step="write",
                cure="name the field of `partition_by` first in `sort_by`",
            )
        self._opened.close()
        self._seen.append(period)
        output = self._folder / part_name(self._table.name, period)
        self._sink = self._opened.enter_context(parquet_sink(self._table, output, release=None))
        return self._sink


def periods_of(column: pa.Array, period: str) -> pa.Array:
    """Return the period of each value, `2026`, `2026-11` or `undated`."""
    found = pc.extract_regex(column_to_text(column), _PERIODS[period])
    return pc.fill_null(pc.struct_field(found, "period"), UNDATED)
