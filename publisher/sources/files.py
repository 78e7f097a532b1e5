"""Rows of files that an agency drops: which files, where they lie, how they are read."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources.csv_files import CsvFile
from publisher.sources.excel_files import ExcelFile
from publisher.sources.locations import Location, open_location
from publisher.sources.spec import CsvFormat, FileSource
from publisher.sources.stream import PlainStream, SourceStream
from publisher.sources.text import text_schema

if TYPE_CHECKING:
    from publisher.table_schema import FieldDefinition

SourceFile = CsvFile | ExcelFile


@contextmanager
def open_files(
    spec: FileSource, *, fields: Sequence[FieldDefinition], secrets: Secrets, folder: Path
) -> Iterator[SourceStream]:
    """Take the matching files and stream their rows, in name order; all columns are text.

    Columns are those of the first file, then those that only later files have; a file lacking one gives nulls there.

    Raises:
        SourceError: the place cannot be reached, nothing matches, or a file is not what the definition says.
        DescriptorError: the location names nothing.
    """
    with open_location(spec, secrets=secrets, folder=folder) as location, TemporaryDirectory() as scratch:
        names = _taken(location.names(spec.pattern), spec)
        notes = [f"File taken: {name}" for name in names]
        files = [_open_file(location, name, spec=spec, fields=fields, scratch=Path(scratch)) for name in names]
        columns = list(dict.fromkeys(column for file in files for column in file.columns))
        for name, file in zip(names, files, strict=True):
            if missing := set(columns) - set(file.columns):
                notes.append(f"{name} lacks columns that other files have: {', '.join(sorted(missing))}")
        yield PlainStream(_batches(files, columns, notes), notes=notes)


def _taken(names: Sequence[str], spec: FileSource) -> list[str]:
    if not names:
        raise SourceError(
            f"No file in {spec.location} matches `{spec.pattern}`.",
            cure="see whether the agency delivered, or correct `location` and `pattern`",
        )
    return sorted(names) if spec.take == "all" else [max(names)]


def _open_file(
    location: Location, name: str, *, spec: FileSource, fields: Sequence[FieldDefinition], scratch: Path
) -> SourceFile:
    path = location.fetch(name, scratch)
    if isinstance(spec.format, CsvFormat):
        return CsvFile(path, spec.format, fields)
    if path.suffix == ".gz":
        path = _unpacked(path, scratch)
    return ExcelFile(path, spec.format, fields)


def _unpacked(path: Path, scratch: Path) -> Path:
    plain = scratch / f"unpacked-{path.stem}"
    try:
        with gzip.open(path) as packed, plain.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    except (OSError, EOFError, zlib.error):
        raise SourceError(
            f"{path.name} is no intact gzip file.", cure="have it delivered again; the transfer may have broken off"
        ) from None
    return plain


def _batches(files: Sequence[SourceFile], columns: list[str], notes: list[str]) -> Iterator[pa.RecordBatch]:
    schema = text_schema(columns)
    delivered = False
    for file in files:
        for batch in file.batches():
            delivered = True
            yield _aligned(batch, schema)
        notes += file.notes
    if not delivered:
        yield pa.RecordBatch.from_pylist([], schema)


def _aligned(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if batch.schema.names == schema.names:
        return batch
    missing = pa.nulls(batch.num_rows, pa.string())
    own = set(batch.schema.names)
    return pa.RecordBatch.from_arrays([batch[n] if n in own else missing for n in schema.names], schema=schema)
