"""Documents that measure other rows than the released ones, or tell of other files, are found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.small_tables import define

from publisher.disclosure.same.documents import wrong_documents
from publisher.published import PublishedTable, published_tables
from publisher.quality.profile import profile_table

Change = Callable[[Any], object]
QUALITY, PACKAGE = "quality.json", "datapackage.json"


@pytest.fixture
def folder(released: Path, table: PublishedTable) -> Path:
    profile = profile_table(released / "tickets.parquet", table).to_dict()
    (released / QUALITY).write_text(json.dumps({"profiles": [profile], "tables": [], "score": {}}), encoding="utf-8")
    entries = [{"path": path.name, "bytes": path.stat().st_size, "rows": 40} for path in released.glob("tickets.*")]
    (released / PACKAGE).write_text(json.dumps({"resources": entries}), encoding="utf-8")
    return released


def column(said: Any, key: str) -> Any:
    return next(one for one in said["profiles"][0]["columns"] if key in one)


def test_documents_of_the_released_rows_pass(folder: Path, table: PublishedTable) -> None:
    said = json.loads((folder / QUALITY).read_bytes())
    assert {"minimum", "maximum", "frequent"} <= {key for one in said["profiles"][0]["columns"] for key in one}
    assert wrong_documents(folder, [table]) == []
    for path in (QUALITY, PACKAGE):
        (folder / path).unlink()
    assert wrong_documents(folder, [table]) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (QUALITY, lambda said: said.update(owner="x")),
        (QUALITY, lambda said: said["profiles"][0].update(table="owners")),
        (QUALITY, lambda said: said["profiles"][0].update(rows=41)),
        (QUALITY, lambda said: column(said, "minimum").update(minimum=-1)),
        (QUALITY, lambda said: column(said, "maximum").update(maximum=10**9)),
        (QUALITY, lambda said: column(said, "minimum").update(empty=39)),
        (QUALITY, lambda said: column(said, "minimum").update(median=1)),
        (QUALITY, lambda said: column(said, "minimum").update(name="owner")),
        (QUALITY, lambda said: column(said, "frequent")["frequent"][0].update(count=1)),
        (QUALITY, lambda said: column(said, "frequent")["frequent"].append({"value": "MARKER", "count": 2})),
        (PACKAGE, lambda said: said["resources"][0].update(rows=39)),
        (PACKAGE, lambda said: said["resources"][1].update(rows=39)),
        (PACKAGE, lambda said: said["resources"][0].update(bytes=1)),
        (PACKAGE, lambda said: said["resources"][0].update(path="owners.parquet")),
    ],
)
def test_documents_of_other_rows_are_found(folder: Path, table: PublishedTable, name: str, change: Change) -> None:
    said = json.loads((folder / name).read_bytes())
    change(said)
    (folder / name).write_text(json.dumps(said), encoding="utf-8")
    found = wrong_documents(folder, [table])
    assert len(found) == 1
    assert "MARKER" not in found[0]


def test_a_sum_over_rows_that_do_not_leave_is_found(folder: Path, table: PublishedTable) -> None:
    rows = pq.read_table(folder / "tickets.parquet")
    said = json.loads((folder / QUALITY).read_bytes())
    name = next(field.name for field in rows.schema if pa.types.is_floating(field.type))
    told = next(one for one in said["profiles"][0]["columns"] if one["name"] == name)
    told["total"] = sum(value or 0.0 for value in rows[name].to_pylist())
    (folder / QUALITY).write_text(json.dumps(said), encoding="utf-8")
    assert wrong_documents(folder, [table]) == []
    told["total"] = 2 * told["total"] + 1
    (folder / QUALITY).write_text(json.dumps(said), encoding="utf-8")
    assert len(wrong_documents(folder, [table])) == 1


def test_a_number_of_rows_behind_hidden_cells_is_found(tmp_path: Path) -> None:
    """The number of rows, less the cells that are shown, is the number in those that are not."""
    fields = {"benh": {"action": "keep"}}
    table = {"id": "dem", "group_by": ["benh"], "small_cell": {"min": 5}}
    [published] = published_tables(
        define({"benh": "string"}, {"subject": "person", "fields": fields, "tables": [table]})
    )
    pq.write_table(published.arrow_schema.empty_table(), tmp_path / "dem.parquet")
    told: dict[str, Any] = {"table": published.source.name, "invalid_rows": 0, "validity": 1.0}
    for more, faults in (({}, 0), ({"rows": 40}, 1), ({"valid_rows": 40}, 1)):
        (tmp_path / QUALITY).write_text(json.dumps({"profiles": [], "tables": [{**told, **more}]}), encoding="utf-8")
        assert len(wrong_documents(tmp_path, [published])) == faults


@pytest.mark.parametrize(
    ("names", "faults"), [(["tickets.parquet", "tickets.csv.gz"], 0), (["tickets.parquet", "x"], 1)]
)
def test_all_files_of_a_series_in_pieces_are_looked_at(
    folder: Path, table: PublishedTable, names: list[str], faults: int
) -> None:
    size = sum((folder / name).stat().st_size for name in names if (folder / name).is_file())
    for told, more in ((size, 0), (size + 1, 1 - faults)):
        resources = [{"path": names, "bytes": told}]
        (folder / PACKAGE).write_text(json.dumps({"resources": resources}), encoding="utf-8")
        assert len(wrong_documents(folder, [table])) == faults + more
