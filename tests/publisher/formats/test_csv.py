"""CSV: the canon, byte by byte, and agreement with Python's own reader and number texts."""

from __future__ import annotations

import csv
import gzip
import io
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_release import sample_rows, write_form, write_source

from publisher.formats.csv import batch_to_csv
from publisher.formats.rows import column_to_text
from publisher.published import PublishedTable


def test_the_canon(table: PublishedTable, tmp_path: Path) -> None:
    source = write_source(tmp_path / "s.parquet", sample_rows(count=4), table)
    assert write_form("csv", source, table, tmp_path / "t.csv.gz") == 4
    assert gzip.decompress((tmp_path / "t.csv.gz").read_bytes()).decode() == (
        "id,name,amount,open,day,at,year,month\n"
        '0,"Phường ""Bến Nghé"", Quận 1",1.5,true,2026-11-22,2026-11-22T10:00:00,2026,2026-11\n'
        "1,,12.0,false,,,,\n"
        '2,"hai\ndòng",,,2026-11-22,2026-11-22T10:00:00.000005,2026,2026-11\n'
        "3,,-0.0,true,,1969-12-31T23:59:59,,\n"
    )


def test_gzip_header_carries_neither_time_nor_name(source: Path, table: PublishedTable, tmp_path: Path) -> None:
    write_form("csv", source, table, tmp_path / "a.csv.gz")
    write_form("csv", source, table, tmp_path / "b.csv.gz")
    first = (tmp_path / "a.csv.gz").read_bytes()
    assert first == (tmp_path / "b.csv.gz").read_bytes()
    assert first[3:8] == b"\0\0\0\0\0"


@pytest.mark.slow
def test_rows_across_batches_stay_in_order(table: PublishedTable, tmp_path: Path) -> None:
    source = write_source(tmp_path / "s.parquet", sample_rows(count=70_000), table)
    write_form("csv", source, table, tmp_path / "t.csv.gz")
    with gzip.open(tmp_path / "t.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["id"]) for row in rows] == list(range(70_000))


def test_an_empty_value_of_a_single_column_is_still_a_row() -> None:
    text = batch_to_csv([pa.array(["a", None, ""])]).decode()
    assert text == 'a\n""\n""\n'
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a"], [""], [""]]


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.none() | st.text(), st.none() | st.text(), st.none() | st.integers(-(2**63), 2**63 - 1)),
        min_size=1,
    )
)
def test_pythons_reader_gets_every_text_back(rows: list[tuple[str | None, str | None, int | None]]) -> None:
    columns = [
        pa.array([row[0] for row in rows], pa.string()),
        pa.array([row[1] for row in rows], pa.string()),
        pa.array([row[2] for row in rows], pa.int64()),
    ]
    read = csv.reader(io.StringIO(batch_to_csv(columns).decode(), newline=""))
    assert list(read) == [["" if value is None else str(value) for value in row] for row in rows]


@pytest.mark.slow
@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_are_what_python_writes(values: list[float | None]) -> None:
    texts = column_to_text(pa.array(values, pa.float64())).to_pylist()
    assert texts == [None if value is None else repr(value) for value in values]
    assert all(text is None or math.isfinite(float(text)) for text in texts)


@given(st.lists(st.none() | st.datetimes(), min_size=1))
def test_datetimes_are_what_python_writes(values: list[datetime | None]) -> None:
    texts = column_to_text(pa.array(values, pa.timestamp("us"))).to_pylist()
    assert texts == [None if value is None else value.isoformat() for value in values]


def test_a_sliced_batch_gives_only_its_own_lines() -> None:
    column = pa.array([f"v{i}" for i in range(10)]).slice(3, 2)
    assert batch_to_csv([column, column]) == b"v3,v3\nv4,v4\n"


def test_whole_seconds_have_no_fraction() -> None:
    moment = datetime(2026, 11, 22, 10, tzinfo=UTC).replace(tzinfo=None) + timedelta(microseconds=1)
    assert column_to_text(pa.array([moment])).to_pylist() == ["2026-11-22T10:00:00.000001"]
