"""Rows on their way through a scratch folder, as Arrow: for sources whose columns are known only at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from publisher.errors import DiskFull, EnvironmentFault, tells_of_full_disk
from publisher.sources.text import text_column, text_schema

WAITING_ROWS = 5_000
WAITING_LETTERS = 8 * 1024 * 1024


@dataclass
class ArrowFile:
    """A scratch file of Arrow streams, one behind the other, that together have these columns."""

    path: Path
    schema: pa.Schema
    notes: list[str] = field(default_factory=list)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows; a column that a stream lacks is null there."""
        end = self.path.stat().st_size
        with self.path.open("rb") as file:
            while file.tell() < end:
                with pa.ipc.open_stream(file) as reader:
                    for batch in reader:
                        yield self._completed(batch)

    def _completed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.schema.equals(self.schema):
            return batch
        own = set(batch.schema.names)
        columns = [batch[f.name] if f.name in own else pa.nulls(batch.num_rows, f.type) for f in self.schema]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


class RowSpool:
    """Writes rows of text under names that come up as they go; memory is bounded by the rows that wait.

    Raises DiskFull or another EnvironmentFault when they cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self._names: dict[str, None] = {}
        self._waiting: list[dict[str, str | None]] = []
        self._letters = 0
        self._path.write_bytes(b"")

    def add(self, row: dict[str, str | None]) -> None:
        """Take one row."""
        self._waiting.append(row)
        self._letters += sum(len(text) for text in row.values() if text)
        if len(self._waiting) >= WAITING_ROWS or self._letters >= WAITING_LETTERS:
            self._write_waiting()

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Take rows whose columns are text."""
        self._write_waiting()
        self._write(batch)

    def finished(self, first: Sequence[str] = ()) -> ArrowFile:
        """Write what waits and return the whole: these names first, where rows have them, then all others as they came up."""
        self._write_waiting()
        names = [name for name in first if name in self._names]
        return ArrowFile(self._path, text_schema(list(dict.fromkeys([*names, *self._names]))))

    def _write_waiting(self) -> None:
        names = list(dict.fromkeys(name for row in self._waiting for name in row))
        if names:
            columns = [text_column(name, [row.get(name) for row in self._waiting]) for name in names]
            self._write(pa.RecordBatch.from_arrays(columns, schema=text_schema(names)))
        self._waiting, self._letters = [], 0

    def _write(self, batch: pa.RecordBatch) -> None:
        self._names.update(dict.fromkeys(batch.schema.names))
        try:
            with self._path.open("ab") as file, pa.ipc.new_stream(file, batch.schema) as writer:
                writer.write_batch(batch)
        except OSError as error:
            kind = DiskFull if tells_of_full_disk(error) else EnvironmentFault
            raise kind(
                f"A scratch file cannot be written: {error.strerror}.", cure="make room on the disk, then run again"
            ) from None
