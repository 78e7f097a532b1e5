"""Standard cron semantics, missed runs, and due times that start once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from publisher.cron import cron_trigger, last_due_at, next_run_at
from publisher.definition import Release
from publisher.errors import DescriptorError
from publisher.store import Store


def release(schedule: str, time_zone: str = "Asia/Ho_Chi_Minh") -> Release:
    return Release(cadence="daily", schedule=schedule, time_zone=time_zone)


@pytest.mark.parametrize(
    ("weekday", "names"),
    [
        ("0", ["Sun"]),
        ("7", ["Sun"]),
        ("1", ["Mon"]),
        ("1-5", ["Mon", "Tue", "Wed", "Thu", "Fri"]),
        ("5-7", ["Sun", "Fri", "Sat"]),
    ],
)
def test_weekdays_count_from_sunday_as_cron_does(weekday: str, names: list[str]) -> None:
    trigger = cron_trigger(f"0 2 * * {weekday}", "Asia/Ho_Chi_Minh")
    moment, days = datetime(2026, 11, 22, tzinfo=UTC), set()
    for _ in range(7):
        due = trigger.get_next_fire_time(None, moment)
        days.add(due.strftime("%a"))
        moment = due.replace(minute=1)
    assert days == set(names)


def test_a_day_and_a_weekday_together_mean_either() -> None:
    due, moment = [], datetime(2026, 7, 1, 12)
    for _ in range(3):
        moment = next_run_at(release("0 2 1 * 1", "UTC"), moment)
        assert moment is not None
        due.append(f"{moment:%a %d %b}")
        moment = moment.replace(minute=1)
    assert due == ["Mon 06 Jul", "Mon 13 Jul", "Mon 20 Jul"]
    assert next_run_at(release("0 2 1 * 1", "UTC"), datetime(2026, 7, 28)) == datetime(2026, 8, 1, 2)


def test_a_schedule_is_read_in_its_own_time_zone() -> None:
    assert next_run_at(release("15 2 * * *"), datetime(2026, 11, 22, 12)) == datetime(2026, 11, 22, 19, 15)


@pytest.mark.parametrize("expression", ["", "0 2 * *", "61 2 * * *", "0 2 * * someday", "0 2 * * 9"])
def test_what_is_no_cron_expression_is_refused_with_a_cure(expression: str) -> None:
    with pytest.raises(DescriptorError) as caught:
        cron_trigger(expression, "Asia/Ho_Chi_Minh")
    assert "minute, hour, day, month, weekday" in caught.value.cure


def test_many_missed_due_times_count_as_one() -> None:
    now = datetime(2026, 11, 22, 12)
    assert last_due_at(release("0 * * * *"), after=datetime(2026, 11, 20, 3), now=now) == now
    assert last_due_at(release("0 0 1 1 *", "UTC"), after=datetime(2025, 12, 1), now=now) == datetime(2026, 1, 1)


def test_nothing_is_due_twice() -> None:
    due = datetime(2026, 11, 22, 12)
    assert last_due_at(release("0 * * * *"), after=due, now=datetime(2026, 11, 22, 12, 59)) is None


def test_of_two_schedulers_one_gets_the_slot(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'publisher.db'}"
    first, second = Store(url), Store(url)
    first.upgrade()
    due = datetime(2026, 11, 22, 12)
    assert first.take_slot("a", due, "one")
    assert not second.take_slot("a", due, "two")
    assert second.take_slot("b", due, "two")
    assert first.last_slot("a") == due
    first.close()
    second.close()
