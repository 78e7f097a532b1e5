"""Boston's later files: columns were renamed after 2011, and 2019 has one more. Held, accepted, and cured."""

from __future__ import annotations

import csv
import gzip
import threading
from pathlib import Path

import pytest
from real.real_city import RealCity
from real.released import Released, assert_all_agree
from real.traces import traces, values_of

from publisher.store import Run
from publisher.workflow import Workspace

pytestmark = pytest.mark.slow
NAME = "animal-requests"
RENAMED = {
    "target_dt": "sla_target_dt",
    "ontime": "on_time",
    "submittedphoto": "submitted_photo",
    "closedphoto": "closed_photo",
}
DROPPED = [
    "case_enquiry_id", "open_dt", "closed_dt", "closure_reason", "location", "location_street_name", "latitude", "geom_4326",
]  # fmt: skip
ROWS = {2013: 3095, 2014: 5268, 2015: 6221, 2016: 7494, 2017: 7760, 2018: 7872, 2019: 8928}


def accept(city: RealCity, run: Run) -> Run:
    """Let an approver accept the drift and wait for the run that this starts."""
    Workspace(city.portal.facilities).accept_drift(run.id, "approver")
    for thread in threading.enumerate():
        if thread.name == f"run {NAME}":
            thread.join(timeout=60)
    newest = city.portal.facilities.store.runs(NAME)[0]
    assert newest.id != run.id
    return newest


def change_definition(city: RealCity) -> None:
    """Say the new names, as a steward would, and what the new column is; not named in the policy, it is dropped."""
    path = Path(city.portal.facilities.settings.definitions) / "boston" / NAME / "dataset.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in RENAMED.items():
        assert f"source_name: {old}," in text
        text = text.replace(f"source_name: {old},", f"source_name: {new},")
    last = "        - {name: source, title: Kênh}\n"
    assert last in text
    text = text.replace(last, f"        - {{name: geom_4326, title: Vị trí}}\n{last}")
    path.write_text(text, encoding="utf-8")


def delivered(city: RealCity, year: int) -> Path:
    return city.data / "requests311" / f"boston_311_animal_{year}.csv.gz"


def count_rows(path: Path) -> int:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def published_rows(released: Released) -> int:
    return int(released.document("privacy.json")["tables"]["animal_requests"]["published_rows"])


def assert_safe_and_whole(city: RealCity, released: Released, year: int) -> None:
    report = released.document("privacy.json")["tables"]["animal_requests"]
    assert report["rows"] == ROWS[year] == count_rows(delivered(city, year))
    assert_all_agree(released, {"animal_requests": published_rows(released)})
    grouped = "SELECT count(*) AS n FROM released GROUP BY opened, neighborhood, type"
    assert released.ask(f"SELECT min(n) >= 5 FROM ({grouped})", "animal_requests") == [(True,)]
    source = f"read_csv('{delivered(city, year)}', all_varchar=true)"
    public = values_of(source, ["on_time", "case_status", "type", "neighborhood"])
    assert traces(values_of(source, DROPPED), released, public=public) == []


def test_drift_is_held_then_accepted_then_cured(city: RealCity) -> None:
    city.drop("BOSTON_ANIMALS", "boston_311_animal_2013.csv.gz")
    held = city.portal.release(NAME)
    assert (held.state, held.reason_code) == ("held", "drift")
    for name in (*RENAMED, *RENAMED.values(), "geom_4326"):
        assert name in held.message
    assert "approver" in held.cure
    assert city.portal.get(f"/dataset/{NAME}").status_code == 404, "nothing was ever public"

    accepted = accept(city, held)
    assert accepted.state == "published", accepted.message
    released = city.fetch(NAME)
    assert_safe_and_whole(city, released, 2013)
    assert {row["on_time"] for row in released.rows("animal_requests")} == {None}, "columns that went are empty"

    change_definition(city)
    cured = city.portal.release(NAME)
    assert (cured.state, cured.drift) == ("published", ""), cured.message
    released = city.fetch(NAME)
    assert_safe_and_whole(city, released, 2013)
    assert {row["on_time"] for row in released.rows("animal_requests")} == {"ONTIME", "OVERDUE"}

    for year in range(2014, 2019):
        city.drop("BOSTON_ANIMALS", f"boston_311_animal_{year}.csv.gz")
        run = city.portal.release(NAME)
        assert (run.state, run.drift) == ("published", ""), run.message
        current = city.portal.facilities.store.current(NAME)
        assert current is not None
        assert current.source_rows == {"animal_requests": ROWS[year]}

    city.drop("BOSTON_ANIMALS", "boston_311_animal_2019.csv.gz")
    before = city.fetch(NAME)
    held = city.portal.release(NAME)
    assert (held.state, held.reason_code) == ("held", "drift")
    assert "gone none; new _id" in held.message
    assert city.fetch(NAME).extras["release"] == before.extras["release"], "the public keeps what it has"
    assert accept(city, held).state == "published"
    released = city.fetch(NAME)
    assert_safe_and_whole(city, released, 2019)
    names = [field.name for field in released.tables[0].fields]
    assert names == ["opened", "on_time", "status", "type", "neighborhood"]
    assert city.portal.release(NAME).state == "unchanged", "what was accepted once needs no second decision"
