"""A series in pieces: all rows once, each in its period, and the same bytes while the rows of a period stay the same."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from sample_release import AS_OF, sample_definition, sample_rows, sample_table, write_source

from publisher.definition import DatasetDefinition
from publisher.disclosure.same.parts import part_files, wrong_parts
from publisher.errors import ReleaseRefused
from publisher.formats.datapackage import dataset_to_datapackage
from publisher.formats.release_files import write_release_files
from publisher.manifest import file_entries
from publisher.published import PublishedTable

COUNT = 1_000


def definition(period: str = "year", **table: Any) -> DatasetDefinition:
    resource = sample_definition().resources[0].model_dump(by_alias=True)
    resource |= {"partition_by": {"field": "day", "period": period}, "sort_by": ["day"], **table}
    return sample_definition(resources=[resource])


def release(folder: Path, table: PublishedTable, name: str, days: list[date | None]) -> Path:
    rows = {**sample_rows(count=len(days)), "day": days}
    source = write_source(folder / f"{name}.parquet", rows, table)
    (folder / name).mkdir()
    write_release_files([(table, source)], folder / name, dataset="requests", release=name, formats=["parquet"])
    return folder / name


def a_series(*, count: int = COUNT) -> list[date | None]:
    return [date(2024, 11, 1) + timedelta(days=place) for place in range(count)]


@pytest.mark.parametrize(
    ("period", "first", "pieces"), [("year", "tickets.2024.parquet", 5), ("month", "tickets.2024-11.parquet", 34)]
)
def test_each_row_is_in_the_piece_of_its_period(period: str, first: str, pieces: int, tmp_path: Path) -> None:
    table = sample_table(definition(period))
    folder = release(tmp_path, table, "2026-11-22.1", [*a_series(), None, None])
    names = part_files(folder, table)
    assert (names[0], names[-1], len(names)) == (first, "tickets.undated.parquet", pieces)
    assert {path.name for path in folder.iterdir()} == {"tickets.parquet", *names}
    assert sum(pq.read_metadata(folder / name).num_rows for name in names) == COUNT + 2
    assert {day.year for day in pq.read_table(folder / first)["day"].to_pylist()} == {2024}
    assert wrong_parts(folder, table) == []


def test_a_piece_keeps_its_bytes_when_later_rows_come(tmp_path: Path) -> None:
    table = sample_table(definition())
    before = release(tmp_path, table, "2026-11-22.1", a_series(count=400))
    after = release(tmp_path, table, "2026-11-23.1", a_series(count=420))
    same = [name for name in part_files(before, table) if (before / name).read_bytes() == (after / name).read_bytes()]
    assert same == ["tickets.2024.parquet"]


@pytest.mark.parametrize("spoil", ["a row less", "another piece", "a release named"])
def test_the_checker_finds_pieces_that_differ(spoil: str, tmp_path: Path) -> None:
    table = sample_table(definition())
    folder = release(tmp_path, table, "2026-11-22.1", a_series())
    piece = folder / "tickets.2025.parquet"
    rows = pq.read_table(piece)
    if spoil == "a row less":
        pq.write_table(rows.slice(1).replace_schema_metadata(None), piece)
    elif spoil == "another piece":
        (folder / "tickets.2026.parquet").replace(piece)
    else:
        pq.write_table(rows.replace_schema_metadata({"phusa.release": "x"}), piece)
    if spoil == "another piece":
        with pytest.raises(FileNotFoundError):
            wrong_parts(folder, table)
    else:
        assert wrong_parts(folder, table) != []


def test_rows_out_of_order_are_refused_with_a_cure(tmp_path: Path) -> None:
    days: list[date | None] = [date(2025, 1, 1), date(2026, 1, 1), date(2025, 1, 1)]
    with pytest.raises(ReleaseRefused, match="order of `day`"):
        release(tmp_path, sample_table(definition()), "2026-11-22.1", days)


def test_the_data_package_names_the_pieces_as_one_resource(tmp_path: Path) -> None:
    one = definition()
    folder = release(tmp_path, sample_table(one), "2026-11-22.1", a_series())
    files = file_entries(folder, {"tickets": COUNT})
    package = dataset_to_datapackage(one, [sample_table(one)], release="2026-11-22.1", as_of=AS_OF, files=files)
    (pieces,) = [resource for resource in package["resources"] if resource["name"] == "tickets-parquet-by-year"]
    assert pieces["path"] == [f"tickets.{year}.parquet" for year in (2024, 2025, 2026, 2027)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sort_by": ["id"]}, "does not stand first in sort_by"),
        ({"sort_by": ["id"], "partition_by": {"field": "id"}}, "needs a field of type"),
        ({"sort_by": ["year"], "partition_by": {"field": "year", "period": "month"}}, "needs a field of type"),
    ],
)
def test_a_partition_that_cannot_be_is_a_mistake_of_the_definition(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        definition(**changes)
