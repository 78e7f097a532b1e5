"""`phusa prune`: what is removed, file by file, with hash, rule and reason."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from publisher.definition import dataset_paths, load_dataset
from publisher.errors import DescriptorError, PublisherError
from publisher.facilities import open_facilities
from publisher.retention.pruning import Pruned, prune_dataset, sweep
from publisher.settings import PublisherSettings


def prune_datasets(settings: PublisherSettings, name: str | None, *, dry_run: bool) -> int:
    """Prune one dataset or all and return the exit code; what cannot be pruned now does not stop the others."""
    paths = dataset_paths(settings.definitions)
    if name is not None and name not in paths:
        cure = f"choose one of: {', '.join(paths) or 'none are defined'}"
        raise DescriptorError(f"There is no dataset `{name}`.", cure=cure)
    facilities = open_facilities(settings)
    now = datetime.now(UTC)
    code = 0
    for path in [paths[name]] if name else paths.values():
        try:
            _tell(prune_dataset(load_dataset(path), facilities, now=now, dry_run=dry_run), dry_run=dry_run)
        except PublisherError as error:
            click.echo(f"phusa: {error}", err=True)
            code = max(code, error.exit_code)
    if not dry_run:
        sweep(facilities, now)
    return code


def _tell(pruned: Pruned, *, dry_run: bool) -> None:
    verb = "would delete" if dry_run else "deleted"
    for one in pruned.deleted:
        instead = f"; {one.kept_instead} stays" if one.kept_instead else ""
        click.echo(f"{pruned.dataset} {one.release}: {verb} by rule {one.rule}: {one.reason}{instead}")
        for file in one.files:
            click.echo(f"  {file['sha256']}  {file['bytes']:>12}  {file['path']}")
    for release, reason in pruned.protected.items():
        click.echo(f"{pruned.dataset} {release}: kept, for {reason}")
    for key in pruned.orphans:
        click.echo(f"{verb} what a dead run left: {key}")
    size = sum(one.size_bytes for one in pruned.deleted)
    click.echo(
        f"{pruned.dataset}: {verb} {len(pruned.deleted)} releases, {size} bytes; kept {len(pruned.protected)} by exception."
    )
