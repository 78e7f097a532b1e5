"""Validate one table: every row is proven or judged clean, or goes to quarantine with its errors."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.definition import TableDefinition
from publisher.engines.local import batch_rows, new_parquet, one_ahead, read_batches, working_file
from publisher.errors import DriftError
from publisher.published import arrow_schema
from publisher.validation.columns import FieldCheck
from publisher.validation.judge import judges_of
from publisher.validation.keys import Key, RowNumbers, find_repeats
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
    clock: Callable[[], float] = time.perf_counter,
) -> QualityReport:
    """Check every row of a staged table against its Table Schema.

    Texts are cleaned first (see `text.py`). A row fails where Frictionless says so, or where a value fits no 64-bit integer, no
    finite float or no year from 1 to 9999; that is a `type-error` too.

    Args:
        staged: Parquet; the fields' names in the definition's order, text or typed as a driver delivers it.
        table: the definition with schema and thresholds.
        valid: gets the rows without errors, typed, in the source's order; written also when there are none.
        quarantine: gets the failing rows; no file (an old one is removed) when there are none.
        clock: seconds, for the report.

    Raises:
        DescriptorError: the schema is wrong, or its bounds and the values cannot be compared.
        DriftError: other columns, or a column type without text.
        EnvironmentFault: a file cannot be read or written.
    """
    started = clock()
    checks, keys = prepare_checks(table)
    _check_columns(staged, table)
    with working_file(valid), _key_folder(valid.parent) as folder:
        repeats = find_repeats(staged, checks, keys, folder=folder)
    tally = Tally(field.name for field in table.schema_.fields)
    with closing(one_ahead(_checked_batches(staged, table, checks, repeats=repeats))) as batches:
        _write(batches, table, tally, valid=valid, quarantine=quarantine)
    return tally.report(table, seconds=clock() - started)


def prepare_checks(table: TableDefinition) -> tuple[list[FieldCheck], list[Key]]:
    """Return the checks of all fields and the keys of a table; what is wrong with the schema shows here.

    Raises:
        DescriptorError: naming table, field and cure.
    """
    keys = [Key((field.name,), field.name) for field in table.schema_.fields if field.constraints.unique]
    if table.schema_.primaryKey:
        keys.append(Key(tuple(table.schema_.primaryKey)))
    names = {name for key in keys for name in key.fields}
    return [FieldCheck(judge, is_key=judge.definition.name in names) for judge in judges_of(table)], keys


@contextmanager
def _key_folder(parent: Path) -> Iterator[Path]:
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="keys-", dir=parent) as name:
        yield Path(name)


def _check_columns(staged: Path, table: TableDefinition) -> None:
    declared = [field.name for field in table.schema_.fields]
    with working_file(staged):
        delivered = pq.read_schema(staged).names
    if delivered == declared:
        return
    missing, unknown = set(declared) - set(delivered), set(delivered) - set(declared)
    found = [
        f"{what}: {', '.join(sorted(names))}" for what, names in (("missing", missing), ("unknown", unknown)) if names
    ]
    raise DriftError(
        f"table {table.name}: the columns differ from the definition ({'; '.join(found) or 'other order'}).",
        cure="bring the fields of the definition in line with the source",
    )


def _checked_batches(
    staged: Path, table: TableDefinition, checks: Sequence[FieldCheck], *, repeats: Mapping[Key, RowNumbers]
) -> Iterator[Checked]:
    schema = arrow_schema(table.schema_.fields)
    first_row = 0
    for batch in read_batches(staged, dictionaries=_repetitive_columns(staged)):
        yield batch, check_batch(batch, checks, schema=schema, first_row=first_row, repeats=repeats)
        first_row += batch.num_rows


def _repetitive_columns(staged: Path) -> list[str]:
    """Return the text columns whose first rows hold few distinct values: each is then looked at once a batch."""
    with pq.ParquetFile(staged) as file:
        rows = min(_SAMPLE_ROWS, batch_rows(file.metadata))
        sample = next(file.iter_batches(batch_size=rows), None)
    if sample is None or not sample.num_rows:
        return []
    return [
        name
        for name, column in zip(sample.schema.names, sample.columns, strict=True)
        if pa.types.is_string(column.type) and pc.count_distinct(column).as_py() < _FEW_DISTINCT * sample.num_rows
    ]


def _write(batches: Iterator[Checked], table: TableDefinition, tally: Tally, *, valid: Path, quarantine: Path) -> None:
    names = [field.name for field in table.schema_.fields]
    quarantine.unlink(missing_ok=True)
    with ExitStack() as files:
        writer = files.enter_context(new_parquet(valid, arrow_schema(table.schema_.fields)))
        failing: pq.ParquetWriter | None = None
        for batch, checked in batches:
            invalid = checked.invalid
            if not invalid.any():
                writer.write_batch(checked.typed)
            else:
                failing = failing or files.enter_context(new_parquet(quarantine, quarantine_schema(names)))
                failing.write_batch(quarantined(batch, invalid, checked.faults, first_row=tally.rows))
                writer.write_batch(checked.typed.filter(pa.array(~invalid)))
            tally.add(checked, invalid)
