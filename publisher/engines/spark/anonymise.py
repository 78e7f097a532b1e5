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
from publisher.anonymise.fields.built_in import BuiltInClimb
from publisher.anonymise.fields.treatments import CodeClimb
from publisher.anonymise.plan import Plan, plan_table
from publisher.anonymise.report import cells_report, rows_report
from publisher.anonymise.search.counting import CombinationCounter
from publisher.anonymise.search.microdata import Choice, choose_levels, count_combinations
from publisher.anonymise.settling import codes_of, settle_codes
from publisher.anonymise.staging import Left, stage_rows, write_treated
from publisher.anonymise.tables.protect import hide_small_cells, protect_cells
from publisher.definition import TableDefinition
from publisher.earlier import Earlier, is_compared
from publisher.engines.local import new_parquet
from publisher.engines.spark.cells import count_cells_on_cluster, together_on_cluster
from publisher.engines.spark.order import put_in_order
from publisher.engines.spark.tasks import Cluster
from publisher.engines.working_files import Stretch, stretches_of, working_file
from publisher.errors import DescriptorError
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
    earlier: Earlier | None = None,
) -> AnonymisedTables:
    """Do what `anonymise_table` does.

    Raises:
        DescriptorError: the policy does not fit the table, or asks for what is done on one machine only.
        ReleaseRefused: a hierarchy does not know a code.
        DisclosureRisk: no levels are acceptable.
    """
    _refuse_noise(table)
    _refuse_comparison(table, earlier)
    plan = plan_table(table, folder=folder, secrets=secrets, release=release)
    _refuse_whole_table(plan)
    stretches = stretches_of(valid, rows=cluster.rows_for_one)
    parts = output / f".{table.name}.parts"
    parts.mkdir(parents=True, exist_ok=True)
    microdata = table.privacy.microdata
    plan = _settle_codes(cluster, plan, stretches)
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


def _refuse_noise(table: TableDefinition) -> None:
    """Refuse a table that needs noise, which is drawn and paid for in one place.

    Raises:
        DescriptorError: the policy asks for differential privacy.
    """
    if table.privacy.dp is not None:
        raise DescriptorError(
            f"The tables of `{table.name}` need noise of differential privacy, which the cluster does not draw.",
            step="anonymise",
            cure="release this dataset on one machine",
        )


def _refuse_comparison(table: TableDefinition, earlier: Earlier | None) -> None:
    """Refuse a table that has to be made beside earlier releases.

    Raises:
        DescriptorError: it is compared with releases that are public already.
    """
    compared = [one.name for one in published_tables(table) if is_compared(one)]
    if compared and earlier is not None and (earlier.releases or table.privacy.releases.min_batch):
        raise DescriptorError(
            f"The table `{table.name}` has to be compared with what is public already, which the cluster does not do.",
            step="anonymise",
            cure="release this dataset on one machine",
        )


@dataclass(frozen=True)
class _Treated:
    """A file of treated rows, and how many came and left."""

    file: Path
    left: Left


def _all_left(treated: Sequence[_Treated]) -> Left:
    return Left(sum(one.left.came for one in treated), sum(one.left.leave for one in treated))


def _refuse_whole_table(plan: Plan) -> None:
    if fields := [name for action in plan.actions for name in action.fields]:
        raise DescriptorError(
            f"The actions of {', '.join(fields)} look at the whole table, which a cluster's tasks do not.",
            step="anonymise",
            cure="run this dataset on one machine, or choose actions that look at one value",
        )


def _settle_codes(cluster: Cluster, plan: Plan, stretches: Sequence[Stretch]) -> Plan:
    if not any(isinstance(treatment, CodeClimb | BuiltInClimb) for treatment in plan.treatments.values()):
        return plan
    seen: dict[str, list[pa.Array]] = {}
    for codes in cluster.run(partial(_codes, plan), stretches):
        for name, values in codes.items():
            seen.setdefault(name, []).extend(values)
    return settle_codes(plan, seen)


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
    hide_small_cells([cells for cells, _ in counted])
    together = together_on_cluster(cluster, [cells for cells, _ in counted], files)
    protect_cells([cells for cells, _ in counted], together, plan.cell_key)
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
