"""CSV files of agencies as batches of texts: any usual delimiter, old encodings, title lines above the header, rows of any length."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.csv as pa_csv

from publisher.disclosure.personal.encodings import repair_text

_LINES_SEEN = 30
_BLOCK_BYTES = 1 << 24
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_csv_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV file, every column a string; rows of another length than the header's come last.

    Names of columns are the header's, with a number after names that stand twice. A file that is not UTF-8 is read byte by byte, as
    the repair of old encodings expects it.
    """
    encoding = _encoding_of(path)
    delimiter, header, lines = _header_of(path, encoding)
    names = _names_of(header, old=encoding == "latin-1")
    others: list[str] = []

    def keep_other_row(row: pa_csv.InvalidRow) -> str:
        others.append(row.text)
        return "skip"

    with pa.input_stream(str(path), compression="detect") as stream:
        reader = pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(
                column_names=names, skip_rows=lines, encoding=encoding, block_size=_BLOCK_BYTES
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=keep_other_row
            ),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
        yield from reader
    if others:
        yield _batch_of(names, list(csv.reader(others, delimiter=delimiter)))


def _batch_of(names: list[str], rows: list[list[str]]) -> pa.RecordBatch:
    """Return rows of any length as a batch; what goes beyond the header stands in columns of its own."""
    width = max([len(names), *map(len, rows)])
    every = [*names, *(f"column {place + 1}" for place in range(len(names), width))]
    return pa.record_batch(
        [pa.array([row[place] if place < len(row) else "" for row in rows], pa.string()) for place in range(width)],
        every,
    )


def _header_of(path: Path, encoding: str) -> tuple[str, list[str], int]:
    """Return the delimiter, the header's cells, and the number of lines up to its end; lines of titles above it are passed over."""
    with _open_text(path, encoding) as file:
        head = [line for _, line in zip(range(_LINES_SEEN), file, strict=False)]
    delimiter = max(",;\t|", key=lambda mark: sum(line.count(mark) for line in head[:10]))
    reader = csv.reader(head, delimiter=delimiter)
    found: list[tuple[list[str], int]] = []
    try:
        found = [(row, reader.line_num) for row in reader]
    except csv.Error:
        found = [([head[0].strip()], 1)]
    width = max((len(row) for row, _ in found), default=0)
    for row, lines in found:
        filled = sum(bool(cell.strip()) for cell in row)
        if filled > 0.5 * width or (width <= 2 and filled):
            return delimiter, row, lines
    return delimiter, found[0][0] if found else [], found[0][1] if found else 0


def _names_of(header: list[str], *, old: bool) -> list[str]:
    names: list[str] = []
    for place, cell in enumerate(header):
        name = cell.strip().lstrip("\ufeff")
        name = (repair_text(name) if old else name) or f"column {place + 1}"
        names.append(f"{name} {place}" if name in names else name)
    return names


def _encoding_of(path: Path) -> str:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        if file.read(2) in _UTF16_MARKS:
            return "utf-16"
    try:
        with _open_text(path, "utf-8") as text:
            while text.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _open_text(path: Path, encoding: str) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")
