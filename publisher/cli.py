"""The publisher's commands; the site's command line hangs them into `phusa`.

Exit codes: 0 done or up to date, 1 refused because of the data, 2 wrong definition or usage, 3 environment.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click

from publisher.errors import DescriptorError, PublisherError
from publisher.settings import PublisherSettings

SETTINGS = "publisher.settings"
"""Where the composer leaves a function in click's `meta` that reads the settings."""


def current_settings() -> PublisherSettings:
    """Return the settings that the composer left for the running command."""
    read: Callable[[], PublisherSettings] = click.get_current_context().meta[SETTINGS]
    return read()


@click.group()
def dataset() -> None:
    """List, check and preview dataset definitions."""


@dataset.command("list")
def list_datasets() -> None:
    """Print the name and title of every dataset that is defined."""
    from publisher.definition import dataset_paths, load_dataset

    for name, path in dataset_paths(current_settings().definitions).items():
        click.echo(f"{name}\t{load_dataset(path).title}")


@dataset.command("check")
@click.argument("name", required=False)
def check_datasets(name: str | None) -> None:
    """Check one definition, or all; every mistake is printed with file, line and cure."""
    from publisher.cron import cron_trigger
    from publisher.definition import dataset_paths, load_dataset
    from publisher.validation.table import prepare_checks

    mistakes = 0
    paths = dataset_paths(current_settings().definitions)
    for path in [_path_of(paths, name)] if name else paths.values():
        try:
            definition = load_dataset(path)
            for table in definition.resources:
                prepare_checks(table)
            if definition.release.schedule:
                cron_trigger(definition.release.schedule, definition.release.time_zone)
        except DescriptorError as error:
            mistakes += 1
            click.echo(str(error), err=True)
        else:
            click.echo(f"{path}: good")
    if mistakes:
        sys.exit(DescriptorError.exit_code)


@dataset.command("preview")
@click.argument("name")
def preview_dataset(name: str) -> None:
    """Print what would leave: tables, columns, types and treatments; nothing is read from the source."""
    from publisher.definition import dataset_paths, load_dataset
    from publisher.published import published_tables

    definition = load_dataset(_path_of(dataset_paths(current_settings().definitions), name))
    for table in definition.resources:
        leaving: set[str] = set()
        for published in published_tables(table):
            click.echo(f"{published.name}: {published.row}")
            for field in published.fields:
                leaving.add(field.name)
                click.echo(f"  {field.name:<24} {field.type:<10} {field.treatment}")
        staying = [field.name for field in table.schema_.fields if field.name not in leaving]
        click.echo(f"  stays inside: {', '.join(staying) or 'nothing'}")


@click.command()
@click.argument("dataset")
@click.option(
    "--definitions",
    type=click.Path(path_type=Path, exists=True),
    help="Folder of definitions instead of the settings'.",
)
@click.option("--dry-run", is_flag=True, help="Go as far as the checks; nothing is uploaded or published.")
@click.option("--approve", is_flag=True, help="Approve the release at once; recorded under your system user.")
def release(dataset: str, definitions: Path | None, dry_run: bool, approve: bool) -> None:
    """Make one release of DATASET now."""
    from publisher.command_release import release_once

    settings = current_settings()
    if definitions is not None:
        settings = settings.model_copy(update={"definitions": definitions})
    sys.exit(release_once(settings, dataset, dry_run=dry_run, approve=approve))


@click.command()
@click.argument("dataset")
@click.argument("release")
@click.option("--reason", required=True, help="Why; kept with the decision.")
def rollback(dataset: str, release: str, reason: str) -> None:
    """Point the public at an earlier RELEASE of DATASET again."""
    from publisher.command_release import system_user
    from publisher.facilities import open_facilities
    from publisher.workflow import Workspace

    Workspace(open_facilities(current_settings())).roll_back(dataset, release, system_user(), reason)
    click.echo(f"{dataset}: the public sees {release} again.")


@click.command()
@click.argument("location")
def verify(location: str) -> None:
    """Check hashes and signature of a release in a folder or at a URL."""
    from publisher.verify import verify_release

    report = verify_release(location)
    for problem in report.problems:
        click.echo(problem, err=True)
    if not report.ok:
        sys.exit(1)
    click.echo(f"{report.dataset} {report.release}: {report.files} files as signed by key {report.key_fingerprint}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def scan(file: Path, form: str) -> None:
    """Look for personal data in the columns of a CSV or Parquet FILE; prints kinds and shares, never values."""
    from publisher.disclosure.detectors import scan_file

    findings = [finding.to_dict() for finding in scan_file(file)]
    if form == "json":
        click.echo(json.dumps({"columns": findings}, ensure_ascii=False))
        return
    for finding in findings:
        click.echo(f"{finding['name']}: {finding['kind']} in {finding['share']:.0%} of cells ({finding['reason']})")
    if not findings:
        click.echo("No personal data found.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--schema", "schema_path", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def validate(file: Path, schema_path: Path, form: str) -> None:
    """Check a CSV FILE against a Table Schema and print Frictionless' report."""
    from publisher.validation.file_report import validate_file

    try:
        schema = json.loads(schema_path.read_bytes())
    except ValueError:
        raise DescriptorError(f"{schema_path} is not JSON.", cure="give a Table Schema in JSON") from None
    report = validate_file(file, schema)
    click.echo(report.to_json() if form == "json" else str(report.to_summary()))  # type: ignore[no-untyped-call]
    sys.exit(0 if report.valid else 1)


COMMANDS = (dataset, release, rollback, verify, scan, validate)


def _path_of(paths: dict[str, Path], name: str) -> Path:
    if name not in paths:
        raise DescriptorError(
            f"There is no dataset `{name}`.", cure=f"choose one of: {', '.join(paths) or 'none are defined'}"
        )
    return paths[name]


def exit_code_of(error: PublisherError) -> int:
    """Print an error for a person and return the exit code that says what kind it is."""
    click.echo(f"phusa: {error}", err=True)
    return error.exit_code
