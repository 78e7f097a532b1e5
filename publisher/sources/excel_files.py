"""One sheet of a workbook as batches. A workbook can only be read whole: its sheet is in memory while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, WorksheetNotFound

from publisher.errors import SourceError
from publisher.sources.spec import ExcelFormat
from publisher.sources.text import clock_text, column_names, text_batch, whole_number_text

if TYPE_CHECKING:
    from publisher.table_schema import FieldDefinition

BATCH_ROWS = 20_000


class ExcelFile:
    """A sheet whose header is known and whose rows are still to be read.

    Raises:
        SourceError: the workbook is damaged or protected, or has no such sheet or header rows.
    """

    def __init__(self, path: Path, format_: ExcelFormat, fields: Sequence[FieldDefinition]) -> None:
        self._path = path
        self._format = format_
        self._datetimes = {field.at_source for field in fields if field.type == "datetime"}
        self.notes: list[str] = []
        sheet = self._sheet()
        header = self._header(sheet)
        # Formatting reaches further than data: columns with neither name nor value are none.
        used = _used_columns(self._data(sheet))
        self._kept = [position for position, name in enumerate(header) if name or position in used]
        names = column_names(header)
        self.columns = [names[position] for position in self._kept]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as text: whole numbers without `.0`, ISO dates, `true` and `false`; an empty cell is null."""
        rows: list[list[str | None]] = []
        for row in self._data(self._sheet(), self.notes):
            rows.append(
                [self._text(name, row[position]) for name, position in zip(self.columns, self._kept, strict=True)]
            )
            if len(rows) == BATCH_ROWS:
                yield text_batch(self.columns, zip(*rows, strict=True))
                rows = []
        if rows:
            yield text_batch(self.columns, zip(*rows, strict=True))

    def _sheet(self) -> CalamineSheet:
        try:
            workbook = CalamineWorkbook.from_path(str(self._path))
            wanted = self._format.sheet
            return (
                workbook.get_sheet_by_index(wanted) if isinstance(wanted, int) else workbook.get_sheet_by_name(wanted)
            )
        except PasswordError:
            raise SourceError(f"{self._path.name} is protected.", cure="have it delivered without password") from None
        except (WorksheetNotFound, IndexError):
            names = ", ".join(workbook.sheet_names)
            raise SourceError(
                f"{self._path.name} has no sheet `{self._format.sheet}`.", cure=f"name one of its sheets: {names}"
            ) from None
        except (CalamineError, OSError, ValueError):
            raise self._damaged() from None
        except BaseException as error:
            # Some damaged .xls make the reader panic, which is no Exception; a real interrupt goes on.
            if type(error).__name__ != "PanicException":
                raise
            raise self._damaged() from None

    def _damaged(self) -> SourceError:
        return SourceError(
            f"{self._path.name} is no intact workbook.", cure="open it in Excel, or have it delivered again"
        )

    def _header(self, sheet: CalamineSheet) -> list[str]:
        """Return one text for each column: its header cells from top to bottom, a merged cell counting for each column."""
        wanted = [number - 1 for number in self._format.header_rows]
        rows = {number: [*row] for number, row in enumerate(sheet.iter_rows()) if number in wanted}
        if not wanted or len(rows) < len(wanted):
            raise self._no_header()
        _fill_merged(rows, sheet)
        cells = [[_cell_text(cell) or "" for cell in rows[number]] for number in wanted]
        header = [" ".join(" ".join(parts).split()) for parts in zip(*cells, strict=True)]
        if not any(header):
            raise self._no_header()
        return header

    def _no_header(self) -> SourceError:
        return SourceError(
            f"{self._path.name} has no header in row {max(self._format.header_rows, default=0)}.",
            cure="correct `sheet` and `header_rows`; rows count from 1",
        )

    def _data(self, sheet: CalamineSheet, notes: list[str] | None = None) -> Iterator[list[Any]]:
        """Yield the rows below the header that hold any value, up to the first blank one when footers follow."""
        first = max(self._format.header_rows)
        rows = iter(sheet.iter_rows())
        for number, row in enumerate(rows):
            if number < first:
                continue
            if any(_has_value(cell) for cell in row):
                yield row
            elif self._format.stop_at_blank:
                left = sum(any(_has_value(cell) for cell in below) for below in rows)
                if left and notes is not None:
                    notes.append(f"{self._path.name}: {left} rows below the first blank row were taken as footers")
                return

    def _text(self, column: str, cell: Any) -> str | None:
        if column in self._datetimes and type(cell) is date:  # the reader gives midnight as a bare date
            cell = datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001  workbooks know no time zones
        return _cell_text(cell)


def _fill_merged(rows: dict[int, list[Any]], sheet: CalamineSheet) -> None:
    """Write a merged cell's text into every column it spans, in its top row only, so that no name repeats itself."""
    offset = sheet.start[1] if sheet.start else 0
    for (top, left), (_, right) in sheet.merged_cell_ranges or ():
        row = rows.get(top)
        if row is not None and 0 <= left - offset < len(row):
            row[left - offset : right - offset + 1] = [row[left - offset]] * (
                min(right - offset + 1, len(row)) - left + offset
            )


def _used_columns(rows: Iterator[list[Any]]) -> set[int]:
    used: set[int] = set()
    for row in rows:
        used.update(position for position, cell in enumerate(row) if position not in used and _has_value(cell))
    return used


def _has_value(cell: Any) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def _cell_text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return clock_text(cell)
    return whole_number_text(float(cell))
