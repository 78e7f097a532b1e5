"""The section `geometry`: what a definition may say, and what the policy forbids."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from samples.mapped_tables import POINTS, STATIONS, mapped_definition, mapped_table

from publisher.definition import TableDefinition
from publisher.published import published_tables


def refused(geometry: dict[str, Any], privacy: dict[str, Any] | None = None, **fields: str) -> str:
    with pytest.raises(ValidationError) as caught:
        mapped_definition({**STATIONS, **fields}, geometry, privacy=privacy)
    return str(caught.value)


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"longitude": "lng"},
        {"field": "ten"},
        {**POINTS, "field": "ten", "encoding": "wkt"},
        {**POINTS, "encoding": "wkt"},
    ],
)
def test_a_geometry_is_two_fields_or_one(geometry: dict[str, Any]) -> None:
    assert "give `longitude` and `latitude`, or `field` and `encoding`" in refused(geometry)


def test_unknown_fields_and_wrong_types_are_named() -> None:
    assert "unknown fields: nowhere" in refused({"longitude": "nowhere", "latitude": "lat"})
    assert "(integer or number): ten" in refused({"longitude": "ten", "latitude": "lat"})
    assert ": cao" in refused({"field": "cao", "encoding": "wkt"})


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (None, "drop"),
        ({"action": "generalise_number", "widths": [1]}, "generalise_number"),
        ({"action": "top_code", "at": 107}, "top_code"),
        ({"action": "pseudonymise", "key": "env:KEY"}, "pseudonymise"),
    ],
)
def test_a_coordinate_that_the_policy_withholds_gives_no_geometry(action: dict[str, Any] | None, told: str) -> None:
    fields = {"ma": {"action": "keep"}, "lat": {"action": "keep"}} | ({"lng": action} if action else {})
    message = refused(POINTS, {"subject": "none", "fields": fields})
    assert f"`lng`, which the policy does not publish as a coordinate ({told})" in message


def test_a_rounded_coordinate_is_a_coordinate_and_a_rounded_text_is_not() -> None:
    rounded = {"lng": {"action": "round", "base": 0.001}, "lat": {"action": "round", "base": 0.001}}
    table = mapped_definition(STATIONS, POINTS, privacy={"subject": "none", "fields": rounded})
    assert table.geometry is not None


def test_aggregates_have_no_geometry() -> None:
    cells = {
        "id": "dem", "title": "x", "row": "x", "group_by": ["ten"], "measures": [{"name": "so", "kind": "count", "title": "x"}],
    }  # fmt: skip
    kept = {name: {"action": "keep"} for name in STATIONS}
    assert "aggregates" in refused(POINTS, {"subject": "person", "fields": kept, "tables": [cells]})
    both = mapped_definition(
        STATIONS, POINTS, privacy={"subject": "none", "fields": kept, "microdata": {}, "tables": [cells]}
    )
    assert [table.geometry is not None for table in published_tables(both)] == [True, False]


def test_no_other_field_takes_the_names_of_geoparquet() -> None:
    assert "no other field may be called bbox" in refused(POINTS, bbox="string")
    whole = mapped_table({"ma": "string", "geometry": "string"}, {"field": "geometry", "encoding": "wkt"})
    assert whole.geometry is not None


@pytest.mark.parametrize(
    ("crs", "told"),
    [("EPSG:99999", "is not known"), ("VN-2000", "should match pattern"), ("EPSG:5773", "is not known")],
)
def test_an_unknown_reference_system_is_refused(crs: str, told: str) -> None:
    assert told in refused({**POINTS, "crs": crs})


@pytest.mark.parametrize("bounds", [[108, 10, 106, 11], [106, 11, 107, 10], [106, 10, 107, 95]])
def test_bounds_are_west_south_east_north(bounds: list[float]) -> None:
    assert "west, south, east, north" in refused({**POINTS, "bounds": bounds})


def test_a_definition_without_geometry_stays_as_it_is() -> None:
    table: TableDefinition = mapped_definition(STATIONS, None)
    assert published_tables(table)[0].geometry is None
