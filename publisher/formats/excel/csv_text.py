"""CSV for Excel with Vietnamese regional settings: what a double click opens as a table, with every value as it was.

UTF-8 with a byte order mark, without which Excel takes the bytes for Windows-1258; CRLF; a semicolon between cells and a comma in
numbers. Both go together: Windows separates lists by semicolons exactly where numbers have a comma. Where settings are other
ones the rows stay in one column for all to see, and no number is misread; XLSX knows no such settings.

How a cell says what it is:
- a text of digits and signs that Excel would make a number, date or time of is written `="00123"`;
- a text that begins with `=`, `+`, `-`, `@`, a tab, a line end or `'` has a `'` before it, so that it is never a formula;
- a whole number of more than 15 digits is a text, `="9007199254740993"`; booleans are `TRUE` and `FALSE`; datetimes have a
  blank where the canon has `T`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from publisher.formats.excel.limits import MAX_ROWS, headings, is_long_number
from publisher.formats.rows import all_text, column_to_text
from publisher.formats.sink import Sink
from publisher.formats.whole_file import whole_file
from publisher.published import PublishedTable

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NEEDS_QUOTES = '[";\r\n]'
_LOOKS_LIKE_FORMULA = r"^[=+\-@\t\r\n']"
_MONTH = "(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
_LOOKS_LIKE_NUMBER = rf"(?i)^(?:[0-9.,][0-9 .,/:e%+\-]*(?:[ap]m)?|[0-9]{{1,4}}[ /-]*{_MONTH}(?:[ /-]*[0-9]{{1,4}})?|{_MONTH}[ /-]*[0-9]{{1,4}}|true|false)$"
_LONGEST_FORMULA_TEXT = 255


@contextmanager
def excel_csv_sink(table: PublishedTable, output: Path) -> Iterator[Sink]:
    """Write the released CSV file for Excel, headed by the Vietnamese titles; the same rows give the same bytes.

    Null and the empty string are both an empty cell.

    Raises:
        StorageError: the file cannot be written.
    """
    with whole_file(output) as part, part.open("wb") as file:
        file.write(BYTE_ORDER_MARK)
        header = [_quoted(_texts(pa.array([heading]))) for heading in headings(table.fields)]
        file.write(_lines(header))

        def put(batch: pa.RecordBatch) -> None:
            file.write(_lines([_cells(column) for column in batch.columns]))

        yield put


def fits_excel_csv(rows: int) -> bool:
    """Tell whether Excel opens all rows."""
    return rows <= MAX_ROWS


def _lines(cells: list[pa.Array]) -> bytes:
    if len(cells) == 1:
        # An empty line would be no row.
        only = pc.fill_null(cells[0], "")
        cells = [pc.if_else(pc.equal(only, ""), '""', only)]
    lines = pc.binary_join_element_wise(*cells, ";", null_handling="replace", null_replacement="")
    return all_text(pc.binary_join_element_wise(lines, pa.scalar("\r\n"), ""))


def _cells(column: pa.Array) -> pa.Array:
    kind = column.type
    text = column_to_text(column)
    if pa.types.is_string(kind):
        return _quoted(_texts(text))
    if pa.types.is_boolean(kind):
        return pc.utf8_upper(text)
    if pa.types.is_timestamp(kind):
        return pc.replace_substring(text, "T", " ")
    if pa.types.is_floating(kind):
        return pc.replace_substring(text, ".", ",")
    if pa.types.is_integer(kind) and pc.any(is_long_number(column)).as_py():
        return _quoted(pc.if_else(is_long_number(column), _as_formula(text), text))
    return text


def _texts(text: pa.Array) -> pa.Array:
    risky = pc.match_substring_regex(text, _LOOKS_LIKE_FORMULA)
    if pc.any(risky).as_py():
        text = pc.if_else(risky, pc.binary_join_element_wise("'", text, ""), text)
    short = pc.less_equal(pc.binary_length(text), _LONGEST_FORMULA_TEXT)
    number = pc.and_(pc.match_substring_regex(text, _LOOKS_LIKE_NUMBER), short)
    return pc.if_else(number, _as_formula(text), text) if pc.any(number).as_py() else text


def _as_formula(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('="', text, '"', "")


def _quoted(text: pa.Array) -> pa.Array:
    special = pc.match_substring_regex(text, _NEEDS_QUOTES)
    if not pc.any(special).as_py():
        return text
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(special, quoted, text)
