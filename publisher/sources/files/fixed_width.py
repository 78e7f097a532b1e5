"""One fixed-width text file as batches: whole blocks of lines are cut at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import SourceError
from publisher.sources.files.formats import FixedWidthFormat
from publisher.sources.files.payload import Payload
from publisher.sources.files.rows import filled_down, footer_note, is_footer, without_last
from publisher.sources.files.text_blocks import Block, read_blocks
from publisher.sources.text import text_schema


class FixedWidthFile:
    """A text whose columns stand at fixed positions, counted in letters.

    Raises:
        SourceError: the file is empty.
    """

    def __init__(self, payload: Payload, format_: FixedWidthFormat) -> None:
        self._payload = payload
        self._format = format_
        self.notes: list[str] = []
        self.schema = text_schema([column.name for column in format_.columns])
        with closing(read_blocks(payload, format_.encoding)) as blocks:
            if next(blocks, None) is None:
                raise SourceError(f"{payload.name} is empty.", cure="have it delivered again")

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as text without the blanks around; a column that a short line does not reach is null.

        Raises:
            SourceError: a line is longer than the columns reach and not blank there, or the encoding is another.
        """
        batches = self._cut()
        footer = self._format.footer
        if footer and footer.rows:
            batches = without_last(batches, footer.rows)
            self.notes.append(f"{self._payload.name}: the last {footer.rows} rows were left out as footers")
        if self._format.fill_down:
            batches = filled_down(batches, self._format.fill_down, self._payload.name)
        yield from batches

    def _cut(self) -> Iterator[pa.RecordBatch]:
        footers = 0
        first_footer = 0
        with closing(read_blocks(self._payload, self._format.encoding)) as blocks:
            for block in blocks:
                lines = self._lines_of_data(block)
                if not footers and self._format.footer:
                    at = next((n for n, (_, line) in enumerate(lines) if is_footer([line], self._format.footer)), None)
                    if at is not None:
                        first_footer, footers = lines[at][0], len(lines) - at
                        lines = lines[:at]
                elif footers:
                    footers += len(lines)
                    lines = []
                if lines:
                    yield self._cut_lines(lines)
        if footers:
            self.notes.append(footer_note(self._payload.name, f"line {first_footer}", footers))

    def _lines_of_data(self, block: Block) -> list[tuple[int, str]]:
        """Return number and text of each line that is neither blank nor left out."""
        comment = self._format.comment
        return [
            (number, line)
            for number, line in enumerate(block.data.decode().split("\n"), start=block.line)
            if number >= self._format.first_row and line.strip() and not (comment and line.startswith(comment))
        ]

    def _cut_lines(self, lines: list[tuple[int, str]]) -> pa.RecordBatch:
        text = pa.array([line.rstrip("\r") for _, line in lines], pa.string())
        length = pc.utf8_length(text)
        end = max(column.start - 1 + column.width for column in self._format.columns)
        beyond = pc.not_equal(pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(text, end, 2**31 - 1)), "")
        if pc.any(beyond).as_py():
            number = lines[pc.index(beyond, pa.scalar(True)).as_py()][0]
            raise SourceError(
                f"{self._payload.name}: line {number} goes on behind the last column, which ends at {end}.",
                cure="correct `columns`; a column that is not needed is declared too and left out of the fields",
            )
        columns = []
        for column in self._format.columns:
            start = column.start - 1
            cut = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(text, start, start + column.width))
            columns.append(pc.if_else(pc.less_equal(length, start), pa.scalar(None, pa.string()), cut))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)
