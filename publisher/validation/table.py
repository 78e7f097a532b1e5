"""Validate one table: every row is proven or judged clean, or goes to quarantine with its errors."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.parquet import ParquetWriter

from publisher.checks import RowConstraint
from publisher.definition import TableDefinition
from publisher.engines.local import new_parquet, one_ahead
from publisher.engines.working_files import (
    Table,
    first_row_of,
    new_working_file,
    read_batches,
    schema_of,
    working_file,
)
from publisher.errors import DriftError
from publisher.published import arrow_schema
from publisher.validation.checks import TableCheck, open_checks, with_checks
from publisher.validation.columns import FieldCheck
from publisher.validation.foreign_keys import Orphans, Staged, find_orphans
from publisher.validation.judge import judges_of
from publisher.validation.keys import Key, RowNumbers, find_repeats
from publisher.validation.places import check_places
from publisher.validation.quarantine import quarantine_schema, quarantined
from publisher.validation.report import QualityReport
from publisher.validation.rows import CheckedBatch, check_batch
from publisher.validation.tally import Tally

_SAMPLE_ROWS = 8_192
_FEW_DISTINCT = 0.2
Checked = tuple[pa.RecordBatch, CheckedBatch]


def validate_table(
    staged: Path,
    table: TableDefinition,
    *,
    valid: Path,
    quarantine: Path,
    others: Mapping[str, Staged] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> QualityReport:
    """Check every row of a staged table against its Table Schema.

    Texts are cleaned first (see `text.py`). A row fails where Frictionless says so, or where a value fits no 64-bit integer, no
    finite float or no year from 1 to 9999; that is a `type-error` too.

    Args:
        staged: a working file; the fields' names in the definition's order, text or typed as a driver delivers it.
        table: the definition with schema and thresholds.
        valid: a working file of the rows without errors, typed, in the source's order; written also when there are none.
        quarantine: a Parquet file of the failing rows; no file (an old one is removed) when there are none.
        others: the dataset's tables by name, where foreign keys refer to others.
        clock: seconds, for the report.

    Raises:
        DescriptorError: the schema is wrong, its bounds and the values cannot be compared, or a table it refers to is absent.
        DriftError: other columns, or a column type without text.
        EnvironmentFault: a file cannot be read or written.
    """
    started = clock()
    checks, keys = prepare_checks(table)
    check_columns(staged, table)
    with working_file(valid), key_folder(valid.parent) as folder:
        staged = arranged(staged, table, folder)
        repeats = find_repeats(staged, checks, keys, folder=folder)
        orphans = find_orphans(Staged(staged, table), checks, others=others or {}, folder=folder)
        more = open_checks(staged, table, checks, folder=folder)
        found = Found(repeats, orphans, more)
        tally = check_rows(staged, table, checks, found, valid=valid, quarantine=quarantine)
    failures = [failure for check in more for failure in check.failures(tally.rows)]
    return tally.report(table, seconds=clock() - started, failures=failures)


@dataclass(frozen=True)
class Found:
    """What was found out about the whole table before its rows are checked: repeats and orphans; and its own checks."""

    repeats: Mapping[Key, RowNumbers]
    orphans: Sequence[Orphans]
    more: Sequence[TableCheck]


def check_rows(
    staged: Table,
    table: TableDefinition,
    checks: Sequence[FieldCheck],
    found: Found,
    *,
    valid: Path,
    quarantine: Path,
) -> Tally:
    """Check the rows of a table, or of a stretch of it, write the good and the failing ones, and return what was counted.

    Raises:
        DescriptorError: bounds and values cannot be compared.
        DriftError: a column type without text.
        EnvironmentFault: a file cannot be read or written.
    """
    tally = Tally((field.name for field in table.schema_.fields), first_row=first_row_of(staged))
    plain = _checked_batches(staged, table, checks, repeats=found.repeats)
    with closing(one_ahead(_with_more(plain, found, first_row=tally.first_row))) as batches:
        _write(batches, table, tally, valid=valid, quarantine=quarantine)
    return tally


def prepare_checks(table: TableDefinition) -> tuple[list[FieldCheck], list[Key]]:
    """Return the checks of all fields and the keys of a table; what is wrong with the schema shows here.

    Raises:
        DescriptorError: naming table, field and cure.
    """
    keys = [Key((field.name,), field.name) for field in table.schema_.fields if field.constraints.unique]
    if table.schema_.primaryKey:
        keys.append(Key(tuple(table.schema_.primaryKey)))
    if table.extended_checks:
        unique = {key.field for key in keys}
        further = [
            Key(tuple(key), key[0] if len(key) == 1 else None, frees_nulls=True) for key in table.schema_.uniqueKeys
        ]
        keys += [key for key in further if key.field is None or key.field not in unique]
    names = {name for key in keys for name in key.fields}
    names |= {name for key in table.schema_.foreignKeys for name in key.fields}
    names |= {name for check in table.checks if isinstance(check, RowConstraint) for name in check.names}
    return [FieldCheck(judge, is_key=judge.definition.name in names) for judge in judges_of(table)], keys


@contextmanager
def key_folder(parent: Path) -> Iterator[Path]:
    """Make a folder for files about keys, which vanishes with the block."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="keys-", dir=parent) as name:
        yield Path(name)


def check_columns(staged: Path, table: TableDefinition) -> None:
    """Refuse other columns than the definition's, as far as its `fieldsMatch` minds.

    Raises:
        DriftError: names them.
    """
    declared = [field.name for field in table.schema_.fields]
    delivered = schema_of(staged).names
    missing, unknown = table.schema_.tolerated(set(declared) - set(delivered), set(delivered) - set(declared))
    if delivered == declared or (table.schema_.fieldsMatch not in {None, "exact"} and not missing and not unknown):
        return
    found = [
        f"{what}: {', '.join(sorted(names))}" for what, names in (("missing", missing), ("unknown", unknown)) if names
    ]
    raise DriftError(
        f"table {table.name}: the columns differ from the definition ({'; '.join(found) or 'other order'}).",
        cure="bring the fields of the definition in line with the source",
    )


def arranged(staged: Path, table: TableDefinition, folder: Path) -> Path:
    """Return a file with the columns of the definition in its order: the file itself, or a copy where `fieldsMatch` allows others."""
    schema = schema_of(staged)
    declared = [field.name for field in table.schema_.fields]
    if schema.names == declared:
        return staged
    kinds = [schema.field(name) if name in schema.names else pa.field(name, pa.string()) for name in declared]
    copy = folder / "arranged.arrow"
    with new_working_file(copy, pa.schema(kinds)) as writer:
        for batch in read_batches(staged):
            absent = pa.nulls(batch.num_rows, pa.string())
            columns = [batch.column(name) if name in schema.names else absent for name in declared]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=pa.schema(kinds)))
    return copy


def _checked_batches(
    staged: Table, table: TableDefinition, checks: Sequence[FieldCheck], *, repeats: Mapping[Key, RowNumbers]
) -> Iterator[Checked]:
    schema = arrow_schema(table.schema_.fields)
    first_row = first_row_of(staged)
    repetitive: set[str] | None = None
    for batch in read_batches(staged):
        repetitive = _repetitive_columns(batch) if repetitive is None else repetitive
        encoded = _encode(batch, repetitive)
        checked = check_batch(encoded, checks, schema=schema, first_row=first_row, repeats=repeats)
        yield batch, check_places(checked, table)
        first_row += batch.num_rows


def _with_more(batches: Iterator[Checked], found: Found, *, first_row: int) -> Iterator[Checked]:
    """Add what foreign keys and the table's own checks find."""
    for batch, checked in batches:
        lost = [fault for one in found.orphans for fault in one.faults(first_row, batch.num_rows)]
        yield batch, with_checks(batch, checked.adding(lost), found.more, first_row=first_row)
        first_row += batch.num_rows


def _repetitive_columns(batch: pa.RecordBatch) -> set[str]:
    """Return the text columns whose first rows hold few distinct values: each is then looked at once a batch."""
    sample = batch.slice(0, _SAMPLE_ROWS)
    return {
        name
        for name, column in zip(sample.schema.names, sample.columns, strict=True)
        if pa.types.is_string(column.type) and pc.count_distinct(column).as_py() < _FEW_DISTINCT * sample.num_rows
    }


def _encode(batch: pa.RecordBatch, names: Collection[str]) -> pa.RecordBatch:
    columns = zip(batch.schema.names, batch.columns, strict=True)
    return pa.RecordBatch.from_pydict(
        {name: column.dictionary_encode() if name in names else column for name, column in columns}
    )


def _write(batches: Iterator[Checked], table: TableDefinition, tally: Tally, *, valid: Path, quarantine: Path) -> None:
    names = [field.name for field in table.schema_.fields]
    quarantine.unlink(missing_ok=True)
    with ExitStack() as files:
        writer = files.enter_context(new_working_file(valid, arrow_schema(table.schema_.fields)))
        failing: ParquetWriter | None = None
        for batch, checked in batches:
            invalid = checked.invalid
            if not invalid.any():
                writer.write_batch(checked.typed)
            else:
                failing = failing or files.enter_context(new_parquet(quarantine, quarantine_schema(names)))
                failing.write_batch(quarantined(batch, invalid, checked.faults, first_row=tally.next_row))
                writer.write_batch(checked.typed.filter(pa.array(~invalid)))
            tally.add(checked, invalid)
