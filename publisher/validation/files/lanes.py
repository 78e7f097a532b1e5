"""Two ways to read the rows of delimited text: Arrow's parser over proven blocks, and Frictionless' own stream of cells."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from publisher.validation.files.blocks import Block, NotStrictError
from publisher.validation.files.chunks import Cells, CheckedChunk, Chunk, RowCheck
from publisher.validation.files.texts import Integers, array_of, indices_of, no_texts

WORKERS = 2
_AHEAD = 3
_FEW_DISTINCT = 0.1
_LEARNING_BLOCK = 1 << 20
_FIRST_ROWS, _MOST_ROWS = 64, 8192


@dataclass
class TextColumns:
    """String columns; a line without a letter is a row without cells for Python and one of empty cells for Arrow."""

    arrays: list[pa.Array]
    block: Block | None = None
    records: Integers | None = None

    def cells(self, rows: Integers) -> list[Cells]:
        """Return the cells of some rows."""
        indices = indices_of(rows)
        found = [list(cells) for cells in zip(*(array.take(indices).to_pylist() for array in self.arrays), strict=True)]
        if self.block is not None:
            for place, cells in enumerate(found):
                if not any(cells) and not self.block.record(self._record(int(rows[place]))):
                    cells.clear()
        return found

    def _record(self, row: int) -> int:
        return row if self.records is None else int(self.records[row])


class ArrowReader:
    """Turns proven blocks into chunks whose rows are numbered from 0; columns with few distinct texts come as dictionaries.

    Args:
        dialect: of Python's csv module, for the rows whose width is another than `width`.
        dictionaries: columns that are looked at by distinct text anyway.
        plain: columns that are never read as dictionaries.
        only: columns to read; null for all.
    """

    def __init__(
        self, dialect: Any, width: int, *, dictionaries: set[int], plain: set[int], only: set[int] | None = None
    ) -> None:
        self.dialect = dialect
        self._names = [str(place) for place in range(width)]
        self._dictionaries = {self._names[place] for place in dictionaries}
        self._plain = {self._names[place] for place in plain}
        self._only = [name for place, name in enumerate(self._names) if only is None or place in only]

    def learn(self, chunk: Chunk) -> None:
        """Choose the columns to read as dictionaries, from a first chunk."""
        for name, array in zip(self._names, chunk.columns.arrays, strict=True):
            if name in self._plain or not len(array):
                continue
            distinct = len(array.dictionary if isinstance(array, pa.DictionaryArray) else array.unique())
            (self._dictionaries.add if distinct < _FEW_DISTINCT * len(array) else self._dictionaries.discard)(name)

    def read(self, block: Block) -> Chunk:
        """Return the rows of a block.

        Raises:
            NotStrictError: the block is no text in UTF-8.
        """
        odd: list[tuple[int, str]] = []

        def take_odd(row: Any) -> str:
            odd.append((row.number, row.text))
            return "skip"

        texts = pa.dictionary(pa.int32(), pa.string())
        try:
            table = pacsv.read_csv(
                pa.BufferReader(block.content),
                pacsv.ReadOptions(use_threads=False, block_size=block.size + 1, column_names=self._names),
                pacsv.ParseOptions(
                    delimiter=block.text.delimiter.decode(),
                    quote_char=block.text.quote.decode() if block.text.quote else False,
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=take_odd,
                ),
                pacsv.ConvertOptions(
                    column_types={name: texts if name in self._dictionaries else pa.string() for name in self._names},
                    strings_can_be_null=False,
                    include_columns=self._only,
                ),
            )
        except pa.ArrowInvalid as error:  # also when the text of an odd row cannot be decoded
            raise NotStrictError("there are bytes that are not UTF-8") from error
        return self._chunk(block, table, odd)

    def _chunk(self, block: Block, table: pa.Table, odd: list[tuple[int, str]]) -> Chunk:
        records: Integers | None = None
        numbers = np.arange(table.num_rows + len(odd), dtype=np.int64)
        if odd:
            records = np.delete(np.arange(len(numbers)), [number - 1 for number, _ in odd])
        arrays = [
            column.chunk(0)
            if column.num_chunks == 1
            else pa.concat_arrays(column.chunks)
            if column.num_chunks
            else no_texts()
            for column in table.columns
        ]
        ragged = [(number - 1, self._odd_cells(text)) for number, text in odd]
        return Chunk(TextColumns(arrays, block, records), numbers if records is None else numbers[records], ragged)

    def _odd_cells(self, text: str) -> Cells:
        return next(csv.reader(io.StringIO(text, newline=""), dialect=self.dialect), [])


class Rows(Protocol):
    """Rows that were read once and may be asked for again by number."""

    def row(self, number: int) -> Cells:
        """Return the cells of a row."""

    def release(self) -> None:
        """Let go what makes asking cheap; asking stays possible."""


Lane = Iterator[tuple[Rows, CheckedChunk]]


@dataclass
class BlockRows:
    """The rows of a proven block of a file."""

    block: Block
    dialect: Any
    first_number: int

    def row(self, number: int) -> Cells:
        """Return the cells of a row, read from the file when the block is let go."""
        record = self.block.record(number - self.first_number).decode()
        return next(csv.reader(io.StringIO(record, newline=""), dialect=self.dialect), [])

    def lines_up_to(self, number: int) -> int:
        """Return how many lines of the file end with a row."""
        return self.block.lines_before(self.block.end_of(number - self.first_number))

    def release(self) -> None:
        """Let go the bytes of the block."""
        self.block.release()


def arrow_lane(blocks: Iterator[Block], reader: ArrowReader, check: RowCheck, *, first_number: int) -> Lane:
    """Yield the checked blocks in order, worked on by two threads a few blocks ahead once they are large.

    Raises:
        NotStrictError: the next row has to be read otherwise; all before it were yielded.
    """
    number = first_number
    for block in blocks:
        chunk = reader.read(block)
        reader.learn(chunk)
        checked = check.check(chunk).shifted(number)
        yield BlockRows(block, reader.dialect, number), checked
        number += checked.total
        if block.size >= _LEARNING_BLOCK:
            break
    with ThreadPoolExecutor(WORKERS) as pool:
        pending: deque[tuple[Block, Future[CheckedChunk]]] = deque()
        try:
            for block, future in _ahead(blocks, pool, pending, lambda block: check.check(reader.read(block))):
                checked = future.result().shifted(number)
                yield BlockRows(block, reader.dialect, number), checked
                number += checked.total
        finally:
            for _, future in pending:
                future.cancel()


def _ahead(
    blocks: Iterator[Block],
    pool: ThreadPoolExecutor,
    pending: deque[tuple[Block, Future[CheckedChunk]]],
    work: Callable[[Block], CheckedChunk],
) -> Iterator[tuple[Block, Future[CheckedChunk]]]:
    """Yield blocks with their work in order; a break in the blocks comes behind those before it."""
    broken: NotStrictError | None = None
    while True:
        while broken is None and len(pending) < _AHEAD:
            try:
                block = next(blocks)
            except StopIteration:
                break
            except NotStrictError as error:
                broken = error
                break
            pending.append((block, pool.submit(work, block)))
        if not pending:
            break
        yield pending.popleft()
    if broken is not None:
        raise broken


@dataclass
class ColumnRows:
    """The rows of a chunk from a stream; they are written to a spool when they may be asked for again."""

    columns: TextColumns
    numbers: Integers
    spool: BinaryIO | None
    _place: int = -1
    _width: int = 0

    def row(self, number: int) -> Cells:
        """Return the cells of a row of full width; others have been handed on already."""
        index = np.searchsorted(self.numbers, number).reshape(1)
        if self._place >= 0 and self.spool is not None:
            self.spool.seek(self._place)
            names = [str(place) for place in range(self._width)]
            batch = pa.ipc.read_record_batch(
                pa.ipc.read_message(self.spool), pa.schema([(name, pa.string()) for name in names])
            )
            return TextColumns(batch.columns).cells(index)[0]
        return self.columns.cells(index)[0]

    def release(self) -> None:
        """Write the columns to the spool, if there is one, and let them go."""
        if self.spool is not None:
            arrays = self.columns.arrays
            batch = pa.record_batch(arrays, [str(place) for place in range(len(arrays))])
            self._place = self.spool.seek(0, io.SEEK_END)
            self.spool.write(batch.serialize())
        self._width = len(self.columns.arrays)
        self.columns = TextColumns([])


def cells_lane(cell_stream: Iterator[Cells], check: RowCheck, *, width: int, skip: int, spool: BinaryIO | None) -> Lane:
    """Yield checked chunks of the rows that Frictionless' parser reads, behind the first `skip`.

    An exception of the parser comes behind the rows before it.
    """
    rows = islice(cell_stream, skip, None)
    number, size = skip + 1, _FIRST_ROWS
    while True:
        taken, failure = _take(rows, size)
        if taken:
            chunk = _chunk_of(taken, number, width)
            assert isinstance(chunk.columns, TextColumns)  # noqa: S101  made so
            columns, numbers = chunk.columns, chunk.numbers
            yield ColumnRows(columns, numbers, spool), check.check(chunk)
        if failure is not None:
            raise failure
        if len(taken) < size:
            return
        number += len(taken)
        size = min(size * 4, _MOST_ROWS)


def _take(rows: Iterator[Cells], size: int) -> tuple[list[Cells], Exception | None]:
    taken: list[Cells] = []
    try:
        for cells in islice(rows, size):
            taken.append(cells)  # noqa: PERF402  the rows before an exception are kept
    except Exception as error:  # noqa: BLE001  the parser's own, raised again behind the rows
        return taken, error
    return taken, None


def _chunk_of(rows: list[Cells], first_number: int, width: int) -> Chunk:
    numbers = np.arange(first_number, first_number + len(rows), dtype=np.int64)
    fitting = [place for place, cells in enumerate(rows) if len(cells) == width]
    ragged = [(first_number + place, cells) for place, cells in enumerate(rows) if len(cells) != width]
    full = rows if not ragged else [rows[place] for place in fitting]
    try:
        arrays = [array_of(column) for column in zip(*full, strict=True)] if full else []
    except UnicodeEncodeError:  # half a surrogate pair: no Arrow text
        return Chunk(_no_rows(width), numbers[:0], list(zip(numbers.tolist(), rows, strict=True)))
    if not full:
        return Chunk(_no_rows(width), numbers[:0], ragged)
    return Chunk(TextColumns(arrays), numbers[fitting] if ragged else numbers, ragged)


def _no_rows(width: int) -> TextColumns:
    return TextColumns([no_texts() for _ in range(width)])
