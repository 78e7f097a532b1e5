"""Validation by tasks: each checks a stretch of the table, with what was found out about the whole table before."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from publisher.checks import Check, DeviatedCell, DeviatedValue, DuplicateRow, RequiredValue, SequentialValue
from publisher.definition import TableDefinition
from publisher.engines.local import new_parquet
from publisher.engines.spark.repeats import (
    find_duplicates_on_cluster,
    find_orphans_on_cluster,
    find_repeats_on_cluster,
)
from publisher.engines.spark.tasks import Cluster
from publisher.engines.working_files import Stretch, stretches_of, working_file, write_order
from publisher.errors import DescriptorError
from publisher.validation.checks import TableCheck, open_checks
from publisher.validation.checks.duplicates import DuplicateCheck
from publisher.validation.foreign_keys import Orphans, Staged
from publisher.validation.keys import Key, RowNumbers
from publisher.validation.quarantine import quarantine_schema
from publisher.validation.report import QualityReport
from publisher.validation.table import Found, arranged, check_columns, check_rows, key_folder, prepare_checks
from publisher.validation.tally import Tally

_OF_THE_WHOLE = (DeviatedCell, DeviatedValue, RequiredValue, SequentialValue)


def validate_on_cluster(
    cluster: Cluster,
    staged: Path,
    table: TableDefinition,
    *,
    valid: Path,
    quarantine: Path,
    others: Mapping[str, Staged],
) -> QualityReport:
    """Do what `validate_table` does; `valid` becomes a folder of working files.

    Raises:
        DescriptorError: the table has a check that needs all rows in one place.
    """
    started = time.perf_counter()
    checks, keys = prepare_checks(table)
    _refuse_checks_of_the_whole(table)
    check_columns(staged, table)
    valid.mkdir(parents=True, exist_ok=True)
    quarantine.unlink(missing_ok=True)
    with working_file(valid), key_folder(valid) as folder:
        staged = arranged(staged, table, folder)
        stretches = stretches_of(staged, rows=cluster.rows_for_one)
        repeats = find_repeats_on_cluster(cluster, stretches, table, keys)
        orphans = find_orphans_on_cluster(cluster, Staged(staged, table), others=others)
        has_duplicates = any(isinstance(check, DuplicateRow) for check in table.checks)
        duplicates = find_duplicates_on_cluster(cluster, stretches, table) if has_duplicates else np.zeros(0, np.int64)
        shares = [_Share.of(stretch, repeats, orphans, duplicates) for stretch in stretches]
        checked = cluster.run(partial(_check, table, folder, valid), shares)
        tally = Tally(field.name for field in table.schema_.fields)
        for one in checked:
            tally.join(one.tally)
        write_order(valid, [one.valid for one in checked])
        _gather([one.quarantine for one in checked if one.quarantine], table, quarantine)
        more = open_checks(staged, _without(table, DuplicateRow), checks, folder=folder)
    failures = [failure for check in more for failure in check.failures(tally.rows)]
    return tally.report(table, seconds=time.perf_counter() - started, failures=failures)


def _refuse_checks_of_the_whole(table: TableDefinition) -> None:
    for check in table.checks:
        if isinstance(check, _OF_THE_WHOLE):
            raise DescriptorError(
                f"The check `{check.type}` of table `{table.name}` needs all rows in one place and order.",
                step="validate",
                cure="release with the local engine, or take the check out of the definition",
            )


def _without(table: TableDefinition, kind: type[Check]) -> TableDefinition:
    return table.model_copy(update={"checks": [check for check in table.checks if not isinstance(check, kind)]})


@dataclass(frozen=True)
class _Share:
    """A stretch, and those rows of it that are known to repeat a key, to be orphans or to repeat a row."""

    stretch: Stretch
    repeats: dict[Key, RowNumbers]
    orphans: list[Orphans]
    duplicates: RowNumbers

    @classmethod
    def of(
        cls, stretch: Stretch, repeats: Mapping[Key, RowNumbers], orphans: Sequence[Orphans], duplicates: RowNumbers
    ) -> _Share:
        """Return the share of what is known that one stretch needs."""

        def within(rows: RowNumbers) -> RowNumbers:
            low, high = np.searchsorted(rows, [stretch.first_row, stretch.first_row + stretch.rows])
            return rows[low:high]

        return cls(
            stretch,
            {key: within(rows) for key, rows in repeats.items()},
            [Orphans(one.field, within(one.rows)) for one in orphans],
            within(duplicates),
        )


@dataclass(frozen=True)
class _Checked:
    """What a task made of its share."""

    tally: Tally
    valid: Path
    quarantine: Path | None


def _check(table: TableDefinition, folder: Path, valid: Path, share: _Share) -> _Checked:
    checks, _ = prepare_checks(table)
    name = uuid.uuid4().hex  # a task that was taken for dead may still write under its own
    more: list[TableCheck] = []
    for check in table.checks:
        if isinstance(check, DuplicateRow):
            more.append(DuplicateCheck(share.duplicates))
        else:
            alone = table.model_copy(update={"checks": [check]})
            more += open_checks(share.stretch.file, alone, checks, folder=folder)
    good, failing = valid / f"{name}.arrow", folder / f"{name}.parquet"
    found = Found(share.repeats, share.orphans, more)
    tally = check_rows(share.stretch, table, checks, found, valid=good, quarantine=failing)
    return _Checked(tally, good, failing if failing.exists() else None)


def _gather(files: Sequence[Path], table: TableDefinition, quarantine: Path) -> None:
    """Put the failing rows of all tasks into one file, in order."""
    if not files:
        return
    with new_parquet(quarantine, quarantine_schema([field.name for field in table.schema_.fields])) as writer:
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches():
                    writer.write_batch(batch)
