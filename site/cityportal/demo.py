"""`phusa demo`: a synthetic city with five real agency systems, and the whole portal on top of it, in one process."""

from __future__ import annotations

import os
import shlex
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from cityportal.first_people import DemoPeople, welcome_people, write_secret
from cityportal.self_check import check_portal
from cityportal.server import Portal, installed_file, serving, wait_for_signal
from cityportal.settings import read_settings
from publisher.definition import DatasetDefinition, dataset_paths, load_dataset
from publisher.errors import EnvironmentFault, ReleaseRefused
from publisher.facilities import Facilities
from publisher.run_log import STEPS
from publisher.runs import publish_waiting, run_dataset
from publisher.sandbox.city import SyntheticCity

_GROWS_EVERY_SECONDS = 30
_GROWS_BY = 40
_SYSTEMS = {
    "call_centre": "call centre 1022, a SQL database",
    "one_stop": "one-stop centres, a SQL database",
    "business": "business register, CSV drops in Windows-1258",
    "statistics": "statistics office, an Excel workbook",
    "environment": "air sensors, a REST service with token and rate limit",
}


@dataclass
class _Bar:
    """One line a release: a bar that grows with its steps on a terminal, a plain line elsewhere."""

    name: str
    began: float
    done: int = 0

    def listen(self, _dataset: str, step: str, state: str) -> None:
        self.done += state == "done"
        if sys.stdout.isatty():
            filled = round(20 * self.done / len(STEPS))
            click.echo(f"\r  {self.name:<26} {'█' * filled}{'░' * (20 - filled)} {step:<12}", nl=False)

    def end(self, outcome: str, *, good: bool = True) -> None:
        start = "\r" if sys.stdout.isatty() else ""
        bar = ("█" if good else "░") * 20
        click.echo(f"{start}  {self.name:<26} {bar} {outcome}, {time.monotonic() - self.began:.1f} s{' ' * 12}")


def run_demo(home: Path, *, port: int, scale: float, once: bool) -> int:
    """Start everything, fill it, and stay until interrupted; with `once`, check it through HTTP and return the exit code."""
    port = port or _free_port()
    site_url = f"http://127.0.0.1:{port}"
    _refuse_taken_port(port)
    city = SyntheticCity(home, now=datetime.now(UTC), scale=scale)
    city.start()
    try:
        environment = {**os.environ, **city.environment()}
        definitions = {"definitions": installed_file("datasets"), "catalogue_url": site_url}
        portal = Portal(read_settings(home=home, site_url=site_url, publisher=definitions), environment=environment)
        variables = {"PHUSA_HOME": str(home), "PHUSA_SITE_URL": site_url, **city.environment()}
        write_secret(home / "demo.env", "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))
        with serving(portal, host="127.0.0.1", port=port):
            return _show(portal, city, site_url=site_url, once=once)
    finally:
        city.stop()


def _show(portal: Portal, city: SyntheticCity, *, site_url: str, once: bool) -> int:
    click.echo(f"The portal answers at {site_url}; now it is filled.\n")
    people = welcome_people(portal.catalogue.store, portal.settings.home)
    click.echo("Agency systems of the synthetic city:")
    city.build(lambda system, rows: click.echo(f"  {_SYSTEMS.get(system, system)}: {rows:,} rows"))
    click.echo("\nReleases:")
    facilities = _inside(portal)
    definitions = [load_dataset(path) for path in dataset_paths(facilities.settings.definitions).values()]
    for definition in definitions:
        _release(definition, facilities, people)
    people.join_agencies(portal.catalogue.store, [definition.organization.name for definition in definitions])
    if once:
        return _check(city, site_url, definitions)
    portal.start_scheduler()
    _say_where(site_url, people, definitions)
    wait_for_signal(every_seconds=_GROWS_EVERY_SECONDS, meanwhile=lambda: city.grow(_GROWS_BY, datetime.now(UTC)))
    click.echo("Stopping.")
    return 0


def _release(definition: DatasetDefinition, facilities: Facilities, people: DemoPeople) -> None:
    bar = _Bar(definition.name, time.monotonic())
    run = run_dataset(definition, facilities, trigger="demo", actor=people.steward, listener=bar.listen)
    if run.state == "awaiting_approval":
        facilities.store.decide("approve", definition.name, people.approver, run_id=run.id, subject=run.release)
        publish_waiting(definition, facilities, run.id)
        run = facilities.store.run(run.id)
    if run.state not in {"published", "unchanged"}:
        bar.end(run.state, good=False)
        kind = ReleaseRefused if run.state == "held" else EnvironmentFault
        raise kind(run.message, dataset=run.dataset, cure=run.cure)
    current = facilities.store.current(definition.name)
    rows = sum(current.summary["rows"].values()) if current else 0
    bar.end(f"{run.state} {current.release if current else ''}, {rows:,} rows")


def _check(city: SyntheticCity, site_url: str, definitions: list[DatasetDefinition]) -> int:
    click.echo("\nChecking as a client would:")
    problems = check_portal(
        site_url,
        [definition.name for definition in definitions],
        personal_values=city.personal_values(),
        say=click.echo,
    )
    for problem in problems:
        click.echo(f"FAILED: {problem}", err=True)
    click.echo("Something failed." if problems else "Everything answers as it should.")
    return EnvironmentFault.exit_code if problems else 0


def _say_where(site_url: str, people: DemoPeople, definitions: list[DatasetDefinition]) -> None:
    name = definitions[0].name
    table = next(iter(definitions[0].resources)).name
    example = next((aggregate.id for aggregate in definitions[0].resources[0].privacy.tables), table)
    click.echo(
        f"""
Open
  {site_url}/                          the portal (English: {site_url}/en/)
  {site_url}/dataset/{name}
  {site_url}/query/{name}/{example}.json?_size=3
  {site_url}/api/3/action/package_search?q=1022
  {site_url}/workspace                 for agencies
Sign in to the workspace
  steward    {people.steward}   {people.steward_password}
  approver   {people.approver}   {people.approver_password}
Schedules run from now on and the call centre keeps getting calls. Ctrl-C ends everything."""
    )


def _inside(portal: Portal) -> Facilities:
    if portal.facilities is None:
        raise EnvironmentFault("The demo needs the publisher in its process.", cure="start it with all parts")
    return portal.facilities


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            cure = "end what listens there, or choose another: `make demo PORT=8001`"
            raise EnvironmentFault(f"Port {port} is taken.", cure=cure) from None
