"""One delimited text file as batches: pyarrow parses every block that is surely plain, the strict reader the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from publisher.errors import SourceError
from publisher.sources.csv_records import RecordReader
from publisher.sources.csv_text import Block, read_blocks
from publisher.sources.spec import CsvFormat
from publisher.sources.text import column_names, text_batch, text_schema

if TYPE_CHECKING:
    from publisher.table_schema import FieldDefinition

BATCH_ROWS = 20_000
DELIMITERS = ",;\t|"
QUOTE, LINE_FEED, CARRIAGE_RETURN = b'"\n\r'


class CsvFile:
    """A delimited text file whose header is known and whose rows are still to be read.

    Raises:
        SourceError: the file is empty, or is not delimited or encoded as the definition says.
    """

    def __init__(self, path: Path, format_: CsvFormat, fields: Sequence[FieldDefinition]) -> None:
        self._path = path
        self._format = format_
        self._fields = fields
        self.notes: list[str] = []
        with closing(read_blocks(path, format_.encoding)) as blocks:
            first = self._reader(blocks).header()
        self._confirm_delimiter(first)
        self.columns = column_names(first) if format_.header else [field.at_source for field in fields]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as text; an empty cell is the empty text, a cell that a short row lacks is null.

        Raises:
            SourceError: a row or quote is broken, the encoding or decimal sign is another, or the file changes
                meanwhile.
        """
        before = self._path.stat()
        numbers = self._numbers()
        confirmed = False
        with closing(read_blocks(self._path, self._format.encoding)) as blocks:
            for batch in self._parsed(self._reader(blocks)):
                if not confirmed:
                    _confirm_decimal(batch, numbers, self._format.decimal, self._path.name)
                    confirmed = True
                yield _with_points(batch, numbers) if self._format.decimal == "," else batch
        after = self._path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise SourceError(f"{self._path.name} changed while it was read.", cure="run again when it is complete")

    def _reader(self, blocks: Iterator[Block]) -> RecordReader:
        return RecordReader(
            blocks,
            name=self._path.name,
            delimiter=self._format.delimiter,
            skip_initial_space=self._format.skip_initial_space,
        )

    def _parsed(self, reader: RecordReader) -> Iterator[pa.RecordBatch]:
        if self._format.header:
            reader.header()
        while (block := reader.rest()) is not None:
            batch = None if self._format.skip_initial_space else self._parsed_fast(block)
            if batch is None:
                reader.load(block)
                yield from self._parsed_strictly(reader)
            else:
                reader.load(Block(block.line, b""))
                if batch.num_rows:
                    yield batch

    def _parsed_fast(self, block: Block) -> pa.RecordBatch | None:
        """Return the block's rows, or null when its quotes or row lengths need the strict reader."""
        if not _is_plain(block.data, self._format.delimiter):
            return None
        try:
            table = pa_csv.read_csv(
                pa.py_buffer(block.data),
                read_options=pa_csv.ReadOptions(
                    column_names=self.columns, block_size=len(block.data) + 1, use_threads=False
                ),
                parse_options=pa_csv.ParseOptions(delimiter=self._format.delimiter),
                convert_options=pa_csv.ConvertOptions(column_types=text_schema(self.columns), check_utf8=False),
            )
        except pa.ArrowInvalid:  # a row is short or long; its text, which the message quotes, stays here
            return None
        return pa.RecordBatch.from_struct_array(table.to_struct_array().combine_chunks()) if table.num_rows else None

    def _parsed_strictly(self, reader: RecordReader) -> Iterator[pa.RecordBatch]:
        width = len(self.columns)
        rows: list[list[str | None]] = []
        while not reader.is_between_blocks:
            row = reader.record(width)
            if row:
                rows.append(row)
            if len(rows) == BATCH_ROWS:
                yield text_batch(self.columns, zip(*rows, strict=True))
                rows = []
        if rows:
            yield text_batch(self.columns, zip(*rows, strict=True))

    def _numbers(self) -> list[str]:
        """Return the columns of decimal numbers for which the file's decimal sign holds."""
        own = {
            field.at_source
            for field in self._fields
            if field.type == "number" and field.decimalChar is None and field.groupChar is None
        }
        return [column for column in self.columns if column in own]

    def _confirm_delimiter(self, first: Sequence[str]) -> None:
        if not first:
            raise SourceError(f"{self._path.name} is empty.", cure="have it delivered again")
        declared = self._format.delimiter
        if len(first) == 1 and len(self._fields) > 1:
            others = {sign: first[0].count(sign) for sign in DELIMITERS if sign != declared and sign in first[0]}
            likely = max(others, key=lambda sign: others[sign], default=None)
            advice = (
                f"declare `delimiter: {likely!r}`, which it has" if likely else "see whether this is the right file"
            )
            raise SourceError(f"The first line of {self._path.name} has no delimiter {declared!r}.", cure=advice)
        if not self._format.header and len(first) != len(self._fields):
            raise SourceError(
                f"The first row of {self._path.name} has {len(first)} cells, the definition {len(self._fields)} fields.",
                cure="compare the definition with the file; without a header only the order tells columns apart",
            )


def _is_plain(data: bytes, delimiter: str) -> bool:
    """Return whether every line stands for itself and every quote opens, closes or doubles as it should.

    Only then do lenient and strict readers agree; a cell of several lines or a stray quote makes a block not plain.
    """
    if not delimiter.isascii() or data.count(b"\r") != data.count(b"\r\n"):
        return False
    octets = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(octets == QUOTE)
    if not quotes.size:
        return True
    ends = np.flatnonzero(octets == LINE_FEED)
    if (np.searchsorted(quotes, ends) % 2).any():
        return False
    opening, closing_ = quotes[0::2], quotes[1::2]
    before = np.where(opening > 0, octets[opening - 1], LINE_FEED)
    behind = octets[closing_ + 1]
    return bool(
        np.isin(before, [ord(delimiter), LINE_FEED, QUOTE]).all()
        and np.isin(behind, [ord(delimiter), LINE_FEED, CARRIAGE_RETURN, QUOTE]).all()
    )


def _confirm_decimal(batch: pa.RecordBatch, numbers: Sequence[str], declared: str, name: str) -> None:
    other = "," if declared == "." else "."
    for column in numbers:
        written = {sign: _count_written(batch[column], sign) for sign in (declared, other)}
        if written[other] and not written[declared]:
            raise SourceError(
                f"{name} declares the decimal sign `{declared}`, but the numbers in `{column}` are written with `{other}`.",
                cure=f"declare `decimal: '{other}'`, or `groupChar` for that field",
            )


def _count_written(column: pa.Array, sign: str) -> int:
    found = pc.match_substring_regex(column, rf"^\s*[-+]?\d+{re.escape(sign)}\d+\s*$")
    return int(pc.sum(found).as_py() or 0)


def _with_points(batch: pa.RecordBatch, numbers: Sequence[str]) -> pa.RecordBatch:
    """Return the batch with decimal commas as points; points become commas, so that they are no decimals by accident."""
    for column in numbers:
        text = batch[column]
        for written, meant in ((".", "\0"), (",", "."), ("\0", ",")):
            text = pc.replace_substring(text, written, meant)
        batch = batch.set_column(batch.schema.get_field_index(column), column, text)
    return batch
