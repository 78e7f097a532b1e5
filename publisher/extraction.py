"""The first steps of a release: rows from the agency's system into a staged file, and what can be said of them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from publisher.definition import DatasetDefinition, TableDefinition
from publisher.disclosure.spans import detect_text
from publisher.errors import DriftError, SourceError, VolumeError
from publisher.policy import GeneraliseHierarchy
from publisher.secrets import Secrets
from publisher.sources import open_source

ROW_GROUP = 65_536
"""Rows of a staged row group; fixed, so that equal rows give equal bytes however the source cuts its batches."""


@dataclass(frozen=True)
class Extract:
    """One table as its source delivered it: columns renamed to field names, in the definition's order."""

    table: TableDefinition
    path: Path
    rows: int
    sha256: str
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def drift(self) -> str:
        """How the delivered columns differ from the definition; empty when they do not."""
        missing = [f"-{name}" for name in self.missing]
        return " ".join([*missing, *(f"+{name}" for name in self.unknown)])


def extract_table(table: TableDefinition, output: Path, *, definition: DatasetDefinition, secrets: Secrets) -> Extract:
    """Read a table's source into a Parquet file; memory is bounded by one row group.

    Columns that the definition does not know are left behind, columns that are absent are filled with null; both are
    named in the extract, and the caller decides.

    Raises:
        SourceError: the source failed, or delivered another number of rows than it claims to hold.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    fields = table.schema_.fields
    with open_source(table.source, fields=fields, secrets=secrets, folder=definition.folder) as stream:
        delivered: dict[str, None] = {}
        rows = _write(table, output, _watch(stream.batches(), delivered))
        expected = stream.expected_rows
    if expected is not None and expected != rows:
        raise SourceError(
            f"The source says that it holds {expected} rows and delivered {rows}.",
            dataset=definition.name,
            step="extract",
            cure="run again; if it happens again, ask the agency which of the two numbers is right",
        )
    wanted = {field.at_source for field in fields}
    return Extract(
        table=table,
        path=output,
        rows=rows,
        sha256=_file_sha256(output),
        missing=tuple(field.at_source for field in fields if rows and field.at_source not in delivered),
        unknown=tuple(name for name in delivered if name not in wanted),
    )


def drift_of(extracts: Sequence[Extract]) -> str:
    """Return a fingerprint of how all tables drifted, which an approver accepts or not; empty when none did."""
    text = "; ".join(f"{extract.table.name}: {extract.drift}" for extract in extracts if extract.drift)
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def refuse_drift(extracts: Sequence[Extract], *, dataset: str) -> None:
    """Hold the run when columns came or went.

    Raises:
        SourceError: most columns are absent: a lost header or another file; its first row may be people's, so no name is told.
        DriftError: names the columns; a name that may be a cell's value is withheld.
    """
    for extract in extracts:
        fields = len(extract.table.schema_.fields)
        if len(extract.missing) > fields / 2:
            raise SourceError(
                f"{len(extract.missing)} of the {fields} columns of `{extract.table.name}` are absent.",
                dataset=dataset,
                step="extract",
                cure="see whether the header row is there and whether this is the right file",
            )
        if extract.drift:
            raise DriftError(
                f"The columns of `{extract.table.name}` changed: gone {_told(extract.missing)}; new {_told(extract.unknown)}.",
                dataset=dataset,
                step="extract",
                cure="change the definition, or let an approver accept the change: new columns stay out, gone ones are empty",
            )


def _told(names: Sequence[str]) -> str:
    """Write column names for people, without those that look like somebody's data."""
    return ", ".join("(name withheld)" if len(name) > 60 or detect_text(name) else name for name in names) or "none"


def refuse_volume(extracts: Sequence[Extract], before: dict[str, int], *, definition: DatasetDefinition) -> None:
    """Hold the run when a table is empty or its number of rows moved too far against the last release.

    Raises:
        VolumeError: names the table and both numbers.
    """
    bound = definition.release.max_row_change
    for extract in extracts:
        earlier = before.get(extract.table.name)
        if extract.rows == 0:
            problem = f"The source of `{extract.table.name}` delivered no rows."
        elif earlier and abs(extract.rows - earlier) > bound * earlier:
            problem = f"`{extract.table.name}` has {extract.rows} rows, the last release had {earlier}; allowed is {bound:.0%} of change."
        else:
            continue
        cure = "ask the agency; when the new number is right, raise `max_row_change` in the definition for this run"
        raise VolumeError(problem, dataset=definition.name, step="extract", cure=cure)


def fingerprint_of(definition: DatasetDefinition, extracts: Sequence[Extract], *, code_version: str) -> str:
    """Return one SHA-256 over input, definition, hierarchies and code: equal means that a release would be equal too."""
    digest = hashlib.sha256(f"{code_version}\n{definition.digest}\n".encode())
    for extract in extracts:
        digest.update(f"{extract.table.name}:{extract.sha256}\n".encode())
        for action in extract.table.privacy.fields.values():
            if isinstance(action, GeneraliseHierarchy):
                digest.update((definition.folder / action.hierarchy).read_bytes())
    return digest.hexdigest()


def _watch(batches: Iterator[pa.RecordBatch], delivered: dict[str, None]) -> Iterator[pa.RecordBatch]:
    """Pass batches on and note every column name that was ever seen, in order."""
    for batch in batches:
        delivered.update(dict.fromkeys(batch.schema.names))
        yield batch


def _write(table: TableDefinition, output: Path, batches: Iterator[pa.RecordBatch]) -> int:
    first = next(batches, None)
    if first is None:
        schema = pa.schema([pa.field(field.name, pa.string()) for field in table.schema_.fields])
        pq.write_table(schema.empty_table(), output)
        return 0
    rows = 0
    head = _by_definition(first, table)
    with pq.ParquetWriter(output, head.schema, compression="zstd", compression_level=1) as writer:
        waiting, held = [head], head.num_rows
        for batch in batches:
            waiting.append(_by_definition(batch, table))
            held += batch.num_rows
            while held >= ROW_GROUP:
                together = pa.Table.from_batches(waiting, schema=head.schema)
                writer.write_table(together.slice(0, ROW_GROUP), row_group_size=ROW_GROUP)
                waiting, held = together.slice(ROW_GROUP).to_batches(), held - ROW_GROUP
                rows += ROW_GROUP
        if held:
            writer.write_table(
                pa.Table.from_batches(waiting, schema=head.schema).combine_chunks(), row_group_size=ROW_GROUP
            )
    return int(rows + held)


def _by_definition(batch: pa.RecordBatch, table: TableDefinition) -> pa.RecordBatch:
    columns = {
        field.name: batch.column(field.at_source)
        if field.at_source in batch.schema.names
        else pa.nulls(batch.num_rows, pa.string())
        for field in table.schema_.fields
    }
    return pa.RecordBatch.from_pydict(columns)


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
