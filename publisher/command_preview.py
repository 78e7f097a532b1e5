"""`phusa dataset preview`: what would leave and what it would cost, before anything is released.

The policy is told from the definition alone. Then the source is read, its rows are validated, and the search runs on the valid ones in a
private working folder that is removed; nothing is written elsewhere, remembered, uploaded or published. Numbers and names of fields
and levels are printed, never a value.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from publisher.anonymise.plan import Plan, plan_table
from publisher.anonymise.search.cures import nothing_acceptable
from publisher.anonymise.search.lattice import LatticeSearch, Outcome
from publisher.anonymise.search.microdata import Counted, count_combinations, counted_groups
from publisher.anonymise.search.neighbours import Neighbour, neighbours_of
from publisher.anonymise.settling import rewrite_searched, settle_table
from publisher.definition import DatasetDefinition, TableDefinition
from publisher.errors import ReleaseRefused
from publisher.facilities import Facilities
from publisher.ledger import budget_of
from publisher.policy import Microdata
from publisher.published import published_tables
from publisher.validation import Staged

_RELEASE = "preview"
_WIDTH = 32


def preview_dataset(definition: DatasetDefinition, facilities: Facilities) -> int:
    """Print the preview of every table and return the exit code: 1 when a table could not be released as it is.

    Raises:
        PublisherError: the source cannot be read, or the policy does not fit the table.
    """
    for table in definition.resources:
        tell_policy(table)
    refused = 0
    with _work_folder(definition, facilities) as work:
        valid = _valid_rows(definition, facilities, work)
        for table in definition.resources:
            click.echo()
            try:
                _tell_cost(table, valid[table.name], definition, facilities, work)
            except ReleaseRefused as error:
                refused = 1
                click.echo(f"{table.name}: {error}")
    return refused


def tell_policy(table: TableDefinition) -> None:
    """Print the tables, columns, types and treatments that would leave, and what stays inside."""
    leaving: set[str] = set()
    for published in published_tables(table):
        click.echo(f"{published.name}: {published.row}")
        for field in published.fields:
            leaving.add(field.name)
            click.echo(f"  {field.name:<24} {field.type:<10} {field.treatment}")
    staying = [field.name for field in table.schema_.fields if field.name not in leaving]
    click.echo(f"  stays inside: {', '.join(staying) or 'nothing'}")


@contextmanager
def _work_folder(definition: DatasetDefinition, facilities: Facilities) -> Iterator[Path]:
    run = f"preview-{uuid.uuid4().hex}"
    try:
        yield facilities.work_folder(definition.name, run)
    finally:
        facilities.remove_work(definition.name, run)


def _valid_rows(definition: DatasetDefinition, facilities: Facilities, work: Path) -> dict[str, Path]:
    """Read and validate every table; nothing is remembered of the source, and failing rows are counted, not kept."""
    staged, valid = {}, {}
    for table in definition.resources:
        surroundings = replace(facilities.surroundings(definition, table), memory=None)
        one = facilities.engine.extract_table(
            table,
            work / "extract" / f"{table.name}.arrow",
            definition=definition,
            secrets=facilities.secrets,
            surroundings=surroundings,
        )
        staged[table.name] = Staged(one.path, table)
    for table in definition.resources:
        path = work / "valid" / f"{table.name}.arrow"
        path.parent.mkdir(exist_ok=True)
        quarantine = work / f"{table.name}.quarantine.parquet"
        report = facilities.engine.validate_table(
            staged[table.name].path, table, valid=path, quarantine=quarantine, others=staged
        )
        quarantine.unlink(missing_ok=True)
        click.echo(f"{table.name}: {report.rows} rows read, {report.valid_rows} of them valid")
        for breach in report.breaches:
            click.echo(f"  a release would be held: {breach}")
        valid[table.name] = path
    return valid


def _tell_cost(
    table: TableDefinition, valid: Path, definition: DatasetDefinition, facilities: Facilities, work: Path
) -> None:
    microdata = table.privacy.microdata
    if microdata is not None:
        plan = plan_table(table, folder=definition.folder, secrets=facilities.secrets, release=_RELEASE)
        plan = settle_table(valid, plan)
        searched, plan = rewrite_searched(valid, plan, output=work / f"{table.name}.searched.arrow")
        _tell_microdata(plan, microdata, counted_groups(count_combinations(searched, plan, microdata), plan, microdata))
    if table.privacy.tables:
        _tell_cells(table, valid, definition, facilities, work)


def _tell_microdata(plan: Plan, microdata: Microdata, counted: Counted) -> None:
    search = LatticeSearch(counted.axes, counted.groups, counted.demand)
    best = search.best()
    if best is None:
        raise nothing_acceptable(plan.table.name, counted, search)
    finest = search.judge((0,) * len(best.levels))
    click.echo(
        f"{plan.table.name}: {best.rows} rows, {len(plan.quasi)} quasi-identifiers, k={microdata.k}, "
        f"suppression_limit={microdata.suppression_limit:g}"
    )
    click.echo(f"  {'':<{_WIDTH}} smallest group: before, after  left out    loss")
    click.echo(_line("every field at its finest", finest))
    click.echo(f"{_line('this policy', best)}  {_levels(plan, best)}")
    for neighbour in neighbours_of(counted, best):
        click.echo(_neighbour(plan, neighbour))
    click.echo("  Rows of groups that are too small are left out; a field that is dropped counts as lost in full.")


def _neighbour(plan: Plan, neighbour: Neighbour) -> str:
    change = neighbour.change
    if neighbour.field is not None and neighbour.level is not None:
        change += f" ({plan.treatments[neighbour.field].levels[neighbour.level]})"
    if neighbour.outcome is None:
        return f"  {change:<{_WIDTH}} no acceptable levels"
    levels = "" if neighbour.field is not None else f"  {_levels(plan, neighbour.outcome)}"
    return f"{_line(change, neighbour.outcome)}{levels}"


def _line(change: str, outcome: Outcome) -> str:
    share = outcome.suppressed_rows / max(1, outcome.rows)
    refused = "" if outcome.passes else "  refused: too much is left out"
    return f"  {change:<{_WIDTH}} {outcome.smallest_before:>22} {outcome.smallest_class:>6} {share:>9.2%} {outcome.loss:>7.4f}{refused}"


def _levels(plan: Plan, outcome: Outcome) -> str:
    chosen = zip(plan.quasi, outcome.levels, strict=True)
    return ", ".join(f"{name}={plan.treatments[name].levels[level]}" for name, level in chosen)


def _tell_cells(
    table: TableDefinition, valid: Path, definition: DatasetDefinition, facilities: Facilities, work: Path
) -> None:
    made = facilities.engine.anonymise_table(
        valid,
        table,
        folder=definition.folder,
        output=work / "anonymised",
        secrets=facilities.secrets,
        release=_RELEASE,
        seed=0,
        budget=budget_of(definition, facilities, datetime.now(UTC).date(), _RELEASE, rehearse_in=work),
    )
    for name, report in made.report.items():
        if noise := report.get("dp"):
            click.echo(
                f"{name}: {report['cells']} cells, each with noise of scale {noise['scale']:g}; with this release "
                f"{noise['spent']:g} of the budget {noise['ledger']} are spent, {noise['cap']:g} may be in a {noise['period']}"
            )
        elif report["kind"] == "aggregate":
            click.echo(
                f"{name}: {report['cells']} cells, {report['hidden_cells']} of them hidden, "
                f"at least {report['min_units']} units behind each that is shown"
            )
