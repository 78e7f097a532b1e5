"""Rows of files that an agency drops: which files, where they lie, how they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources.files.archives import payloads_of
from publisher.sources.files.choice import choose_files
from publisher.sources.files.formats import (
    CsvFormat,
    ExcelFormat,
    FileFormat,
    FixedWidthFormat,
    GeoJsonFormat,
    JsonFormat,
    NdjsonFormat,
    ParquetFormat,
)
from publisher.sources.files.payload import Allowance, Payload
from publisher.sources.files.places import Listed, Location, open_location
from publisher.sources.files.spec import FileSource
from publisher.sources.memory import Revision, recall
from publisher.sources.stream import SourceStream, Unchanged
from publisher.sources.surroundings import Surroundings
from publisher.sources.text import text_column

if TYPE_CHECKING:
    from publisher.table_schema import FieldDefinition


class SourceFile(Protocol):
    """One file whose columns are known and whose rows are still to be read."""

    schema: pa.Schema
    notes: list[str]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""


@contextmanager
def open_files(
    spec: FileSource,
    *,
    fields: Sequence[FieldDefinition],
    secrets: Secrets,
    folder: Path,
    surroundings: Surroundings,
) -> Iterator[SourceStream]:
    """Take the matching files and stream their rows in order; files that were read before are only hashed.

    Columns are those of the first file, then those that only later files have; a file lacking one gives nulls there.

    Raises:
        SourceError: the place cannot be reached, nothing matches, or a file is not what the definition says.
        DescriptorError: the location names nothing.
    """
    with open_location(spec, secrets=secrets, folder=folder) as location, TemporaryDirectory() as scratch:
        yield FileStream(location, spec, fields, Path(scratch), surroundings)


class FileStream:
    """The rows of all files taken. The revision is the hash of each, so that a file delivered again is known."""

    expected_rows = None

    def __init__(
        self,
        location: Location,
        spec: FileSource,
        fields: Sequence[FieldDefinition],
        scratch: Path,
        surroundings: Surroundings,
    ) -> None:
        self._spec = spec
        self._fields = fields
        self._scratch = scratch
        self.notes: list[str] = []
        self.revision: Revision = []
        chosen = choose_files(location, spec, notes=self.notes)
        self._paths = [location.fetch(file.name, scratch) for file in chosen]
        self._before = [_state(path) for path in self._paths]
        _confirm_whole(location, chosen, self._paths)
        for file, path in zip(chosen, self._paths, strict=True):
            self.revision.append({"name": file.name, "bytes": str(file.size), "sha256": _sha256(path)})
            self.notes.append(f"File taken: {file.name}")
        known = recall(surroundings)
        self._is_unchanged = known is not None and _hashes(known[0]) == _hashes(self.revision)
        self._names: list[str] = []
        self._files: Sequence[SourceFile] = [] if self._is_unchanged else self._opened()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one file after the other under one schema.

        Raises:
            Unchanged: the very files were read before.
            SourceError: a file is not what the definition says.
        """
        if self._is_unchanged:
            raise Unchanged
        schema = common_schema([file.schema for file in self._files])
        for name, file in zip(self._names, self._files, strict=True):
            if missing := set(schema.names) - set(file.schema.names):
                self.notes.append(f"{name} lacks {len(missing)} columns that other files have")  # a name may be a value
        delivered = False
        for file in self._files:
            for batch in file.batches():
                delivered = True
                yield aligned(batch, schema)
            self.notes += file.notes
        for path, before in zip(self._paths, self._before, strict=True):
            if _state(path) != before:
                raise _changed(path.name)
        if not delivered:
            yield pa.RecordBatch.from_pylist([], schema)

    def _opened(self) -> Sequence[SourceFile]:
        allowance = Allowance(self._spec.max_unpacked_bytes)
        payloads = [
            payload
            for path in self._paths
            for payload in payloads_of(path, name=path.name, member=self._spec.member, allowance=allowance)
        ]
        self._names = [payload.name for payload in payloads]
        return open_payloads(payloads, self._spec.format, self._fields, self._scratch)


def open_payloads(
    payloads: Sequence[Payload], format_: FileFormat, fields: Sequence[FieldDefinition], scratch: Path
) -> Sequence[SourceFile]:
    """Open files of one format; what cannot be streamed is first turned into Arrow files in the scratch folder.

    Raises:
        SourceError: a file is not what its format says.
    """
    # Each format brings its own libraries; a run loads only those it needs.
    match format_:
        case CsvFormat():
            from publisher.sources.files.csv_files import CsvFile

            return [CsvFile(payload, format_, fields) for payload in payloads]
        case FixedWidthFormat():
            from publisher.sources.files.fixed_width import FixedWidthFile

            return [FixedWidthFile(payload, format_) for payload in payloads]
        case JsonFormat() | NdjsonFormat() | GeoJsonFormat():
            from publisher.sources.files.json_files import spool_json

            return [spool_json(payload, format_, scratch) for payload in payloads]
        case ExcelFormat() | ParquetFormat():
            from publisher.sources.files.apart import read_apart

            return read_apart(payloads, format_, fields, scratch)


def _confirm_whole(location: Location, chosen: Sequence[Listed], paths: Sequence[Path]) -> None:
    """Compare fetched files with their listing; what grew meanwhile is not taken.

    Raises:
        SourceError: one is another now.
    """
    again = set(chosen) if location.arrives_whole else set(location.files())
    for file, path in zip(chosen, paths, strict=True):
        if file not in again or path.stat().st_size != file.size:
            raise _changed(file.name)


def _changed(name: str) -> SourceError:
    return SourceError(f"{name} changed while it was read.", cure="run again when it is complete")


def _state(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hashes(revision: Revision) -> list[str | None]:
    return [one.get("sha256") for one in revision]


def common_schema(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Return all columns in the order of their first file; a column that differs in type between files is text."""
    types: dict[str, pa.DataType] = {}
    for schema in schemas:
        for field in schema:
            same = types.setdefault(field.name, field.type) == field.type
            types[field.name] = field.type if same else pa.string()
    return pa.schema(list(types.items()))


def aligned(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch under the common schema; columns that its file lacks are null."""
    if batch.schema.equals(schema):
        return batch
    own = set(batch.schema.names)
    columns = []
    for field in schema:
        column = batch[field.name] if field.name in own else pa.nulls(batch.num_rows, field.type)
        columns.append(column if column.type == field.type else text_column(field.name, column.to_pylist()))
    return pa.RecordBatch.from_arrays(columns, schema=schema)
