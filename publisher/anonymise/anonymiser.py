"""The policy applied to one table, from the valid rows to the tables that may be written.

Levels are chosen first, then every batch is treated and staged; rows of small classes are left out, the rest is put in its order, and
aggregates are counted over exactly the rows that leave, so that rows and aggregates of one table never differ by a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from publisher.anonymise.cells import Cells, count_cells
from publisher.anonymise.complementary import hide_complementary
from publisher.anonymise.microdata import Choice, choose_levels
from publisher.anonymise.plan import Plan, plan_table
from publisher.anonymise.report import cells_report, rows_report
from publisher.anonymise.staging import ORDER, check_codes, open_table, stage_rows, unit_column, write_treated
from publisher.definition import TableDefinition
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

    `valid` holds the valid rows in the Arrow types of the source fields; `folder` is the definition's, whose name separates pseudonyms.
    The seed must stay inside: who knows it can undo the shuffle. Same input, policy, release, key and seed give the same bytes.

    Raises:
        DescriptorError: the policy does not fit the table.
        ReleaseRefused: a hierarchy does not know a code.
        DisclosureRisk: no levels are acceptable.
    """
    plan = plan_table(table, folder=folder, secrets=secrets, release=release)
    check_codes(valid, plan)
    microdata = table.privacy.microdata
    choice = choose_levels(valid, plan, microdata) if microdata else None
    output.mkdir(parents=True, exist_ok=True)
    if microdata is None and not table.privacy.tables and not table.sort_by:
        return _write_in_order(valid, plan, output)
    staged = output / f".{table.name}.staged.parquet"
    try:
        shuffled = seed if microdata and microdata.shuffle_rows else None
        rows = stage_rows(valid, plan, levels=choice.levels if choice else {}, staged=staged, seed=shuffled)
        return _write_tables(staged, plan, choice, output=output, rows=rows)
    finally:
        staged.unlink(missing_ok=True)


def _write_in_order(valid: Path, plan: Plan, output: Path) -> AnonymisedTables:
    """Write rows that need neither classes nor an order of their own, batch by batch."""
    [published] = published_tables(plan.table)
    path = output / f"{published.name}.parquet"
    rows = write_treated(valid, plan, schema=published.arrow_schema, output=path)
    return AnonymisedTables([(published, path)], {published.name: rows_report(plan, None, rows=rows, left=rows)})


def _write_tables(staged: Path, plan: Plan, choice: Choice | None, *, output: Path, rows: int) -> AnonymisedTables:
    tables, report, counted = [], {}, []
    with open_table(staged) as connection:
        _leave_out_small_classes(connection, plan)
        for published in published_tables(plan.table):
            path = output / f"{published.name}.parquet"
            tables.append((published, path))
            if published.aggregate:
                counted.append((count_cells(connection, published), path))
            else:
                left = _write_rows(connection, published, path)
                report[published.name] = rows_report(plan, choice, rows=rows, left=left)
    hide_complementary([cells for cells, _ in counted])
    for cells, path in counted:
        _write_cells(cells, path)
        report[cells.published.name] = cells_report(plan, cells)
    return AnonymisedTables(tables, report)


def _leave_out_small_classes(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Create the view `leaving`: the staged rows without those whose class is too small."""
    privacy = plan.table.privacy
    if privacy.microdata is None or not plan.quasi:
        connection.execute("CREATE VIEW leaving AS SELECT * FROM source")
        return
    quasi = ", ".join(f'"{name}"' for name in plan.quasi)
    units = ", ".join(f'"{unit_column(name)}"' for name in privacy.unit_key)
    small = [f"{f'count(DISTINCT row({units}))' if units else 'count(*)'} < {privacy.microdata.k}"]
    if diversity := privacy.microdata.l_diversity:
        field = f'"{diversity.field}"'
        small.append(f"count(DISTINCT {field}) + max(({field} IS NULL)::INTEGER) < {diversity.l}")
    connection.execute(
        f"CREATE TEMP TABLE small AS SELECT {quasi} FROM source GROUP BY {quasi} HAVING {' OR '.join(small)}"  # noqa: S608  own names
    )
    same = " AND ".join(f'source."{name}" IS NOT DISTINCT FROM small."{name}"' for name in plan.quasi)
    connection.execute(f"CREATE TEMP VIEW leaving AS SELECT source.* FROM source ANTI JOIN small ON {same}")  # noqa: S608  own names


def _write_rows(connection: duckdb.DuckDBPyConnection, published: PublishedTable, path: Path) -> int:
    names = ", ".join(f'"{field.name}"' for field in published.fields)
    order = ", ".join([*(f'"{name}" NULLS LAST' for name in published.sort_by), f'"{ORDER}"'])
    query = f"SELECT {names} FROM leaving ORDER BY {order}"  # noqa: S608  own names
    schema, left = published.arrow_schema, 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in connection.sql(query).to_arrow_reader(_BATCH_ROWS):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            left += batch.num_rows
    return left


def _write_cells(cells: Cells, path: Path) -> None:
    pq.write_table(cells.table(), path, compression="zstd")
