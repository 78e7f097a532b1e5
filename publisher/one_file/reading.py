"""From a file to the valid rows of a table: read whole, its named columns typed and validated as in a release."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.definition import TableDefinition
from publisher.engines.working_files import new_working_file
from publisher.errors import DescriptorError, ReleaseRefused, SourceError, ThresholdExceeded
from publisher.extraction import told_names
from publisher.one_file.fields import fields_of
from publisher.one_file.policy_file import PolicyFile, clean_name
from publisher.policy import Drop, Privacy
from publisher.proposal.facts import column_facts, opened
from publisher.proposal.guessed import Guessed, guess_file
from publisher.proposal.staging import StagedSource, stage_source
from publisher.secrets import Secrets
from publisher.sources.files.archives import payloads_of
from publisher.sources.files.formats import CsvFormat, ParquetFormat
from publisher.sources.files.payload import Allowance
from publisher.table_schema import FieldDefinition, TableSchema
from publisher.validation import validate_table

_HEADER_BYTES = 1 << 20
_UNPACKED = 20_000_000_000
_PRESENT = "__present"
"""A column beside those of the policy, so that a row without values in them is a row all the same: null is a value."""


@dataclass(frozen=True)
class ReadTable:
    """The table as a definition would describe it, a working file of its rows, their number, and the file's delimiter; null for Parquet."""

    table: TableDefinition
    valid: Path
    rows: int
    delimiter: str | None
    left_behind: tuple[str, ...]


def read_table(file: Path, policy: PolicyFile, work: Path, *, name: str, schema: Path | None) -> ReadTable:
    """Read and validate a CSV, TSV or Parquet file.

    Raises:
        DescriptorError: the policy names columns that the file does not have, or the schema is none.
        ReleaseRefused: the file cannot be read as a table, or its values are not what the actions need.
    """
    try:
        guessed = _with_header(guess_file(file))
        staged = stage_source(guessed, work / "source.parquet", secrets=Secrets({}))
    except SourceError as error:
        raise ReleaseRefused(error.message, step="read", cure="give a file with a header and rows") from None
    columns = _columns(staged.schema, policy.privacy, _repeated(file, guessed, staged.schema))
    typed = replace(staged, schema=pa.schema([staged.schema.field(at_source) for at_source in columns.values()]))
    fields = _fields(typed, columns, policy, _declared(schema) if schema else {})
    said = {
        "name": name,
        "title": name,
        "row": name,
        "schema": TableSchema(fields=fields),
        "source": {"kind": "sql", "url": "env:NONE", "query": "SELECT 1"},
        # What is dropped by name need not be in the file.
        "privacy": policy.privacy.model_copy(
            update={"fields": {name: one for name, one in policy.privacy.fields.items() if name in columns}}
        ),
    }
    try:
        table = TableDefinition.model_validate(said)
    except ValueError as error:
        raise DescriptorError(_reason(error), step="read", cure="bring policy and file in line") from None
    valid = _validated(typed, columns, table, work)
    delimiter = getattr(getattr(guessed.spec, "format", None), "delimiter", None)
    behind = tuple(name for name in staged.schema.names if name not in columns.values())
    return ReadTable(table, valid, staged.rows, delimiter, behind)


def _fields(
    staged: StagedSource, columns: Collection[str], policy: PolicyFile, declared: Mapping[str, Mapping[str, Any]]
) -> list[FieldDefinition]:
    with opened(staged) as engine:
        facts = [replace(one, name=named) for one, named in zip(column_facts(engine, staged), columns, strict=True)]
        return fields_of(facts, policy.privacy, engine, declared=declared)


def _with_header(guessed: Guessed) -> Guessed:
    """Take the first row as names whatever it looks like: a policy speaks of columns by their names."""
    form = getattr(guessed.spec, "format", None)
    if not guessed.columns or form is None:
        return guessed
    named = form.model_copy(update={"header": True, "header_rows": [form.first_row or 1], "first_row": None})
    return Guessed(guessed.spec.model_copy(update={"format": named}), guessed.stem)


def _repeated(file: Path, guessed: Guessed, schema: pa.Schema) -> set[str]:
    """Return the columns of a CSV whose header stands there twice; the reader gives the second one another name."""
    form = getattr(guessed.spec, "format", None)
    if not isinstance(form, CsvFormat) or form.encoding == "utf-16":
        return set()
    (payload,) = payloads_of(file, name=file.name, member=None, allowance=Allowance(_UNPACKED))
    with payload.open() as stream:
        start = stream.read(_HEADER_BYTES).decode("latin-1").removeprefix("\u00ef\u00bb\u00bf")
    rows = (row for row in csv.reader(io.StringIO(start, newline=""), delimiter=form.delimiter) if row)
    header = [cell.strip() for cell in next(islice(rows, form.header_rows[0] - 1, None), [])]
    counted = Counter(header)
    return {name for name, cell in zip(schema.names, header, strict=False) if cell and counted[cell] > 1}


def _columns(schema: pa.Schema, privacy: Privacy, repeated: Collection[str]) -> dict[str, str]:
    """Return the columns that are needed, in the file's order: the policy's name and the file's.

    Raises:
        DescriptorError: the policy names columns that the file does not have, or has twice.
    """
    measured = {measure.field for table in privacy.tables for measure in table.measures if measure.field}
    wanted = {name for name, action in privacy.fields.items() if not isinstance(action, Drop)}
    wanted |= {*measured, *privacy.unit_key, *(name for table in privacy.tables for name in table.group_by)}
    if not wanted:
        raise DescriptorError(
            "The policy lets no column out.", step="read", cure="name the columns that may leave, each with its action"
        )
    at_source: dict[str, list[str]] = {}
    for name in schema.names:
        at_source.setdefault(clean_name(name), []).append(name)
    if missing := sorted(wanted - at_source.keys()):
        raise DescriptorError(
            f"The policy names columns that the file does not have: {', '.join(missing)}.",
            step="read",
            cure=_nearest(wanted, list(at_source)),
        )
    found = {name: places[0] for name, places in at_source.items() if name in wanted}
    twice = [name for name, place in found.items() if len(at_source[name]) > 1 or place in repeated]
    twice += [name for name, count in Counter(name.casefold() for name in found).items() if count > 1]
    if twice:
        raise DescriptorError(
            f"The file has columns twice: {', '.join(sorted(set(twice)))}.", step="read", cure="rename one of them"
        )
    if odd := [name for name in found if re.search(r'["\x00-\x1f]', name) or name.startswith("__") or not name]:
        raise DescriptorError(
            f"{len(odd)} columns have names with quotes or control characters.", step="read", cure="rename them"
        )
    return found


def _nearest(wanted: Collection[str], names: Sequence[str]) -> str:
    """Return what to do about absent columns; where none is there the first row may be no header but somebody's data, and is not told."""
    if any(name in wanted for name in names):
        return f"the file has {told_names(names)}"
    alike = [name for name in names if name.casefold() in {one.casefold() for one in wanted}]
    if alike:
        return f"the file writes {', '.join(alike)}"
    return "see whether its first row names the columns, and whether this is the right file"


def _declared(path: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        fields = json.loads(path.read_bytes())["fields"]
        return {clean_name(str(field["name"])): field for field in fields}
    except (OSError, ValueError, KeyError, TypeError):
        raise DescriptorError(
            f"{path} is no Table Schema.", cure='give JSON with `{"fields": [{"name", "type"}]}`'
        ) from None


def _validated(staged: StagedSource, columns: Mapping[str, str], table: TableDefinition, work: Path) -> Path:
    rows = work / "rows.arrow"
    is_text = not isinstance(staged.spec.format, ParquetFormat)
    schema = staged.schema_as(list(columns)).append(pa.field(_PRESENT, pa.bool_()))
    with pq.ParquetFile(staged.path) as file, new_working_file(rows, schema) as writer:
        for batch in file.iter_batches(columns=None if is_text else list(columns.values())):
            named = [*batch.select(list(columns.values())).columns, _present(batch, is_text=is_text)]
            writer.write_batch(_without_nan(pa.RecordBatch.from_arrays(named, schema=schema)))
    staged.path.unlink()
    valid = work / "valid.arrow"
    report = validate_table(rows, _with_present(table), valid=valid, quarantine=work / "quarantine.parquet")
    rows.unlink()
    if report.invalid_rows:
        raise ThresholdExceeded(
            f"{report.invalid_rows} of {report.rows} rows are blank or have values that are not of their type: {report.leading_errors()}.",
            step="read",
            cure="mend them, delete lines that hold delimiters alone, or give `--schema` with the type and format of the field",
        )
    return valid


def _with_present(table: TableDefinition) -> TableDefinition:
    present = FieldDefinition.model_validate({"name": "present", "title": "present", "type": "boolean"})
    fields = [*table.schema_.fields, present.model_copy(update={"name": _PRESENT})]
    return table.model_copy(update={"schema_": table.schema_.model_copy(update={"fields": fields})})


def _present(batch: pa.RecordBatch, *, is_text: bool) -> pa.Array:
    """Return true for each row of the file, null for the lines of a text that hold nothing in any column: only these are blank."""
    blank = np.full(batch.num_rows, is_text)
    for column in batch.columns:
        if not blank.any():
            break
        empty = pc.is_null(column, nan_is_null=True)
        if pa.types.is_string(column.type):
            empty = pc.or_(empty, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), True))
        blank &= empty.to_numpy(zero_copy_only=False)
    return pa.array(np.ones(batch.num_rows, np.bool_), mask=blank)


def _without_nan(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch with null for NaN, as data frames write a number that is not there."""
    return pa.RecordBatch.from_arrays(
        [
            pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
            if pa.types.is_floating(column.type)
            else column
            for column in batch.columns
        ],
        schema=batch.schema,
    )


def _reason(error: ValueError) -> str:
    errors = getattr(error, "errors", None)
    found = errors(include_url=False, include_input=False) if errors else []
    return "; ".join(fault["msg"].removeprefix("Value error, ") for fault in found) or type(error).__name__
