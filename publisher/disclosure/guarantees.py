"""The guarantees of a release, checked again on the very bytes to be uploaded, by code that shares nothing with the anonymiser.

What is known here: the published tables with their policy, the number of valid rows there were, and the release folder. A check that could
not run has failed. Details hold field names, kinds and numbers, never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from publisher.disclosure.budget import Entries, is_noisy, unpaid_noise
from publisher.disclosure.cells import recounts, small_cells, subtractions
from publisher.disclosure.changed_rows import changes_files, wrong_changes
from publisher.disclosure.classes import far_classes, left_out, singling_out, small_classes, uniform_classes
from publisher.disclosure.forms.columns import wrong_forms
from publisher.disclosure.gate import personal_columns, personal_texts
from publisher.disclosure.releases.cells import small_differences, told_before
from publisher.disclosure.releases.classes import changed_classes
from publisher.disclosure.releases.pseudonyms import weak_pseudonyms
from publisher.disclosure.releases.rerun import other_rows
from publisher.disclosure.same.cells import data_files, wrong_csv, wrong_files, wrong_parquet
from publisher.disclosure.same.documents import wrong_documents
from publisher.disclosure.same.excel import excel_files, wrong_excel_csv, wrong_xlsx
from publisher.disclosure.same.ndjson import wrong_ndjson
from publisher.disclosure.same.parquet_bytes import wrong_bytes
from publisher.disclosure.same.parts import part_files, wrong_parts
from publisher.disclosure.same.places import map_files, wrong_geojson, wrong_geoparquet
from publisher.disclosure.same.sqlite import wrong_sqlite
from publisher.disclosure.same.tiles import wrong_picture, wrong_pmtiles
from publisher.earlier import Earlier, is_compared
from publisher.published import PublishedTable

ALL_FORMATS = ("parquet", "csv", "sqlite", "xlsx", "excel_csv", "ndjson")


@dataclass(frozen=True)
class Check:
    """One guarantee for one table (an empty name: for the whole release)."""

    id: str
    table: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Verdict:
    """All checks of a release; it may leave only when every one has passed."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Tell whether there were checks and all passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """Return the checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    def to_dict(self) -> dict[str, Any]:
        """Return the form kept in the privacy report."""
        return {"passed": self.passed, "checks": [asdict(check) for check in self.checks]}


@dataclass(frozen=True)
class Known:
    """What is known besides the bytes.

    Attributes:
        earlier: what is public already; null for files that are no release, which are compared with nothing.
        ledgers: all entries of the ledgers that noisy tables are paid from; null where there are none.
        again: Parquet files of tables that were made a second time, by name.
    """

    earlier: Earlier | None = None
    ledgers: Entries | None = None
    again: Mapping[str, Path] = field(default_factory=dict)


NOTHING = Known()


@dataclass(frozen=True)
class Given:
    """What a check starts from.

    Attributes:
        folder: holds the data files, and may already hold the JSON files that describe the release.
        tables: what the policy publishes, all tables of the dataset.
        dataset: its name, which the SQLite file carries.
        today: the day on which waivers must still hold.
        definitions: the definition's folder, where hierarchies lie.
        rows_before: for each table whose rows leave, the number of valid rows that the anonymiser was given.
        formats: the formats the definition asks for; Parquet must be one of them, since the others are compared with it.
        known: what is known besides the bytes.
    """

    folder: Path
    tables: Sequence[PublishedTable]
    dataset: str
    today: date
    definitions: Path
    rows_before: Mapping[str, int]
    formats: Sequence[str] = ALL_FORMATS
    known: Known = NOTHING


def check_release(  # noqa: PLR0913  what a check starts from, each by its name
    folder: Path,
    tables: Sequence[PublishedTable],
    *,
    dataset: str,
    today: date,
    definitions: Path,
    rows_before: Mapping[str, int],
    formats: Sequence[str] = ALL_FORMATS,
    known: Known = NOTHING,
) -> Verdict:
    """Check G1 to G10 on the files of a release folder; the arguments are explained at `Given`."""
    given = Given(folder, tables, dataset, today, definitions, rows_before, formats, known)
    return Verdict(tuple(_all_checks(given)))


def check_texts(folder: Path, tables: Sequence[PublishedTable]) -> Verdict:
    """Check the texts of a release alone: file names, descriptions and every JSON file, once they are all written."""
    return Verdict((_run("G2", "", "texts", lambda: personal_texts(folder, tables)),))


def _all_checks(given: Given) -> Iterator[Check]:
    folder, tables = given.folder, given.tables
    declared = data_files(tables, dataset=given.dataset, formats=given.formats)
    parquets = {table.name: folder / f"{table.name}.parquet" for table in tables}
    declared |= changes_files(folder, tables)
    declared |= {name for table in tables for name in map_files(table)}
    declared |= {name for table in tables for name in part_files(folder, table)}
    yield _run("G1", "", "files", lambda: wrong_files(folder, declared | excel_files(folder, tables, given.formats)))
    if "sqlite" in given.formats:
        yield _run("G1", "", "SQLite", lambda: wrong_sqlite(folder / f"{given.dataset}.sqlite", parquets, tables))
    yield _run("G1", "", "documents", lambda: wrong_documents(folder, tables))
    yield _run("G2", "", "texts", lambda: personal_texts(folder, tables))
    for table in tables:
        yield from _table_checks(given, parquets[table.name], table)
        if table.aggregate is None:
            yield from _row_checks(parquets[table.name], table, given.rows_before.get(table.name))
        yield from _release_checks(given, parquets[table.name], table)
    aggregates = [(table, parquets[table.name]) for table in tables if table.aggregate and not is_noisy(table)]
    if aggregates:
        rows = [(table, parquets[table.name]) for table in tables if table.aggregate is None]
        yield _run(
            "G6", "", "subtraction", lambda: subtractions(aggregates, _told_before(aggregates, given.known.earlier))
        )
        yield _run("G6", "", "recount", lambda: recounts(aggregates, rows))


def _table_checks(given: Given, path: Path, table: PublishedTable) -> Iterator[Check]:
    name = table.name
    yield _run("G1", name, "Parquet", lambda: wrong_parquet(path, table))
    yield _run("G1", name, "Parquet's bytes", lambda: wrong_bytes(path))
    if "csv" in given.formats:
        yield _run("G1", name, "CSV", lambda: wrong_csv(path.with_suffix(".csv.gz"), path, table))
    yield from _reading_checks(given, path, table)
    if table.geometry is not None:
        yield from _map_checks(path, table)
    yield _run("G1", name, "changed rows", lambda: wrong_changes(given.folder, table))
    yield _run("G2", name, "columns", lambda: personal_columns(path, table, today=given.today))
    yield _run("G5", name, "forms", lambda: wrong_forms(path, table, definitions=given.definitions))
    if is_noisy(table):
        yield _run("G9", name, "budget", lambda: unpaid_noise(path, table, given.dataset, given.known.ledgers))
    elif table.aggregate is not None:
        yield _run("G6", name, "small cells", lambda: small_cells(path, table))


def _told_before(aggregates: Sequence[tuple[PublishedTable, Path]], earlier: Earlier | None) -> dict[str, set[Any]]:
    return {table.name: told_before(path, table, earlier) for table, path in aggregates if is_compared(table)}


def _release_checks(given: Given, path: Path, table: PublishedTable) -> Iterator[Check]:
    """Compare the table with what is public already."""
    earlier, microdata = given.known.earlier, table.source.privacy.microdata
    if again := given.known.again.get(table.name):
        yield _run("G10", table.name, "rerun", lambda: other_rows(path, again, table))
    if any(field.treatment == "pseudonymise" for field in table.fields):
        yield _run("G8", table.name, "pseudonyms", lambda: weak_pseudonyms(path, table, earlier))
    if earlier is None or not earlier.releases or not is_compared(table):
        return
    if table.aggregate is not None:
        yield _run("G7", table.name, "differences", lambda: small_differences(path, table, earlier, given.tables))
    elif microdata is not None:
        yield _run("G7", table.name, "differences", lambda: changed_classes(path, table, microdata, earlier))


def _reading_checks(given: Given, path: Path, table: PublishedTable) -> Iterator[Check]:
    """Compare the forms for one kind of reader; whether a file for Excel may be absent is judged with the other files."""
    if "xlsx" in given.formats:
        yield _run("G1", table.name, "XLSX", lambda: wrong_xlsx(path.with_suffix(".xlsx"), path, table))
    if "excel_csv" in given.formats:
        yield _run("G1", table.name, "Excel CSV", lambda: wrong_excel_csv(path.with_suffix(".excel.csv"), path, table))
    if table.partition is not None:
        yield _run("G1", table.name, "pieces", lambda: wrong_parts(given.folder, table))
    if "ndjson" in given.formats:
        yield _run("G1", table.name, "NDJSON", lambda: wrong_ndjson(path.with_suffix(".ndjson.gz"), path, table))


def _map_checks(path: Path, table: PublishedTable) -> Iterator[Check]:
    geo, geojson, tiles, picture = (path.with_name(name) for name in map_files(table))
    yield _run("G1", table.name, "GeoParquet", lambda: wrong_geoparquet(geo, path, table))
    yield _run("G1", table.name, "GeoJSON", lambda: wrong_geojson(geojson, path, table))
    yield _run("G1", table.name, "tiles", lambda: wrong_pmtiles(tiles, geo, table))
    yield _run("G1", table.name, "picture", lambda: wrong_picture(picture, geo, table))


def _row_checks(path: Path, table: PublishedTable, rows_before: int | None) -> Iterator[Check]:
    microdata = table.source.privacy.microdata
    if microdata is None:
        return
    yield _run("G3", table.name, "k", lambda: small_classes(path, table, microdata))
    yield _run("G3", table.name, "singling out", lambda: singling_out(path, table, microdata))
    yield _run(
        "G3", table.name, "suppression", lambda: left_out(pq.read_metadata(path).num_rows, rows_before, microdata)
    )
    if microdata.l_diversity:
        yield _run("G4", table.name, "l", lambda: uniform_classes(path, table, microdata))
    if microdata.t_closeness:
        yield _run("G4", table.name, "t", lambda: far_classes(path, table, microdata))


def _run(guarantee: str, table: str, what: str, check: Callable[[], list[str]]) -> Check:
    try:
        faults = check()
    except Exception as error:  # noqa: BLE001  whatever stopped a check, the check has failed; its message may hold values
        faults = [f"the check could not run ({type(error).__name__})"]
    return Check(guarantee, table, not faults, f"{what}: {'; '.join(faults) or 'holds'}")
