"""The publisher's commands; the site's command line hangs them into `phusa`.

Exit codes: 0 done or up to date, 1 refused because of the data, 2 wrong definition or usage, 3 environment.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from publisher.errors import DescriptorError, PublisherError

if TYPE_CHECKING:
    from publisher.settings import PublisherSettings

SETTINGS = "publisher.settings"
"""Where the composer leaves a function in click's `meta` that reads the settings."""


def current_settings() -> PublisherSettings:
    """Return the settings that the composer left for the running command."""
    from publisher.rulebook import use_rulebook

    read: Callable[[], PublisherSettings] = click.get_current_context().meta[SETTINGS]
    settings = read()
    use_rulebook(settings.rulebook)
    return settings


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
    from publisher.validation.definitions import check_definition

    mistakes = 0
    paths = dataset_paths(current_settings().definitions)
    for path in [_path_of(paths, name)] if name else paths.values():
        try:
            definition = load_dataset(path)
            check_definition(path, definition)
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
    """Show what would leave and what it would cost: reads and validates the source, searches the levels, releases nothing.

    For rows that need k: the smallest group, the share left out and the information loss of the policy, and of the same policy with
    other k, other limits, and each quasi-identifier finer, coarser or dropped. For aggregates: cells and how many are hidden.
    """
    from publisher.command_preview import preview_dataset as preview
    from publisher.definition import dataset_paths, load_dataset
    from publisher.facilities import open_facilities

    settings = current_settings()
    definition = load_dataset(_path_of(dataset_paths(settings.definitions), name))
    sys.exit(preview(definition, open_facilities(settings)))


@dataset.command("propose")
@click.argument("source")
@click.option("--name", help="Name of the dataset; out of the source's when absent.")
@click.option("--organization", help="Name of the owner's folder under --output.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder of definitions to write to.")
@click.option("--query", help="For a database: one SELECT.")
@click.option("--table", help="For a database: a table or view.")
def propose_dataset(
    source: str, name: str | None, organization: str | None, output: Path | None, query: str | None, table: str | None
) -> None:
    """Draft a definition from all rows of SOURCE: a file, env:NAME of a database or service, or an https address."""
    from publisher.proposal.command import propose

    propose(source, name=name, organization=organization, output=output, query=query, table=table)


@dataset.command("forget")
@click.argument("name")
def forget_sources(name: str) -> None:
    """Forget what the sources of a dataset held, so that the next run reads every table in full."""
    from publisher.definition import dataset_paths
    from publisher.facilities import open_facilities
    from publisher.lease import Lease
    from publisher.sources.memory import forget

    _path_of(dataset_paths(current_settings().definitions), name)
    facilities = open_facilities(current_settings())
    with Lease(facilities.store, name, seconds=facilities.settings.lease_seconds):  # not under a run that reads it
        existed = forget(facilities.memory_folder(name))
    click.echo(f"{name}: {'the next run reads everything' if existed else 'nothing was remembered'}.")


@click.command()
@click.argument("dataset")
@click.option(
    "--definitions",
    type=click.Path(path_type=Path, exists=True),
    help="Folder of definitions instead of the settings'.",
)
@click.option("--dry-run", is_flag=True, help="Go as far as the checks; nothing is uploaded or published.")
@click.option("--approve", is_flag=True, help="Approve the release at once; recorded under your system user.")
@click.option("--corrects", metavar="RELEASE", help="The release that this one corrects; needs --note.")
@click.option("--note", default="", help="What was wrong, in a sentence for readers; shown on the dataset's pages.")
@click.option("--engine", type=click.Choice(["local", "spark"]), default="local", help="Where the rows are worked on.")
@click.option("--master", help="For spark: local[2], spark://HOST:PORT, yarn, or sc://HOST:PORT for Spark Connect.")
def release(  # noqa: PLR0913  one for each option of the command
    dataset: str,
    *,
    definitions: Path | None,
    dry_run: bool,
    approve: bool,
    corrects: str | None,
    note: str,
    engine: str,
    master: str | None,
) -> None:
    """Make one release of DATASET now."""
    from publisher.command_release import release_on_spark, release_once
    from publisher.versions.release_changes import Correction

    settings = current_settings()
    if definitions is not None:
        settings = settings.model_copy(update={"definitions": definitions})
    if bool(corrects) != bool(note.strip()):
        raise click.UsageError("--corrects and --note go together: name the release and say what was wrong.")
    correction = Correction(corrects, note.strip()) if corrects else None
    if (engine == "spark") != bool(master):
        raise click.UsageError("--engine spark and --master go together: name the cluster.")
    run = partial(release_on_spark, master) if master else release_once
    sys.exit(run(settings, dataset, dry_run=dry_run, approve=approve, correction=correction))


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
    click.echo(f"{dataset}: the public sees {release} again. No release is made until it is resumed in the workspace.")


@click.command()
@click.argument("dataset", required=False)
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
def prune(dataset: str | None, dry_run: bool) -> None:
    """Remove the data files of old releases by the rules of retention, of DATASET or of all; manifests and differences stay."""
    from publisher.command_prune import prune_datasets

    sys.exit(prune_datasets(current_settings(), dataset, dry_run=dry_run))


@click.command()
@click.argument("dataset")
@click.argument("release", required=False)
@click.option("--all", "everything", is_flag=True, help="Every release of the dataset that was ever public.")
@click.option("--reason", required=True, help="Why, in a sentence that everybody reads; no value of the data.")
@click.option("--reason-en", default="", help="The same in English.")
def withdraw(dataset: str, release: str | None, *, everything: bool, reason: str, reason_en: str) -> None:
    """Take a RELEASE of DATASET, or all, from the public for ever; its bytes go, in every version that the storage kept.

    Pages, API, queries, search and feeds lose it at once, and the last good release that still passes takes its place. The manifest
    and a signed statement with the reason stay. Nobody else has to agree, and it cannot be undone. When the current release goes, the
    dataset is put on hold.
    """
    from publisher.command_withdraw import withdraw_releases

    if everything == (release is not None):
        raise click.UsageError("Name one release, or give --all.")
    releases = [release] if release else None
    withdraw_releases(current_settings(), dataset, releases, reason=reason, reason_en=reason_en)


@click.command()
@click.argument("dataset", required=False)
@click.option("--dry-run", is_flag=True, help="Only tell what fails; nothing is hidden.")
@click.option("--reinstate", is_flag=True, help="Give quarantined releases back that pass today.")
def audit(dataset: str | None, *, dry_run: bool, reinstate: bool) -> None:
    """Check everything public, of DATASET or of all, with today's policy, detectors and rulebook.

    What fails is quarantined: nobody outside reaches it, its bytes stay until you withdraw it or it passes again.
    """
    from publisher.command_withdraw import audit_datasets

    if dry_run and reinstate:
        raise click.UsageError("--dry-run changes nothing, so it gives nothing back.")
    sys.exit(audit_datasets(current_settings(), dataset, dry_run=dry_run, reinstate=reinstate))


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
    if report.withdrawn:
        click.echo("Its publisher took it from the public; withdrawn.json states why, and is signed.")
    elif report.deleted:
        click.echo(f"{report.deleted} files were deleted since, as the publisher states and signs.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def scan(file: Path, form: str) -> None:
    """Look for personal data in the columns of a CSV or Parquet FILE; prints kinds and shares, never values.

    In a JSON Lines FILE of texts, one object with "id" and "text" a line, it says where each text holds which kind.
    """
    if file.suffix in {".jsonl", ".ndjson"}:
        from publisher.disclosure.personal.spans import scan_texts

        for found in scan_texts(file):
            click.echo(json.dumps(found, ensure_ascii=False))
        return
    from publisher.disclosure.personal.detectors import scan_file

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
@click.option("--policy", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Loss, levels and checks as JSON.")
@click.option(
    "--schema",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A Table Schema in JSON whose fields decide the types that are else told by the values.",
)
def anonymise(file: Path, policy: Path, output: Path, *, report: Path | None, schema: Path | None) -> None:
    """Anonymise a CSV, TSV or Parquet FILE by a policy; the output appears only when the checker agrees."""
    from publisher.command_anonymise import anonymise as run

    run(current_settings(), file, policy, output, report=report, schema=schema)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--schema", "schema_path", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option(
    "--limit-errors", type=click.IntRange(min=0), default=1000, help="Stop at so many errors; 0 for no limit."
)
@click.option("--extended", is_flag=True, help="Also report categories and uniqueKeys, which Frictionless reads over.")
def validate(file: Path, schema_path: Path, form: str, limit_errors: int, extended: bool) -> None:
    """Check a CSV, TSV or Parquet FILE against a Table Schema and print Frictionless' report."""
    from publisher.validation.files.report import validate_file

    try:
        schema = json.loads(schema_path.read_bytes())
    except ValueError:
        schema = None
    if not isinstance(schema, dict):
        raise DescriptorError(f"{schema_path} is no JSON object.", cure="give a Table Schema in JSON")
    report = validate_file(file, schema, limit_errors=limit_errors, extended=extended)
    click.echo(report.to_json() if form == "json" else str(report.to_summary()))  # type: ignore[no-untyped-call]
    sys.exit(0 if report.valid else 1)


COMMANDS = (dataset, release, rollback, prune, withdraw, audit, verify, scan, anonymise, validate)


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
