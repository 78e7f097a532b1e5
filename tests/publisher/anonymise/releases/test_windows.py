"""When the window of a cell closes, told alike by the anonymiser and, from the published forms, by the checker."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from samples.small_tables import define

from publisher.anonymise.releases.windows import window_end, window_fields
from publisher.disclosure.releases.periods import last_day, period_columns
from publisher.published import PublishedTable, published_tables


def table_by(kind: str, action: dict[str, object]) -> PublishedTable:
    privacy = {
        "subject": "person",
        "fields": {"khi": action, "phuong": {"action": "keep"}},
        "tables": [{"id": "theo_khi", "group_by": ["khi", "phuong"]}],
    }
    return published_tables(define({"khi": kind, "phuong": "string"}, privacy))[0]


@pytest.mark.parametrize(
    ("kind", "action", "label", "end"),
    [
        ("date", {"action": "generalise_date", "levels": ["day"]}, "2026-10-31", date(2026, 11, 1)),
        ("date", {"action": "generalise_date", "levels": ["month"]}, "2026-12", date(2027, 1, 1)),
        ("date", {"action": "generalise_date", "levels": ["week"]}, "2026-W53", date(2027, 1, 4)),
        ("date", {"action": "generalise_date", "levels": ["quarter"]}, "2026-Q4", date(2027, 1, 1)),
        ("date", {"action": "generalise_date", "levels": ["quarter"]}, "2026-Q1", date(2026, 4, 1)),
        ("date", {"action": "generalise_date", "levels": ["year"]}, "2026", date(2027, 1, 1)),
        ("date", {"action": "generalise_date", "levels": ["5y"]}, "2025-2029", date(2030, 1, 1)),
        ("date", {"action": "shift_group", "to": "month"}, "2026-02-01", date(2026, 3, 1)),
        ("date", {"action": "shift_group", "to": "week"}, "2026-10-05", date(2026, 10, 12)),
        ("date", {"action": "shift_group", "to": "quarter"}, "2026-10-01", date(2027, 1, 1)),
        ("date", {"action": "shift_group", "to": "year"}, "2024-01-01", date(2025, 1, 1)),
        ("yearmonth", {"action": "keep"}, "2026-11", date(2026, 12, 1)),
        ("year", {"action": "keep"}, "2026", date(2027, 1, 1)),
        ("date", {"action": "generalise_date", "levels": ["month"]}, "*", None),
        ("date", {"action": "generalise_date", "levels": ["month"]}, None, None),
        ("date", {"action": "generalise_date", "levels": ["month"]}, "2026-13", None),
    ],
)
def test_both_rooms_tell_the_end_of_a_period(
    kind: str, action: dict[str, object], label: str | None, end: date | None
) -> None:
    table = table_by(kind, action)
    assert window_fields(table) == period_columns(table) == ["khi"]
    assert window_end(table, ["khi"], [label]) == end
    assert last_day(table, "khi", label) == (end - timedelta(days=1) if end else None)


def test_a_text_names_no_period() -> None:
    table = table_by("string", {"action": "keep"})
    assert window_fields(table) == period_columns(table) == []
