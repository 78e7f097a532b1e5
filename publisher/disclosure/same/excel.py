"""G1 for the forms that Excel opens: CSV for Excel and XLSX hold the cells of the Parquet file, and nothing beside them.

Written from the descriptions of both forms in `publisher/formats/README.md`, streamed.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from publisher.disclosure.same.cells import differences, parquet_batches
from publisher.disclosure.same.workbook_frame import SHEET, is_declared_head, wrong_frame
from publisher.formats.excel.limits import MAX_ROWS, fits_excel, has_long_text, headings
from publisher.published import PublishedTable

_BLOCK = 1 << 23
_ROW_END = b"</row>\n"
_HEAD_BYTES = 1 << 22
_CELL = (
    r'^(?P<place>[A-Z]+[0-9]+)" s="[0-5]"(?P<kind>| t="b"| t="inlineStr"|/)>'
    r'(?:(?:<v>(?P<number>[^<]*)</v>|<is><t xml:space="preserve">(?P<text>[^<]*)</t></is>)</c>)?$'
)
_ESCAPED = re.compile("_x([0-9A-F]{4})_")
_EPOCH, _DAY_MILLISECONDS = 25_569, 86_400_000


def excel_files(folder: Path, tables: Sequence[PublishedTable], formats: Sequence[str]) -> set[str]:
    """Return the names of the files for Excel that a release declares: those of tables that have a place there."""
    names = set()
    for table in tables:
        parquet = folder / f"{table.name}.parquet"
        rows = pq.read_metadata(parquet).num_rows
        if "excel_csv" in formats and rows <= MAX_ROWS:
            names.add(f"{table.name}.excel.csv")
        if "xlsx" in formats and fits_excel(table, rows) and not _has_long_texts(parquet, table):
            names.add(f"{table.name}.xlsx")
    return names


def wrong_excel_csv(path: Path, parquet: Path, table: PublishedTable) -> list[str]:
    """Compare a CSV file for Excel with the Parquet file, cell by cell; null and empty text are both an empty cell."""
    if not path.is_file():
        return []
    names = table.arrow_schema.names
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES).partition(b"\r\n")[0].decode("utf-8")
    if not head.startswith("\ufeff") or _titles(head[1:]) != headings(table.fields):
        return ["the header is not the declared titles behind a byte order mark"]
    reader = pa_csv.open_csv(
        str(path),
        read_options=pa_csv.ReadOptions(block_size=_BLOCK, column_names=names, skip_rows=1),
        parse_options=pa_csv.ParseOptions(delimiter=";", newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    return differences(reader, parquet_batches(parquet), _read_excel_text)


def wrong_xlsx(path: Path, parquet: Path, table: PublishedTable) -> list[str]:
    """Compare a workbook with the Parquet file, cell by cell, and all around its cells with what the definition makes of it."""
    if not path.is_file():
        return []
    with zipfile.ZipFile(path) as archive:
        if faults := wrong_frame(path, archive, table, pq.read_metadata(parquet).num_rows):
            return faults
        with archive.open(SHEET) as sheet:
            head = _head(sheet)
            if head is None or not is_declared_head(head, table):
                return ["the header is not the declared titles"]
            rows = _sheet_batches(sheet, table)
            return differences(rows, parquet_batches(parquet), lambda column, _: column)


def _has_long_texts(parquet: Path, table: PublishedTable) -> bool:
    texts = [field.name for field in table.arrow_schema if pa.types.is_string(field.type)]
    with pq.ParquetFile(parquet) as file:
        return any(has_long_text(column) for batch in file.iter_batches(columns=texts) for column in batch.columns)


# ---- CSV for Excel


def _titles(line: str) -> list[str]:
    import csv

    return [_plain_text(cell) for cell in next(csv.reader([line], delimiter=";"), [])]


def _plain_text(cell: str) -> str:
    return str(_unwrapped(pa.array([cell]))[0])


def _read_excel_text(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        texts = _unwrapped(column)
        risky = pc.any(pc.match_substring_regex(column, r'^[+\-@\t\r\n]|^=(?:[^"]|$)')).as_py()
        return pa.nulls(len(column), kind) if risky else pc.if_else(pc.equal(texts, ""), pa.scalar(None, kind), texts)
    texts = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    if pa.types.is_boolean(kind):
        return pc.equal(texts, "TRUE")
    if pa.types.is_floating(kind):
        # Where numbers have a comma, Excel takes a point for the sign between thousands.
        if pc.any(pc.match_substring(texts, ".")).as_py():
            return pa.nulls(len(column), pa.null())
        return pc.cast(pc.replace_substring(texts, ",", "."), kind)
    return pc.cast(_unwrapped(texts), kind)


def _unwrapped(cells: pa.Array) -> pa.Array:
    """Return texts without the `="…"` or the `'` that keeps Excel from reading them as something else."""
    inner = pc.replace_substring_regex(cells, r'(?s)^="(.*)"$', r"\1")
    return pc.if_else(pc.starts_with(cells, "'"), pc.utf8_slice_codeunits(cells, 1), inner)


# ---- XLSX


def _letters(number: int) -> str:
    high, low = divmod(number, 26)
    return (_letters(high - 1) if high else "") + chr(ord("A") + low)


def _without_escapes(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _head(sheet: IO[bytes]) -> bytes | None:
    """Return what comes before the second row; null when there is none within four megabytes."""
    head = b""
    while not head.endswith(_ROW_END) and len(head) < _HEAD_BYTES and (line := sheet.readline(_HEAD_BYTES)):
        head += line
    return head if head.endswith(_ROW_END) else None


def _sheet_batches(sheet: IO[bytes], table: PublishedTable) -> Iterator[pa.RecordBatch]:
    """Yield the rows after the header in the table's types.

    Raises:
        ValueError: there is something else between, in or behind the rows.
    """
    number, rest = 2, b""
    while block := sheet.read(_BLOCK):
        *rows, rest = (rest + block).split(_ROW_END)
        if rows:
            yield _rows_to_batch(rows, number, table)
            number += len(rows)
    columns = _letters(len(table.fields) - 1)
    if rest != f'</sheetData><autoFilter ref="A1:{columns}{number - 1}"/></worksheet>'.encode():
        raise ValueError("the sheet ends with something else than its filter")


def _rows_to_batch(rows: list[bytes], first: int, table: PublishedTable) -> pa.RecordBatch:
    numbers = pc.cast(pa.array(range(first, first + len(rows)), pa.int64()), pa.string())
    pieces = pc.split_pattern(pa.array(rows, pa.string()), '<c r="')
    width = len(table.fields) + 1
    if pc.any(pc.not_equal(pc.list_value_length(pieces), width)).as_py():
        raise ValueError("a row has another number of cells than there are fields")
    flat = pc.list_flatten(pieces)
    places = pa.array(range(0, len(flat), width), pa.int64())
    if not flat.take(places).equals(pc.binary_join_element_wise('<row r="', numbers, '">', "")):
        raise ValueError("a row is not where it belongs")
    columns = []
    for place, field in enumerate(table.arrow_schema):
        cells = pc.extract_regex(flat.take(pc.add(places, place + 1)), _CELL)
        if not cells.field("place").equals(pc.binary_join_element_wise(_letters(place), numbers, "")):
            raise ValueError("a cell is not where it belongs")
        columns.append(_cells_to_column(cells, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=table.arrow_schema)


def _cells_to_column(cells: pa.StructArray, kind: pa.DataType) -> pa.Array:
    number, text = (
        pc.if_else(pc.equal(part, ""), pa.scalar(None, pa.string()), part)
        for part in (cells.field("number"), _plain_xml(cells.field("text")))
    )
    if pa.types.is_string(kind):
        return text
    if pa.types.is_boolean(kind):
        return pc.equal(number, "1")
    if pa.types.is_date(kind):
        days = pc.cast(pc.subtract(pc.cast(number, pa.int32()), pa.scalar(_EPOCH, pa.int32())), kind)
        return pc.coalesce(days, pc.cast(text, kind))
    if pa.types.is_timestamp(kind):
        milliseconds = pc.multiply(pc.subtract(pc.cast(number, pa.float64()), float(_EPOCH)), float(_DAY_MILLISECONDS))
        moments = pc.cast(pc.cast(pc.cast(pc.round(milliseconds), pa.int64()), pa.timestamp("ms")), kind)
        return pc.coalesce(moments, pc.cast(text, kind))
    return pc.coalesce(pc.cast(number, kind), pc.cast(text, kind))


def _plain_xml(texts: pa.Array) -> pa.Array:
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        texts = pc.replace_substring(texts, entity, letter)
    escaped = pc.fill_null(pc.match_substring_regex(texts, _ESCAPED.pattern), fill_value=False)
    if not pc.any(escaped).as_py():
        return texts
    plain = [_without_escapes(text) for text in pc.filter(texts, escaped).to_pylist()]
    return pc.replace_with_mask(texts, escaped, pa.array(plain, pa.string()))
