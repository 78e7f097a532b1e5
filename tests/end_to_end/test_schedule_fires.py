"""A schedule fires a release by itself, and page, CKAN and Datasette show it within 5 seconds of each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from reliability.small_city import write_definition, write_drop
from servers.portal import RunningPortal, running_portal

from publisher.schedule import Scheduler

NAME, TABLE = "thu-nghiem", "do_dac"


def seen_by(portal: RunningPortal) -> dict[str, Callable[[], bool]]:
    """Return how each client tells that it sees 123 rows."""

    def in_ckan() -> bool:
        package = portal.action("package_show", id=NAME)
        return any(resource.get("rows") == 123 for resource in package["resources"])

    def in_datasette() -> bool:
        answer = portal.get(f"/query/{NAME}/{TABLE}.json", params={"_extra": "count", "_size": "1"})
        return answer.ok and answer.json()["count"] == 123

    def on_the_page() -> bool:
        return ">123" in portal.get(f"/en/dataset/{NAME}").text

    return {"CKAN": in_ckan, "Datasette": in_datasette, "page": on_the_page}


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_schedule_fires_a_release_that_all_clients_see_within_five_seconds(tmp_path: Path) -> None:
    write_drop(tmp_path / "drops", rows=100)
    definitions = write_definition(tmp_path / "datasets", release=', schedule: "* * * * *"')
    with running_portal(tmp_path / "home", definitions, environment={"DROPS": str(tmp_path / "drops")}) as portal:
        assert portal.release(NAME).state == "published"
        write_drop(tmp_path / "drops", rows=123)
        portal.portal.start_scheduler()
        other = Scheduler(portal.facilities)  # a second process would be no different: the database decides
        other.start()
        first_seen: dict[str, float] = {}
        clients = seen_by(portal)
        deadline = time.monotonic() + 120
        while len(first_seen) < len(clients):
            assert time.monotonic() < deadline, f"only seen by {sorted(first_seen)}"
            for name, sees in clients.items():
                if name not in first_seen and sees():
                    first_seen[name] = time.monotonic()
            time.sleep(0.1)
        assert max(first_seen.values()) - min(first_seen.values()) < 5
        other.stop()
        run, *before = portal.facilities.store.runs(NAME)
        assert (run.trigger, run.actor, run.state) == ("schedule", "schedule", "published")
        assert [earlier.trigger for earlier in before] == ["manual"], "each due run starts exactly once"
