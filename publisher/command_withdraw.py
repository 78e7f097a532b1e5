"""`phusa withdraw` and `phusa audit`: what was taken from the public, and what fails today."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from publisher.command_release import system_user
from publisher.definition import dataset_paths, load_dataset
from publisher.errors import DescriptorError, PublisherError, ReleaseRefused
from publisher.facilities import open_facilities
from publisher.settings import PublisherSettings
from publisher.withdrawal.audit import PUBLIC, Audited, audit_dataset
from publisher.withdrawal.takedown import Why, known_as, withdraw


def withdraw_releases(
    settings: PublisherSettings, name: str, releases: list[str] | None, *, reason: str, reason_en: str
) -> None:
    """Withdraw releases of a dataset, null for all, and say what the public sees now; its definition may be gone."""
    facilities = open_facilities(settings)
    dataset = known_as(settings.definitions, name)
    why = Why(reason, system_user(), {"en": reason_en.strip()} if reason_en.strip() else {})
    done = withdraw(dataset, facilities, releases, why=why, now=datetime.now(UTC))
    for release in done.releases:
        click.echo(f"{name} {release}: withdrawn; manifest, signature and the signed reason stay.")
    if not done.releases:
        click.echo(f"{name}: nothing of it was public.")
    seen = f"the public sees {done.current}" if done.current else "the public sees no release of it"
    click.echo(f"{name}: {seen}.")


def audit_datasets(settings: PublisherSettings, name: str | None, *, dry_run: bool, reinstate: bool) -> int:
    """Audit one dataset or all and return the exit code; one that cannot be audited now does not stop the others."""
    facilities = open_facilities(settings)
    paths = _paths(settings, name)
    undefined = facilities.store.datasets_released(PUBLIC) - paths.keys() if name is None else set()
    for one in sorted(undefined):
        cure = f"bring its definition back, or take it from the public: phusa withdraw {one} --all"
        click.echo(f"phusa: {one} is public and has no definition that it could be judged by ({cure}).", err=True)
    code = DescriptorError.exit_code if undefined else 0
    for one, path in paths.items():
        try:
            definition = load_dataset(path, to_judge=True)
            found = audit_dataset(definition, facilities, now=datetime.now(UTC), dry_run=dry_run, reinstate=reinstate)
        except PublisherError as error:
            click.echo(f"phusa: {error}", err=True)
            code = max(code, error.exit_code)
        else:
            code = max(code, _tell(one, found))
    return code


def _tell(name: str, found: list[Audited]) -> int:
    for one in found:
        if one.failures:
            click.echo(f"{name} {one.release}: {one.state}, fails today:")
            for check in one.failures:
                click.echo(f"  {check.id} {check.table}: {check.detail}".replace(" :", ":"))
        elif one.state == "quarantined":
            click.echo(
                f"{name} {one.release}: quarantined, passes today; `phusa audit {name} --reinstate` gives it back."
            )
    failed = sum(bool(one.failures) for one in found)
    click.echo(f"{name}: {len(found) - failed} of {len(found)} releases pass.")
    return ReleaseRefused.exit_code if failed else 0


def _paths(settings: PublisherSettings, name: str | None) -> dict[str, Path]:
    paths = dataset_paths(settings.definitions)
    if name is None:
        return paths
    if name not in paths:
        cure = f"choose one of: {', '.join(paths) or 'none are defined'}"
        raise DescriptorError(f"There is no dataset `{name}`.", cure=cure)
    return {name: paths[name]}
