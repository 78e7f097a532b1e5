"""Attack 4: nobody's arrival or leaving is read from the difference of two releases, and too small a change is not released at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attacks.differencing import Release, changed_patterns, isolated, telling_cells
from samples.release_series import ReleaseSeries
from samples.small_tables import define

from publisher.errors import BatchTooSmall

pytestmark = pytest.mark.slow
LEAST, K = 5, 5
PEOPLE, WARDS, AGES, CAUSES = 12_000, 24, 8, 6
KEEP = {"action": "keep"}
QUASI = {"action": "keep", "role": "quasi"}
FIELDS = {"phuong": "string", "tuoi": "string", "gioi": "string", "nguyen_nhan": "string"}
COUNT = [{"name": "n", "kind": "count", "title": "n"}]
SMALL = {"measures": COUNT, "small_cell": {"min": LEAST}}
FINE = {"id": "theo_nguyen_nhan", "group_by": list(FIELDS), **SMALL}
LINKED = {"id": "theo_phuong", "group_by": ["phuong", "gioi"], "margins": "all", **SMALL}
ALONE = {"theo_nguyen_nhan": "n"}
COUNTS = {**ALONE, "theo_phuong": "n"}
STEPS = (1, 5, 49, 500)


def counted(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"subject": "person", "fields": dict.fromkeys(FIELDS, KEEP), "tables": [*tables], **more}


def registered() -> dict[str, Any]:
    fields = {**dict.fromkeys(FIELDS, QUASI), "nguyen_nhan": {**KEEP, "role": "sensitive"}}
    return {"subject": "person", "fields": fields, "microdata": {"k": K, "suppression_limit": 0.1}}


def population(count: int, *, seed: int) -> list[dict[str, str]]:
    draw = np.random.default_rng(seed)
    numbers = zip(
        draw.integers(0, WARDS, count),
        draw.binomial(AGES - 1, 0.4, count),
        draw.integers(0, 2, count),
        draw.binomial(CAUSES - 1, 0.25, count),
        strict=True,
    )
    return [dict(zip(FIELDS, (f"P{a}", f"T{b}", "mf"[c], f"N{d}"), strict=True)) for a, b, c, d in numbers]


def released(folder: Path, privacy: dict[str, Any], *, alone: bool = False) -> list[Release]:
    """Return the releases after each step of growth, and after one person left; without the held ones."""
    series = ReleaseSeries(folder, define(FIELDS, privacy), first_day=date(2026, 10, 1))
    everybody, newcomers = population(PEOPLE, seed=1), population(sum(STEPS), seed=2)
    present, made = everybody, [series.make(everybody, alone=alone)]
    for step in STEPS:
        present, newcomers = [*present, *newcomers[:step]], newcomers[step:]
        made += _next(series, present, alone=alone)
    return made + _next(series, present[1:], alone=alone)


def _next(series: ReleaseSeries, present: list[dict[str, str]], *, alone: bool) -> list[Release]:
    try:
        made = series.make(present, alone=alone)
    except BatchTooSmall:
        return []
    assert alone or series.faults() == []
    return [made]


def test_no_arrival_or_leaving_is_seen_in_a_table(tmp_path: Path) -> None:
    """Neither as a number nor, while few people move, as a cell that is hidden now and was not before."""
    made = released(tmp_path, counted(FINE))
    assert len(made) == len(STEPS) + 2
    assert telling_cells(made, ALONE, LEAST) == []
    assert changed_patterns(made[: len(STEPS)], ALONE) == changed_patterns(made[len(STEPS) :], ALONE) == 0


def test_nor_as_a_number_in_tables_that_add_up(tmp_path: Path) -> None:
    """Cells that few people changed cannot keep their number beside totals that others changed, so they are hidden."""
    made = released(tmp_path, counted(FINE, LINKED))
    assert len(made) == len(STEPS) + 2
    assert telling_cells(made, COUNTS, LEAST) == []


def test_where_tables_add_up_a_newly_hidden_cell_says_where_somebody_came(tmp_path: Path) -> None:
    """The stated level is not met here: docs/attacks.md says so, and a `min_batch` is what helps."""
    series = ReleaseSeries(tmp_path, define(FIELDS, counted(FINE, LINKED)), first_day=date(2026, 10, 1))
    everybody, [newcomer] = population(PEOPLE, seed=1), population(1, seed=2)
    before, after = (
        {tuple(row[name] for name in FIELDS): row["n"] for row in series.make(rows)["theo_nguyen_nhan"]}
        for rows in (everybody, [*everybody, newcomer])
    )
    newly_hidden = {key for key, count in after.items() if count is None and before.get(key, 0) is not None}
    assert newly_hidden == {tuple(newcomer.values())}


def test_nor_in_the_classes_of_single_rows(tmp_path: Path) -> None:
    made = released(tmp_path, registered())
    classes = [
        {"ho_so": [{k: v for k, v in row.items() if k != "nguyen_nhan"} for row in one["ho_so"]]} for one in made
    ]
    assert telling_cells(classes, {"ho_so": ""}, K) == []


def test_without_a_look_at_earlier_releases_hundreds_are_seen(tmp_path: Path) -> None:
    """Each release on its own is protected and hides what is small; the difference of two tells of most who came."""
    series = ReleaseSeries(tmp_path, define(FIELDS, counted(FINE, LINKED)), first_day=date(2026, 10, 1))
    everybody, newcomers = population(PEOPLE, seed=1), population(500, seed=2)
    before, after = (series.make(rows, alone=True) for rows in (everybody, [*everybody, *newcomers]))
    assert isolated(before, after, COUNTS, newcomers) > 100
    assert len(telling_cells([before, after], COUNTS, LEAST)) > 100


def test_without_a_look_at_earlier_releases_classes_tell_too(tmp_path: Path) -> None:
    made = released(tmp_path, registered(), alone=True)
    classes = [
        {"ho_so": [{k: v for k, v in row.items() if k != "nguyen_nhan"} for row in one["ho_so"]]} for one in made
    ]
    assert len(telling_cells(classes, {"ho_so": ""}, K)) > 0


def test_fewer_than_the_least_batch_are_held_together(tmp_path: Path) -> None:
    """1, 5 and 49 newcomers wait; they leave with the 500, and the one who left then waits."""
    made = released(tmp_path, counted(FINE, LINKED, releases={"min_batch": 56}))
    assert len(made) == 2
    assert telling_cells(made, COUNTS, LEAST) == []
