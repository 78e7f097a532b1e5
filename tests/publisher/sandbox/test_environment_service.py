"""The environment service over real HTTP: token, paging, rate limit, bad moments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from publisher.sandbox.environment_service import EnvironmentService, Listing, Temper

ROWS = [{"number": number} for number in range(23)]
LISTINGS = {"readings": Listing(lambda: len(ROWS), lambda start, stop: ROWS[start:stop])}


@pytest.fixture
def calm() -> Iterator[EnvironmentService]:
    service = EnvironmentService(LISTINGS, token="good", temper=Temper(limit_every=0, fail_every=0))
    service.start()
    yield service
    service.stop()


def get(service: EnvironmentService, token: str = "good", **parameters: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(service.url("readings"), params=parameters, headers=headers, timeout=10)


@pytest.mark.parametrize("token", ["", "wrong", "góod"])
def test_without_the_token_nothing_is_told(calm: EnvironmentService, token: str) -> None:
    answer = get(calm, token.encode().decode("latin-1"))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "items" not in answer.json()


def test_pages_hold_every_row_once_and_tell_the_total(calm: EnvironmentService) -> None:
    pages = [get(calm, page=page, size=10).json() for page in (1, 2, 3, 4)]
    assert [row for page in pages for row in page["items"]] == ROWS
    assert [len(page["items"]) for page in pages] == [10, 10, 3, 0]
    assert {page["total"] for page in pages} == {23}


@pytest.mark.parametrize("parameters", [{"page": 0}, {"size": 0}, {"size": 5001}, {"page": "x"}])
def test_impossible_pages_are_refused(calm: EnvironmentService, parameters: dict[str, Any]) -> None:
    assert get(calm, **parameters).status_code == 400


def test_unknown_addresses_are_not_found(calm: EnvironmentService) -> None:
    assert requests.get(calm.url("secrets"), timeout=10).status_code == 404


def test_bad_moments_come_by_count_and_pass() -> None:
    service = EnvironmentService(LISTINGS, token="good", temper=Temper(limit_every=3, fail_every=4))
    service.start()
    answers = [get(service) for _ in range(8)]
    service.stop()
    assert [answer.status_code for answer in answers] == [200, 200, 429, 500, 200, 429, 200, 500]
    assert answers[2].headers["Retry-After"] == "1"


def test_requests_without_token_do_not_count_towards_the_limit() -> None:
    service = EnvironmentService(LISTINGS, token="good", temper=Temper(limit_every=2, fail_every=0))
    service.start()
    codes = [get(service, token).status_code for token in ("", "good", "", "good")]
    service.stop()
    assert codes == [401, 200, 401, 429]


def test_the_port_stays_over_a_restart() -> None:
    service = EnvironmentService(LISTINGS, token="good")
    service.start()
    service.start()  # twice is once
    url = service.url("readings")
    service.stop()
    service.stop()
    with pytest.raises(requests.ConnectionError):
        get(service)
    service.start()
    assert service.url("readings") == url
    assert get(service).status_code == 200
    service.stop()
