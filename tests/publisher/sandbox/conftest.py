"""Small cities; the shared one is built once and only read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from publisher.sandbox.city import SyntheticCity

NOW = datetime(2026, 11, 22, 18, 15)


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyntheticCity]:
    """Build a city of a fiftieth of its size and keep its service running."""
    city = SyntheticCity(tmp_path_factory.mktemp("city"), now=NOW, scale=0.02)
    city.build()
    city.start()
    yield city
    city.stop()
