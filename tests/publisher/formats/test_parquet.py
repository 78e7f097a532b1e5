"""Parquet: rows, types, physical layout, and nothing else in the metadata."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sample_release import RELEASE, sample_rows, write_form, write_source

from publisher.errors import DisclosureRisk, ReleaseRefused, StorageError
from publisher.formats.rows import released_rows
from publisher.published import PublishedTable


def test_rows_and_types_survive(source: Path, table: PublishedTable, tmp_path: Path) -> None:
    output = tmp_path / "t.parquet"
    assert write_form("parquet", source, table, output) == 50
    assert pq.read_table(output).equals(pq.read_table(source))
    assert pq.read_schema(output).types == table.arrow_schema.types


def test_metadata_holds_release_and_schema_and_nothing_else(
    source: Path, table: PublishedTable, tmp_path: Path
) -> None:
    output = tmp_path / "t.parquet"
    write_form("parquet", source, table, output)
    metadata = pq.read_metadata(output).metadata
    assert set(metadata) == {b"phusa.release", b"phusa.table", b"phusa.table_schema"}
    assert metadata[b"phusa.release"] == RELEASE.encode()
    schema = json.loads(metadata[b"phusa.table_schema"])
    assert [field["name"] for field in schema["fields"]] == [field.name for field in table.fields]


def test_layout_serves_range_reads(table: PublishedTable, tmp_path: Path) -> None:
    source = write_source(tmp_path / "big.parquet", sample_rows(count=140_000), table)
    output = tmp_path / "t.parquet"
    write_form("parquet", source, table, output)
    metadata = pq.read_metadata(output)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [131_072, 8_928]
    column = metadata.row_group(0).column(0)
    assert (column.compression, column.has_column_index, column.has_offset_index) == ("ZSTD", True, True)
    assert column.statistics.min == 0


def test_bytes_depend_on_rows_only_not_on_how_the_source_is_cut(table: PublishedTable, tmp_path: Path) -> None:
    rows = pa.table(sample_rows(count=3000), schema=table.arrow_schema)
    outputs = []
    for size in (7, 1000, 3000):
        pq.write_table(rows, tmp_path / "s.parquet", row_group_size=size)
        write_form("parquet", tmp_path / "s.parquet", table, tmp_path / "t.parquet")
        outputs.append((tmp_path / "t.parquet").read_bytes())
    assert outputs[0] == outputs[1] == outputs[2]


@pytest.mark.parametrize("size", [1000, 32_768, 50_000, 70_000])
def test_batches_have_one_size_however_they_come(size: int, table: PublishedTable) -> None:
    rows = pa.table(sample_rows(count=70_000), schema=table.arrow_schema)
    batches = list(released_rows(rows.to_batches(max_chunksize=size), table))
    assert [batch.num_rows for batch in batches] == [32_768, 32_768, 4_464]
    assert pa.Table.from_batches(batches).equals(rows)


def test_a_table_without_rows_is_written(table: PublishedTable, tmp_path: Path) -> None:
    source = write_source(tmp_path / "s.parquet", {field.name: [] for field in table.fields}, table)
    assert write_form("parquet", source, table, tmp_path / "t.parquet") == 0
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 0


@pytest.mark.parametrize("change", ["extra", "missing", "order", "type"])
def test_other_columns_than_the_policy_publishes_are_refused(
    change: str, table: PublishedTable, tmp_path: Path
) -> None:
    rows = pa.table(sample_rows(), schema=table.arrow_schema)
    altered = {
        "extra": lambda: rows.append_column("owner", pa.array(["secret"] * 3)),
        "missing": lambda: rows.drop_columns(["year"]),
        "order": lambda: rows.select(rows.column_names[::-1]),
        "type": lambda: rows.set_column(0, "id", pa.array(["1", "2", "3"])),
    }[change]()
    pq.write_table(altered, tmp_path / "s.parquet")
    with pytest.raises(DisclosureRisk) as refused:
        write_form("parquet", tmp_path / "s.parquet", table, tmp_path / "t.parquet")
    assert "secret" not in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.parquet"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused(number: float, table: PublishedTable, tmp_path: Path) -> None:
    source = write_source(tmp_path / "s.parquet", {**sample_rows(), "amount": [1.0, number, None]}, table)
    with pytest.raises(ReleaseRefused, match="amount"):
        write_form("parquet", source, table, tmp_path / "t.parquet")


def test_an_unwritable_folder_is_a_storage_error_with_a_cure(
    source: Path, table: PublishedTable, tmp_path: Path
) -> None:
    with pytest.raises(StorageError) as failed:
        write_form("parquet", source, table, tmp_path / "absent" / "t.parquet")
    assert failed.value.cure
