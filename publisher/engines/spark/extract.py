"""Sources that several tasks can read at the same time: a PostgreSQL query in slices, a delivery of several files.

Everything else is one stream and is read where the command runs; its rows are shared out afterwards.
"""

from __future__ import annotations

import glob
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from publisher.definition import DatasetDefinition, TableDefinition
from publisher.engines.row_digest import RowDigest, sha256_of_columns
from publisher.engines.spark.handed_secrets import HandedSecrets, NotingSecrets
from publisher.engines.spark.tasks import Cluster
from publisher.engines.working_files import new_working_file, read_batches, schema_of, sized_batches, write_order
from publisher.errors import SourceError
from publisher.extraction import (
    Extract,
    Landed,
    extract_of,
    extract_table,
    naming,
    recalled,
    refuse_other_number,
    write_rows,
)
from publisher.secrets import Secrets
from publisher.sources import Surroundings, open_source
from publisher.sources.files.choice import choose_files
from publisher.sources.files.drops import aligned, common_schema
from publisher.sources.files.places import open_location
from publisher.sources.memory import Revision, recall
from publisher.sources.spec import FileSource, SqlSource
from publisher.sources.sql.control_totals import Tally, refuse_differences
from publisher.sources.stream import RevisedStream

if TYPE_CHECKING:
    from publisher.sources.sql.apart import Slices


def extract_on_cluster(
    cluster: Cluster,
    table: TableDefinition,
    output: Path,
    *,
    definition: DatasetDefinition,
    secrets: Secrets,
    surroundings: Surroundings,
) -> Extract:
    """Do what `extract_table` does, by tasks where the source allows it.

    Raises:
        SourceError: the source failed, or delivered another number of rows than it claims to hold.
    """
    source = table.source
    with naming(definition, table):
        if isinstance(source, SqlSource):
            from publisher.sources.sql.apart import can_be_sliced

            if can_be_sliced(source, secrets):
                return _extract_slices(cluster, table, output, secrets=secrets, surroundings=surroundings)
        elif isinstance(source, FileSource) and source.take == "all":
            return _extract_files(
                cluster, table, output, folder=definition.folder, secrets=secrets, surroundings=surroundings
            )
    return extract_table(table, output, definition=definition, secrets=secrets, surroundings=surroundings)


@dataclass(frozen=True)
class _Piece:
    """What one task read of a source: its file in the table's folder, and what it knows of it."""

    file: Path
    rows: int
    schema: pa.Schema
    """Of the source."""
    notes: tuple[str, ...] = ()
    revision: Revision | None = None


def _land(table: TableDefinition, folder: Path, batches: Iterator[pa.RecordBatch]) -> _Piece:
    """Write what a task reads into a file of a name of its own: a task that was taken for dead may still write its own."""
    first = next(batches)  # every source shows its columns, even without rows
    file = folder / f"{uuid.uuid4().hex}.arrow"
    rows, _ = write_rows(table, file, chain([first], batches))
    return _Piece(file, rows, first.schema)


def _extract_slices(
    cluster: Cluster, table: TableDefinition, output: Path, *, secrets: Secrets, surroundings: Surroundings
) -> Extract:
    from publisher.sources.sql.apart import open_slices

    spec = cast("SqlSource", table.source)
    output.mkdir(parents=True, exist_ok=True)
    with open_slices(spec, secrets=secrets, surroundings=surroundings) as slices:
        count = min(spec.partition.connections if spec.partition else 1, len(slices.queries))
        shares = [list(enumerate(slices.queries))[number::count] for number in range(count)]
        read = cluster.run(partial(_read_share, slices, table, output), shares)
    total = Tally(slices.claims)
    for _, tally in read:
        total.join(tally)
    pieces = [piece for _, piece in sorted((number, piece) for found, _ in read for number, piece in found.items())]
    refuse_differences(total)
    refuse_other_number(total.rows, slices.expected)
    rows, sha256 = _as_one(cluster, output, pieces)
    types = {field.name: str(field.type) for field in pieces[0].schema}
    return extract_of(table, output, Landed(rows, sha256, types), surroundings)


def _read_share(
    slices: Slices, table: TableDefinition, folder: Path, share: Sequence[tuple[int, str]]
) -> tuple[dict[int, _Piece], Tally]:
    """Read some slices on one connection, as many at the same time as the definition allows connections."""
    from publisher.sources.sql.apart import open_share

    with open_share(slices) as reader:
        pieces = {number: _land(table, folder, reader.batches(query)) for number, query in share}
    return pieces, reader.tally


def _extract_files(
    cluster: Cluster,
    table: TableDefinition,
    output: Path,
    *,
    folder: Path,
    secrets: Secrets,
    surroundings: Surroundings,
) -> Extract:
    source, notes, noting = cast("FileSource", table.source), list[str](), NotingSecrets(secrets)
    with open_location(source, secrets=noting, folder=folder) as location:
        chosen = choose_files(location, source, notes=notes)
    output.mkdir(parents=True, exist_ok=True)
    files = _Files(table, source, output, folder, HandedSecrets(noting.resolved))
    names = [file.name for file in chosen]
    known = recall(surroundings)
    if known is not None and [one.get("sha256") for one in known[0]] == cluster.run(files.hash, names):
        return recalled(table, output, surroundings)
    pieces = cluster.run(files.read, names)
    revision = [one for piece in pieces for one in piece.revision or []]
    for file, one in zip(chosen, revision, strict=True):
        if one["bytes"] != str(file.size):
            raise SourceError(f"{file.name} changed while it was read.", cure="run again when it is complete")
    common = common_schema([piece.schema for piece in pieces])
    notes += [piece.notes[0] for piece in pieces]
    for name, piece in zip(names, pieces, strict=True):
        if missing := set(common.names) - set(piece.schema.names):
            notes.append(f"{name} lacks {len(missing)} columns that other files have")
    notes += [note for piece in pieces for note in piece.notes[1:]]
    rows, sha256 = _as_one(cluster, output, cluster.run(partial(files.align, common), pieces))
    types = {field.name: str(field.type) for field in common}
    return extract_of(table, output, Landed(rows, sha256, types, tuple(notes), revision, is_revised=True), surroundings)


@dataclass(frozen=True)
class _Files:
    """A delivery of files, each of which one task reads."""

    table: TableDefinition
    source: FileSource
    output: Path
    folder: Path
    secrets: HandedSecrets

    def _open(self, name: str) -> Any:
        """Open one of the files as a source of its own."""
        alone = self.source.model_copy(
            update={"pattern": glob.escape(name), "marker": None, "settle_seconds": 0, "order": "name"}
        )
        return open_source(alone, fields=self.table.schema_.fields, secrets=self.secrets, folder=self.folder)

    def hash(self, name: str) -> str:
        """Return the SHA-256 of one file."""
        with self._open(name) as stream:
            return str(stream.revision[0]["sha256"])

    def read(self, name: str) -> _Piece:
        """Write the rows of one file."""
        with self._open(name) as stream:
            piece = _land(self.table, self.output, stream.batches())
            revision = stream.revision if isinstance(stream, RevisedStream) else None
            return _Piece(piece.file, piece.rows, piece.schema, tuple(stream.notes), revision)

    def align(self, common: pa.Schema, piece: _Piece) -> _Piece:
        """Write a file again whose columns are of other types than the other files' together."""
        wanted = self._staged_schema(common)
        if schema_of(piece.file).equals(wanted):
            return piece
        present = {field.name for field in self.table.schema_.fields if field.at_source in piece.schema.names}
        file = self.output / f"{uuid.uuid4().hex}.arrow"
        with new_working_file(file, wanted) as writer:
            for batch in sized_batches(self._aligned(piece.file, wanted, present)):
                writer.write_batch(batch)
        return _Piece(file, piece.rows, piece.schema, piece.notes, piece.revision)

    @staticmethod
    def _aligned(file: Path, wanted: pa.Schema, present: Iterable[str]) -> Iterator[pa.RecordBatch]:
        for batch in read_batches(file):
            yield aligned(batch.select([name for name in batch.schema.names if name in set(present)]), wanted)

    def _staged_schema(self, common: pa.Schema) -> pa.Schema:
        kinds = {field.name: field.type for field in common}
        return pa.schema([(field.name, _plain(kinds.get(field.at_source))) for field in self.table.schema_.fields])


def _plain(kind: pa.DataType | None) -> pa.DataType:
    if kind is None:
        return pa.string()
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _as_one(cluster: Cluster, folder: Path, pieces: Sequence[_Piece]) -> tuple[int, str]:
    """Make the pieces one table, in order; return its rows and their hash, which tasks compute column by column.

    Raises:
        SourceError: the pieces have different columns.
    """
    schema = schema_of(pieces[0].file)
    if any(not schema_of(piece.file).equals(schema) for piece in pieces):
        raise SourceError(
            "The slices of the query have different columns.", cure="cast the columns in the query to one type"
        )
    write_order(folder, [piece.file for piece in pieces if piece.rows] or [pieces[0].file])
    lines = cluster.run(partial(_hash_column, folder), schema.names)
    return sum(piece.rows for piece in pieces), sha256_of_columns(lines)


def _hash_column(folder: Path, name: str) -> str:
    digest = RowDigest(pa.schema([schema_of(folder).field(name)]))
    for batch in read_batches(folder, columns=[name]):
        digest.add(batch)
    [line] = digest.columns
    return line
