"""The Adult table: 32,561 persons as microdata, nobody in a group of fewer than five."""

from __future__ import annotations

import csv
import gzip
from collections import Counter

import pytest
from real.real_city import RealCity
from real.released import Released, assert_all_agree
from real.traces import traces

pytestmark = pytest.mark.slow
ROWS = 32_561
K = 5
QUASI = ["age", "workclass", "education", "marital_status", "occupation", "race", "sex", "native_country"]
DROPPED = {"fnlwgt", "education_num", "relationship", "capital_gain", "capital_loss"}


@pytest.fixture(scope="module")
def adults(city: RealCity) -> Released:
    return city.publish("adults")


@pytest.fixture(scope="module")
def delivered(city: RealCity) -> list[list[str]]:
    path = city.data / "persons" / "adult_train.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file, skipinitialspace=True))


def test_all_forms_tell_the_same(adults: Released) -> None:
    report = adults.document("privacy.json")["tables"]["adults"]
    assert report["rows"] == ROWS
    assert_all_agree(adults, {"adults": report["published_rows"]})
    assert {field.name for field in adults.tables[0].fields}.isdisjoint(DROPPED)


def test_every_class_holds_five_persons_and_few_rows_were_left_out(adults: Released) -> None:
    classes = Counter(tuple(row[name] for name in QUASI) for row in adults.rows("adults"))
    report = adults.document("privacy.json")["tables"]["adults"]
    assert min(classes.values()) >= K
    assert (min(classes.values()), len(classes)) == (report["smallest_class"], report["classes"])
    assert ROWS - classes.total() == report["suppressed_rows"] <= 0.02 * ROWS


def test_the_levels_leave_something_to_read(adults: Released) -> None:
    hidden = [name for name in QUASI if {row[name] for row in adults.rows("adults")} <= {"*", None}]
    assert len(hidden) <= 1, hidden


def test_unknown_is_null_and_never_a_question_mark(adults: Released) -> None:
    assert not any("?" in str(value) for row in adults.rows("adults") for value in row.values())


def test_nothing_of_the_dropped_columns_left(adults: Released, delivered: list[list[str]]) -> None:
    cells = {str(value) for row in adults.rows("adults") for value in row.values()}
    weights = {row[2] for row in delivered if row}
    assert len(weights) > 20_000
    assert cells.isdisjoint(weights)
    public = {row[place] for row in delivered if row for place in (0, 1, 3, 5, 6, 8, 9, 12, 13, 14)}
    assert traces({row[7] for row in delivered if row}, adults, public=public) == []


def test_counts_of_what_stays_are_close_to_the_input(adults: Released, delivered: list[list[str]]) -> None:
    """Only left-out rows may be missing, none may be added or altered."""
    for place, name in ((9, "sex"), (14, "income")):
        before = Counter(row[place] for row in delivered if row)
        after = Counter(row[name] for row in adults.rows("adults"))
        assert after.keys() == before.keys()
        assert all(after[value] <= before[value] for value in before)
        assert sum((before - after).values()) <= 0.02 * ROWS


def test_order_says_nothing_of_the_input(adults: Released, delivered: list[list[str]]) -> None:
    """Shuffled rows agree with the input at a place no more often than chance lets them."""
    after = [(row["sex"], row["income"]) for row in adults.rows("adults")]
    before = [(row[9], row[14]) for row in delivered if row]
    same = sum(a == b for a, b in zip(after, before, strict=False)) / len(after)
    counts = Counter(before)
    chance = sum((number / len(before)) ** 2 for number in counts.values())
    assert abs(same - chance) < 0.02
