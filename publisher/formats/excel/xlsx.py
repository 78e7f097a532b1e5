"""XLSX: a table that opens in Excel with its types, and the data dictionary beside it.

Rows become XML through Arrow, batch by batch, without a Python object for a cell: a tenth of the work of the usual libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from publisher.formats.excel.limits import has_long_text, headings, is_long_number
from publisher.formats.excel.parts import (
    CONTENT_TYPES,
    DATE,
    DATETIME,
    GENERAL,
    HEADER,
    ROOT_RELATIONS,
    STYLES,
    TEXT,
    WORKBOOK_RELATIONS,
    column_letters,
    dictionary,
    sheet_foot,
    sheet_head,
    text_row,
    workbook,
    xml_text,
)
from publisher.formats.excel.zip_file import ZipFile
from publisher.formats.rows import all_text, column_to_text
from publisher.formats.sink import Sink
from publisher.formats.whole_file import whole_file
from publisher.published import PublishedTable

_BATCH_ROWS = 8_192
_NARROWEST, _WIDEST = 8.0, 60.0
# The serial number of 1970-01-01, and the first and last day that Excel counts as everybody else does.
_EPOCH, _FIRST_SERIAL, _LAST_SERIAL = 25_569, 61, 2_958_465
_DAY_MILLISECONDS = 86_400_000
_TINY = 2.2250738585072014e-308  # Excel takes smaller numbers for zero
_UNSAFE = "[\x01-\x08\x0b-\x1f&<>\ufffe\uffff]|\\x00|_x[0-9A-Fa-f]{4}_"


class _TextTooLong(Exception):  # noqa: N818  the table has no place in Excel, which is no fault
    """A text is longer than a cell holds."""


@contextmanager
def xlsx_sink(table: PublishedTable, output: Path) -> Iterator[Sink]:
    """Write the released workbook; the same rows give the same bytes. The caller asks `fits_excel` first.

    Row 1 holds the Vietnamese titles, bold and always in sight, with a filter. Texts are cells of text, so that codes keep
    their zeros; dates and datetimes are Excel's own, but ISO text outside 1900-03-01..9999-12-31 or finer than a millisecond;
    whole numbers of more than 15 digits are text. A null is a cell without content, the empty string one with an empty text.
    A table with a text of more than 32,767 letters has no file: Excel would cut it.

    Raises:
        StorageError: the file cannot be written.
        ReleaseRefused: the sheet would be longer than 4 GiB.
    """
    try:
        with whole_file(output) as part, part.open("wb") as file:
            archive = ZipFile(file)
            archive.add("[Content_Types].xml", CONTENT_TYPES)
            archive.add("_rels/.rels", ROOT_RELATIONS)
            with archive.member("xl/worksheets/sheet1.xml") as write:
                sheet = _Sheet(table, write)
                yield sheet.put
                rows = sheet.finish()
            archive.add("xl/worksheets/sheet2.xml", dictionary(table))
            archive.add("xl/styles.xml", STYLES)
            archive.add("xl/workbook.xml", workbook(table, rows))
            archive.add("xl/_rels/workbook.xml.rels", WORKBOOK_RELATIONS)
            archive.close()
    except _TextTooLong:
        return


class _Sheet:
    """The rows of the table; the first batch tells how wide the columns are."""

    def __init__(self, table: PublishedTable, write: Callable[[bytes], None]) -> None:
        self._table = table
        self._write = write
        self._rows = 0

    def put(self, batch: pa.RecordBatch) -> None:
        if any(has_long_text(column) for column in batch.columns):
            raise _TextTooLong
        if not self._rows:
            self._begin(batch)
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            part = batch.slice(start, _BATCH_ROWS)
            self._write(_rows_to_xml(part, first=self._rows + 1))
            self._rows += part.num_rows

    def finish(self) -> int:
        """Return the number of rows with the header."""
        if not self._rows:
            self._begin(None)
        self._write(sheet_foot(len(self._table.fields), self._rows).encode())
        return self._rows

    def _begin(self, batch: pa.RecordBatch | None) -> None:
        titles = headings(self._table.fields)
        widths = [
            min(_WIDEST, max(_NARROWEST, len(title) + 4.0, 0 if batch is None else _longest(batch.column(place)) + 2.0))
            for place, title in enumerate(titles)
        ]
        self._write((sheet_head(widths) + text_row(1, titles, HEADER)).encode())
        self._rows = 1


def _longest(column: pa.Array) -> int:
    return int(pc.max(pc.utf8_length(column_to_text(column))).as_py() or 0)


def _rows_to_xml(batch: pa.RecordBatch, *, first: int) -> bytes:
    numbers = pc.cast(pa.array(range(first, first + batch.num_rows), pa.int32()), pa.string())
    parts: list[pa.Array | pa.Scalar] = [pa.scalar('<row r="'), numbers, pa.scalar('">')]
    for place, column in enumerate(batch.columns):
        parts += [pa.scalar(f'<c r="{column_letters(place)}'), numbers, _cell(column)]
    return all_text(pc.binary_join_element_wise(*parts, pa.scalar("</row>\n"), ""))


def _cell(column: pa.Array) -> pa.Array:
    """Return what follows a cell's place: format, type, content and end."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return _numbers(pc.cast(pc.cast(column, pa.int8()), pa.string()), GENERAL, cell_type=' t="b"')
    if pa.types.is_floating(kind):
        return _floats(column)
    if pa.types.is_integer(kind):
        return _either(is_long_number(column), column_to_text(column), column_to_text(column), GENERAL)
    if pa.types.is_date(kind):
        serial = pc.add(pc.cast(column, pa.int32()), _EPOCH)
        return _either(_outside(serial), column_to_text(column), pc.cast(serial, pa.string()), DATE)
    if pa.types.is_timestamp(kind):
        return _datetimes(column)
    return _texts(_safe(column))


def _floats(column: pa.Array) -> pa.Array:
    size = pc.abs(column)
    tiny = pc.and_(pc.greater(size, 0.0), pc.less(size, _TINY))
    return _either(tiny, column_to_text(column), column_to_text(pc.add(column, 0.0)), GENERAL)


def _datetimes(column: pa.Array) -> pa.Array:
    micros = pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64())
    millis = pc.divide(micros, 1000)
    serial = pc.add(pc.divide(pc.cast(millis, pa.float64(), safe=False), float(_DAY_MILLISECONDS)), float(_EPOCH))
    odd = pc.or_(_outside(serial), pc.not_equal(pc.multiply(millis, 1000), micros))
    return _either(odd, column_to_text(column), column_to_text(serial), DATETIME)


def _outside(serial: pa.Array) -> pa.Array:
    return pc.or_(pc.less(serial, _FIRST_SERIAL), pc.greater_equal(serial, _LAST_SERIAL + 1))


def _either(as_text: pa.Array, text: pa.Array, number: pa.Array, style: int) -> pa.Array:
    """Return cells of numbers, and cells of text where Excel has no number for the value."""
    cells = _numbers(number, style)
    if not pc.any(as_text).as_py():
        return cells
    return pc.if_else(pc.fill_null(as_text, fill_value=False), _texts(text), cells)


def _numbers(text: pa.Array, style: int, *, cell_type: str = "") -> pa.Array:
    filled = pc.binary_join_element_wise(f'" s="{style}"{cell_type}><v>', text, "</v></c>", "")
    return pc.fill_null(filled, f'" s="{style}"/>')


def _texts(text: pa.Array) -> pa.Array:
    begin = f'" s="{TEXT}" t="inlineStr"><is><t xml:space="preserve">'
    return pc.fill_null(pc.binary_join_element_wise(begin, text, "</t></is></c>", ""), f'" s="{TEXT}"/>')


def _safe(text: pa.Array) -> pa.Array:
    special = pc.fill_null(pc.match_substring_regex(text, _UNSAFE), fill_value=False)
    if not pc.any(special).as_py():
        return text
    return pc.replace_with_mask(
        text, special, pa.array(map(xml_text, pc.filter(text, special).to_pylist()), pa.string())
    )
