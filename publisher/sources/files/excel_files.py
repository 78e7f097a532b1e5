"""Sheets of a workbook as batches. A sheet can only be read whole: it is in memory while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    WorksheetNotFound,
)

from publisher.errors import DescriptorError, SourceError
from publisher.sources.files.excel_cells import CellTexts, error_note
from publisher.sources.files.formats import ExcelFormat
from publisher.sources.files.rows import filled_down, footer_note, is_footer, joined_header, without_last
from publisher.sources.row_spool import ArrowFile
from publisher.sources.text import column_names, composed, text_batch, text_schema

BATCH_ROWS = 20_000


def spool_workbook(path: Path, name: str, format_: ExcelFormat, *, types: dict[str, str], output: Path) -> ArrowFile:
    """Read the sheets that the format names into an Arrow file, one after the other.

    Args:
        path: the workbook.
        name: its name for people.
        format_: which sheets and rows.
        types: the declared type of each field, by its name in the file.
        output: the Arrow file to write.

    Raises:
        SourceError: the workbook is damaged or protected, or has no such sheet or header rows.
    """
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        notes: list[str] = []
        sheets = _chosen(workbook, name, format_, notes)
        columns: dict[str, None] = {}
        with output.open("wb") as stream:
            for title in sheets:
                table = workbook.get_sheet_by_name(title)
                if len(sheets) > 1 and _is_empty(table):
                    notes.append(f"{name}: the sheet {title} is empty")
                    continue
                sheet = _Sheet(table, title, name, format_, CellTexts(path, types))
                batches = sheet.batches()
                schema = text_schema(sheet.columns)
                columns.update(dict.fromkeys(sheet.columns))
                with pa.ipc.new_stream(stream, schema) as writer:
                    for batch in batches:
                        writer.write_batch(batch)
                notes += [*sheet.notes, *error_note(path, name, title)]
    except PasswordError:
        raise SourceError(f"{name} is protected.", cure="have it delivered without password") from None
    except (CalamineError, WorksheetNotFound, OSError, ValueError):
        raise damaged(name) from None
    except BaseException as error:
        # Some damaged .xls make the reader panic, which is no Exception; a real interrupt goes on.
        if type(error).__name__ != "PanicException":
            raise
        raise damaged(name) from None
    return ArrowFile(output, text_schema(list(columns)), notes)


def damaged(name: str) -> SourceError:
    """Return the error of a workbook that cannot be read."""
    return SourceError(f"{name} is no intact workbook.", cure="open it in Excel, or have it delivered again")


def _chosen(workbook: CalamineWorkbook, name: str, format_: ExcelFormat, notes: list[str]) -> list[str]:
    """Return the names of the wanted sheets in the order of the definition, those of a glob in the workbook's order.

    A glob finds no hidden sheets; one that is named is read although it is hidden.
    """
    titles = workbook.sheet_names
    hidden = {sheet.name for sheet in workbook.sheets_metadata if sheet.visible != SheetVisibleEnum.Visible}
    tables = {sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet}
    chosen: dict[str, None] = {}
    for wanted in format_.sheet if isinstance(format_.sheet, list) else [format_.sheet]:
        if isinstance(wanted, int):
            found = [titles[wanted]] if 0 <= wanted < len(titles) else []
        elif wanted in titles:
            found = [wanted]
        else:
            found = [title for title in titles if fnmatchcase(composed(title), wanted)]
            notes += [f"{name}: the sheet {title} is hidden and was left out" for title in found if title in hidden]
            found = [title for title in found if title not in hidden]
        if not [title for title in found if title in tables]:
            raise SourceError(f"{name} has no sheet `{wanted}`.", cure=f"name one of its sheets: {', '.join(titles)}")
        chosen.update(dict.fromkeys(title for title in found if title in tables))
    return list(chosen)


class _Sheet:
    """A sheet whose header is known and whose rows are still to be read."""

    def __init__(self, sheet: CalamineSheet, title: str, name: str, format_: ExcelFormat, texts: CellTexts) -> None:
        self._sheet = sheet
        self._title = title
        self._name = name
        self._format = format_
        self._texts = texts
        self._first_row = format_.first_row or max(format_.header_rows) + 1
        self.notes: list[str] = []
        header = self._header()
        # Formatting reaches further than data: columns with neither name nor value are none.
        used = _used_columns(row for _, row in self._data())
        self._kept = [position for position, name in enumerate(header) if name.strip() or position in used]
        names = column_names(header)
        self._names = [names[position] for position in self._kept]
        self.columns = list(self._names)
        if own := self._format.sheet_column:
            if own in self.columns:
                raise DescriptorError(
                    f"{self._name} has a column `{own}` of its own.", cure="give `sheet_column` another name"
                )
            self.columns.append(own)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as text: whole numbers without `.0`, ISO dates, `true` and `false`; an empty cell is null."""
        footer = self._format.footer
        batches = self._all_batches()
        if footer and footer.rows:
            batches = without_last(batches, footer.rows)
            self.notes.append(f"{self._name}: the last {footer.rows} rows of {self._title} were left out as footers")
        if self._format.fill_down:
            batches = filled_down(batches, self._format.fill_down, self._name)
        yield from batches
        self.notes += self._texts.notes(f"{self._name}: {self._title}")

    def _all_batches(self) -> Iterator[pa.RecordBatch]:
        more = [self._title] if self._format.sheet_column else []
        rows: list[list[str | None]] = []
        for _, row in self._data(self.notes):
            cells = [self._texts.of(name, row[at]) for name, at in zip(self._names, self._kept, strict=True)]
            rows.append([*cells, *more])
            if len(rows) == BATCH_ROWS:
                yield text_batch(self.columns, zip(*rows, strict=True))
                rows = []
        if rows:
            yield text_batch(self.columns, zip(*rows, strict=True))

    def _header(self) -> list[str]:
        """Return one text for each column: its header cells from top to bottom, a merged cell counting for each column."""
        wanted = [number - 1 for number in self._format.header_rows]
        rows = {number: [*row] for number, row in enumerate(self._sheet.iter_rows()) if number in wanted}
        if len(rows) < len(wanted):
            raise self._no_header()
        _fill_merged(rows, self._sheet)
        cells = [[self._texts.plain(cell) for cell in rows[number]] for number in wanted]
        header = joined_header(cells, fill=self._format.header_fill)
        if not any(header):
            raise self._no_header()
        return header

    def _no_header(self) -> SourceError:
        place = f"{self._name} has no header in row {max(self._format.header_rows)}"
        return SourceError(
            f"{place}; its sheet is empty." if _is_empty(self._sheet) else f"{place}.",
            cure="correct `sheet` and `header_rows`; rows count from 1",
        )

    def _data(self, notes: list[str] | None = None) -> Iterator[tuple[int, list[Any]]]:
        """Yield number and cells of the rows that hold any value, up to the first blank one or footer."""
        rows = enumerate(self._sheet.iter_rows(), start=1)
        for number, row in rows:
            if number < self._first_row:
                continue
            if not any(map(_has_value, row)):
                if not self._format.stop_at_blank:
                    continue
                left = sum(any(map(_has_value, below)) for _, below in rows)
                if left and notes is not None:
                    notes.append(f"{self._name}: {left} rows below the first blank row were taken as footers")
                return
            texts = [cell if isinstance(cell, str) else None for cell in row]
            if self._format.comment and _starts_with(texts, self._format.comment):
                continue
            if is_footer(texts, self._format.footer):
                if notes is not None:
                    left = 1 + sum(any(map(_has_value, below)) for _, below in rows)
                    notes.append(footer_note(self._name, f"row {number} of {self._title}", left))
                return
            yield number, row


def _starts_with(texts: Sequence[str | None], comment: str) -> bool:
    return next((text for text in texts if text and text.strip()), "").lstrip().startswith(comment)


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


def _is_empty(sheet: CalamineSheet) -> bool:
    return not any(_has_value(cell) for row in sheet.iter_rows() for cell in row)


def _has_value(cell: Any) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None
