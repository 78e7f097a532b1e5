"""System (c): the statistics office's workbook, made for people to look at: cover, titles, two-row headers, footers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter

from publisher.sandbox import facts
from publisher.sandbox.dirt import Row, put, spoil

HEADER_ROWS = (4, 5)  # 1-based rows of each sheet's two-row header: two titles and a blank row stand above


def write_workbook(folder: Path, *, seed: int, now: datetime) -> int:
    """Drop the workbook of last year; return the number of its data rows. Its size knows no scale: wards are wards."""
    folder.mkdir(parents=True, exist_ok=True)
    year = now.year - 1
    words = facts.texts("population_texts")
    rng = np.random.default_rng([seed, 3])
    sheets = {"population": population_rows(rng), "households": household_rows(rng)}
    with xlsxwriter.Workbook(str(folder / f"dan_so_{year}.xlsx")) as book:
        book.set_properties({"created": now.replace(microsecond=0)})
        cover = book.add_worksheet(words["cover"]["sheet"])
        for number, line in enumerate(words["cover"]["lines"]):
            cover.write_string(number + 1, 1, line.format(year=year))
        for name, rows in sheets.items():
            _write_sheet(book, words[name], rows, year=year, date=now.strftime("%d/%m/%Y"))
    return sum(len(rows) for rows in sheets.values())


def population_rows(rng: np.random.Generator) -> list[Row]:
    """Make one row a ward: code, name, people in all, men, women, three age groups, square kilometres."""
    total = np.rint(facts.ward_people() * rng.normal(1.0, 0.01, len(facts.wards()))).astype(np.int64)
    men = np.rint(total * rng.normal(0.487, 0.008, len(total))).astype(np.int64)
    children = np.rint(total * rng.normal(0.205, 0.02, len(total))).astype(np.int64)
    elders = np.rint(total * rng.normal(0.118, 0.02, len(total))).astype(np.int64)
    rural = np.array([not ward["english_name"].endswith("Ward") for ward in facts.wards()])
    area = np.round(
        total / np.where(rural, rng.lognormal(7.0, 0.5, len(total)), rng.lognormal(9.6, 0.5, len(total))), 2
    )
    counts = [total, men, total - men, children, total - children - elders, elders, area]
    rows: list[Row] = list(zip(*_units(), *(c.tolist() for c in counts), strict=True))
    spoil(rows, rng, [put(4, facts.texts("population_texts")["not_yet_counted"])])
    return rows


def household_rows(rng: np.random.Generator) -> list[Row]:
    """Make one row a ward: code, name, households in all, of one person, mean size."""
    size = np.round(rng.normal(3.35, 0.2, len(facts.wards())), 2)
    households = np.rint(facts.ward_people() / size).astype(np.int64)
    single = np.rint(households * rng.normal(0.14, 0.03, len(size)).clip(0.03)).astype(np.int64)
    rows: list[Row] = list(zip(*_units(), households.tolist(), single.tolist(), size.tolist(), strict=True))
    spoil(rows, rng, [put(3, facts.texts("population_texts")["not_yet_counted"])])
    return rows


def _units() -> tuple[list[str], list[str]]:
    return [ward["code"] for ward in facts.wards()], [ward["full_name"] for ward in facts.wards()]


def _write_sheet(book: Any, words: dict[str, Any], rows: list[Row], *, year: int, date: str) -> None:
    sheet = book.add_worksheet(words["sheet"])
    heading = book.add_format({"bold": True, "align": "center", "border": 1, "text_wrap": True})
    for number, title in enumerate(words["titles"]):
        sheet.merge_range(number, 0, number, len(words["columns"]) - 1, title.format(year=year), heading)
    _write_header(sheet, words, heading)
    first = HEADER_ROWS[-1]
    for number, row in enumerate(rows):
        sheet.write_row(first + number, 0, row)
    for number, footer in enumerate(words["footers"]):
        sheet.write_string(first + len(rows) + 1 + number, 0, footer.format(date=date))


def _write_header(sheet: Any, words: dict[str, Any], heading: Any) -> None:
    upper, lower = HEADER_ROWS[0] - 1, HEADER_ROWS[1] - 1
    column = 0
    for title, width in words["groups"]:
        if width == 1:
            sheet.merge_range(upper, column, lower, column, title, heading)
        else:
            sheet.merge_range(upper, column, upper, column + width - 1, title, heading)
            for position in range(column, column + width):
                sheet.write_string(lower, position, words["columns"][position], heading)
        column += width
