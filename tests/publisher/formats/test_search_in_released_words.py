"""Datasette searches the index of words that a release brings: with and without accents, `đ` among them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sample_release import RELEASE, make_release
from samples.portal_on_disk import SamplePortal, id_of, open_portal

from catalogue.files.query_service import QueryService
from catalogue.model import Package
from publisher.signing import signing_key

pytestmark = pytest.mark.slow


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[SamplePortal]:
    portal = open_portal(tmp_path / "home")
    portal.add_dataset("requests")
    folder = portal.home / "storage" / "releases" / "requests" / RELEASE
    summary = make_release(folder, signing_key(tmp_path / "key.pem"), count=70)
    said = {"release": RELEASE, "rows": summary.rows, "manifest_sha256": summary.manifest_sha256}
    with portal.store.write() as session:
        package = session.get(Package, id_of("requests"))
        assert package is not None
        package.extras = package.extras | {"release": RELEASE, "release_summary": json.dumps(said)}
    yield portal
    portal.store.close()


async def asked(portal: SamplePortal, root: Path, paths: list[str]) -> list[Any]:
    service = QueryService(portal.services, config=root / "datasette.yaml")
    try:
        await service.datasette.invoke_startup()
        await service.sync()
        transport = httpx2.ASGITransport(app=service.asgi)
        async with httpx2.AsyncClient(transport=transport, base_url="http://portal") as client:
            answers = [await client.get(path) for path in paths]
        assert [answer.status_code for answer in answers] == [200] * len(paths)
        return answers
    finally:
        service.close()


def answers_to(portal: SamplePortal, root: Path, paths: list[str]) -> list[Any]:
    """Ask from a thread of its own: a browser test in the same process may have left its loop running in this one."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(asked(portal, root, paths))).result()


def test_words_are_found_however_they_are_typed(portal: SamplePortal, root: Path) -> None:
    words = ["đường", "duong", "ĐƯỜNG", "Đường Lê Lợi", "duong le loi", '"le loi"']
    paths = [f"/requests/tickets.json?_search={word}&_size=100&_shape=array" for word in words]
    answers = answers_to(portal, root, paths)
    found = [{row["name"] for row in answer.json()} for answer in answers]
    assert found == [{"Đường Lê Lợi"}] * len(words)


def test_the_index_itself_is_no_table_to_see(portal: SamplePortal, root: Path) -> None:
    page, counted = answers_to(portal, root, ["/requests.json", "/requests/tickets.json?_size=0&_extra=count"])
    assert [table["name"] for table in page.json()["tables"]] == ["tickets"]
    assert counted.json()["count"] == 70
