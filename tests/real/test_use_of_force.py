"""Minneapolis: 12,925 persons leave as counts alone; what is small is hidden and no total gives it away."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import duckdb
import pytest
from real.real_city import RealCity
from real.released import Released, assert_all_agree
from real.traces import traces, values_of

pytestmark = pytest.mark.slow
ROWS = 12_925
DROPPED = ["response_datetime", "problem", "primary_offense", "force_type_action", "type_resistance", "neighborhood"]
Cell = tuple[str, str, str | None]


@pytest.fixture(scope="module")
def force(city: RealCity) -> Released:
    return city.publish("use-of-force")


@pytest.fixture(scope="module")
def source(city: RealCity) -> str:
    path = city.data / "persons" / "minneapolis_police_use_of_force.csv.gz"
    return f"read_csv('{path}', all_varchar=true, nullstr=['', 'NA'])"


@pytest.fixture(scope="module")
def counted(source: str) -> dict[Cell, tuple[int, int, float | None]]:
    """Return persons, ages known and their median for each cell, counted from the input."""
    numbers = "count(*), count(age), round(median(age::INTEGER), 1)"
    query = f"SELECT trim(precinct), trim(force_type), trim(race), {numbers} FROM {source} GROUP BY ALL"
    with closing(duckdb.connect()) as engine:
        return {row[:3]: row[3:] for row in engine.execute(query).fetchall()}


def test_all_forms_tell_the_same_and_no_row_left(
    force: Released, counted: dict[Cell, tuple[int, int, float | None]]
) -> None:
    assert sum(number for number, *_ in counted.values()) == ROWS
    assert_all_agree(force, {"force_by_race": len(counted), "force_by_precinct": len({cell[:2] for cell in counted})})
    assert not (force.folder / "incidents.parquet").exists()


def test_small_cells_are_hidden_and_the_others_are_true(
    force: Released, counted: dict[Cell, tuple[int, int, float | None]]
) -> None:
    published = {
        (row["precinct"], row["force_type"], row["race"]): (row["incidents"], row["median_age"])
        for row in force.rows("force_by_race")
    }
    assert published.keys() == counted.keys()
    hidden = {cell for cell, numbers in published.items() if numbers == (None, None)}
    small = {cell for cell, (persons, ages, _) in counted.items() if persons < 5 or 0 < ages < 5}
    assert small
    assert small <= hidden
    shown = sum(counted[cell][0] for cell in published.keys() - hidden)
    assert shown >= 0.9 * ROWS, "nearly every incident stands in a cell that can be read"
    assert all(published[cell] == (counted[cell][0], counted[cell][2]) for cell in published.keys() - hidden)


def test_no_total_gives_a_small_cell_away(force: Released, counted: dict[Cell, tuple[int, int, float | None]]) -> None:
    """What a total leaves for its hidden cells is at least five persons in at least two cells, or nothing."""
    totals = {(row["precinct"], row["force_type"]): row["incidents"] for row in force.rows("force_by_precinct")}
    rest, hidden = dict(totals), Counter[tuple[str, str]]()
    for row in force.rows("force_by_race"):
        group = (row["precinct"], row["force_type"])
        if row["incidents"] is None:
            hidden[group] += 1
        elif rest[group] is not None:
            rest[group] -= row["incidents"]
    assert any(hidden.values())
    for group, left in rest.items():
        if left is not None:
            assert left == 0 if not hidden[group] else (left >= 5 and hidden[group] >= 2), (hidden[group], "cells")


def test_nothing_of_a_single_incident_left(force: Released, source: str) -> None:
    public = values_of(source, ["precinct", "force_type", "race"])
    assert traces(values_of(source, DROPPED), force, public=public) == []
