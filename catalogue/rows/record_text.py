"""Rows as objects, lists, CSV, TSV, JSON or XML: whole for an answer, piece by piece for a dump."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from catalogue.rows.column_types import changes_when_shown, to_shown
from catalogue.rows.row_table import ROW_ID, Column

RECORD_FORMATS = ("objects", "lists", "csv", "tsv")
DUMP_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "xml": "text/xml",
}
_XML_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_XML_NAME = re.compile(r"[^\W\d][\w.\-]*")

Batch = Sequence[Sequence[Any]]


def shown_rows(rows: Batch, columns: Sequence[Column]) -> list[list[Any]]:
    """Return rows in their JSON form; what rides along behind the columns is cut off."""
    width = len(columns)
    changing = [(index, column.type) for index, column in enumerate(columns) if changes_when_shown(column.type)]
    shown = [list(row[:width]) for row in rows]
    for index, kind in changing:
        for row in shown:
            row[index] = to_shown(kind, row[index])
    return shown


def formatted(rows: Batch, columns: Sequence[Column], records_format: str) -> Any:
    """Return rows as an answer holds them: objects, lists, or one text without a header."""
    lists = shown_rows(rows, columns)
    if records_format == "objects":
        names = [column.name for column in columns]
        return [dict(zip(names, values, strict=True)) for values in lists]
    return lists if records_format == "lists" else delimited(lists, records_format)


def dumped(batches: Iterable[Batch], columns: Sequence[Column], file_format: str, *, bom: bool) -> Iterator[str]:
    """Yield a file of rows, batch by batch; a mark for the encoding only where readers expect one."""
    shown = (shown_rows(batch, columns) for batch in batches)
    if file_format == "json":
        return _json(shown, columns)
    if file_format == "xml":
        return _xml(shown, columns)
    return _delimited(shown, columns, file_format, bom=bom)


# ---- CSV and TSV ---------------------------------------------------------------------------------------------------


def delimited(rows: Batch, file_format: str) -> str:
    """Return rows as CSV or TSV text; null is empty, nested values are JSON."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t" if file_format == "tsv" else ",", lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _delimited(batches: Iterable[Batch], columns: Sequence[Column], file_format: str, *, bom: bool) -> Iterator[str]:
    header = delimited([[column.name for column in columns]], file_format)
    yield f"\ufeff{header}" if bom else header
    for batch in batches:
        yield delimited(batch, file_format)


# ---- JSON ----------------------------------------------------------------------------------------------------------


def _json(batches: Iterable[Batch], columns: Sequence[Column]) -> Iterator[str]:
    fields = json.dumps([column.shown() for column in columns], ensure_ascii=False)
    yield f'{{\n  "fields": {fields},\n  "records": ['
    separator = "\n    "
    for batch in batches:
        if batch:
            yield separator + ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in batch)
            separator = ",\n    "
    yield "\n  ]\n}\n"


# ---- XML -----------------------------------------------------------------------------------------------------------


def _xml(batches: Iterable[Batch], columns: Sequence[Column]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n<data xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    id_index = next((index for index, column in enumerate(columns) if column.name == ROW_ID), None)
    elements = [(index, *_element(column.name)) for index, column in enumerate(columns) if index != id_index]
    for batch in batches:
        yield "".join(_xml_row(row, elements, id_index) for row in batch)
    yield "</data>\n"


def _xml_row(row: Sequence[Any], elements: Sequence[tuple[int, str, str]], id_index: int | None) -> str:
    identity = f' _id="{row[id_index]}"' if id_index is not None else ""
    cells = "".join(_xml_value(tag, attributes, row[index]) for index, tag, attributes in elements)
    return f"<row{identity}>{cells}</row>\n"


def _element(name: str) -> tuple[str, str]:
    """Return the tag for a column, and an attribute with its name when that is no name in XML."""
    if _XML_NAME.fullmatch(name):
        return name, ""
    tag = re.sub(r"[^\w.\-]", "_", name)
    return (tag if _XML_NAME.fullmatch(tag) else f"_{tag}"), f" name={quoteattr(_XML_FORBIDDEN.sub('�', name))}"


def _xml_value(tag: str, attributes: str, value: Any) -> str:
    if value is None:
        return f'<{tag}{attributes} xsi:nil="true"/>'
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        inner = "".join(_xml_value("value", f" key={quoteattr(str(key))}", item) for key, item in entries)
    else:
        inner = escape(_XML_FORBIDDEN.sub("�", str(_cell(value))))
    return f"<{tag}{attributes}>{inner}</{tag}>"
