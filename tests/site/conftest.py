"""A published city and clients over its pages, made once for all tests that only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from samples.sample_city import City

FIRST, SECOND = "2026-11-20.1", "2026-11-21.1"
REQUESTS = "phan-anh-1022"


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Three datasets of three organizations; the requests to 1022 have two releases."""
    city = City(tmp_path_factory.mktemp("city"))
    city.publish("doanh-nghiep", "2026-10-31.1")
    city.publish("quan-trac-khong-khi", FIRST)
    city.publish(REQUESTS, FIRST)
    city.publish(REQUESTS, SECOND, parent=FIRST, changes={"added": 2377, "removed": 0, "changed": 12})
    yield city
    city.search.close()
    city.store.close()


@pytest.fixture(scope="session")
def _client(city: City) -> FlaskClient:
    return city.app().test_client()


@pytest.fixture
def client(_client: FlaskClient) -> FlaskClient:
    """A visitor without a session."""
    with _client.session_transaction() as session:
        session.clear()
    return _client
