"""What the anonymiser makes under each kind of l and t the checker finds good, and finds bad what was made with k alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from samples.working_tables import write_working

from publisher.anonymise import anonymise_table
from publisher.definition import TableDefinition
from publisher.disclosure.classes import far_classes, small_classes, uniform_classes
from publisher.policy import Microdata
from publisher.published import PublishedTable, arrow_schema
from publisher.secrets import Secrets

pytestmark = pytest.mark.slow

FIELDS = {"tuoi": "integer", "khu": "integer", "gioi": "string", "benh": "string", "thu_nhap": "integer"}
POLICY = {
    "tuoi": {"action": "generalise_number", "widths": [5, 10, 20, "*"], "role": "quasi"},
    "khu": {"action": "generalise_number", "widths": [1, 3, 6, "*"], "role": "quasi"},
    "gioi": {"action": "keep", "role": "quasi"},
    "benh": {"action": "keep", "role": "sensitive"},
    "thu_nhap": {"action": "generalise_number", "widths": [5], "role": "sensitive"},
}
DEMANDS: list[dict[str, Any]] = [
    {"l_diversity": {"field": "benh", "l": 3}},
    {"l_diversity": {"field": "benh", "kind": "entropy", "l": 2.4}},
    {"l_diversity": {"field": "benh", "kind": "recursive", "l": 3, "c": 2.5}},
    {"t_closeness": {"field": "benh", "t": 0.25}},
    {"t_closeness": {"field": "thu_nhap", "t": 0.12, "distance": "ordered"}},
    {"l_diversity": {"field": "benh", "l": 3}, "t_closeness": {"field": "thu_nhap", "t": 0.15, "distance": "ordered"}},
]


def people(number: int) -> dict[str, list[Any]]:
    draw = random.Random(11)
    rows = []
    for _ in range(number):
        age, place = draw.randint(0, 79), draw.randint(0, 11)
        ill = draw.choice(["A", "A", "B", None]) if age < 40 else draw.choice(["A", "C", "D", "D"])
        rows.append((age, place, draw.choice(["nam", "nu", None]), ill, draw.randint(0, 20) + age // 2 + place))
    return dict(zip(FIELDS, map(list, zip(*rows, strict=True)), strict=True))


@pytest.mark.parametrize("limit", [0.0, 0.1])
@pytest.mark.parametrize("demand", DEMANDS, ids=str)
def test_the_checker_finds_good_what_was_made_for_it_and_bad_what_was_not(
    make_table: Callable[..., TableDefinition], tmp_path: Path, demand: dict[str, Any], limit: float
) -> None:
    asked = Microdata.model_validate({"k": 4, "suppression_limit": limit, **demand})
    path, published = made(make_table, tmp_path, demand, limit)
    assert faults(path, published, asked) == []
    path, published = made(make_table, tmp_path, {}, limit)
    assert faults(path, published, asked) != []


def made(
    make_table: Callable[..., TableDefinition], folder: Path, demand: dict[str, Any], limit: float
) -> tuple[Path, PublishedTable]:
    microdata = {"k": 4, "suppression_limit": limit, **demand}
    table = make_table(FIELDS, {"subject": "person", "fields": POLICY, "microdata": microdata})
    write_working(pa.table(people(1_500), schema=arrow_schema(table.schema_.fields)), folder / "valid.arrow")
    done = anonymise_table(
        folder / "valid.arrow",
        table,
        folder=folder,
        output=folder / "made",
        secrets=Secrets({}),
        release="2026-11-22.1",
        seed=3,
    )
    [(published, path)] = done.tables
    return path, published


def faults(path: Path, published: PublishedTable, asked: Microdata) -> list[str]:
    return [fault for check in (small_classes, uniform_classes, far_classes) for fault in check(path, published, asked)]
