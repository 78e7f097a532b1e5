"""Asking only for what changed: new and changed rows merged by key into a private copy of the last reading.

The copy and its watermark are one file, so that they cannot disagree; it is replaced at one stroke, after the merged rows
have given the number of rows and the totals that the source has in the same snapshot. Whatever does not fit ends in a
full reading within that snapshot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from publisher.errors import DescriptorError
from publisher.sources.sql.control_totals import Claim, Tally, refuse_differences
from publisher.sources.sql.dialects import Watermark, literal
from publisher.sources.sql.merging import merge
from publisher.sources.sql.session import SqlSession, part_of
from publisher.sources.sql.slices import whole_batches
from publisher.sources.sql.spec import Incremental, SqlSource
from publisher.sources.surroundings import Surroundings

FILE = "base.parquet"
MARK = b"phusa_watermark"
FORM = "1"
"""Of the copy; another one is not read."""
ROW_GROUP = 65_536

KINDS: dict[str, Any] = {
    "int": int, "float": float, "Decimal": Decimal, "datetime": datetime.fromisoformat, "date": date.fromisoformat,
    "str": str,
}  # fmt: skip
"""How a watermark is read back, by the name of its Python type."""


@dataclass(frozen=True)
class Base:
    """Where the private copy lies, and what it must have been made from to be believed."""

    path: Path
    key: tuple[str, ...]
    identity: str

    @classmethod
    def of(cls, spec: SqlSource, surroundings: Surroundings, *, database: str) -> Base:
        """Return the copy of a table; query, key, column or database of another one make it another copy.

        Raises:
            DescriptorError: the table has no primary key to merge by.
        """
        if surroundings.memory is None or spec.incremental is None or not surroundings.key:
            raise DescriptorError(
                "`incremental` needs the table's `primaryKey`, by which changed rows find those they replace.",
                cure="give the schema a primaryKey, or remove `incremental`",
            )
        parts = [FORM, database, spec.query, spec.incremental.column, *surroundings.key]
        identity = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return cls(surroundings.memory / FILE, surroundings.key, identity)

    def watermark(self) -> Watermark | None:
        """Return the highest value of the last reading; null when there is no copy to be believed."""
        try:
            content = json.loads((pq.read_schema(self.path).metadata or {})[MARK])
            if content["identity"] == self.identity:
                return KINDS[content["kind"]](content["text"])  # type: ignore[no-any-return]
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            pass  # absent or broken: the table is read in full
        return None

    def marked(self, schema: pa.Schema, watermark: Watermark) -> pa.Schema:
        """Return the schema with the watermark in its metadata."""
        text = watermark.isoformat() if isinstance(watermark, date) else str(watermark)
        content = {"identity": self.identity, "kind": type(watermark).__name__, "text": text}
        return schema.with_metadata({MARK: json.dumps(content).encode()})


def drop_base(surroundings: Surroundings) -> None:
    """Delete the copy of a table that is no longer read incrementally; nobody keeps rows without a use."""
    if surroundings.memory is not None:
        (surroundings.memory / FILE).unlink(missing_ok=True)


@dataclass(frozen=True)
class IncrementalReading:
    """One reading that brings the private copy of a table up to date."""

    session: SqlSession
    spec: SqlSource
    increment: Incremental
    base: Base
    claims: Sequence[Claim]
    notes: list[str]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Update the copy, then yield all of its rows.

        Raises:
            SourceError: the database refuses, or rows and totals differ even after a full reading; the copy stays.
        """
        folder = self.base.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        with TemporaryDirectory(dir=folder, prefix="reading-") as scratch:
            fresh = Path(scratch) / FILE
            [(highest,)] = self.session.rows(part_of(self.spec.query, "1 = 1", columns=f"max({self._column})"))
            if not self._merge_changes(fresh, highest):
                refuse_differences(self._write(whole_batches(self.session, self.spec), fresh, highest, self.claims))
            fresh.replace(self.base.path)
        with pq.ParquetFile(self.base.path) as file:
            yield pa.RecordBatch.from_pylist([], file.schema_arrow.remove_metadata())
            for batch in file.iter_batches(ROW_GROUP):
                yield batch.replace_schema_metadata(None)

    @property
    def _column(self) -> str:
        return self.session.quoted(self.increment.column)

    def _merge_changes(self, fresh: Path, highest: Any) -> bool:
        """Write the copy with what changed; return false when the table must be read in full."""
        since: Any = self.base.watermark()
        if since is None or type(highest) is not type(since) or highest < since:
            return False
        begin = literal(_earlier(since, self.increment), self.session.dialect, column=self.increment.column)
        changes = fresh.with_name("changes.parquet")
        query = part_of(self.spec.query, f"{self._column} >= {begin} OR {self._column} IS NULL")
        found = self._write(self.session.batches(query), changes, highest, ())
        if not pq.read_schema(changes).equals(pq.read_schema(self.base.path), check_metadata=False):
            self.notes.append("Columns changed; the table was read in full.")
            return False
        merged = self._write(merge(self.base.path, changes, self.base.key), fresh, highest, self.claims)
        if merged.differences:
            self.notes.append("Rows were deleted, or changed without a new watermark; the table was read in full.")
            return False
        self.notes.append(f"Read {found.rows} rows that may have changed, of {merged.rows}.")
        return True

    def _write(
        self, batches: Iterator[pa.RecordBatch], path: Path, highest: Watermark | None, claims: Sequence[Claim]
    ) -> Tally:
        """Write rows with their watermark into a file and add them up."""
        tally = Tally(claims)
        first = next(batches)
        if missing := set(self.base.key) - set(first.schema.names):
            raise DescriptorError(
                f"The primary key needs columns that the query does not give: {', '.join(sorted(missing))}.",
                cure="let the query give them, or correct `primaryKey`; `incremental` merges by it",
            )
        schema = first.schema if highest is None else self.base.marked(first.schema, highest)
        with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
            waiting, held = [], 0
            for batch in chain([first], batches):
                tally.add(batch)
                waiting.append(batch)
                held += batch.num_rows
                if held >= ROW_GROUP:
                    writer.write_table(_table(waiting, schema), row_group_size=ROW_GROUP)
                    waiting, held = [], 0
            writer.write_table(_table(waiting, schema), row_group_size=ROW_GROUP)
        path.chmod(0o600)
        return tally


def _table(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(batches, schema.remove_metadata()).replace_schema_metadata(schema.metadata)


def _earlier(value: Watermark, increment: Incremental) -> Watermark:
    """Return the value as far back as the overlap says.

    Raises:
        DescriptorError: the column's texts are no times, so that there is no telling what lies behind them.
    """
    overlap = increment.overlap
    if overlap == 0:
        return value
    if isinstance(value, datetime):
        return value - timedelta(seconds=overlap)
    if isinstance(value, date):
        return value - timedelta(days=overlap)
    if not isinstance(value, str):
        return value - overlap
    with suppress(ValueError):
        if len(value) == len("2026-11-22"):
            return (date.fromisoformat(value) - timedelta(days=overlap)).isoformat()
        moment = datetime.fromisoformat(value) - timedelta(seconds=overlap)
        # Compared as text: without a fraction it sorts before the same second with one.
        return moment.isoformat(sep=value[10], timespec="seconds")
    raise DescriptorError(
        f"`incremental` gives an overlap, but the texts in `{increment.column}` are no ISO dates or times.",
        cure="remove `overlap`, or cast the column in the query",
    )
