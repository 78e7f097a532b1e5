"""Anonymisation by tasks: combinations are counted in each, the levels found in one place, and the rows treated in each."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from publisher.anonymise.anonymiser import AnonymisedTables, write_cells
from publisher.anonymise.fields.treatments import CodeClimb
from publisher.anonymise.plan import Plan, plan_table
from publisher.anonymise.report import cells_report, rows_report
from publisher.anonymise.search.counting import CombinationCounter
from publisher.anonymise.search.microdata import Choice, choose_levels, count_combinations
from publisher.anonymise.staging import Left, check_codes, codes_of, stage_rows, write_treated
from publisher.anonymise.tables.complementary import hide_complementary
from publisher.definition import TableDefinition
from publisher.engines.local import new_parquet
from publisher.engines.spark.cells import count_cells_on_cluster
from publisher.engines.spark.order import put_in_order
from publisher.engines.spark.tasks import Cluster
from publisher.engines.working_files import Stretch, stretches_of, working_file
from publisher.policy import Microdata
from publisher.published import published_tables
from publisher.secrets import Secrets


def anonymise_on_cluster(  # noqa: PLR0913  as `anonymise_table`
    cluster: Cluster,
    valid: Path,
    table: TableDefinition,
    *,
    folder: Path,
    output: Path,
    secrets: Secrets,
    release: str,
    seed: int,
) -> AnonymisedTables:
    """Do what `anonymise_table` does.

    Raises:
        DescriptorError: the policy does not fit the table.
        ReleaseRefused: a hierarchy does not know a code.
        DisclosureRisk: no levels are acceptable.
    """
    plan = plan_table(table, folder=folder, secrets=secrets, release=release)
    stretches = stretches_of(valid, rows=cluster.rows_for_one)
    parts = output / f".{table.name}.parts"
    parts.mkdir(parents=True, exist_ok=True)
    microdata = table.privacy.microdata
    _check_codes(cluster, plan, stretches)
    choice = _choose(cluster, plan, microdata, stretches, parts) if microdata else None
    shuffled = microdata is not None and microdata.shuffle_rows
    if not (table.privacy.tables or table.sort_by or shuffled):
        [published] = published_tables(table)
        treated = cluster.run(partial(_treat, plan, choice, published.arrow_schema, parts), stretches)
        path = output / f"{published.name}.parquet"
        _gather([one.file for one in treated], published.arrow_schema, path)
        return AnonymisedTables([(published, path)], {published.name: rows_report(plan, choice, _all_left(treated))})
    staged = cluster.run(partial(_stage, plan, choice, seed if shuffled else None, parts), stretches)
    return _write_tables(cluster, plan, choice, staged=staged, output=output, parts=parts)


@dataclass(frozen=True)
class _Treated:
    """A file of treated rows, and how many came and left."""

    file: Path
    left: Left


def _all_left(treated: Sequence[_Treated]) -> Left:
    return Left(sum(one.left.came for one in treated), sum(one.left.leave for one in treated))


def _check_codes(cluster: Cluster, plan: Plan, stretches: Sequence[Stretch]) -> None:
    if not any(isinstance(treatment, CodeClimb) for treatment in plan.treatments.values()):
        return
    seen: dict[str, list[pa.Array]] = {}
    for codes in cluster.run(partial(_codes, plan), stretches):
        for name, values in codes.items():
            seen.setdefault(name, []).extend(values)
    check_codes(seen, plan)


def _codes(plan: Plan, stretch: Stretch) -> dict[str, list[pa.Array]]:
    return codes_of(stretch, plan)


def _choose(cluster: Cluster, plan: Plan, microdata: Microdata, stretches: Sequence[Stretch], parts: Path) -> Choice:
    """Find the levels from what the tasks count; memory grows with the distinct combinations, as on one machine."""
    first, *others = cluster.run(partial(_count, plan, microdata, parts), stretches)
    total = _counter_in(first)
    for file in others:
        total.join(_counter_in(file))
    return choose_levels(total, plan, microdata)


def _count(plan: Plan, microdata: Microdata, parts: Path, stretch: Stretch) -> Path:
    """Count the combinations of a stretch into a file, for they may be too many to be sent about."""
    file = parts / f"{uuid.uuid4().hex}.counts"
    with working_file(file):
        file.write_bytes(pickle.dumps(count_combinations(stretch, plan, microdata)))
    return file


def _counter_in(file: Path) -> CombinationCounter:
    with working_file(file):
        counter: CombinationCounter = pickle.loads(file.read_bytes())  # noqa: S301  our own task wrote it
        file.unlink()
    return counter


def _treat(plan: Plan, choice: Choice | None, schema: pa.Schema, parts: Path, stretch: Stretch) -> _Treated:
    file = parts / f"{uuid.uuid4().hex}.parquet"
    return _Treated(file, write_treated(stretch, plan, choice, schema=schema, output=file))


def _stage(plan: Plan, choice: Choice | None, seed: int | None, parts: Path, stretch: Stretch) -> _Treated:
    file = parts / f"{uuid.uuid4().hex}.parquet"
    return _Treated(file, stage_rows(stretch, plan, choice, staged=file, seed=seed))


def _write_tables(
    cluster: Cluster, plan: Plan, choice: Choice | None, *, staged: Sequence[_Treated], output: Path, parts: Path
) -> AnonymisedTables:
    left, files = _all_left(staged), [one.file for one in staged]
    tables, report, counted = [], {}, []
    for published in published_tables(plan.table):
        path = output / f"{published.name}.parquet"
        tables.append((published, path))
        if published.aggregate:
            counted.append((count_cells_on_cluster(cluster, published, files, rows=left.leave), path))
        else:
            ordered = put_in_order(cluster, published, files, rows=left.leave, folder=parts)
            _gather(ordered, published.arrow_schema, path)
            report[published.name] = rows_report(plan, choice, left)
    hide_complementary([cells for cells, _ in counted])
    for cells, path in counted:
        write_cells(cells, path)
        report[cells.published.name] = cells_report(plan, cells)
    return AnonymisedTables(tables, report)


def _gather(files: Sequence[Path], schema: pa.Schema, output: Path) -> None:
    """Put the rows of several files into one, in order."""
    with new_parquet(output, schema) as writer:
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches():
                    writer.write_batch(batch.cast(schema))
            path.unlink()
