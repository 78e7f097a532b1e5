"""G1 on lists of changed rows: what the checker finds in a list that the maker would never write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sample_release import sample_definition, sample_rows, sample_table, write_source

from publisher.disclosure.changed_rows import changes_files, wrong_changes
from publisher.published import PublishedTable, published_tables

LIST = "tickets.changes.parquet"
Rows = dict[str, list[Any]]


def written(folder: Path, edit: Callable[[Rows], Any] = lambda _: None, *, schema: pa.Schema | None = None) -> Path:
    """Write a release with a right list of one changed and one removed row, after an edit of the list."""
    table = sample_table()
    rows = sample_rows(count=5)
    write_source(folder / "tickets.parquet", rows, table)
    listed: Rows = {"_change": ["changed", "removed"]}
    listed |= {name: [values[0], None] for name, values in rows.items()} | {"id": [0, 77]}
    edit(listed)
    wanted = schema or pa.schema([pa.field("_change", pa.string()), *table.arrow_schema])
    pq.write_table(pa.table(listed, schema=wanted), folder / LIST, store_schema=False)
    return folder


def about_persons() -> PublishedTable:
    resource = sample_definition().resources[0].model_dump(by_alias=True)
    resource["privacy"] |= {"subject": "person", "microdata": {"k": 2}}
    return published_tables(sample_definition(resources=[resource]).resources[0])[0]


def test_a_right_list_passes_and_is_declared(tmp_path: Path) -> None:
    assert wrong_changes(written(tmp_path), sample_table()) == []
    assert changes_files(tmp_path, [sample_table()]) == {LIST}
    (tmp_path / LIST).unlink()
    assert wrong_changes(tmp_path, sample_table()) == []
    assert changes_files(tmp_path, [sample_table()]) == set()


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda rows: rows.update(name=["not released", None]), "1 rows that are not in the release"),
        (lambda rows: rows.update(name=[rows["name"][0], "was here"]), "1 removed rows that tell more than their key"),
        (lambda rows: rows.update(_change=["changed", "gone"]), "other kinds of change"),
    ],
)
def test_a_row_that_is_not_released_is_found(tmp_path: Path, edit: Callable[[Rows], Any], fault: str) -> None:
    assert any(fault in one for one in wrong_changes(written(tmp_path, edit), sample_table()))


def test_another_column_or_type_is_found(tmp_path: Path) -> None:
    table = sample_table()
    schema = pa.schema([pa.field("_change", pa.string()), *table.arrow_schema, pa.field("owner", pa.string())])
    folder = written(tmp_path, lambda rows: rows.update(owner=["x", None]), schema=schema)
    assert wrong_changes(folder, table) == ["the columns are not the declared ones"]
    other = pa.schema([pa.field("_change", pa.string()), *table.arrow_schema]).set(1, pa.field("id", pa.float64()))
    assert wrong_changes(written(tmp_path, schema=other), table) == ["another type than declared: id"]


def test_metadata_is_found(tmp_path: Path) -> None:
    folder = written(tmp_path)
    listed = pq.read_table(folder / LIST).replace_schema_metadata({"note": "x"})
    pq.write_table(listed, folder / LIST)
    assert wrong_changes(folder, sample_table()) == ["undeclared entries in the file's metadata"]


def test_no_list_of_persons(tmp_path: Path) -> None:
    assert wrong_changes(written(tmp_path), about_persons()) == ["single rows about persons or households are listed"]
