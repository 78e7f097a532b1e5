"""The policy applied to one table, from the valid rows to the tables that may be written.

Levels are chosen first, then rows of small classes are left out and the rest is treated, batch by batch. Where the definition asks for an
order or for aggregates, the treated rows are staged first: they are put in their order, and aggregates are counted over exactly the rows that leave, so that rows and aggregates of one table never differ by a person.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq

from publisher.anonymise.plan import Plan, plan_table
from publisher.anonymise.releases.batch import hold_small_batch
from publisher.anonymise.releases.cells import CellHistories
from publisher.anonymise.releases.levels import choose_levels_beside
from publisher.anonymise.releases.rows import NOTHING_KEPT, KeptRows, settle_rows
from publisher.anonymise.report import NOTHING_SETTLED, cells_report, rows_report
from publisher.anonymise.search.microdata import Choice, count_combinations
from publisher.anonymise.settling import rewrite_others, rewrite_searched, settle_table
from publisher.anonymise.staging import ORDER, Left, open_table, stage_rows, write_treated
from publisher.anonymise.tables.cells import Cells, count_cells
from publisher.anonymise.tables.protect import hide_small_cells, protect_cells, together_in
from publisher.definition import TableDefinition
from publisher.earlier import Earlier
from publisher.engines.local import new_parquet
from publisher.published import PublishedTable, published_tables
from publisher.secrets import Secrets

if TYPE_CHECKING:
    from publisher.ledger import Budget

_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class AnonymisedTables:
    """The published tables with their Parquet files, and the report: numbers and field names, never a value.

    `inside` are files, by name, to be kept inside with the release for the comparison with the next; they are never published.
    `search_seconds` went into counting combinations and finding the levels; the report has no times, so that it repeats.
    """

    tables: list[tuple[PublishedTable, Path]]
    report: dict[str, Any]
    inside: Mapping[str, Path] = field(default_factory=dict)
    search_seconds: float = 0.0


def anonymise_table(  # noqa: PLR0913  each argument is one thing the procedure needs from outside
    valid: Path,
    table: TableDefinition,
    *,
    folder: Path,
    output: Path,
    secrets: Secrets,
    release: str,
    seed: int,
    earlier: Earlier | None = None,
    budget: Budget | None = None,
) -> AnonymisedTables:
    """Write every published table of one source table to `output` as `<published table>.parquet`.

    `valid` is a working file of the valid rows in the Arrow types of the source fields; `folder` is the definition's, whose name separates pseudonyms.
    The seed must stay inside: who knows it can undo the shuffle. Same input, policy, release, key, seed and earlier releases give the same
    bytes, and noise is paid for from the budget. What differs too little from `earlier`, all that is public of the dataset, keeps its state or is hidden.

    Raises:
        DescriptorError: the policy does not fit the table.
        ReleaseRefused: a hierarchy does not know a code.
        DisclosureRisk: no levels are acceptable, or not beside the earlier releases.
        BatchTooSmall: fewer units changed than the policy lets out together.
    """
    plan = plan_table(table, folder=folder, secrets=secrets, release=release)
    plan = settle_table(valid, plan)
    microdata = table.privacy.microdata
    output.mkdir(parents=True, exist_ok=True)
    digests = hold_small_batch(valid, plan, earlier, output)
    searched, others = (output / f".{table.name}.{part}.arrow" for part in ("searched", "others"))
    try:
        valid, plan = rewrite_searched(valid, plan, output=searched)
        choice, started = None, time.perf_counter()
        if microdata:
            choice = choose_levels_beside(count_combinations(valid, plan, microdata), plan, microdata, earlier)
        seconds = time.perf_counter() - started
        valid, plan = rewrite_others(valid, plan, choice, output=others)
        done = _write_all(valid, plan, choice, output=output, seed=seed, beside=_Beside(earlier, budget))
        return replace(done, inside={**done.inside, **digests}, search_seconds=seconds)
    finally:
        searched.unlink(missing_ok=True)
        others.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Beside:
    """What is public already, and what noise is paid from; null where neither was given."""

    earlier: Earlier | None
    budget: Budget | None


def _write_all(
    valid: Path, plan: Plan, choice: Choice | None, *, output: Path, seed: int, beside: _Beside
) -> AnonymisedTables:
    table, earlier = plan.table, beside.earlier
    microdata = table.privacy.microdata
    shuffled = microdata is not None and microdata.shuffle_rows
    has_former = microdata is not None and earlier is not None and bool(earlier.of(table.name))
    if not (table.privacy.tables or table.sort_by or shuffled or has_former):
        return _write_in_order(valid, plan, choice, output)
    staged = output / f".{table.name}.staged.parquet"
    try:
        rows = stage_rows(valid, plan, choice, staged=staged, seed=seed if shuffled else None)
        kept = NOTHING_KEPT
        if has_former and earlier is not None:
            kept = settle_rows(staged, plan, earlier, seed=seed, places=None if shuffled else rows.came)
        return _write_tables(staged, plan, choice, output=output, rows=rows, kept=kept, beside=beside)
    finally:
        staged.unlink(missing_ok=True)


def _write_in_order(valid: Path, plan: Plan, choice: Choice | None, output: Path) -> AnonymisedTables:
    """Write rows that need no order of their own, batch by batch."""
    [published] = published_tables(plan.table)
    path = output / f"{published.name}.parquet"
    rows = write_treated(valid, plan, choice, schema=published.arrow_schema, output=path)
    return AnonymisedTables([(published, path)], {published.name: rows_report(plan, choice, rows)})


def _write_tables(  # noqa: PLR0913  what was decided on the way
    staged: Path,
    plan: Plan,
    choice: Choice | None,
    *,
    output: Path,
    rows: Left,
    kept: KeptRows,
    beside: _Beside,
) -> AnonymisedTables:
    tables, report, counted = [], {}, []
    noisy = plan.table.privacy.dp is not None
    with open_table(staged) as connection:
        for published in published_tables(plan.table):
            path = output / f"{published.name}.parquet"
            tables.append((published, path))
            if published.aggregate and noisy:
                continue
            if published.aggregate:
                counted.append((count_cells(connection, published), path))
            else:
                _write_rows(connection, published, path)
                report[published.name] = rows_report(plan, choice, rows, kept)
        if noisy:
            return AnonymisedTables(tables, report | _write_noisy(connection, plan, tables, beside.budget))
        together = together_in(connection, [cells for cells, _ in counted])
    hide_small_cells([cells for cells, _ in counted])
    histories = CellHistories([cells for cells, _ in counted], beside.earlier)
    histories.hide()
    protect_cells([cells for cells, _ in counted], together, plan.cell_key)
    settled, inside = histories.settle(output)
    for cells, path in counted:
        write_cells(cells, path)
        report[cells.published.name] = cells_report(plan, cells, settled.get(cells.published.name, NOTHING_SETTLED))
    return AnonymisedTables(tables, report, inside)


def _write_noisy(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    tables: Sequence[tuple[PublishedTable, Path]],
    budget: Budget | None,
) -> dict[str, Any]:
    """Write the aggregated tables with noise and return their reports."""
    aggregates = [(published, path) for published, path in tables if published.aggregate]
    from publisher.anonymise.tables.noise import noisy_tables

    made = noisy_tables(connection, plan, [published for published, _ in aggregates], budget)
    for (_, path), (table, _) in zip(aggregates, made, strict=True):
        pq.write_table(table, path, compression="zstd")
    return {published.name: told for (published, _), (_, told) in zip(aggregates, made, strict=True)}


def _write_rows(connection: duckdb.DuckDBPyConnection, published: PublishedTable, path: Path) -> None:
    names = ", ".join(f'"{field.name}"' for field in published.fields)
    order = ", ".join([*(f'"{name}" NULLS LAST' for name in published.sort_by), f'"{ORDER}"'])
    query = f"SELECT {names} FROM leaving ORDER BY {order}"  # noqa: S608  own names
    schema = published.arrow_schema
    with new_parquet(path, schema) as writer:
        for batch in connection.sql(query).to_arrow_reader(_BATCH_ROWS):
            writer.write_batch(batch.cast(schema))


def write_cells(cells: Cells, path: Path) -> None:
    """Write the publishable form of an aggregated table."""
    pq.write_table(cells.table(), path, compression="zstd")
