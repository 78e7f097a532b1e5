"""Many clients write to one dataset at once over HTTP, and nothing of what they wrote is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from samples.served_catalogue import catalogue_on, served

pytest_plugins = ["servers.postgres"]
TEXTS = ("title", "notes", "author", "maintainer", "url", "version")


def write_at_once(home: Path, **settings: Any) -> None:
    """Let 50 clients append a resource each, while others change one field each and rename the organization."""
    with catalogue_on(home, **settings) as portal, served(portal):
        headers = {"Authorization": portal.add_user("boss", sysadmin=True)}

        def post(action: str, **params: Any) -> Any:
            answer = requests.post(f"{portal.url}/api/3/action/{action}", json=params, headers=headers, timeout=120)
            assert answer.status_code == 200, answer.text
            return answer.json()["result"]

        post("organization_create", name="so-yt")
        post("package_create", name="many", owner_org="so-yt")
        with ThreadPoolExecutor(16) as pool:
            jobs = [
                pool.submit(
                    post, "package_revise", match={"name": "many"}, update__resources__extend=[{"name": str(number)}]
                )
                for number in range(50)
            ]
            jobs += [pool.submit(post, "package_patch", id="many", **{field: f"https://{field}"}) for field in TEXTS]
            jobs += [pool.submit(post, "organization_patch", id="so-yt", title=f"Sở {number}") for number in range(4)]
            for job in jobs:
                job.result()
        shown = requests.get(f"{portal.url}/api/3/action/package_show?id=many", timeout=20).json()["result"]
        assert sorted(int(resource["name"]) for resource in shown["resources"]) == list(range(50))
        assert {field: shown[field] for field in TEXTS} == {field: f"https://{field}" for field in TEXTS}
        assert shown["organization"]["title"] == post("organization_show", id="so-yt")["title"]


@pytest.mark.slow
def test_nothing_is_lost_on_sqlite(tmp_path):
    write_at_once(tmp_path)


@pytest.mark.slow
@pytest.mark.server
def test_nothing_is_lost_on_postgresql(tmp_path, postgres):
    write_at_once(tmp_path, database_url=postgres.url(postgres.new_database()))
