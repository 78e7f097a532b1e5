"""The draft's schema held against all rows by the very validation of a release; what does not hold is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from publisher.definition import TableDefinition
from publisher.engines.working_files import new_working_file
from publisher.errors import DescriptorError
from publisher.proposal.draft import ProposedField
from publisher.proposal.field_types import TypeGuess
from publisher.proposal.staging import StagedSource
from publisher.validation import validate_table

_ROUNDS = 4


def prove_fields(fields: Sequence[ProposedField], key: Sequence[str], staged: StagedSource) -> list[str]:
    """Validate all rows with the drafted fields; turn a field that does not hold into text, and return the key if it holds.

    Raises:
        DescriptorError: the fields cannot be checked at all.
    """
    folder = staged.path.parent
    rows = _working_copy(staged, [field.name for field in fields], folder / "rows.arrow")
    kept = list(key)
    for _ in range(_ROUNDS):
        table = _table(fields, kept)
        report = validate_table(rows, table, valid=folder / "valid.arrow", quarantine=folder / "quarantine.parquet")
        (folder / "quarantine.parquet").unlink(missing_ok=True)
        broken = {error.field for error in report.errors if error.type in {"type-error", "constraint-error"}}
        if any(error.type == "primary-key" for error in report.errors):
            kept = []
        elif not broken:
            return kept
        for field in fields:
            if field.name in broken:
                _take_back(field)
    raise DescriptorError("The fields of the draft cannot be checked.", cure="report this, with the kind of the source")


def _working_copy(staged: StagedSource, names: Sequence[str], output: Path) -> Path:
    with pq.ParquetFile(staged.path) as file, new_working_file(output, staged.schema_as(names)) as writer:
        for batch in file.iter_batches():
            writer.write_batch(batch.rename_columns(list(names)))
    return output


def _table(fields: Sequence[ProposedField], key: Sequence[str]) -> TableDefinition:
    schema = {"fields": [field.descriptor(with_source=False) for field in fields], "primaryKey": list(key)}
    said = {
        "name": "draft",
        "title": "draft",
        "row": "draft",
        "schema": schema,
        "source": {"kind": "sql", "url": "env:NOWHERE", "query": "SELECT 1"},
        "privacy": {"subject": "none", "fields": {}},
    }
    return TableDefinition.model_validate(said)


def _take_back(field: ProposedField) -> None:
    if field.constraints:
        field.constraints = {}
    else:
        marks = {name: value for name, value in field.guess.options.items() if name == "missingValues"}
        field.guess = TypeGuess("string", marks, [f"text, because not every value is a right {field.guess.type}"])
