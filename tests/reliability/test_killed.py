"""A run that dies anywhere leaves the public its last good release, and the next run heals what was left."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from reliability.small_city import write_definition, write_drop
from servers.portal import RunningPortal, running_portal

from publisher.run_log import STEPS

PLACES = [*STEPS, "uploading", "signed", "registered", "pointed"]
PUBLIC_ALREADY = {"registered", "pointed"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    folder = tmp_path_factory.mktemp("killed")
    drops = folder / "drops"
    write_drop(drops, rows=100)
    with running_portal(
        folder / "home", write_definition(folder / "datasets"), environment={"DROPS": str(drops)}
    ) as portal:
        assert portal.release("thu-nghiem").state == "published"
        yield portal


def killed(portal: RunningPortal, place: str) -> None:
    script = Path(__file__).with_name("killed_run.py")
    folder = portal.home.parent
    command = [sys.executable, script, portal.home, folder / "datasets", folder / "drops", portal.url, place]
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert ended.returncode == -9, f"it should have been killed at {place}: {ended.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_any_step_the_public_sees_whole_releases_and_the_next_run_heals(
    city: RunningPortal, place: str
) -> None:
    before = city.facilities.store.current("thu-nghiem")
    assert before is not None
    rows = before.summary["rows"]["do_dac"] + 1
    write_drop(city.home.parent / "drops", rows=rows)

    killed(city, place)

    seen = {extra["key"]: extra["value"] for extra in city.action("package_show", id="thu-nghiem")["extras"]}["release"]
    if place not in PUBLIC_ALREADY:
        assert seen == before.release
    assert city.get(f"/r/thu-nghiem/{seen}/do_dac.parquet").status_code == 200

    wait_for_lease(city)
    healed = city.release("thu-nghiem")
    assert healed.state == ("unchanged" if place in PUBLIC_ALREADY else "published"), healed.message
    current = city.facilities.store.current("thu-nghiem")
    assert current is not None
    assert current.summary["rows"]["do_dac"] == rows
    assert not list((city.home / "work" / "thu-nghiem").glob("*")), "working folders of dead runs must go"
    assert {run.state for run in city.facilities.store.runs("thu-nghiem")} <= {"published", "unchanged", "failed"}
    known = {row.release for row in city.facilities.store.releases("thu-nghiem")}
    stored = {info.key.split("/")[2] for info in city.facilities.storage.list("releases/thu-nghiem/")}
    assert stored == known, "files of releases that never were must go"


def wait_for_lease(portal: RunningPortal) -> None:
    """Take the dead process' lease as soon as it ran out (5 s in these tests), and give it back."""
    deadline = time.monotonic() + 30
    while not portal.facilities.store.take_lease("thu-nghiem", "waiting", 5):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    portal.facilities.store.drop_lease("thu-nghiem", "waiting")
