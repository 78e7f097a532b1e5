"""Versions, deletions, scores and drift as the pages tell them, from documents that a publisher wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from samples.sample_city import NOW, City
from samples.sample_workspace import Run, Step

from cityportal.public.changes import changes_from_document
from cityportal.public.measures import measures_from_report
from cityportal.score import SCORE_PARTS, score_from_report
from cityportal.sparkline import HEIGHT, WIDTH, sparkline
from cityportal.workspace.sentences import tell_drift

NAME = "quan-trac-khong-khi"
OLD, NEW = "2025-01-10.1", "2026-11-20.1"


def major(sunset: datetime) -> dict[str, Any]:
    said = {"major": 1, "version": "1.4.2", "release": OLD, "deprecated_at": "2026-11-20T02:05:00Z"}
    return {**said, "sunset": sunset.isoformat().replace("+00:00", "Z")}


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    city = City(tmp_path)
    city.publish(NAME, OLD, version="1.4.2")
    yield city
    city.search.close()
    city.store.close()


def test_an_old_major_is_served_until_its_sunset_and_explained_after_it(city: City) -> None:
    city.publish(NAME, NEW, parent=OLD, version="2.0.0", majors=[major(NOW + timedelta(days=3))])
    file = next((city.home / "storage" / "releases" / NAME / OLD).glob("*.parquet")).name
    client = city.app().test_client()
    served = client.get(f"/latest/{NAME}/v1/{file}")
    assert (served.status_code, served.headers["Location"]) == (302, f"/r/{NAME}/{OLD}/{file}")
    assert served.headers["Sunset"] == "Wed, 25 Nov 2026 03:00:00 GMT"
    assert served.headers["Deprecation"] == f"@{int(datetime(2026, 11, 20, 2, 5, tzinfo=UTC).timestamp())}"
    assert client.get(f"/latest/{NAME}/v2/{file}").headers["Location"] == f"/r/{NAME}/{NEW}/{file}"
    assert f"/latest/{NAME}/v1/" in client.get(f"/dataset/{NAME}/releases").get_data(as_text=True)
    for address in ("v3", "vx", "1"):
        assert client.get(f"/latest/{NAME}/{address}/{file}").status_code == 404
    over = city.app(now=lambda: NOW + timedelta(days=4)).test_client()
    answer = over.get(f"/latest/{NAME}/v1/{file}", headers={"Accept-Language": "en"})
    assert answer.status_code == 410
    assert f"/latest/{NAME}/{file}" in answer.get_data(as_text=True)
    with over.get(f"/r/{NAME}/{OLD}/{file}") as permanent:
        assert permanent.status_code == 200


def test_releases_without_a_version_say_nothing_of_it(city: City) -> None:
    city.publish(NAME, NEW, parent=OLD)
    answer = city.app().test_client().get(f"/r/{NAME}/{OLD}/")
    assert answer.status_code == 200
    assert "Deprecation" not in answer.headers


def test_differences_of_the_contract_are_told_and_unknown_ones_left_out() -> None:
    version = {"from": "1.0.0", "to": "2.0.0", "level": "major"}
    known = {"kind": "unit_changed", "level": "major", "table": "a", "field": "x", "before": "mm", "after": "cm"}
    table = {"table": "a", "added": 1, "removed": 2, "changed": 3, "fields": {"x": 1, "y": 2}, "unlisted": "person"}
    document = {"version": {**version, "differences": [known, {"kind": "of tomorrow"}]}, "tables": [table]}
    changes = changes_from_document(document)
    assert changes is not None
    assert [one.kind for one in changes.contract] == ["unit_changed"]
    assert (changes.tables[0].fields, changes.tables[0].file) == ((("y", 2), ("x", 1)), "")
    assert changes_from_document({"since": None, "tables": []}) is None
    assert changes_from_document(None) is None


def test_a_line_keeps_inside_its_picture() -> None:
    line = sparkline([5.0, 1.0, 9.0])
    assert line is not None
    places = [tuple(map(float, point.split(","))) for point in line.points.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert places[1][1] > places[0][1] > places[2][1]  # the least value is the lowest point
    assert (line.first, line.last, line.count) == (5.0, 9.0, 3)
    flat = sparkline([7.0, 7.0])
    assert flat is not None
    assert {point.split(",")[1] for point in flat.points.split()} == {f"{HEIGHT / 2:.1f}"}
    assert sparkline([1.0]) is None


def test_reports_of_older_releases_have_no_score() -> None:
    measures = measures_from_report({"tables": []})
    assert (measures.score, measures.profiles, measures.size_series) == (None, (), None)
    assert score_from_report({"q": None}) is None


def test_the_weights_on_the_page_are_those_of_the_publisher() -> None:
    from publisher.quality.score import WEIGHTS

    assert {name: weight for name, _, weight in SCORE_PARTS} == WEIGHTS


def test_every_difference_has_words() -> None:
    from cityportal.languages import has_message
    from publisher.versions.difference import LEVELS

    assert [kind for kind in LEVELS if not has_message(f"differences.{kind}")] == []


def test_drift_is_told_by_column_in_both_languages() -> None:
    facts = [
        {"table": "a", "kind": "renamed", "column": "tram", "before": "", "after": "tramm"},
        {"table": "a", "kind": "retyped", "column": "ma", "before": "string", "after": "number"},
        {"table": "a", "kind": "new", "column": "", "before": "", "after": ""},
    ]
    run = Run("r", NAME, steps=[Step(name="extract", state="held", facts={"drift": facts})])
    assert [one.sentence for one in tell_drift(run, "en")] == [
        "probably now called tramm",
        "other kind of values: text became number",
        "new; not published while the definition lacks it",
    ]
    assert "chữ thành số" in tell_drift(run, "vi")[1].sentence
    assert json.dumps([one.column for one in tell_drift(run, "vi")]) == '["tram", "ma", ""]'
