"""Rows released again and again: a class changes by nobody or by at least k, and a small batch waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from samples.release_series import ReleaseSeries, Row
from samples.small_tables import define

from publisher.errors import BatchTooSmall, DisclosureRisk

pytestmark = pytest.mark.slow

FIELDS = {"ma": "string", "phuong": "string", "tuoi": "integer", "benh": "string"}
BANDS = {"action": "generalise_number", "widths": [10, 20], "role": "quasi"}


def series(tmp_path: Path, **more: Any) -> ReleaseSeries:
    privacy = {
        "subject": "person",
        "fields": {
            "phuong": {"action": "keep", "role": "quasi"},
            "tuoi": BANDS,
            "benh": {"action": "keep", "role": "sensitive"},
        },
        "microdata": {"k": 5, "suppression_limit": 0.2},
        **more,
    }
    return ReleaseSeries(tmp_path, define(FIELDS, privacy))


def people(*groups: tuple[str, int, str, int]) -> list[Row]:
    """Return so many people of each ward, age and illness, each with a code of their own."""
    rows = []
    for ward, age, illness, count in groups:
        rows += [{"ma": f"{ward}{age}{illness}{n}", "phuong": ward, "tuoi": age, "benh": illness} for n in range(count)]
    return rows


FIRST = people(("A", 25, "x", 10), ("A", 45, "x", 10), ("B", 25, "y", 12))


def told(tables: dict[str, list[Row]]) -> list[tuple[Any, ...]]:
    return sorted((row["phuong"], row["tuoi"], row["benh"]) for row in tables["ho_so"])


@pytest.mark.parametrize("few", [1, 4])
def test_few_newcomers_and_leavers_change_nothing_in_their_class(tmp_path: Path, few: int) -> None:
    made = series(tmp_path)
    first = told(made.make(FIRST))
    more = people(("A", 25, "z", few))
    assert told(made.make([*FIRST, *more])) == first
    assert made.report("ho_so")["held_classes"] == 1
    assert made.faults() == []
    assert told(made.make(FIRST[few:])) == first
    assert made.faults() == []
    made.make([*FIRST, *more], alone=True)
    assert made.faults() == [
        "1 classes differ from an earlier release by fewer than k=5 rows",
        "in 1 classes fewer than k=5 rows came, went or changed",
    ]


def test_enough_newcomers_show_and_only_in_their_class(tmp_path: Path) -> None:
    made = series(tmp_path)
    first = told(made.make(FIRST))
    second = told(made.make([*FIRST, *people(("A", 25, "z", 5), ("B", 25, "z", 1))]))
    assert second == sorted([*first, *[("A", "20-29", "z")] * 5])
    assert made.faults() == []


def test_one_altered_value_does_not_show(tmp_path: Path) -> None:
    made = series(tmp_path)
    first = told(made.make(FIRST))
    altered = [{**FIRST[0], "benh": "HIV"}, *FIRST[1:]]
    assert told(made.make(altered)) == first
    made.make(altered, alone=True)
    assert made.faults() == ["in 1 classes fewer than k=5 rows came, went or changed"]


def test_sizes_are_compared_with_every_release(tmp_path: Path) -> None:
    made = series(tmp_path)

    def size(number: int) -> int:
        tables = made.make([*FIRST[10:], *people(("A", 25, "x", number))])
        return sum(row["phuong"] == "A" and row["tuoi"] == "20-29" for row in tables["ho_so"])

    assert [size(number) for number in (10, 16, 11, 21)] == [10, 16, 16, 21]
    assert made.faults() == []


def test_levels_are_those_of_the_newest_release(tmp_path: Path) -> None:
    made = series(tmp_path, microdata={"k": 5, "suppression_limit": 0})
    coarse = people(("A", 25, "x", 3), ("A", 35, "x", 10), ("B", 25, "y", 12))
    made.make(coarse)
    assert made.report("ho_so")["levels"]["tuoi"] == "20"
    made.make([*coarse, *people(("A", 25, "x", 30))])
    assert made.report("ho_so")["levels"]["tuoi"] == "20", "finer levels would be acceptable now"
    assert made.faults() == []
    with pytest.raises(DisclosureRisk, match="At the levels of its earlier releases"):
        made.make([*coarse, *people(("A", 75, "x", 1))])


def test_the_checker_refuses_classes_of_other_levels(tmp_path: Path) -> None:
    made = series(tmp_path, microdata={"k": 5, "suppression_limit": 0})
    coarse = people(("A", 25, "x", 3), ("A", 35, "x", 10), ("B", 25, "y", 12))
    made.make(coarse)
    made.make([*coarse, *people(("A", 25, "x", 30))], alone=True)
    assert made.faults() == ["tuoi has another level than in an earlier release, so that classes cannot be compared"]


def test_held_rows_get_new_pseudonyms_and_places(tmp_path: Path) -> None:
    made = series(tmp_path)
    fields = {**made.table.privacy.model_dump(exclude_none=True)["fields"]}
    fields["ma"] = {"action": "pseudonymise", "key": "env:PSEUDO_KEY"}
    made = series(tmp_path / "pseudonyms", fields=fields)
    first, second = ([row["ma"] for row in made.make(FIRST)["ho_so"]] for _ in range(2))
    third = [row["ma"] for row in made.make([*FIRST, *people(("A", 25, "z", 1))])["ho_so"]]
    assert made.report("ho_so")["held_classes"] == 1
    assert len({*first, *second, *third}) == 3 * len(FIRST)
    assert all(len(code) == 16 for code in third)


def test_aggregates_count_the_rows_as_they_are_published(tmp_path: Path) -> None:
    tables = [{"id": "theo_phuong", "group_by": ["phuong"]}]
    made = series(tmp_path, tables=tables)
    made.make(FIRST)
    both = made.make([*FIRST, *people(("A", 25, "x", 4), ("A", 45, "x", 5))])
    sizes = {row["phuong"]: row["so_luong"] for row in both["theo_phuong"]}
    assert sizes == {"A": 25, "B": 12}
    assert sum(row["phuong"] == "A" for row in both["ho_so"]) == sizes["A"]
    assert made.faults() == []


@pytest.mark.parametrize("mode", ["cumulative", "append_only"])
def test_rows_that_go_away_hold_a_mode_in_which_they_only_come(tmp_path: Path, mode: str) -> None:
    made = series(tmp_path, releases={"mode": mode})
    made.make(FIRST)
    made.make([*FIRST, *people(("A", 25, "z", 8))])
    assert made.faults() == []
    with pytest.raises(DisclosureRisk, match=f"its mode is {mode}"):
        made.make(FIRST[10:])


def test_rows_that_change_hold_append_only(tmp_path: Path) -> None:
    made = series(tmp_path, releases={"mode": "append_only"})
    made.make(FIRST)
    with pytest.raises(DisclosureRisk, match="its mode is append_only"):
        made.make([{**row, "benh": "other"} for row in FIRST])


@pytest.mark.parametrize(("unit_key", "of_one"), [([], 1), (["ma"], 3)])
def test_a_small_batch_waits_until_enough_units_changed(tmp_path: Path, unit_key: list[str], of_one: int) -> None:
    made = series(tmp_path, unit_key=unit_key, releases={"min_batch": 50})
    made.make(FIRST)
    came = [row for row in people(("A", 25, "x", 60), ("C", 25, "x", 60)) if row["phuong"] == "C"] * of_one
    for changed in (1, 49):
        with pytest.raises(BatchTooSmall, match="fewer than 50 units changed since 2026-10-01"):
            made.make([*FIRST, *(row for row in came if int(row["ma"].removeprefix("C25x")) < changed)])
    made.make(FIRST)  # nothing changed: nothing waits
    made.make([*FIRST, *(row for row in came if int(row["ma"].removeprefix("C25x")) < 50)])
    assert made.faults() == []


def test_an_altered_row_counts_once_in_a_batch(tmp_path: Path) -> None:
    made = series(tmp_path, releases={"min_batch": 7})
    made.make(FIRST)
    with pytest.raises(BatchTooSmall):
        made.make([{**row, "benh": "other"} if place < 6 else row for place, row in enumerate(FIRST)])
    made.make([{**row, "benh": "other"} if place < 7 else row for place, row in enumerate(FIRST)])


def test_what_is_kept_inside_tells_no_values(tmp_path: Path) -> None:
    made = series(tmp_path, releases={"min_batch": 2}, unit_key=["ma"])
    made.make(FIRST)
    assert made.last is not None
    digests = pq.read_table(made.last.inside["ho_so.units.parquet"])
    assert [str(field.type) for field in digests.schema] == ["uint64", "uint64"]
    assert digests.num_rows == len(FIRST)
