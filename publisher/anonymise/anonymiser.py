"""The policy applied to one table, from the valid rows to the tables that may be written.

Levels are chosen first, then rows of small classes are left out and the rest is treated, batch by batch. Where the definition asks for an
order or for aggregates, the treated rows are staged first: they are put in their order, and aggregates are counted over exactly the rows that leave, so that rows and aggregates of one table never differ by a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from publisher.anonymise.plan import Plan, plan_table
from publisher.anonymise.report import cells_report, rows_report
from publisher.anonymise.search.microdata import Choice, choose_levels, count_combinations
from publisher.anonymise.staging import ORDER, Left, check_codes, codes_of, open_table, stage_rows, write_treated
from publisher.anonymise.tables.cells import Cells, count_cells
from publisher.anonymise.tables.complementary import hide_complementary
from publisher.definition import TableDefinition
from publisher.engines.local import new_parquet
from publisher.published import PublishedTable, published_tables
from publisher.secrets import Secrets

_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class AnonymisedTables:
    """The published tables with their Parquet files, and the report: numbers and field names, never a value."""

    tables: list[tuple[PublishedTable, Path]]
    report: dict[str, Any]


def anonymise_table(  # noqa: PLR0913  each argument is one thing the procedure needs from outside
    valid: Path, table: TableDefinition, *, folder: Path, output: Path, secrets: Secrets, release: str, seed: int
) -> AnonymisedTables:
    """Write every published table of one source table to `output` as `<published table>.parquet`.

    `valid` is a working file of the valid rows in the Arrow types of the source fields; `folder` is the definition's, whose name separates pseudonyms.
    The seed must stay inside: who knows it can undo the shuffle. Same input, policy, release, key and seed give the same bytes.

    Raises:
        DescriptorError: the policy does not fit the table.
        ReleaseRefused: a hierarchy does not know a code.
        DisclosureRisk: no levels are acceptable.
    """
    plan = plan_table(table, folder=folder, secrets=secrets, release=release)
    check_codes(codes_of(valid, plan), plan)
    microdata = table.privacy.microdata
    choice = choose_levels(count_combinations(valid, plan, microdata), plan, microdata) if microdata else None
    output.mkdir(parents=True, exist_ok=True)
    shuffled = microdata is not None and microdata.shuffle_rows
    if not (table.privacy.tables or table.sort_by or shuffled):
        return _write_in_order(valid, plan, choice, output)
    staged = output / f".{table.name}.staged.parquet"
    try:
        rows = stage_rows(valid, plan, choice, staged=staged, seed=seed if shuffled else None)
        return _write_tables(staged, plan, choice, output=output, rows=rows)
    finally:
        staged.unlink(missing_ok=True)


def _write_in_order(valid: Path, plan: Plan, choice: Choice | None, output: Path) -> AnonymisedTables:
    """Write rows that need no order of their own, batch by batch."""
    [published] = published_tables(plan.table)
    path = output / f"{published.name}.parquet"
    rows = write_treated(valid, plan, choice, schema=published.arrow_schema, output=path)
    return AnonymisedTables([(published, path)], {published.name: rows_report(plan, choice, rows)})


def _write_tables(staged: Path, plan: Plan, choice: Choice | None, *, output: Path, rows: Left) -> AnonymisedTables:
    tables, report, counted = [], {}, []
    with open_table(staged) as connection:
        for published in published_tables(plan.table):
            path = output / f"{published.name}.parquet"
            tables.append((published, path))
            if published.aggregate:
                counted.append((count_cells(connection, published), path))
            else:
                _write_rows(connection, published, path)
                report[published.name] = rows_report(plan, choice, rows)
    hide_complementary([cells for cells, _ in counted])
    for cells, path in counted:
        write_cells(cells, path)
        report[cells.published.name] = cells_report(plan, cells)
    return AnonymisedTables(tables, report)


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
