"""The `phusa` command: puts the commands of both halves and of the portal under one roof."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import catalogue.cli
import catalogue.command_settings
import publisher.cli
from publisher.errors import DescriptorError, EnvironmentFault, PublisherError

if TYPE_CHECKING:  # read when a command asks: `phusa verify` and `phusa scan` need no settings at all
    from catalogue.settings import CatalogueSettings
    from cityportal.settings import PortalSettings
    from publisher.settings import PublisherSettings


class _Phusa(click.Group):
    """Turns every error of ours into one line with its cure, and the exit code that says what kind it is."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PublisherError as error:
            sys.exit(publisher.cli.exit_code_of(error))
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            logging.getLogger(__name__).info("unforeseen", exc_info=error)
            click.echo(f"phusa: unforeseen {type(error).__name__}; `phusa --verbose …` tells where.", err=True)
            sys.exit(EnvironmentFault.exit_code)


@click.group(cls=_Phusa)
@click.option("--verbose", is_flag=True, help="Log every step.")
@click.version_option(package_name="phusa")
@click.pass_context
def main(ctx: click.Context, *, verbose: bool) -> None:
    """Phù Sa: from agency systems to safe, signed, queryable open data.

    Exit codes: 0 done or up to date, 1 refused because of the data, 2 wrong definition or usage, 3 environment.
    """
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    ctx.meta[publisher.cli.SETTINGS] = _publisher_settings
    ctx.meta[catalogue.command_settings.SETTINGS] = _catalogue_settings


@main.command()
@click.option(
    "--only", default="public,query,workspace,scheduler", show_default=True, help="Parts of this process, with commas."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def serve(only: str, host: str, port: int) -> None:
    """Serve the portal: pages, CKAN API, queries, workspace and scheduler, or some of them."""
    from cityportal.first_people import welcome_publisher
    from cityportal.server import PARTS, Portal, serving, wait_for_signal

    parts = frozenset(part.strip() for part in only.split(","))
    if unknown := parts - set(PARTS):
        raise DescriptorError(
            f"There is no part {', '.join(sorted(unknown))}.", cure=f"choose among {', '.join(PARTS)}"
        )
    portal = Portal(_settings(), parts=parts)
    if {"public", "scheduler"} <= parts:
        welcome_publisher(portal.catalogue.store, portal.settings.home)
    with serving(portal, host=host, port=port):
        portal.start_scheduler()
        wait_for_signal(meanwhile=portal.keep_house)


@main.command()
@click.option(
    "--home", type=click.Path(path_type=Path), default=Path("var"), show_default=True, help="Folder of all state."
)
@click.option("--port", default=8000, show_default=True, help="0 takes a free one.")
@click.option("--scale", default=1.0, show_default=True, help="Size of the synthetic city; 1 is 100,000 calls to 1022.")
@click.option("--once", is_flag=True, help="Check the portal through HTTP as a client would, then end.")
def demo(home: Path, port: int, scale: float, *, once: bool) -> None:
    """Start a synthetic city and its portal: real systems, first releases, pages, API, queries and schedules."""
    from cityportal.demo import run_demo

    sys.exit(run_demo(home, port=port, scale=scale, once=once))


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--without-storage", is_flag=True, help="Leave the stored files out, where the storage has its own copies."
)
def backup(file: Path, *, without_storage: bool) -> None:
    """Write everything that cannot be made again into FILE: databases, keys, pushed rows, stored files. It holds secrets."""
    from cityportal.backup.installation import back_up

    told = back_up(_settings(), file, with_storage=not without_storage)
    click.echo(f"{file}: {told.rows} rows and {told.files} files. Keep it as safe as the keys it holds.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def restore(file: Path) -> None:
    """Bring the backup FILE back into an empty installation; its databases may be of another kind than they were."""
    from cityportal.backup.installation import restore as bring_back

    told = bring_back(_settings(), file)
    click.echo(
        f"{told.rows} rows and {told.files} files are back. `phusa serve` makes the search index and queries anew."
    )
    if not told.with_storage:
        click.echo("The stored files were not in it; the settings must name the storage that holds them.", err=True)


for _command in (*publisher.cli.COMMANDS, *catalogue.cli.COMMANDS):
    main.add_command(_command)


def _settings() -> PortalSettings:
    from cityportal.settings import read_settings

    return read_settings()


def _publisher_settings() -> PublisherSettings:
    return _settings().for_publisher()


def _catalogue_settings() -> CatalogueSettings:
    from publisher.secrets import Secrets

    return _settings().for_catalogue(Secrets())
