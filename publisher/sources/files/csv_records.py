"""Records of a delimited text, read strictly one by one: a broken quote ends the run and names the line it opened on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from publisher.errors import SourceError
from publisher.sources.files.formats import CsvFormat
from publisher.sources.files.text_blocks import Block

LONGEST_RECORD = 16 * 1024 * 1024
"""Characters; beyond, a quote that was never closed is likelier than a record so long."""
WIDE = 10
"""From so many columns on, a cell of several lines with as many tight delimiters is whole rows that a quote swallowed."""

csv.field_size_limit(LONGEST_RECORD)  # the default of 128 KiB is less than the outline of a ward


class RecordReader:
    """Reads records from blocks and knows, between two records, what is left of the current block."""

    def __init__(self, blocks: Iterator[Block], *, name: str, format_: CsvFormat) -> None:
        self._blocks = blocks
        self._name = name
        self._delimiter = format_.delimiter
        self._quote = format_.quote
        self._comment = format_.comment
        self._fills_short = format_.ragged == "fill"
        self._lines: list[str] = []
        self._next = 0
        self._record: list[str] = []
        self._line = 0
        self._reader = csv.reader(
            self._feed(), delimiter=format_.delimiter, quotechar=format_.quote or None, strict=True,
            quoting=csv.QUOTE_MINIMAL if format_.quote else csv.QUOTE_NONE,
            skipinitialspace=format_.skip_initial_space,
        )  # fmt: skip

    def load(self, block: Block) -> None:
        """Go on with this block; what is left of the one before is forgotten."""
        self._lines = list(io.StringIO(block.data.decode(), newline="\n"))
        self._next = 0
        self._line = block.line - 1

    def rest(self) -> Block | None:
        """Return the unread lines of the current block, or the next block; null at the end."""
        if self._next < len(self._lines):
            return Block(self._line + 1, "".join(self._lines[self._next :]).encode())
        return next(self._blocks, None)

    @property
    def is_between_blocks(self) -> bool:
        """Nothing of the current block is left."""
        return self._next == len(self._lines)

    @property
    def line(self) -> int:
        """The 1-based number of the last line read."""
        return self._line

    def row(self) -> list[str] | None:
        """Return the cells of the next row as they are, none for an empty line; null at the end of the file."""
        return self._read()

    def record(self, width: int, cells: Sequence[str | None] | None = None) -> list[str | None]:
        """Return the next row's cells, null for those that a short one lacks; none for an empty line.

        Args:
            width: the number of columns.
            cells: what `row` gave, when it was called already.

        Raises:
            SourceError: a quote is broken, a row is short though none may be, or there are more cells than columns and
                the others are not empty.
        """
        cells = (self._read() or []) if cells is None else cells
        count = len(cells)
        if len(self._record) > 1 and (count not in {0, width} or self._swallowed_rows(width, cells)):
            raise self._broken_quote("reaches into the rows below")
        if count > width and any((cell or "").strip() for cell in cells[width:]):
            raise self._other_length(width, count)
        if 0 < count < width and not self._fills_short:
            raise self._other_length(width, count)
        return [*cells[:width], *[None] * (width - count)] if count else []

    def _other_length(self, width: int, count: int) -> SourceError:
        cure = "have the agency quote cells that hold the delimiter"
        if count == width + 1:
            cure += "; when every row is so, the header lacks a name: declare `header: false` and `first_row: 2`"
        return SourceError(
            f"{self._name}: line {self._line} has {count} cells where the header has {width}.", cure=cure
        )

    def _read(self) -> list[str] | None:
        self._record = []
        try:
            return next(self._reader, None)
        except csv.Error as error:
            if "new-line" in str(error):
                raise SourceError(
                    f"{self._name}: line {self._line} holds a carriage return outside quotes.",
                    cure="have the agency end lines in one way, and quote cells that hold line breaks",
                ) from None
            never = "unexpected end" in str(error) or "limit" in str(error)
            raise self._broken_quote("is never closed" if never else "closes in the middle of a cell") from None

    def _feed(self) -> Iterator[str]:
        size = 0
        while True:
            if self.is_between_blocks:
                block = next(self._blocks, None)
                if block is None:
                    return
                self.load(block)
            line = self._lines[self._next]
            if self._comment and not self._record and line.startswith(self._comment):
                self._next += 1
                self._line += 1
                continue
            size = len(line) if not self._record else size + len(line)
            self._next += 1
            self._line += 1
            self._record.append(line)
            if size > LONGEST_RECORD:
                raise self._broken_quote("is not closed within 16 MiB")
            yield line

    def _swallowed_rows(self, width: int, cells: Sequence[str | None]) -> bool:
        return width >= WIDE and any(_tight(cell, self._delimiter) >= width - 1 for cell in cells if cell)

    def _broken_quote(self, fault: str) -> SourceError:
        first = self._line - len(self._record) + 1
        if not self._quote or not any(self._quote in line for line in self._record):
            return SourceError(
                f"{self._name}: line {self._line} is longer than 16 MiB.", cure="see whether this is the right file"
            )
        opened = first + _opening_line("".join(self._record), self._delimiter, self._quote)
        return SourceError(
            f"{self._name}: the quote that opens on line {opened} {fault}.",
            cure="have the agency double quotes inside cells; nothing of this file was taken",
        )


def _tight(cell: str, delimiter: str) -> int:
    """Return how many delimiters stand without a blank behind them, in a cell of several lines."""
    if "\n" not in cell:
        return 0
    return cell.count(delimiter) - cell.count(delimiter + " ")


def _opening_line(record: str, delimiter: str, quote: str) -> int:
    """Return on which line of the record, counted from 0, the last quote opens."""
    opened = 0
    inside = False
    line = 0
    before = "\n"
    for letter in record:
        if letter == quote:
            if not inside and before in {delimiter, "\n"}:
                inside, opened = True, line
            elif inside:
                inside = False
            elif before == quote:
                inside = True  # the second of two: the cell goes on
        line += letter == "\n"
        before = letter
    return opened
