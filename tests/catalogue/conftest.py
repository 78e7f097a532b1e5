"""Catalogues for the tests of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from samples.served_catalogue import ServedCatalogue, catalogue_on, served

CITY = "so-gtvt"


@pytest.fixture(scope="session")
def _peopled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("peopled")
    with catalogue_on(home) as portal:
        for name in ("boss", "lan", "binh"):
            portal.add_user(name, sysadmin=name == "boss")
        portal.call("organization_create", {"name": CITY, "title": "Sở Giao thông"}, user="boss")
        portal.call("organization_member_create", {"id": CITY, "username": "lan", "role": "editor"}, user="boss")
    return home / "catalogue.db"


@pytest.fixture
def catalogue(tmp_path: Path, _peopled: Path) -> Iterator[ServedCatalogue]:
    """Return a catalogue without a server: sysadmin `boss`, organization `so-gtvt`, its editor `lan`, nobody `binh`."""
    with catalogue_on(tmp_path, template=_peopled) as portal:
        yield portal


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCatalogue]:
    """Return an empty catalogue behind HTTP, shared by the tests of one file."""
    with catalogue_on(tmp_path_factory.mktemp("live")) as portal, served(portal):
        yield portal


@pytest.fixture(scope="module")
def boss(live: ServedCatalogue) -> str:
    """Return the token of a sysadmin of the shared catalogue."""
    return live.add_user("boss", sysadmin=True)
