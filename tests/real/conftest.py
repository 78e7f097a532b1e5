"""One portal for all real datasets; agencies' folders are links to the real files, which are never copied."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from real.real_city import RealCity
from servers.portal import running_portal

DEFINITIONS = Path(__file__).parent / "definitions"


@pytest.fixture(scope="session")
def city(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCity]:
    """Return a running portal whose datasets read the real files."""
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(DEFINITIONS, folder / "datasets")
    environment = {
        "BOSTON_REQUESTS": str(shared_data / "requests311"),
        "BOSTON_ANIMALS": str(folder / "animals"),
        "KOELN_LOAD": str(shared_data / "transport"),
        "GSO_UNITS": str(shared_data / "messy"),
        "PORTUGAL_CONTRACTS": str(shared_data / "business"),
        "PERSONS": str(shared_data / "persons"),
    }
    with running_portal(folder / "home", folder / "datasets", environment=environment) as portal:
        yield RealCity(portal, shared_data, environment, folder / "downloads")
