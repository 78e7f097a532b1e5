"""`phusa release`: one run in the foreground, told step by step."""

from __future__ import annotations

import getpass
from dataclasses import replace

import click

from publisher.definition import dataset_paths, load_dataset
from publisher.engines.engine import Engine
from publisher.errors import DescriptorError, EnvironmentFault, ReleaseRefused
from publisher.facilities import open_facilities
from publisher.runs import DRY_RUN, publish_waiting, run_dataset
from publisher.settings import PublisherSettings
from publisher.store import Run
from publisher.versions.release_changes import Correction


def system_user() -> str:
    """Return who types the command, as decisions record it."""
    try:
        return f"command:{getpass.getuser()}"
    except (KeyError, OSError):
        return "command"


def release_on_spark(
    master: str,
    settings: PublisherSettings,
    name: str,
    *,
    dry_run: bool,
    approve: bool,
    correction: Correction | None = None,
) -> int:
    """Run one dataset on a cluster and return the exit code."""
    from publisher.engines.spark.engine import spark_engine

    with spark_engine(master) as engine:
        return release_once(settings, name, dry_run=dry_run, approve=approve, correction=correction, engine=engine)


def release_once(
    settings: PublisherSettings,
    name: str,
    *,
    dry_run: bool,
    approve: bool,
    correction: Correction | None = None,
    engine: Engine | None = None,
) -> int:
    """Run one dataset and return the exit code."""
    paths = dataset_paths(settings.definitions)
    if name not in paths:
        cure = f"choose one of: {', '.join(paths) or 'none are defined'}"
        raise DescriptorError(f"There is no dataset `{name}`.", cure=cure)
    definition = load_dataset(paths[name])
    facilities = open_facilities(settings)
    if engine is not None:
        facilities = replace(facilities, engine=engine)
    run = run_dataset(
        definition,
        facilities,
        trigger=DRY_RUN if dry_run else "command",
        actor=system_user(),
        listener=_tell,
        correction=correction,
    )
    quarantine = facilities.settings.home / "quarantine" / name / run.id
    if run.state == "awaiting_approval" and approve:
        facilities.store.decide("approve", name, system_user(), run_id=run.id, subject=run.release)
        publish_waiting(definition, facilities, run.id)
        run = facilities.store.run(run.id)
    code = _tell_outcome(run)
    if any(quarantine.glob("*.parquet")):
        click.echo(f"Failing rows lie in {quarantine}.", err=True)
    return code


def _tell(_dataset: str, step: str, state: str) -> None:
    if state != "running":
        click.echo(f"  {step:<12} {state}")


def _tell_outcome(run: Run) -> int:
    click.echo(f"{run.dataset}: {run.state}{f' {run.release}' if run.release else ''} {run.message}".rstrip())
    if run.cure:
        click.echo(f"Cure: {run.cure}", err=True)
    if run.state == "failed" and run.reason_code == DescriptorError.reason_code:
        return DescriptorError.exit_code
    return {"held": ReleaseRefused.exit_code, "failed": EnvironmentFault.exit_code}.get(run.state, 0)
