from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.anonymise import AnonymisedTables
from publisher.definition import TableDefinition
from publisher.errors import DescriptorError, DisclosureRisk, ReleaseRefused

Make = Callable[..., TableDefinition]
Run = Callable[..., AnonymisedTables]

PEOPLE = {
    "ma": "string",
    "ho_ten": "string",
    "ngay_sinh": "date",
    "phuong": "string",
    "gioi": "string",
    "benh": "string",
    "tien": "integer",
}
POLICY: dict[str, Any] = {
    "subject": "person",
    "unit_key": ["ma"],
    "fields": {
        "ngay_sinh": {"action": "generalise_date", "levels": ["month", "year", "5y", "10y", "*"], "role": "quasi"},
        "phuong": {"action": "generalise", "hierarchy": "wards.csv", "levels": ["ma", "khu", "*"], "role": "quasi"},
        "gioi": {"action": "keep", "role": "quasi"},
        "benh": {"action": "keep", "role": "sensitive"},
    },
    "microdata": {"k": 5, "suppression_limit": 0.05},
}


@pytest.fixture
def wards(tmp_path: Path) -> list[str]:
    folder = tmp_path / "dataset"
    folder.mkdir(exist_ok=True)
    names = [f"{number:05d}" for number in range(12)]
    lines = [f"{name},khu{number // 4}" for number, name in enumerate(names)]
    (folder / "wards.csv").write_text("\n".join(["ma,khu", *lines]), encoding="utf-8")
    return names


def people(rows: int, wards: list[str], seed: int = 1) -> dict[str, list[Any]]:
    draw = random.Random(seed)
    return {
        "ma": [f"MARK{number:06d}" for number in range(rows)],
        "ho_ten": [f"SECRETNAME{number}" for number in range(rows)],
        "ngay_sinh": [
            None if draw.random() < 0.03 else date(draw.randint(1940, 2010), draw.randint(1, 12), 3)
            for _ in range(rows)
        ],
        "phuong": [draw.choice(wards) for _ in range(rows)],
        "gioi": [draw.choice(["nam", "nu", None]) for _ in range(rows)],
        "benh": [draw.choice(["A", "B", "C"]) for _ in range(rows)],
        "tien": [draw.randint(0, 900) for _ in range(rows)],
    }


def test_no_person_is_unique_afterwards_though_most_were_before(
    make_table: Make, anonymise: Run, wards: list[str]
) -> None:
    rows = people(2000, wards)
    before = Counter(zip(rows["ngay_sinh"], rows["phuong"], rows["gioi"], strict=True))
    assert sum(1 for count in before.values() if count == 1) > 1500
    result = anonymise(make_table(PEOPLE, POLICY), rows)
    out = pq.read_table(result.tables[0][1]).to_pydict()
    sizes = Counter(zip(out["ngay_sinh"], out["phuong"], out["gioi"], strict=True)).values()
    report = result.report["ho_so"]
    assert min(sizes) >= 5
    assert (report["smallest_class"], report["classes"]) == (min(sizes), len(sizes))
    assert report["suppressed_rows"] == 2000 - len(out["gioi"]) <= 100
    assert 0 < report["loss"] < 1


def test_dropped_values_are_nowhere_in_the_bytes(make_table: Make, anonymise: Run, wards: list[str]) -> None:
    result = anonymise(make_table(PEOPLE, POLICY), people(500, wards))
    for path in result.tables[0][1].parent.rglob("*"):
        assert b"SECRETNAME" not in path.read_bytes()
        assert b"MARK0" not in path.read_bytes()
    assert "SECRETNAME" not in str(result.report)
    assert [path.name for path in result.tables[0][1].parent.iterdir()] == ["ho_so.parquet"]


def test_a_field_not_named_is_dropped(make_table: Make, anonymise: Run, wards: list[str]) -> None:
    result = anonymise(make_table(PEOPLE, POLICY), people(500, wards))
    assert pq.read_schema(result.tables[0][1]).names == ["ngay_sinh", "phuong", "gioi", "benh"]
    assert result.report["ho_so"]["dropped"] == ["ma", "ho_ten", "tien"]


def test_a_unit_with_many_rows_counts_once(make_table: Make, anonymise: Run) -> None:
    policy = {**POLICY, "fields": {"gioi": {"action": "keep", "role": "quasi"}}}
    columns: dict[str, list[Any]] = {name: [None] * 40 for name in PEOPLE}
    columns["ma"] = ["one"] * 20 + [f"p{number}" for number in range(20)]
    columns["gioi"] = ["nam"] * 20 + ["nu"] * 20
    with pytest.raises(DisclosureRisk, match="20 of 40 rows"):
        anonymise(make_table(PEOPLE, policy), columns)
    columns["gioi"] = ["nu"] * 40
    assert anonymise(make_table(PEOPLE, policy), columns).report["ho_so"]["smallest_class"] == 21


def test_each_class_holds_l_sensitive_values(make_table: Make, anonymise: Run, wards: list[str]) -> None:
    policy = {**POLICY, "microdata": {"k": 3, "suppression_limit": 0.1, "l_diversity": {"field": "benh", "l": 3}}}
    out = pq.read_table(anonymise(make_table(PEOPLE, policy), people(800, wards)).tables[0][1]).to_pydict()
    held: dict[Any, set[Any]] = {}
    for *key, sensitive in zip(out["ngay_sinh"], out["phuong"], out["gioi"], out["benh"], strict=True):
        held.setdefault(tuple(key), set()).add(sensitive)
    assert min(len(values) for values in held.values()) >= 3


def test_when_nothing_is_acceptable_the_message_names_the_field_to_coarsen(make_table: Make, anonymise: Run) -> None:
    policy = {
        **POLICY,
        "fields": {"gioi": {"action": "keep", "role": "quasi"}, "ho_ten": {"action": "keep", "role": "quasi"}},
    }
    rows = people(300, ["1"])
    with pytest.raises(
        DisclosureRisk, match=r"give `ho_ten` a coarser level .* or drop it: loss 0\.[0-9]+, 0\.0%"
    ) as risk:
        anonymise(make_table(PEOPLE, policy), rows)
    assert "SECRETNAME" not in str(risk.value)


def test_too_many_quasi_identifiers_are_refused(make_table: Make, anonymise: Run, wards: list[str]) -> None:
    policy = {**POLICY, "microdata": {"k": 5, "max_quasi": 2}}
    with pytest.raises(DescriptorError, match="max_quasi is 2"):
        anonymise(make_table(PEOPLE, policy), people(10, wards))


def test_an_unseen_code_stops_the_run(make_table: Make, anonymise: Run, wards: list[str]) -> None:
    with pytest.raises(ReleaseRefused, match=r"`phuong` does not know 1 of its codes"):
        anonymise(make_table(PEOPLE, POLICY), people(50, [*wards, "99999"]))


@pytest.mark.parametrize(
    ("field", "action"),
    [
        ("gioi", {"action": "generalise_date", "levels": ["year"]}),
        ("gioi", {"action": "round", "base": 5}),
        ("tien", {"action": "round", "base": 0.5}),
        ("tien", {"action": "generalise_number", "widths": [10, 15]}),
        ("ngay_sinh", {"action": "generalise_date", "levels": ["week", "month"]}),
        ("ngay_sinh", {"action": "generalise_date", "levels": ["year", "month"]}),
        ("phuong", {"action": "generalise", "hierarchy": "absent.csv", "levels": ["a"]}),
        ("ma", {"action": "pseudonymise", "key": "env:ABSENT"}),
    ],
)
def test_an_action_that_does_not_fit_is_a_wrong_definition(
    make_table: Make, anonymise: Run, field: str, action: dict[str, Any]
) -> None:
    policy = {"subject": "none", "fields": {field: action}}
    with pytest.raises(DescriptorError):
        anonymise(make_table(PEOPLE, policy), people(5, ["1"]))


def test_output_order_says_nothing_of_the_source_order(make_table: Make, anonymise: Run) -> None:
    policy = {"subject": "person", "fields": {"tien": {"action": "keep"}}, "microdata": {"k": 2}}
    columns = people(4000, ["1"]) | {"tien": list(range(4000))}
    result = anonymise(make_table(PEOPLE, policy), columns)
    order = pq.read_table(result.tables[0][1])["tien"].to_pylist()
    assert sorted(order) == list(range(4000))
    mean = sum(order) / 4000
    covariance = sum((place - mean) * (value - mean) for place, value in enumerate(order))
    assert abs(covariance / sum((value - mean) ** 2 for value in order)) < 0.06
    other = anonymise(make_table(PEOPLE, policy), columns, seed=8)
    assert pq.read_table(other.tables[0][1])["tien"].to_pylist() != order


def test_rows_are_sorted_when_asked(make_table: Make, anonymise: Run, wards: list[str]) -> None:
    result = anonymise(make_table(PEOPLE, POLICY, sort_by=["benh", "gioi"]), people(500, wards))
    out = pq.read_table(result.tables[0][1]).to_pydict()
    keys = [(benh, gioi is None, gioi or "") for benh, gioi in zip(out["benh"], out["gioi"], strict=True)]
    assert keys == sorted(keys)


def test_rows_without_persons_keep_the_order_of_the_source(make_table: Make, anonymise: Run) -> None:
    policy = {"subject": "none", "fields": {"tien": {"action": "keep"}}}
    columns = people(70_000, ["1"]) | {"tien": list(range(70_000, 0, -1))}
    result = anonymise(make_table(PEOPLE, policy), columns)
    assert pq.read_table(result.tables[0][1])["tien"].to_pylist() == columns["tien"]


def test_rows_leave_in_the_order_of_the_source_when_they_are_not_shuffled(
    make_table: Make, anonymise: Run, wards: list[str]
) -> None:
    fields = POLICY["fields"] | {"tien": {"action": "keep", "role": "sensitive"}}
    rows = people(2000, wards) | {"tien": list(range(2000))}
    made = []
    for shuffle in (True, False):
        microdata = POLICY["microdata"] | {"shuffle_rows": shuffle}
        made.append(anonymise(make_table(PEOPLE, {**POLICY, "fields": fields, "microdata": microdata}), rows))
    shuffled, plain = (pq.read_table(result.tables[0][1]) for result in made)
    assert 1900 <= plain.num_rows < 2000
    assert plain["tien"].to_pylist() == sorted(plain["tien"].to_pylist())
    assert shuffled.sort_by("tien").equals(plain)
    assert made[0].report["ho_so"] | {"shuffled": False} == made[1].report["ho_so"]


def test_pseudonyms_do_not_link_releases(make_table: Make, anonymise: Run) -> None:
    policy = {"subject": "none", "fields": {"ma": {"action": "pseudonymise", "key": "env:PSEUDO_KEY"}}}
    columns = people(50, ["1"])
    first, again, next_release = (
        pq.read_table(anonymise(make_table(PEOPLE, policy), columns, release=release).tables[0][1])["ma"].to_pylist()
        for release in ("2026-11-22.1", "2026-11-22.1", "2026-11-23.1")
    )
    assert first == again
    assert not set(first) & set(next_release)
    assert len(set(first)) == 50


def test_an_empty_table_stays_empty(make_table: Make, anonymise: Run, wards: list[str]) -> None:
    result = anonymise(make_table(PEOPLE, POLICY), people(0, wards))
    assert pq.read_table(result.tables[0][1]).num_rows == 0


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), rows=st.integers(20, 150), k=st.integers(2, 6))
def test_every_class_has_size_zero_or_at_least_k_and_a_repeat_is_byte_identical(
    make_table: Make, anonymise: Run, wards: list[str], seed: int, rows: int, k: int
) -> None:
    table = make_table(PEOPLE, {**POLICY, "microdata": {"k": k, "suppression_limit": 0.3}})
    columns = people(rows, wards, seed)
    try:
        path = anonymise(table, columns).tables[0][1]
    except DisclosureRisk:
        return
    out = pq.read_table(path).to_pydict()
    assert all(count >= k for count in Counter(zip(out["ngay_sinh"], out["phuong"], out["gioi"], strict=True)).values())
    assert path.read_bytes() == anonymise(table, columns).tables[0][1].read_bytes()
