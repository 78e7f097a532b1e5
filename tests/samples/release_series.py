"""Releases of one table, made one after the other by the anonymiser and looked at by the checker, without a portal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from samples.working_tables import write_working

from publisher.anonymise import AnonymisedTables, anonymise_table
from publisher.definition import TableDefinition
from publisher.disclosure.cells import subtractions
from publisher.disclosure.releases.cells import small_differences, told_before
from publisher.disclosure.releases.classes import changed_classes
from publisher.earlier import Earlier, EarlierRelease, is_compared
from publisher.earlier_files import reduce_to_classes
from publisher.published import PublishedTable, arrow_schema, published_tables
from publisher.secrets import Secrets

Row = dict[str, Any]


class ReleaseSeries:
    """What was released so far; each release is made beside all earlier ones unless it is asked for alone."""

    def __init__(self, folder: Path, table: TableDefinition, *, first_day: date = date(2026, 10, 1)) -> None:
        self.table = table
        self.releases: list[EarlierRelease] = []
        self.last: AnonymisedTables | None = None
        self._folder = folder
        self._day = first_day - timedelta(days=1)

    @property
    def published(self) -> dict[str, PublishedTable]:
        return {one.name: one for one in published_tables(self.table)}

    def earlier(self, day: date | None = None) -> Earlier:
        return Earlier(day or self._day, tuple(self.releases), key=b"k" * 32)

    def make(self, rows: Sequence[Row], *, day: date | None = None, alone: bool = False) -> dict[str, list[Row]]:
        """Make the next release, a day later than the last, and add it to the series; return its tables."""
        self._day = day or self._day + timedelta(days=1)
        name = f"{self._day}.{len(self.releases) + 1}"
        work = self._folder / name
        work.mkdir(parents=True)
        schema = arrow_schema(self.table.schema_.fields)
        write_working(pa.Table.from_pylist(list(rows), schema=schema), work / "valid.arrow")
        self.last = anonymise_table(
            work / "valid.arrow",
            self.table,
            folder=self._folder,
            output=work / "anonymised",
            secrets=Secrets({"PSEUDO_KEY": "0123456789abcdef0123", "CELLKEY": "a cell key of more than 16 bytes"}),
            release=name,
            seed=7,
            earlier=None if alone else self.earlier(),
        )
        self.releases.append(self._kept(name, self.last))
        return {table.name: pq.read_table(path).to_pylist() for table, path in self.last.tables}

    def _kept(self, name: str, done: AnonymisedTables) -> EarlierRelease:
        classes = {}
        for table, path in done.tables:
            if table.aggregate is None and is_compared(table):
                classes[table.name] = path.with_suffix(".classes.parquet")
                reduce_to_classes(path, table, classes[table.name])
        tables = {table.name: path for table, path in done.tables if is_compared(table)}
        return EarlierRelease(name, self._day, tables, classes, reports=done.report, remembered=done.inside)

    def report(self, table: str) -> dict[str, Any]:
        assert self.last is not None
        return dict(self.last.report[table])

    def faults(self) -> list[str]:
        """Let the checker compare the newest release with all before it."""
        newest = self.releases[-1]
        earlier = Earlier(newest.day, tuple(self.releases[:-1]))
        others = list(self.published.values())
        found: list[str] = []
        for name, path in newest.tables.items():
            table, microdata = self.published[name], self.table.privacy.microdata
            if table.aggregate is not None:
                found += small_differences(path, table, earlier, others)
            elif microdata is not None:
                found += changed_classes(path, table, microdata, earlier)
        return found

    def hidden_faults(self) -> list[str]:
        """Let the checker try to compute the hidden cells of the newest release."""
        newest = self.releases[-1]
        earlier = Earlier(newest.day, tuple(self.releases[:-1]))
        tables = [(self.published[name], path) for name, path in newest.tables.items()]
        return subtractions(tables, {table.name: told_before(path, table, earlier) for table, path in tables})
