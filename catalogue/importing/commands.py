"""The commands `phusa import …`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalogue.command_settings import current_settings, first_line
from catalogue.importing.dumps import Record, UnreadableDump, opened, read_dump
from catalogue.importing.report import Report

if TYPE_CHECKING:  # read by the commands below alone, because every start of `phusa` reads this file
    from catalogue.importing.takeover import Records
    from catalogue.services import Services

_SHOWN_FAILURES = 20
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_organization = click.option(
    "--organization", metavar="NAME", help="Owner of datasets that name none; without it they are not taken in."
)


@click.group("import")
def import_portal() -> None:
    """Take over the datasets of another portal, with their ids, names and times.

    A run can be repeated: what did not change since the last one is left alone.
    """


@import_portal.command("ckan")
@click.argument("sources", nargs=-1, required=True, metavar="URL|FILE…")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="File with an API token of that portal in its first line: private datasets and drafts come along.",
)
@click.option("--again", is_flag=True, help="Fetch the portal anew instead of going on with what was fetched.")
@_organization
def import_ckan(sources: tuple[str, ...], token_file: Path | None, organization: str | None, *, again: bool) -> None:
    """Take over a CKAN portal: its address, or files that `ckanapi dump` or its API wrote."""
    from catalogue.importing.fetching import CkanPortal, PortalUnavailable

    token = first_line(token_file) if token_file else ""
    with _taking("ckan", sources, organization) as (folder, take):
        portals = [CkanPortal(url, folder / _slug(url), token=token) for url in sources if _is_address(url)]
        files = [_existing(path) for path in sources if not _is_address(path)]
        try:
            for portal in portals:
                if again:
                    portal.forget()
                portal.fetch()
        except PortalUnavailable as error:
            raise click.ClickException(f"{error}. Cure: run the command again, it goes on where it stopped.") from error

        def records() -> Iterator[Record]:
            for portal in portals:
                yield from portal.records()
            for file in files:
                yield from read_dump(file)

        take(records)


@import_portal.command("dcat")
@click.argument("files", nargs=-1, required=True, type=_EXISTING, metavar="FILE…")
@_organization
def import_dcat(files: tuple[Path, ...], organization: str | None) -> None:
    """Take over a catalogue in DCAT: `data.json` of DCAT-US, or DCAT-AP as Turtle, JSON-LD or RDF/XML."""
    locale = current_settings().locale
    with _taking("dcat", tuple(map(str, files)), organization) as (_, take):
        found = [package for file in files for package in _dcat_packages(file, locale)]
        take(lambda: found)


def _dcat_packages(file: Path, locale: str) -> Iterator[Record]:
    from catalogue.importing import dcat_us
    from catalogue.importing.dcat_rdf import DcatReader, read_graph

    with opened(file) as stream:
        text = stream.read()
    if file.name.removesuffix(".gz").endswith("json"):
        try:
            document = json.loads(text)
        except ValueError:
            raise UnreadableDump(f"{file.name} is no JSON; is the file complete?") from None
        if dcat_us.is_dcat_us(document):
            yield from dcat_us.packages_of(document)
            return
    try:
        graph = read_graph(file, text)
    except Exception as error:  # each notation's parser has faults of its own
        raise UnreadableDump(f"{file.name} is not RDF in the notation of its name: {type(error).__name__}") from error
    yield from DcatReader(graph, locale).packages()


@contextmanager
def _taking(kind: str, sources: tuple[str, ...], organization: str | None) -> Iterator[tuple[Path, _Take]]:
    """Yield the folder of this import and the function that takes records in; tell at the end what became of them."""
    from catalogue.services import open_services

    settings = current_settings()
    key = hashlib.sha256("\n".join(sources).encode()).hexdigest()[:8]
    folder = settings.home / "imports" / f"{kind}-{_slug(sources[0])}-{key}"
    services = open_services(settings)
    try:
        report = Report(folder / "report.jsonl")
        yield folder, _Take(services, report, organization)
        _tell(report)
    except UnreadableDump as error:
        raise click.UsageError(f"{error}.") from error
    finally:
        services.close()
    if report.failed:
        raise click.exceptions.Exit(1)


class _Take:
    """Takes in records as the first sysadmin."""

    def __init__(self, services: Services, report: Report, organization: str | None) -> None:
        self._services = services
        self._report = report
        self._organization = organization

    def __call__(self, records: Records) -> None:
        from sqlalchemy import select

        from catalogue.importing.takeover import Takeover
        from catalogue.model import User

        with self._services.store.read() as session:
            statement = select(User.id).where(User.sysadmin, User.state == "active").order_by(User.created, User.name)
            user_id = session.scalars(statement).first()
        if user_id is None:
            raise click.UsageError("There is no sysadmin yet. Cure: `phusa user add NAME --sysadmin`.")
        Takeover(self._services, user_id, self._report, organization=self._organization).run(records)


def _tell(report: Report) -> None:
    for told in sorted(report.counts):
        click.echo(f"{told}: {report.counts[told]}")
    for outcome in report.failed[:_SHOWN_FAILURES]:
        click.echo(f"failed: {outcome.kind} {outcome.name} ({outcome.id}): {'; '.join(outcome.changes)}", err=True)
    if report.changed:
        click.echo(f"{report.changed} records had to be changed to fit; the report says how.")
    click.echo(f"Record by record: {report.path}")


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _existing(written: str) -> Path:
    path = Path(written)
    if not path.is_file():
        raise click.UsageError(f"{written} is neither an address nor a file.")
    return path


def _slug(source: str) -> str:
    return re.sub(
        r"[^a-z0-9]+", "-", source.lower().rsplit("://", 1)[-1].rsplit("/", 1)[-1 if "://" not in source else 0]
    ).strip("-")[:40]
