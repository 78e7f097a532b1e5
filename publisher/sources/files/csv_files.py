"""One delimited text file as batches: pyarrow parses every block that is surely plain, the strict reader the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from publisher.errors import SourceError
from publisher.sources.files.csv_records import RecordReader
from publisher.sources.files.decimals import confirm_decimal, with_points
from publisher.sources.files.formats import CsvFormat
from publisher.sources.files.payload import Payload, plain_payload
from publisher.sources.files.rows import filled_down, footer_note, is_footer, joined_header, without_last
from publisher.sources.files.text_blocks import Block, read_blocks
from publisher.sources.text import column_names, text_batch, text_schema

if TYPE_CHECKING:
    from publisher.table_schema import FieldDefinition

BATCH_ROWS = 20_000
DELIMITERS = ",;\t|"
LINE_FEED, CARRIAGE_RETURN = b"\n\r"


class CsvFile:
    """A delimited text file whose header is known and whose rows are still to be read.

    Raises:
        SourceError: the file is empty, or is not delimited or encoded as the definition says.
    """

    def __init__(self, source: Path | Payload, format_: CsvFormat, fields: Sequence[FieldDefinition]) -> None:
        self._payload = source if isinstance(source, Payload) else plain_payload(source)
        self._format = format_
        self._fields = fields
        self._footer_marks = [text.encode() for text in (format_.footer.starts_with if format_.footer else ())]
        self.notes: list[str] = []
        with closing(read_blocks(self._payload, format_.encoding)) as blocks:
            reader = self._reader(blocks)
            header = self._header(reader)
            first = header if format_.header else self._first(reader)
        self._confirm_delimiter(first)
        self.columns = column_names(header) if format_.header else [field.at_source for field in fields]
        self.schema = text_schema(self.columns)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as text; an empty cell is the empty text, a cell that a short row lacks is null.

        Raises:
            SourceError: a row or quote is broken, or the encoding or decimal sign is another.
        """
        batches = self._with_decimals(self._all_rows())
        if self._format.footer and self._format.footer.rows:
            batches = without_last(batches, self._format.footer.rows)
            self.notes.append(
                f"{self._payload.name}: the last {self._format.footer.rows} rows were left out as footers"
            )
        if self._format.fill_down:
            batches = filled_down(batches, self._format.fill_down, self._payload.name)
        yield from batches

    def _reader(self, blocks: Iterator[Block]) -> RecordReader:
        return RecordReader(blocks, name=self._payload.name, format_=self._format)

    def _header(self, reader: RecordReader) -> list[str]:
        """Read up to the first row of data; return the joined header, empty when there is none."""
        wanted = self._format.header_rows if self._format.header else []
        rows = {}
        number = 0
        first_row = self._format.first_row or max(wanted, default=0) + 1
        while number < max(max(wanted, default=0), first_row - 1):
            cells = reader.row()
            if cells is None:
                break
            if not cells and not number and self._format.first_row is None and wanted == [1]:
                continue  # empty lines above a plain table
            number += 1
            if number in wanted:
                rows[number] = cells
        if wanted and len(rows) < len(wanted) and number:
            raise SourceError(
                f"{self._payload.name} has no header in row {max(wanted)}; it ends before.",
                cure="correct `header_rows`",
            )
        return joined_header([rows[row] for row in wanted if row in rows], fill=self._format.header_fill)

    def _first(self, reader: RecordReader) -> list[str]:
        return next((cells for cells in iter(reader.row, None) if cells), [])

    def _all_rows(self) -> Iterator[pa.RecordBatch]:
        with closing(read_blocks(self._payload, self._format.encoding)) as blocks:
            reader = self._reader(blocks)
            self._header(reader)
            while (block := reader.rest()) is not None:
                batch = self._parsed_fast(block)
                if batch is None:
                    reader.load(block)
                    yield from self._parsed_strictly(reader)
                else:
                    reader.load(Block(block.line, b""))
                    if batch.num_rows:
                        yield batch

    def _with_decimals(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches with decimal points, once the first of them has shown that the sign is the declared one."""
        numbers = self._numbers()
        confirmed = False
        for batch in batches:
            if not confirmed:
                confirm_decimal(batch, numbers, self._format.decimal, self._payload.name)
                confirmed = True
            yield with_points(batch, numbers) if self._format.decimal == "," else batch

    def _parsed_fast(self, block: Block) -> pa.RecordBatch | None:
        """Return the block's rows, or null when its quotes, comments, footers or row lengths need the strict reader."""
        comment = self._format.comment
        if self._format.skip_initial_space or any(mark in block.data for mark in self._footer_marks):
            return None
        if comment and (b"\n" + comment.encode() in block.data or block.data.startswith(comment.encode())):
            return None
        if not _is_plain(block.data, self._format.delimiter, self._format.quote):
            return None
        try:
            table = pa_csv.read_csv(
                pa.py_buffer(block.data),
                read_options=pa_csv.ReadOptions(
                    column_names=self.columns, block_size=len(block.data) + 1, use_threads=False
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self._format.delimiter, quote_char=self._format.quote or False
                ),
                convert_options=pa_csv.ConvertOptions(column_types=self.schema, check_utf8=False),
            )
        except pa.ArrowInvalid:  # a row is short or long; its text, which the message quotes, stays here
            return None
        return pa.RecordBatch.from_struct_array(table.to_struct_array().combine_chunks()) if table.num_rows else None

    def _parsed_strictly(self, reader: RecordReader) -> Iterator[pa.RecordBatch]:
        width = len(self.columns)
        rows: list[list[str | None]] = []
        while not reader.is_between_blocks:
            cells = reader.row() or []
            if is_footer(cells, self._format.footer):
                self._leave_footers(reader)
                break
            if row := reader.record(width, cells):
                rows.append(row)
            if len(rows) == BATCH_ROWS:
                yield text_batch(self.columns, zip(*rows, strict=True))
                rows = []
        if rows:
            yield text_batch(self.columns, zip(*rows, strict=True))

    def _leave_footers(self, reader: RecordReader) -> None:
        """Read to the end, so that nothing follows, and note how many rows were no data."""
        place = f"line {reader.line}"
        count = 1 + sum(any(cell.strip() for cell in cells) for cells in iter(reader.row, None))
        self.notes.append(footer_note(self._payload.name, place, count))

    def _numbers(self) -> list[str]:
        """Return the columns of decimal numbers for which the file's decimal sign holds."""
        own = {
            field.at_source
            for field in self._fields
            if field.type == "number" and field.decimalChar is None and field.groupChar is None
        }
        return [column for column in self.columns if column in own]

    def _confirm_delimiter(self, first: Sequence[str]) -> None:
        name = self._payload.name
        if not first:
            raise SourceError(f"{name} is empty.", cure="have it delivered again")
        declared = self._format.delimiter
        if len(first) == 1 and len(self._fields) > 1:
            others = {sign: first[0].count(sign) for sign in DELIMITERS if sign != declared and sign in first[0]}
            likely = max(others, key=lambda sign: others[sign], default=None)
            advice = (
                f"declare `delimiter: {likely!r}`, which it has"
                if likely
                else "see whether this is the right file, or name its header by `header_rows`"
            )
            raise SourceError(f"The first line of {name} has no delimiter {declared!r}.", cure=advice)
        if not self._format.header and len(first) != len(self._fields):
            raise SourceError(
                f"The first row of {name} has {len(first)} cells, the definition {len(self._fields)} fields.",
                cure="compare the definition with the file; without a header only the order tells columns apart",
            )


def _is_plain(data: bytes, delimiter: str, quote: str = '"') -> bool:
    """Return whether every line stands for itself and every quote opens, closes or doubles as it should.

    Only then do lenient and strict readers agree; a cell of several lines or a stray quote makes a block not plain.
    """
    if not delimiter.isascii() or data.count(b"\r") != data.count(b"\r\n"):
        return False
    if not quote:
        return True
    octets = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(octets == ord(quote))
    if not quotes.size:
        return True
    ends = np.flatnonzero(octets == LINE_FEED)
    if (np.searchsorted(quotes, ends) % 2).any():
        return False
    opening, closing_ = quotes[0::2], quotes[1::2]
    before = np.where(opening > 0, octets[opening - 1], LINE_FEED)
    behind = octets[closing_ + 1]
    return bool(
        np.isin(before, [ord(delimiter), LINE_FEED, ord(quote)]).all()
        and np.isin(behind, [ord(delimiter), LINE_FEED, CARRIAGE_RETURN, ord(quote)]).all()
    )
