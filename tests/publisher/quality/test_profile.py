"""Profiles of released columns: true numbers, and nothing of single persons."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sample_release import sample_definition, sample_rows, sample_table, write_source

from publisher.published import PublishedTable, published_tables
from publisher.quality.profile import ColumnProfile, profile_table


def changed(table: PublishedTable, **privacy: object) -> PublishedTable:
    resource = sample_definition().resources[0].model_dump(by_alias=True)
    fields = {**resource["privacy"]["fields"], **privacy.pop("fields", {})}  # type: ignore[dict-item]
    resource["privacy"] |= {**privacy, "fields": fields}
    return published_tables(sample_definition(resources=[resource]).resources[0])[0]


def columns(tmp_path: Path, rows: dict[str, list[object]], table: PublishedTable) -> dict[str, ColumnProfile]:
    path = write_source(tmp_path / "a.parquet", rows, table)
    return {column.name: column for column in profile_table(path, table).columns}


def people(count: int = 40) -> dict[str, list[object]]:
    rows = sample_rows(count=count)
    return {**rows, "name": ["Phường A"] * 25 + ["Phường B"] * 12 + ["Phường C"] * (count - 37)}


def test_cells_distinct_values_and_range(tmp_path: Path) -> None:
    rows = sample_rows(count=40)
    found = columns(tmp_path, rows, sample_table())
    for name, values in rows.items():
        filled = [value for value in values if value is not None]
        assert found[name].empty == len(values) - len(filled)
        assert found[name].distinct == len(set(filled))
        assert not found[name].is_estimate
    assert (found["id"].minimum, found["id"].maximum) == (0, 39)
    assert found["name"].minimum is None
    assert found["amount"].total == pytest.approx(sum(v for v in rows["amount"] if isinstance(v, float)))


def test_frequent_values_stand_in_their_order(tmp_path: Path) -> None:
    rows = people()
    found = columns(tmp_path, rows, sample_table())["name"]
    assert [(one.value, one.count) for one in found.frequent] == Counter(rows["name"]).most_common()


def test_many_values_are_estimated_but_a_key_is_known(tmp_path: Path) -> None:
    rows = sample_rows(count=5_000)
    found = columns(tmp_path, {**rows, "name": [f"Đường số {n}" for n in range(5_000)]}, sample_table())
    assert (found["id"].distinct, found["id"].is_estimate) == (5_000, False)
    assert found["name"].is_estimate
    assert found["name"].distinct == pytest.approx(5_000, rel=0.1)
    assert found["name"].frequent == ()


def test_rows_about_persons_show_no_range_and_no_rare_value(tmp_path: Path) -> None:
    table = changed(sample_table(), subject="person", microdata={"k": 5})
    found = columns(tmp_path, people(), table)
    assert all(column.minimum is None and column.maximum is None for column in found.values())
    assert [one.value for one in found["name"].frequent] == ["Phường A", "Phường B"]


@pytest.mark.parametrize(
    "action",
    [
        {"action": "keep", "role": "sensitive"},
        {
            "action": "keep",
            "waive": {"kind": "full_name", "reason": "Tên doanh nghiệp", "by": "Sở Thử", "until": date(2030, 1, 1)},
        },
    ],
)
def test_sensitive_and_waived_columns_show_no_value(tmp_path: Path, action: dict[str, object]) -> None:
    assert columns(tmp_path, people(), changed(sample_table(), fields={"name": action}))["name"].frequent == ()


def test_a_column_with_a_value_like_somebodys_shows_none(tmp_path: Path) -> None:
    rows = {**people(), "name": ["0903123456"] * 20 + ["Phường A"] * 20}
    assert columns(tmp_path, rows, sample_table())["name"].frequent == ()


def test_an_empty_table_has_a_profile(tmp_path: Path) -> None:
    found = columns(tmp_path, {name: [] for name in sample_rows()}, sample_table())
    assert all((column.empty, column.distinct, column.frequent) == (0, 0, ()) for column in found.values())


def test_cells_of_an_aggregate_show_their_groups(tmp_path: Path) -> None:
    cells = {"id": "cells", "title": "Ô", "row": "Một năm.", "group_by": ["year"]}
    measures = [{"name": "so", "kind": "count", "title": "Số"}]
    resource = sample_definition().resources[0].model_dump(by_alias=True)
    resource["privacy"] |= {"subject": "person", "tables": [{**cells, "measures": measures}]}
    [table] = published_tables(sample_definition(resources=[resource]).resources[0])
    found = columns(tmp_path, {"year": [2020, 2020, 2021], "so": [5, 6, None]}, replace(table))
    assert [(one.value, one.count) for one in found["year"].frequent] == [(2020, 2)]
    assert (found["so"].frequent, found["so"].maximum, found["so"].total) == ((), 6, 11)
