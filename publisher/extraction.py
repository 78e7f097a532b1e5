"""The first steps of a release: rows from the agency's system into a staged file, and what can be said of them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pyarrow as pa

from publisher.definition import DatasetDefinition, TableDefinition
from publisher.disclosure.personal.spans import detect_text
from publisher.engines.row_digest import RowDigest
from publisher.engines.working_files import new_working_file, sized_batches
from publisher.errors import DriftError, PublisherError, SourceError, VolumeError
from publisher.policy import GeneraliseHierarchy
from publisher.secrets import Secrets
from publisher.sources import NOWHERE, Surroundings, open_source
from publisher.sources.memory import Revision, recall, remember
from publisher.sources.stream import RevisedStream, Unchanged


@dataclass(frozen=True)
class Extract:
    """One table as its source delivered it: a working file with columns renamed to field names, in the definition's order.

    `sha256` is a hash of the rows, which does not depend on how the source cut its batches.
    """

    table: TableDefinition
    path: Path
    rows: int
    sha256: str
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    is_recalled: bool = False
    """The source says that it did not change: these are the facts of the last reading, and there is no file."""
    types: dict[str, str] = field(default_factory=dict)
    """Every delivered column with its Arrow type."""
    files: tuple[dict[str, str], ...] = ()
    """Name, size and SHA-256 of each file that the rows came from."""
    notes: tuple[str, ...] = ()
    """What the source left out on purpose, or what a steward should know; never a cell value."""

    @property
    def drift(self) -> str:
        """How the delivered columns differ from the definition; empty when they do not."""
        missing = [f"-{name}" for name in self.missing]
        return " ".join([*missing, *(f"+{name}" for name in self.unknown)])


def extract_table(
    table: TableDefinition,
    output: Path,
    *,
    definition: DatasetDefinition,
    secrets: Secrets,
    surroundings: Surroundings = NOWHERE,
) -> Extract:
    """Read a table's source into a working file; memory is bounded by one batch.

    Columns that the definition does not know are left behind, columns that are absent are filled with null; both are
    named in the extract, and the caller decides. A source that says it did not change is not read at all.

    Raises:
        SourceError: the source failed, or delivered another number of rows than it claims to hold.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    fields = table.schema_.fields
    delivered: dict[str, str] = {}
    with (
        naming(definition, table),
        open_source(
            table.source, fields=fields, secrets=secrets, folder=definition.folder, surroundings=surroundings
        ) as stream,
    ):
        try:
            rows, sha256 = write_rows(table, output, _watch(stream.batches(), delivered))
        except Unchanged:
            return recalled(table, output, surroundings)
        refuse_other_number(rows, stream.expected_rows)
    is_revised = isinstance(stream, RevisedStream)
    revision = stream.revision if isinstance(stream, RevisedStream) else None
    landed = Landed(rows, sha256, delivered, tuple(stream.notes), revision, is_revised=is_revised)
    return extract_of(table, output, landed, surroundings)


@dataclass(frozen=True)
class Landed:
    """What is known of a table once its rows lie in their working file, by the names of `Extract`.

    `revision` is what the next reading asks by, of a source that can be asked (`is_revised`).
    """

    rows: int
    sha256: str
    types: dict[str, str]
    notes: tuple[str, ...] = ()
    revision: Revision | None = None
    is_revised: bool = False


def extract_of(table: TableDefinition, output: Path, landed: Landed, surroundings: Surroundings) -> Extract:
    """Return the extract of a table that landed, and remember what its source can be asked by."""
    missing, unknown = _drifted_columns(table, landed.types, landed.rows)
    extract = Extract(
        table=table,
        path=output,
        rows=landed.rows,
        sha256=landed.sha256,
        missing=missing,
        unknown=unknown,
        types=landed.types,
        files=tuple(one for one in landed.revision or () if "sha256" in one),
        notes=landed.notes,
    )
    if landed.is_revised:
        remember(surroundings, landed.revision, {name: getattr(extract, name) for name in _FACTS})
    return extract


_FACTS = ("rows", "sha256", "missing", "unknown", "types", "files")


def recalled(table: TableDefinition, output: Path, surroundings: Surroundings) -> Extract:
    """Return the extract of the last reading, when the source says that nothing changed.

    Raises:
        SourceError: nothing is remembered.
    """
    remembered = recall(surroundings)
    if remembered is None:
        raise SourceError("The source says that nothing changed, but nobody remembers what it held.", cure="run again")
    facts = remembered[1]
    return Extract(
        table=table,
        path=output,
        rows=facts["rows"],
        sha256=facts["sha256"],
        missing=tuple(facts["missing"]),
        unknown=tuple(facts["unknown"]),
        is_recalled=True,
        types=facts.get("types", {}),
        files=tuple(facts.get("files", ())),
    )


def _drifted_columns(
    table: TableDefinition, delivered: Iterable[str], rows: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which columns are absent and which nobody asked for, as far as the schema's `fieldsMatch` minds."""
    fields = table.schema_.fields
    came, wanted = set(delivered), {field.at_source for field in fields}
    absent = {field.name for field in fields if rows and field.at_source not in came}
    missing, unknown = table.schema_.tolerated(absent, came - wanted)
    return (
        tuple(field.at_source for field in fields if field.name in missing),
        tuple(name for name in delivered if name in unknown),
    )


@contextmanager
def naming(definition: DatasetDefinition, table: TableDefinition) -> Iterator[None]:
    """Put dataset, step and table into what a source raises."""
    try:
        yield
    except PublisherError as error:
        error.dataset, error.step = definition.name, "extract"
        error.message = f"`{table.name}`: {error.message}"
        raise


def refuse_other_number(rows: int, expected: int | None) -> None:
    """Refuse when a source claims another number of rows than it delivered; null is no claim.

    Raises:
        SourceError: names both numbers.
    """
    if expected is not None and expected != rows:
        raise SourceError(
            f"The source says that it holds {expected} rows and delivered {rows}.",
            cure="run again; if it happens again, ask the agency which of the two numbers is right",
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
                f"The columns of `{extract.table.name}` changed: gone {told_names(extract.missing)}; new {told_names(extract.unknown)}.",
                dataset=dataset,
                step="extract",
                cure="change the definition, or let an approver accept the change: new columns stay out, gone ones are empty",
            )


def told_names(names: Iterable[str]) -> str:
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
        cure = "ask the agency; when the new number is right, raise `max_row_change` in the definition for this run"
        if extract.rows == 0:
            problem = f"The source of `{extract.table.name}` delivered no rows."
            cure = "ask the agency; a table without rows is never released"
        elif earlier and abs(extract.rows - earlier) > bound * earlier:
            problem = f"`{extract.table.name}` has {extract.rows} rows, the last release had {earlier}; allowed is {bound:.0%} of change."
        else:
            continue
        raise VolumeError(problem, dataset=definition.name, step="extract", cure=cure)


def fingerprint_of(definition: DatasetDefinition, extracts: Sequence[Extract], *, code_version: str) -> str:
    """Return one SHA-256 over input, definition, hierarchies and code: equal means that a release would be equal too."""
    digest = hashlib.sha256(f"{code_version}\n{definition.digest}\n".encode())
    for extract in extracts:
        digest.update(f"{extract.table.name}:{extract.sha256}\n".encode())
        for action in extract.table.privacy.fields.values():
            if isinstance(action, GeneraliseHierarchy) and action.file:
                digest.update((definition.folder / action.file).read_bytes())
    return digest.hexdigest()


def _watch(batches: Iterator[pa.RecordBatch], delivered: dict[str, str]) -> Iterator[pa.RecordBatch]:
    """Pass batches on and note every column that was ever seen, in order, with its type."""
    for batch in batches:
        delivered.update({column.name: str(column.type) for column in batch.schema})
        yield batch


def write_rows(table: TableDefinition, output: Path, batches: Iterator[pa.RecordBatch]) -> tuple[int, str]:
    """Write the rows that a source delivers to a working file, as the definition names them; return their number and hash."""
    first = next(batches, None)
    if first is None:
        first = pa.RecordBatch.from_pylist(
            [], pa.schema([(field.at_source, pa.string()) for field in table.schema_.fields])
        )
    head = _by_definition(first, table)
    rows, digest = 0, RowDigest(head.schema)
    renamed = chain([head], (_by_definition(batch, table) for batch in batches))
    with new_working_file(output, head.schema) as writer:
        for batch in sized_batches(renamed):
            writer.write_batch(batch)
            digest.add(batch)
            rows += batch.num_rows
    return rows, digest.sha256


def _by_definition(batch: pa.RecordBatch, table: TableDefinition) -> pa.RecordBatch:
    columns = {
        field.name: _plain(batch.column(field.at_source))
        if field.at_source in batch.schema.names
        else pa.nulls(batch.num_rows, pa.string())
        for field in table.schema_.fields
    }
    return pa.RecordBatch.from_pydict(columns)


def _plain(column: pa.Array) -> pa.Array:
    """Return the values themselves: each batch has a dictionary of its own, and a working file takes one for all."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
