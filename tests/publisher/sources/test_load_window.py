"""Load windows: open, shut, over midnight, touching, and on the nights when clocks are put."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from samples.source_reader import Read
from servers.http import HttpServer, Reply

from publisher.errors import SourceError
from publisher.sources.load_window import LoadWindow
from publisher.sources.sql.reading import within

HCMC = "Asia/Ho_Chi_Minh"


def window(at: str, *times: str, zone: str = HCMC) -> LoadWindow:
    moment = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone))
    return LoadWindow(times, zone, now=lambda: moment.astimezone(ZoneInfo("UTC")))


@pytest.mark.parametrize(
    ("at", "times", "left"),
    [
        ("2026-11-22 12:00", [], None),
        ("2026-11-22 12:00", ["12:00-13:00"], 3600),
        ("2026-11-22 13:00", ["12:00-13:00"], 0),
        ("2026-11-22 11:59", ["12:00-13:00"], 0),
        ("2026-11-22 23:30", ["22:00-05:30"], 6 * 3600),
        ("2026-11-23 05:00", ["22:00-05:30"], 1800),
        ("2026-11-23 05:30", ["22:00-05:30"], 0),
        ("2026-11-22 12:30", ["12:00-13:00", "13:00-14:00"], 5400),
        ("2026-11-22 23:00", ["22:00-24:00", "00:00-01:00"], 7200),
        ("2026-11-22 15:00", ["00:00-00:00"], 33 * 3600),
    ],
)
def test_how_long_a_window_stays_open(at: str, times: list[str], left: int | None) -> None:
    assert window(at, *times).seconds_left() == left


def test_the_night_that_is_an_hour_shorter() -> None:
    assert window("2026-03-29 01:00", "01:00-05:00", zone="Europe/Berlin").seconds_left() == 3 * 3600


@pytest.mark.parametrize(
    ("at", "named"),
    [
        ("2026-11-22 12:00", "between 22:00 and 05:30 on 2026-11-22"),
        ("2026-11-22 05:31", "between 12:00 and 12:30 on 2026-11-22"),
    ],
)
def test_outside_the_next_window_is_named(at: str, named: str) -> None:
    times = ["22:00-05:30"] if at.endswith("12:00") else ["22:00-05:30", "12:00-12:30"]
    with pytest.raises(SourceError, match="may not be read at") as raised:
        window(at, *times).refuse_outside()
    assert named in raised.value.cure
    assert HCMC in raised.value.message


def around_now(*hours: int) -> str:
    """Return a window that begins and ends so many hours from now."""
    return "-".join(f"{datetime.now(ZoneInfo(HCMC)) + timedelta(hours=hour):%H:%M}" for hour in hours)


@pytest.mark.parametrize("spec", [{"kind": "sql", "query": "SELECT 1 AS a"}, {"kind": "rest"}])
def test_a_source_outside_its_window_is_not_touched(read: Read, http_server: HttpServer, spec: dict[str, str]) -> None:
    http_server.routes["/rows"] = lambda _: Reply([{"a": 1}])
    address = "sqlite:///absent.db" if spec["kind"] == "sql" else f"{http_server.url}/rows"
    given = {**spec, "url": "env:A", "load_window": [around_now(2, 3)]}
    with pytest.raises(SourceError, match="may not be read at"):
        read(given, "a", secrets={"A": address})
    assert http_server.requests == []
    if spec["kind"] == "rest":
        assert len(read({**given, "load_window": [around_now(-1, 1)]}, "a", secrets={"A": address})) == 1


def test_a_window_that_closes_breaks_the_reading_off() -> None:
    moments = [datetime(2026, 11, 22, 20, minute, tzinfo=UTC) for minute in (0, 10, 31)]
    window = LoadWindow(["03:00-03:30"], HCMC, now=lambda: moments.pop(0) if len(moments) > 1 else moments[0])
    batch = pa.record_batch({"a": [1]})
    reading = within(window, iter([batch] * 3))
    assert [next(reading), next(reading)] == [batch, batch]
    with pytest.raises(SourceError, match="may not be read at 03:31"):
        next(reading)
