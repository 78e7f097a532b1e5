"""Every action on a field, through the anonymiser: what it lets out, and that the checker sees its form in it and in nothing else."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from publisher.anonymise import AnonymisedTables
from publisher.definition import TableDefinition
from publisher.disclosure.forms.columns import wrong_forms
from publisher.errors import DescriptorError, DisclosureRisk, ReleaseRefused

Make = Callable[..., TableDefinition]
Run = Callable[..., AnonymisedTables]
KEY = "env:PSEUDO_KEY"
MICRODATA = {"k": 2, "suppression_limit": 1}


class Published:
    """What left under one policy, and what the checker says of it and of spoiled copies."""

    def __init__(self, made: AnonymisedTables, definitions: Path) -> None:
        [(self.table, self.path)] = made.tables
        self.definitions = definitions
        self.rows: dict[str, list[Any]] = pq.read_table(self.path).to_pydict()
        self.report = made.report

    @property
    def faults(self) -> list[str]:
        return wrong_forms(self.path, self.table, definitions=self.definitions)

    def faults_with(self, name: str, values: list[Any]) -> list[str]:
        """Return the checker's findings when a column holds other values."""
        column = [*values, *self.rows[name][len(values) :]]
        schema = self.table.arrow_schema
        spoiled = self.path.with_name("spoiled.parquet")
        pq.write_table(pa.table(self.rows | {name: column}, schema=schema), spoiled)
        return wrong_forms(spoiled, self.table, definitions=self.definitions)


@pytest.fixture
def publish(make_table: Make, anonymise: Run, tmp_path: Path) -> Callable[..., Published]:
    def run(
        types: dict[str, str],
        fields: dict[str, Any],
        columns: dict[str, list[Any]],
        *,
        release: str = "2026-11-22.1",
        **policy: Any,
    ) -> Published:
        table = make_table(types, {"subject": "none", "fields": fields, **policy})
        return Published(anonymise(table, columns, release=release), tmp_path / "dataset")

    return run


Publish = Callable[..., Published]


def test_recode_lets_the_words_of_its_list_out_and_nothing_else(publish: Publish) -> None:
    action = {"action": "recode", "values": {"ho": "hô hấp", "sốt": "sốt"}, "other": "khác"}
    texts = ["ho", "sốt", "ông An ở hẻm 5 bị ho", None, "ho"]
    out = publish({"ghi_chu": "string"}, {"ghi_chu": action}, {"ghi_chu": texts})
    assert out.rows["ghi_chu"] == ["hô hấp", "sốt", "khác", None, "hô hấp"]
    assert out.faults == []
    assert out.faults_with("ghi_chu", ["ông An"])


@pytest.mark.parametrize(
    ("to", "first"),
    [
        ("week", date(2026, 11, 16)),
        ("month", date(2026, 11, 1)),
        ("quarter", date(2026, 10, 1)),
        ("year", date(2026, 1, 1)),
    ],
)
@pytest.mark.parametrize("kind", ["date", "datetime"])
def test_shift_group_gives_the_first_day_of_the_period(publish: Publish, to: str, first: date, kind: str) -> None:
    day: Any = date(2026, 11, 22) if kind == "date" else datetime(2026, 11, 22, 23, 59)
    out = publish({"ngay": kind}, {"ngay": {"action": "shift_group", "to": to}}, {"ngay": [day, None]})
    assert out.rows["ngay"] == [first, None]
    assert out.faults == []
    assert out.faults_with("ngay", [date(2026, 11, 19)])


def test_steps_are_done_in_their_order(publish: Publish) -> None:
    values = [3, 148, 151, 990, None, -7]
    action = {"action": ["top_code", "round"], "at": 500, "bottom": 0, "base": 100}
    out = publish({"tien": "integer"}, {"tien": action}, {"tien": values})
    assert out.rows["tien"] == [0, 100, 200, 500, None, 0]
    assert out.faults == []
    assert out.faults_with("tien", [150])
    assert out.faults_with("tien", [600])
    assert out.faults_with("tien", [-100])


def test_the_top_of_a_quantile_is_shared_by_enough_units(publish: Publish) -> None:
    draw = random.Random(3)
    values = [int(draw.lognormvariate(16, 1)) for _ in range(3000)]
    types = {"ma": "string", "tien": "integer"}
    action = {"action": "top_code", "p": 0.995, "min_contributors": 10}
    plain = publish(types, {"tien": action}, {"ma": [str(place) for place in range(3000)], "tien": values})
    top = max(plain.rows["tien"])
    assert top == sorted(values)[math.ceil(0.995 * 3000) - 1]
    assert plain.rows["tien"] == [min(value, top) for value in values]
    assert Counter(plain.rows["tien"])[top] >= 10
    assert plain.faults == []
    assert plain.faults_with("tien", [top + 1])
    # One person holds the fifty highest values: ten people share the top only when it lies below all of theirs.
    order = sorted(range(3000), key=lambda place: -values[place])
    owners = ["one" if place in order[:50] else f"p{place}" for place in range(3000)]
    shared = publish(types, {"tien": action}, {"ma": owners, "tien": values}, unit_key=["ma"])
    bound = max(shared.rows["tien"])
    assert len({owner for owner, value in zip(owners, values, strict=True) if value >= bound}) >= 10
    assert bound < top
    rounded = {"action": ["top_code", "round"], "p": 0.995, "min_contributors": 10, "base": 1_000_000}
    out = publish(types, {"tien": rounded}, {"ma": owners, "tien": values})
    assert {value % 1_000_000 for value in out.rows["tien"]} == {0}
    assert out.faults == []
    with pytest.raises(DisclosureRisk, match="4 units"):
        publish(types, {"tien": action}, {"ma": list("abcd"), "tien": [1, 2, 3, 4]})


def test_the_quantile_is_taken_of_the_rows_that_leave(publish: Publish) -> None:
    columns = {"khu": ["A"] * 200 + ["B"], "tien": [*range(200), 10_000]}
    out = publish(
        {"khu": "string", "tien": "integer"},
        {"khu": {"action": "keep", "role": "quasi"}, "tien": {"action": "top_code", "p": 0.9, "min_contributors": 12}},
        columns,
        microdata={"k": 5, "suppression_limit": 0.1, "shuffle_rows": False},
    )
    assert max(out.rows["tien"]) == 179
    assert out.faults == []


def test_perturbed_counts_repeat_stay_near_and_keep_zero(publish: Publish) -> None:
    draw = random.Random(9)
    people = 4000
    columns = {
        "ma": [f"n{place // 2}" for place in range(people)],
        "luot": [draw.randint(0, 12) for _ in range(people - 1)] + [None],
    }
    types = {"ma": "string", "luot": "integer"}
    action = {"action": "perturb", "key": KEY, "max": 4}
    out = publish(types, {"luot": action}, columns, unit_key=["ma"])
    errors = [
        new - old
        for new, old in zip(out.rows["luot"], columns["luot"], strict=True)
        if new is not None and old is not None
    ]
    assert out.rows["luot"][-1] is None
    assert {abs(error) for error in errors} == {0, 1, 2, 3, 4}
    assert abs(sum(errors) / people) < 0.15
    assert all(new == 0 for new, old in zip(out.rows["luot"], columns["luot"], strict=True) if old == 0)
    assert min(value for value in out.rows["luot"] if value is not None) == 0
    again = publish(types, {"luot": action}, columns, unit_key=["ma"], release="2027-01-01.1")
    assert again.rows == out.rows
    assert out.faults == []
    by_cell = dict(zip(zip(columns["ma"], columns["luot"], strict=True), out.rows["luot"], strict=True))
    assert all(
        by_cell[owner, value] == new
        for owner, value, new in zip(columns["ma"], columns["luot"], out.rows["luot"], strict=True)
    )


def _places(number: int, seed: int = 4) -> tuple[list[float], list[float]]:
    draw = random.Random(seed)
    return (
        [10.78 + draw.gauss(0, 0.03) for _ in range(number)],
        [106.69 + draw.gauss(0, 0.03) for _ in range(number)],
    )


def _metres(one: tuple[float, float], two: tuple[float, float]) -> tuple[float, float]:
    return (
        abs(one[0] - two[0]) * 111_195,
        abs(one[1] - two[1]) * 111_195 * math.cos(math.radians(one[0])),
    )


@pytest.mark.parametrize("form", ["geopoint", "text", "pair"])
def test_a_place_becomes_the_centre_of_its_square(publish: Publish, form: str) -> None:
    north, east = _places(300)
    grid = {"action": "grid", "metres": 1000}
    if form == "pair":
        out = publish(
            {"vi_do": "number", "kinh_do": "number"},
            {"vi_do": grid, "kinh_do": grid},
            {"vi_do": [*north, None], "kinh_do": [*east, 106.0]},
        )
        places = list(zip(out.rows["vi_do"], out.rows["kinh_do"], strict=True))
        assert places.pop() == (None, None)
    else:
        order = [(e, n) if form == "geopoint" else (n, e) for n, e in zip(north, east, strict=True)]
        kind = "geopoint" if form == "geopoint" else "string"
        texts = [f"{one!r}, {two!r}" for one, two in order]
        out = publish({"toa_do": kind}, {"toa_do": grid}, {"toa_do": texts})
        found = [[float(part) for part in text.split(",")] for text in out.rows["toa_do"]]
        places = [(two, one) if form == "geopoint" else (one, two) for one, two in found]
        assert out.faults_with("toa_do", [texts[0]])
    assert out.faults == []
    assert len(set(places)) < 300
    for source, place in zip(zip(north, east, strict=True), places, strict=True):
        high, wide = _metres(source, place)
        assert high <= 500.2
        assert wide <= 550


def test_metres_are_cut_at_multiples_of_the_side(publish: Publish) -> None:
    grid = {"action": "grid", "metres": 500}
    columns = {"x": [1_193_120, 1_193_499, 1_193_500], "y": [603_010, 603_499, 603_001]}
    out = publish({"x": "integer", "y": "integer"}, {"x": grid, "y": grid}, columns)
    assert out.rows == {"x": [1_193_250, 1_193_250, 1_193_750], "y": [603_250, 603_250, 603_250]}
    assert out.faults == []
    assert out.faults_with("x", [1_193_120])


@pytest.mark.parametrize("units", [False, True])
def test_squares_of_few_units_join_until_enough_share_them(publish: Publish, units: bool) -> None:
    north, east = _places(3000)
    north, east = [*north, 20.9, 8.7], [*east, 105.8, 106.6]
    owners = [f"p{place // 3}" for place in range(len(north))]
    out = publish(
        {"ma": "string", "toa_do": "string"},
        {"toa_do": {"action": "grid", "metres": 1000, "min_population": 50}},
        {"ma": owners, "toa_do": [f"{n!r}, {e!r}" for n, e in zip(north, east, strict=True)]},
        unit_key=["ma"] if units else [],
    )
    sharing: dict[Any, set[str]] = {}
    for owner, place in zip(owners, out.rows["toa_do"], strict=True):
        sharing.setdefault(place, set()).add(owner)
    assert min(len(group) for group in sharing.values()) >= (50 if units else 17)
    assert min(Counter(out.rows["toa_do"]).values()) >= 50
    assert len(sharing) > 5
    assert out.faults == []
    step = 1000 / 111_195
    lonely = f"{2000.5 * step:.6f}, {11_000.5 * step / math.cos(math.radians(24)):.6f}"
    assert out.faults_with("toa_do", [lonely]) == ["toa_do hold squares that too few rows share"]


@pytest.mark.parametrize(
    ("types", "fields", "columns", "message"),
    [
        ({"x": "number"}, {"x": {"action": "grid", "metres": 100}}, {"x": [1.5]}, "not exactly two"),
        ({"x": "date"}, {"x": {"action": "grid", "metres": 100}}, {"x": [None]}, "no place"),
        ({"x": "string"}, {"x": {"action": "grid", "metres": 100}}, {"x": ["nhà ông An"]}, "1 values that are no two"),
        ({"x": "number"}, {"x": {"action": "perturb", "key": KEY, "max": 2}}, {"x": [1.0]}, "no count"),
        ({"x": "string"}, {"x": {"action": "shift_group", "to": "month"}}, {"x": ["a"]}, "no date"),
        ({"x": "string"}, {"x": {"action": "top_code", "p": 0.9}}, {"x": ["a"]}, "no number"),
        ({"x": "integer"}, {"x": {"action": ["top_code", "round"], "at": 9, "base": 0.5}}, {"x": [1]}, "whole numbers"),
    ],
)
def test_an_action_that_does_not_fit_is_refused(
    publish: Publish, types: dict[str, str], fields: dict[str, Any], columns: dict[str, list[Any]], message: str
) -> None:
    with pytest.raises((DescriptorError, ReleaseRefused), match=message):
        publish(types, fields, columns)


def test_a_perturbed_quasi_identifier_is_rewritten_before_it_is_counted(publish: Publish) -> None:
    draw = random.Random(2)
    columns = {"luot": [draw.randint(0, 3) for _ in range(200)], "ma": [str(place) for place in range(200)]}
    out = publish(
        {"luot": "integer", "ma": "string"},
        {"luot": {"action": "perturb", "key": KEY, "max": 1, "role": "quasi"}},
        columns,
        unit_key=["ma"],
        microdata={"k": 5, "suppression_limit": 0.2},
    )
    assert min(Counter(out.rows["luot"]).values()) >= 5
    assert Counter(out.rows["luot"]) != Counter(columns["luot"])
    assert [path.name for path in out.path.parent.iterdir()] == ["ho_so.parquet"]
