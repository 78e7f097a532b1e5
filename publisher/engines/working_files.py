"""Files between two steps of one run: Arrow record batches, uncompressed, read back at the speed of the disk.

They lie in a run's working folder and never leave it. A batch holds few cells and few bytes whatever the table is like, so
whoever reads one batch at a time is bounded in memory. A table that was made in pieces is a folder of such files with a list of
their order (`write_order`); it is read like one file. A `Stretch` is what one of many readers reads of a table.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import DiskFull, EnvironmentFault, tells_of_full_disk

MAX_BATCH_ROWS = 65_536
MAX_BATCH_CELLS = 1_000_000
MAX_BATCH_BYTES = 32 << 20

_ORDER = "order.json"


@dataclass(frozen=True)
class Stretch:
    """Some batches, from `start` to before `stop`, of one working file; `first_row` is the number in the table, from 0, of their first row."""

    file: Path
    start: int
    stop: int
    first_row: int
    rows: int


Table = Path | Stretch
"""A working file, a folder of several, or a stretch."""


@contextmanager
def working_file(path: Path) -> Iterator[None]:
    """Translate what goes wrong with a working file or folder in this block.

    Raises:
        DiskFull: there is no space left for it.
        EnvironmentFault: anything else, naming the file, never its content.
    """
    try:
        yield
    except (OSError, pa.ArrowInvalid) as error:
        if tells_of_full_disk(error):
            raise DiskFull(
                f"There is no space left for the working file {path.name}.",
                cure="free space on this machine's disk, then run again",
            ) from None
        what = getattr(error, "strerror", None) or type(error).__name__
        raise EnvironmentFault(
            f"the working file {path.name} cannot be read or written ({what}).",
            cure="look at free space and rights of the working folder; the run can be repeated",
        ) from None  # Arrow's own message may quote a value


@contextmanager
def new_file(output: Path) -> Iterator[Path]:
    """Give the path to write to; it becomes `output` when the block ends well and vanishes otherwise.

    Raises:
        EnvironmentFault: the folder cannot be written, for instance because the disk is full.
    """
    part = output.with_name(output.name + ".part")
    with working_file(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def new_working_file(output: Path, schema: pa.Schema) -> Iterator[pa.RecordBatchFileWriter]:
    """Write record batches of one schema into a file that gets its name when the block ends well and vanishes otherwise.

    Raises:
        EnvironmentFault: the folder cannot be written, for instance because the disk is full.
    """
    with new_file(output) as part, pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        yield writer


def read_batches(table: Table, *, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a table as they were written.

    Args:
        table: its working file or files, or a stretch of it.
        columns: names to read, in this order; all when null. The others are not read at all.

    Raises:
        EnvironmentFault: the file cannot be read.
    """
    for path in _files_of(table):
        with working_file(path), pa.OSFile(str(path)) as file:
            names = pa.ipc.open_file(file).schema.names
            wanted = None if columns is None else sorted(names.index(name) for name in columns)
            reader = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=wanted))
            numbers = range(reader.num_record_batches)
            for number in numbers[table.start : table.stop] if isinstance(table, Stretch) else numbers:
                batch = reader.get_batch(number)
                yield batch if columns is None else batch.select(list(columns))


def schema_of(table: Table) -> pa.Schema:
    """Return the schema of a table.

    Raises:
        EnvironmentFault: the file cannot be read.
    """
    path = _files_of(table)[0]
    with working_file(path), pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).schema


def first_row_of(table: Table) -> int:
    """Return the number, from 0, of the first row that is read."""
    return table.first_row if isinstance(table, Stretch) else 0


def write_order(folder: Path, files: Sequence[Path]) -> None:
    """Make the folder one table of the working files that lie in it, at least one, in this order.

    Raises:
        EnvironmentFault: the folder cannot be written.
    """
    with working_file(folder):
        part = folder / f"{_ORDER}.part"
        part.write_text(json.dumps([file.name for file in files]), encoding="utf-8")
        part.replace(folder / _ORDER)


def stretches_of(path: Path, *, rows: int) -> list[Stretch]:
    """Cut a table into stretches of about so many rows, in order; at least one, which may be empty.

    Raises:
        EnvironmentFault: a file cannot be read.
    """
    found: list[Stretch] = []
    first_row = 0
    for file in _files_of(path):
        start = held = 0
        with working_file(file), pa.memory_map(str(file)) as mapped:
            reader = pa.ipc.open_file(mapped)
            for number in range(reader.num_record_batches):
                held += reader.get_batch(number).num_rows
                if held >= rows or number + 1 == reader.num_record_batches:
                    found.append(Stretch(file, start, number + 1, first_row, held))
                    start, first_row, held = number + 1, first_row + held, 0
    return found or [Stretch(_files_of(path)[0], 0, 0, 0, 0)]


def remove_table(path: Path) -> None:
    """Delete a table's working file or files; nothing happens when there are none."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)


def _files_of(table: Table) -> list[Path]:
    if isinstance(table, Stretch):
        return [table.file]
    if not table.is_dir():
        return [table]
    with working_file(table):
        return [table / name for name in json.loads((table / _ORDER).read_text(encoding="utf-8"))]


def sized_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join small batches and cut large ones, so that each holds few rows, cells and bytes and none is needlessly small.

    Memory is bounded by one batch that comes and one that goes; a row larger than the bound is a batch of its own.
    """
    waiting: list[pa.RecordBatch] = []
    room = (0, 0)
    for batch in batches:
        for part in _parts(batch):
            size = (part.num_rows, part.nbytes)
            if waiting and (size[0] > room[0] or size[1] > room[1]):
                yield _joined(waiting)
                waiting = []
            if not waiting:
                room = (_most_rows(part), MAX_BATCH_BYTES)
            waiting.append(part)
            room = (room[0] - size[0], room[1] - size[1])
    if any(batch.num_rows for batch in waiting):
        yield _joined(waiting)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _most_rows(batch: pa.RecordBatch) -> int:
    cells_allow = MAX_BATCH_CELLS // max(1, int(batch.num_columns))
    return max(1, min(MAX_BATCH_ROWS, cells_allow))


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch that is too large into parts of about one size, without copying."""
    cuts = -(-batch.num_rows // _most_rows(batch))
    start, most = 0, -(-batch.num_rows // max(1, cuts))
    ends = None
    if batch.nbytes > MAX_BATCH_BYTES:
        ends = np.cumsum(_row_bytes(batch))
    while start < batch.num_rows:
        stop = min(batch.num_rows, start + most)
        if ends is not None:
            before = int(ends[start - 1]) if start else 0
            stop = min(stop, max(start + 1, int(np.searchsorted(ends, before + MAX_BATCH_BYTES, side="right"))))
        yield batch.slice(start, stop - start)
        start = stop


def _row_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Return about what each row takes."""
    size = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            size += pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
        size += 8
    return size
