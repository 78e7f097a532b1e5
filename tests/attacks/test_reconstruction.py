"""Attack 5: no hidden cell is computed from all published tables and totals together, and none is narrowed down."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from attacks.definitions import patients, ward_hierarchy
from attacks.people import Person, make_patients, write_register
from attacks.reconstruction import TOTAL, Interval, Row, Table, hidden_intervals
from attacks.road import Made, Office

pytestmark = pytest.mark.slow
COUNT = 1_500
WIDTH, LEAST = 10, 5
KEEP = {"action": "keep"}
MEASURE = {"name": "n", "kind": "count", "title": "n"}
RULES = {"margins": "all", "small_cell": {"min": LEAST}, "secondary": {"protect_width": WIDTH}, "measures": [MEASURE]}
TABLES = [
    {"id": "theo_phuong", "group_by": ["ma_phuong", "chan_doan"], **RULES},
    {"id": "theo_gioi", "group_by": ["gioi_tinh", "chan_doan"], **RULES},
    {"id": "theo_ba_cot", "group_by": ["ma_phuong", "gioi_tinh"], **RULES},
]
COUNTED: dict[str, Any] = {
    "subject": "person",
    "fields": {"ma_phuong": KEEP, "gioi_tinh": KEEP, "chan_doan": KEEP},
    "tables": TABLES,
}


@pytest.fixture(scope="module")
def people() -> list[Person]:
    """Return people of whom everything is known that the tables count."""
    return [one for one in make_patients(COUNT, seed=5) if one.ma_phuong and one.gioi_tinh]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, people: list[Person]) -> Made:
    office = Office(tmp_path_factory.mktemp("tables"))
    write_register(people, office.drops / "register.csv")
    made = office.make(office.define(patients(COUNTED), phuong=ward_hierarchy()))
    assert made.refused == ""
    return made


def published(made: Made, tables: list[dict[str, Any]]) -> list[Table]:
    return [Table(tuple(one["group_by"]), "n", made.rows(one["id"]).to_pylist()) for one in tables]


def narrow(intervals: list[Interval] | None, width: int) -> list[Interval]:
    assert intervals is not None
    return [one for one in intervals if one.width < width]


def with_small_cells_hidden(people: list[Person], groups: tuple[str, str]) -> Table:
    """Return a table with totals as an office publishes it that hides small cells and thinks that this is enough."""
    visits = [person for person in people for _ in person.visits]
    counts: Counter[tuple[str, ...]] = Counter()
    for person in visits:
        own = [getattr(person, name) for name in groups]
        counts.update(product(*((value, TOTAL) for value in own)))
    rows: list[Row] = [
        {**dict(zip(groups, key, strict=True)), "n": None if number < LEAST else number}
        for key, number in counts.items()
    ]
    return Table(groups, "n", rows)


def test_nothing_hidden_is_computed_or_narrowed_down_from_all_tables(counted: Made) -> None:
    tables = published(counted, TABLES)
    assert sum(row["n"] is None for table in tables for row in table.rows) > 20
    assert narrow(hidden_intervals(tables), WIDTH) == []


def test_nor_by_who_takes_every_hidden_cell_for_somebody(counted: Made) -> None:
    intervals = hidden_intervals(published(counted, TABLES), least_hidden=1)
    assert intervals is None or narrow(intervals, WIDTH) == []


def test_hiding_small_cells_alone_gives_many_away(people: list[Person]) -> None:
    table = with_small_cells_hidden(people, ("ma_phuong", "chan_doan"))
    intervals = hidden_intervals([table])
    assert intervals is not None
    assert len(intervals) > 50
    assert sum(one.width == 0 for one in intervals) > 0
    assert len(narrow(intervals, WIDTH)) > len(intervals) / 10


def test_the_police_of_a_real_city_can_publish_counts(shared_data: Path, tmp_path: Path) -> None:
    """Incidents in which force was used, by precinct, type of force and race; many cells are of one person."""
    name = "minneapolis_police_use_of_force.csv.gz"
    place = Path(__file__).parent.parent / "real" / "definitions" / "minneapolis" / "use-of-force" / "dataset.yaml"
    content = yaml.safe_load(place.read_text(encoding="utf-8"))
    content["resources"][0]["source"].update({"location": "env:DROPS", "settle_seconds": 0})
    content["resources"][0]["privacy"]["tables"] = tables = [
        {"id": "force_by_precinct", "group_by": ["precinct", "force_type"], **RULES},
        {"id": "force_by_race", "group_by": ["force_type", "race"], **RULES},
    ]
    office = Office(tmp_path / "office")
    (office.drops / name).symlink_to(shared_data / "persons" / name)
    made = office.make(office.define(content))
    assert made.refused == ""
    assert narrow(hidden_intervals(published(made, tables)), WIDTH) == []
