"""Cells of a workbook as text, and what a workbook's own parts tell about them: its calendar, its error cells."""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from collections import Counter
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from publisher.sources.text import clock_text, composed, whole_number_text

FIRST_DAY_1900 = datetime(1899, 12, 30)  # noqa: DTZ001  workbooks know no time zones
FIRST_DAY_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
DAY_NUMBERS = range(10_000, 110_000)
"""1927 to 2201 in the usual calendar; smaller numbers in a date column may be years or counts."""
OLD_CALENDAR_RECORD = b"\x22\x00\x02\x00\x01\x00"
"""What an .xls that counts from 1904 must contain; by chance others may too."""
PART_BYTES = 16 << 20
ERROR_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]{0,200}?\bt=\"e\"[^>]{0,200}>")
ADDRESS = re.compile(rb'\br="([A-Z]{1,3}\d{1,7})"')
LONGEST_TAG = 512
SHEET = re.compile(rb"<(?:\w+:)?sheet\b[^>]{0,2000}>")
RELATIONSHIP = re.compile(rb"<(?:\w+:)?Relationship\b[^>]{0,2000}>")
NAME, RELATION, ID, TARGET = (
    re.compile(rb'\b%s="([^"]*)"' % name) for name in (b"name", rb"\w+:id", rb"(?<!:)Id", b"Target")
)


class CellTexts:
    """Turns cells into text by the declared types of their columns."""

    def __init__(self, path: Path, types: dict[str, str]) -> None:
        self._path = path
        self._types = types
        self._numbers: Counter[str] = Counter()

    def of(self, column: str, cell: Any) -> str | None:
        """Return a cell's text in a column; null when it is empty.

        The reader gives midnight as a bare date; in a column of dates, a number is the day number of an unformatted cell.
        """
        declared = self._types.get(column)
        if declared in {"date", "datetime"}:
            if type(cell) is float and int(cell) in DAY_NUMBERS and self._first_day is not None:
                cell = self._first_day + timedelta(seconds=round(cell * 86_400))
                self._numbers[column] += 1
                if declared == "date" and cell.time() == time():
                    cell = cell.date()
            if declared == "datetime" and type(cell) is date:
                cell = datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001
        return self.plain(cell)

    def plain(self, cell: Any) -> str | None:
        """Return a cell's text whatever its column."""
        if cell is None or cell == "":
            return None
        if isinstance(cell, str):
            return composed(cell)
        if isinstance(cell, bool):
            return "true" if cell else "false"
        if isinstance(cell, datetime | date | time):
            return cell.isoformat()
        if isinstance(cell, timedelta):
            return clock_text(cell)
        return whole_number_text(float(cell))

    def notes(self, place: str) -> list[str]:
        """Return what was made of numbers in columns of dates."""
        return [
            f"{place}: {count} numbers in `{column}` were read as day numbers"
            for column, count in self._numbers.items()
        ]

    @cached_property
    def _first_day(self) -> datetime | None:
        """The day from which the workbook counts; null when an old workbook leaves it open."""
        book = _part(self._path, "xl/workbook.xml")
        if book is not None:
            return FIRST_DAY_1904 if re.search(rb'date1904="(?:1|true)"', book) else FIRST_DAY_1900
        if zipfile.is_zipfile(self._path):
            return FIRST_DAY_1900
        return None if OLD_CALENDAR_RECORD in self._path.read_bytes() else FIRST_DAY_1900


def error_note(path: Path, name: str, title: str) -> list[str]:
    """Return a note when cells of an .xlsx sheet hold errors such as #N/A, which the reader gives as empty."""
    part = _sheet_part(path, title)
    if part is None:
        return []
    count, first = 0, ""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(part) as stream:
            kept = b""
            while chunk := stream.read(1 << 20):
                data = kept + chunk
                cut = max(data.rfind(b"<"), len(data) - LONGEST_TAG)
                for found in ERROR_CELL.finditer(data, 0, cut):
                    count += 1
                    address = ADDRESS.search(found[0])
                    first = first or (address[1].decode() if address else "")
                kept = data[cut:]
            count += len(ERROR_CELL.findall(kept))
    except (zipfile.BadZipFile, zlib.error, OSError, KeyError, NotImplementedError, EOFError, ValueError):
        return []
    return [
        f"{name}: {count} cells of {title} hold an error of Excel (first at {first}) and were read as empty"
    ] * bool(count)


def _sheet_part(path: Path, title: str) -> str | None:
    """Return the name of the part that holds a sheet; null when this is no .xlsx, or one put together oddly."""
    book, relations = _part(path, "xl/workbook.xml"), _part(path, "xl/_rels/workbook.xml.rels")
    if book is None or relations is None:
        return None
    sheets = {_attribute(tag, NAME): _attribute(tag, RELATION) for tag in SHEET.findall(book)}
    targets = {_attribute(tag, ID): _attribute(tag, TARGET) for tag in RELATIONSHIP.findall(relations)}
    target = targets.get(sheets.get(title, ""))
    if not target:
        return None
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _attribute(tag: bytes, pattern: re.Pattern[bytes]) -> str:
    found = pattern.search(tag)
    return html.unescape(found[1].decode("utf-8", "replace")) if found else ""


def _part(path: Path, part: str) -> bytes | None:
    """Return a small part of a zipped workbook; null when there is none."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(part) as stream:
            return stream.read(PART_BYTES)
    # A mutilated workbook makes the library stumble in more ways than it documents.
    except (zipfile.BadZipFile, zlib.error, OSError, KeyError, NotImplementedError, EOFError, ValueError, RuntimeError):
        return None
