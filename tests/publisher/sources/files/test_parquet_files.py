"""Parquet files: simple types stay, the others become text, damaged and encrypted ones are refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.source_reader import Read

from publisher.errors import SourceError

pytestmark = pytest.mark.usefixtures("in_this_process")  # test_apart.py has the process of its own


def source(**more: Any) -> dict[str, Any]:
    return {"kind": "file", "location": ".", "pattern": "*.parquet", "format": {"kind": "parquet"}, **more}


def test_types_stay_or_become_the_text_of_other_sources(read: Read, tmp_path: Path) -> None:
    at = datetime(2026, 11, 22, 3, tzinfo=UTC)
    kept = {
        "n": pa.array([1, None], pa.int32()), "x": pa.array([0.5, None]), "yes": pa.array([True, None]),
        "day": pa.array([date(2026, 11, 22), None]), "at": pa.array([at, None], pa.timestamp("us", tz="UTC")),
    }  # fmt: skip
    others = {
        "money": pa.array([Decimal("1.50"), None]), "clock": pa.array([time(7, 30), None]),
        "code": pa.array(["a", None]).dictionary_encode(), "long": pa.array(["e\u0323\u0302", None], pa.large_string()),
        "list": pa.array([[1, 2], None]), "struct": pa.array([{"k": Decimal("1.0"), "d": [date(2026, 1, 2)]}, None]),
        "none": pa.nulls(2), "span": pa.array([timedelta(hours=30), None]),
    }  # fmt: skip
    pq.write_table(pa.table(kept | others), tmp_path / "d.parquet")
    rows = read(source(), "n")
    assert {name: rows.table.schema.field(name).type for name in kept} == {
        name: column.type for name, column in kept.items()
    }
    assert {rows.table.schema.field(name).type for name in others} == {pa.string()}
    first = rows[0]
    assert [first[name] for name in others] == [
        "1.50",
        "07:30:00",
        "a",
        "\u1ec7",
        "[1,2]",
        '{"k":"1.0","d":["2026-01-02"]}',
        None,
        "30:00:00",
    ]
    assert all(value is None for value in rows[1].values())
    assert json.loads(first["list"]) == [1, 2]


def test_columns_that_differ_between_files_are_text(read: Read, tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1], "same": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"n": ["x"], "same": [2], "new": [0.5]}), tmp_path / "2.parquet")
    rows = read(source(take="all"), "n")
    assert rows.table.to_pydict() == {"n": ["1", "x"], "same": [1, 2], "new": [None, 0.5]}


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_broken_file_is_refused(read: Read, tmp_path: Path, share: float) -> None:
    pq.write_table(pa.table({"n": list(range(1000))}), tmp_path / "d.parquet")
    whole = (tmp_path / "d.parquet").read_bytes()
    (tmp_path / "d.parquet").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SourceError, match=r"d\.parquet is no intact Parquet file"):
        read(source(), "n")


def test_binary_columns_and_encrypted_files_are_refused(read: Read, tmp_path: Path) -> None:
    pq.write_table(pa.table({"photo": [b"\xff"]}), tmp_path / "d.parquet")
    with pytest.raises(SourceError, match=r"column `photo` holds binary data"):
        read(source(), "photo")
    (tmp_path / "d.parquet").write_bytes(b"PARE" + b"\0" * 100)
    with pytest.raises(SourceError, match="is encrypted"):
        read(source(), "photo")


def test_a_file_without_rows_has_its_columns(read: Read, tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": pa.array([], pa.int64())}), tmp_path / "d.parquet")
    assert read(source(), "n").names == ["n"]
