"""All rows of a source in one Parquet file, so that every question is asked of the whole table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from publisher.errors import SourceError
from publisher.proposal.guessed import Guessed
from publisher.secrets import Secrets
from publisher.sources import open_source


@dataclass(frozen=True)
class StagedSource:
    """The rows as the source delivered them.

    Attributes:
        path: Parquet under the source's own column names.
        spec: the source as it was read, one of those that were guessed.
        schema: names and types of the columns.
        rows: how many there are.
        notes: what the reader said about the source; never a value.
    """

    path: Path
    spec: Any
    schema: pa.Schema
    rows: int
    notes: tuple[str, ...]

    def schema_as(self, names: Sequence[str]) -> pa.Schema:
        """Return the schema with other names."""
        return pa.schema([pa.field(name, field.type) for name, field in zip(names, self.schema, strict=True)])


def stage_source(guessed: Guessed, output: Path, *, secrets: Secrets) -> StagedSource:
    """Read the source to its end.

    Raises:
        SourceError: it cannot be read, in none of the ways that were guessed, or has no rows.
        DescriptorError: its address names nothing.
    """
    refused: SourceError | None = None
    for spec in (guessed.spec, *guessed.alternatives):
        try:
            return _stage(spec, guessed, output, secrets=secrets)
        except SourceError as error:
            refused = refused or error
    raise refused or SourceError("The source cannot be read.", cure="look at its address")


def _stage(spec: Any, guessed: Guessed, output: Path, *, secrets: Secrets) -> StagedSource:
    # Nobody else writes a file that a person names now, so that it need not be watched.
    now = spec.model_copy(update={"settle_seconds": 0}) if hasattr(spec, "settle_seconds") else spec
    rows = 0
    writer: pq.ParquetWriter | None = None
    with open_source(now, fields=guessed.fields(), secrets=secrets, folder=Path()) as stream:
        try:
            for batch in stream.batches():
                plain = _plain(batch)
                writer = writer or pq.ParquetWriter(output, plain.schema, compression="zstd", compression_level=1)
                writer.write_batch(plain)
                rows += batch.num_rows
        finally:
            if writer is not None:
                writer.close()
        notes = tuple(stream.notes)
    if not rows:
        raise SourceError("The source has no rows.", cure="propose a definition when it has some")
    return StagedSource(output, spec, pq.read_schema(output), rows, notes)


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch without null types and dictionaries, which later batches might contradict."""
    columns = []
    for column in batch.columns:
        kind = column.type
        if isinstance(kind, pa.BaseExtensionType):
            column, kind = column.storage, kind.storage_type  # noqa: PLW2901
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if (
            pa.types.is_null(kind)
            or pa.types.is_decimal(kind)
            or pa.types.is_large_string(kind)
            or pa.types.is_nested(kind)
        ):
            kind = pa.string()
        columns.append(column.cast(kind))
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
