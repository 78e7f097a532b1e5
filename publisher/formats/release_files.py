"""All data files of a release, each table read once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from publisher.engines.engine import Engine
from publisher.formats.csv import csv_gz_sink
from publisher.formats.datapackage import (
    CSV_ENDING,
    EXCEL_CSV_ENDING,
    NDJSON_ENDING,
    PARQUET_ENDING,
    SQLITE_ENDING,
    XLSX_ENDING,
)
from publisher.formats.excel.csv_text import excel_csv_sink, fits_excel_csv
from publisher.formats.excel.limits import fits_excel
from publisher.formats.excel.xlsx import xlsx_sink
from publisher.formats.ndjson import ndjson_gz_sink
from publisher.formats.parquet import parquet_sink
from publisher.formats.parts import parquet_parts_sink
from publisher.formats.rows import count_rows, read_rows
from publisher.formats.sink import OpenedSink, feed
from publisher.formats.sqlite import sqlite_database
from publisher.published import PublishedTable

ENDINGS = {
    "parquet": PARQUET_ENDING,
    "csv": CSV_ENDING,
    "sqlite": SQLITE_ENDING,
    "xlsx": XLSX_ENDING,
    "excel_csv": EXCEL_CSV_ENDING,
    "ndjson": NDJSON_ENDING,
}
"""How the names of the files of each form end."""


def write_release_files(
    tables: Sequence[tuple[PublishedTable, Path]],
    folder: Path,
    *,
    dataset: str,
    release: str,
    formats: Sequence[str],
    engine: Engine | None = None,
) -> dict[str, int]:
    """Write every form of every table into the folder and return the rows of each table.

    Args:
        tables: the published tables, each with its anonymised rows: a Parquet file in the table's Arrow schema and in
            release order.
        folder: where the files go; each is there whole or not at all.
        dataset: its name, which the database carries.
        release: its id, which Parquet and SQLite carry.
        formats: the forms that the definition asks for.
        engine: may write the pieces of partitioned tables; they are written here when null.

    Raises:
        DisclosureRisk: the columns of a table are not exactly the fields that the policy publishes.
        ReleaseRefused: a number is not finite.
        StorageError: a file cannot be written.
    """
    rows = {}
    with ExitStack() as open_files:
        database = None
        if "sqlite" in formats:
            published = [table for table, _ in tables]
            database = open_files.enter_context(
                sqlite_database(published, folder / f"{dataset}{SQLITE_ENDING}", release=release)
            )
        for table, source in tables:
            sinks = _table_sinks(table, folder, release=release, formats=formats)
            if table.partition is not None and not (
                engine and engine.write_parts(table, table.partition, source, folder)
            ):
                sinks["parquet parts"] = parquet_parts_sink(table, table.partition, folder)
            sinks |= _excel_sinks(table, folder, rows=count_rows(source), formats=formats)
            if database is not None:
                sinks["sqlite"] = database(table)
            rows[table.name] = feed(read_rows(source, table), sinks)
            if table.geometry is not None:
                _draw(table, folder)
    return rows


def formats_in(folder: Path) -> list[str]:
    """Return the forms that a release folder holds, Parquet always: an earlier release may have been asked for others than today."""
    names = [path.name for path in folder.iterdir()]
    return [
        form for form, ending in ENDINGS.items() if form == "parquet" or any(name.endswith(ending) for name in names)
    ]


def _table_sinks(table: PublishedTable, folder: Path, *, release: str, formats: Sequence[str]) -> dict[str, OpenedSink]:
    sinks: dict[str, OpenedSink] = {}
    if "parquet" in formats:
        sinks["parquet"] = parquet_sink(table, folder / f"{table.name}{PARQUET_ENDING}", release=release)
    if "csv" in formats:
        sinks["csv"] = csv_gz_sink(table, folder / f"{table.name}{CSV_ENDING}")
    if "ndjson" in formats:
        sinks["ndjson"] = ndjson_gz_sink(table, folder / f"{table.name}{NDJSON_ENDING}")
    if table.geometry is not None:
        from publisher.formats.geo.files import geo_sinks  # shapely only where there is a map

        sinks |= geo_sinks(table, folder, release=release)
    return sinks


def _excel_sinks(table: PublishedTable, folder: Path, *, rows: int, formats: Sequence[str]) -> dict[str, OpenedSink]:
    """Return the sinks of files that Excel opens whole; a table without a place there has none."""
    sinks: dict[str, OpenedSink] = {}
    if "xlsx" in formats and fits_excel(table, rows):
        sinks["xlsx"] = xlsx_sink(table, folder / f"{table.name}{XLSX_ENDING}")
    if "excel_csv" in formats and fits_excel_csv(rows):
        sinks["excel_csv"] = excel_csv_sink(table, folder / f"{table.name}{EXCEL_CSV_ENDING}")
    return sinks


def _draw(table: PublishedTable, folder: Path) -> None:
    from publisher.formats.geo.files import draw_table

    draw_table(table, folder)
