"""Which sheet of a workbook holds the table, and in which row its header stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from publisher.errors import SourceError
from publisher.proposal.delimited import NUMBER
from publisher.sources.files.formats import ExcelFormat

_LOOKED_AT = 40


def guess_excel(path: Path, name: str) -> ExcelFormat:
    """Return the largest sheet of a workbook and the row of its header.

    Raises:
        SourceError: the workbook is damaged or protected, or has no sheet with a table.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(str(path))
        sheets = {title: workbook.get_sheet_by_name(title).to_python() for title in workbook.sheet_names}
    except (CalamineError, OSError, ValueError):
        raise SourceError(
            f"{name} is no workbook that can be read.", cure="open it in Excel and save it again"
        ) from None
    sizes = {title: sum(bool(str(cell).strip()) for row in rows for cell in row) for title, rows in sheets.items()}
    title = max(sizes, key=lambda name: sizes[name], default=None)
    if title is None or not sizes[title]:
        raise SourceError(f"{name} has no sheet with rows.", cure="name another file")
    settings: dict[str, Any] = {"kind": "excel"}
    if len(sheets) > 1:
        settings["sheet"] = title
    header = _header(sheets[title][:_LOOKED_AT])
    return ExcelFormat.model_validate(settings | ({"header_rows": [header + 1]} if header else {}))


def _header(rows: Sequence[Sequence[Any]]) -> int:
    """Return the place of the first row that is as full of words as any, from 0."""
    words = [
        sum(isinstance(cell, str) and bool(cell.strip()) and not NUMBER.fullmatch(cell) for cell in row) for row in rows
    ]
    filled = [sum(bool(str(cell).strip()) for cell in row) for row in rows]
    full = sorted(filled)[len(filled) // 2]
    return next((place for place, count in enumerate(words) if count >= max(1, 0.8 * full)), 0)
