"""What the checker finds in the bytes of a Parquet file that no reader of cells would see."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_release import RELEASE, sample_table

from publisher.disclosure.same.cells import wrong_parquet
from publisher.disclosure.same.parquet_bytes import wrong_bytes

SECRET = "Z-SECRET"
TEXTS = st.one_of(st.none(), st.text(alphabet="aăâđ 9\U0001f600", max_size=4))


@pytest.fixture
def path(released: Path) -> Path:
    return released / "tickets.parquet"


def faults(path: Path) -> list[str]:
    """Return what the check finds; one that could not run has failed too."""
    try:
        return wrong_bytes(path)
    except Exception as error:  # noqa: BLE001  as the guarantees take it
        return [type(error).__name__]


def footer_of(content: bytes) -> tuple[bytes, bytes]:
    """Return what stands before the footer, and the footer."""
    start = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    return content[:start], content[start:-8]


def with_footer(body: bytes, footer: bytes) -> bytes:
    return body + footer + struct.pack("<I", len(footer)) + b"PAR1"


def words(count: int = 60) -> list[str]:
    return [f"word {number % 7}" for number in range(count)]


def test_a_file_of_the_writer_passes(path: Path) -> None:
    assert wrong_bytes(path) == []
    assert wrong_parquet(path, sample_table()) == []


@pytest.mark.parametrize("count", [0, 1, 300_000])
def test_files_of_every_size_pass(tmp_path: Path, count: int) -> None:
    """Two row groups and more, dictionaries that are given up, pages of a megabyte."""
    start = datetime(2026, 1, 1)
    columns = {
        "code": [f"{number:012d}" for number in range(count)],
        "word": [None if number % 11 == 0 else f"w{number % 70}" for number in range(count)],
        "number": [number % 9_000 for number in range(count)],
        "real": [0.0 if number % 3 else -0.0 for number in range(count)],
        "flag": [number % 5 == 0 for number in range(count)],
        "moment": [start + timedelta(seconds=number) for number in range(count)],
        "day": [date(2026, 1, 1) + timedelta(days=number % 400) for number in range(count)],
        "nothing": pa.nulls(count, pa.string()),
    }
    schema = pa.schema([("code", pa.string()), ("word", pa.string()), ("number", pa.int64()), ("real", pa.float64()), ("flag", pa.bool_()), ("moment", pa.timestamp("us")), ("day", pa.date32()), ("nothing", pa.string())])  # fmt: skip
    for name, options in {"plain": {"use_dictionary": False}, "words": {}}.items():
        path = tmp_path / f"{name}.parquet"
        pq.write_table(
            pa.table(columns, schema=schema), path, row_group_size=131_072, write_page_index=True, store_schema=False, **options
        )  # fmt: skip
        assert wrong_bytes(path) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(TEXTS, st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))), max_size=20
    ),
    dictionary=st.booleans(),
)
def test_any_cells_pass(tmp_path: Path, rows: list[tuple[Any, Any]], dictionary: bool) -> None:
    table = pa.table({"text": pa.array([a for a, _ in rows], pa.string()), "real": pa.array([b for _, b in rows], pa.float64())})  # fmt: skip
    pq.write_table(table, tmp_path / "x.parquet", use_dictionary=dictionary, write_page_index=True, store_schema=False)
    assert wrong_bytes(tmp_path / "x.parquet") == []


def test_values_of_dropped_rows_in_a_dictionary_are_found(tmp_path: Path) -> None:
    """What remains of a column of words when rows were filtered and the dictionary was not."""
    whole = pa.array([*words(), SECRET]).dictionary_encode()
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"word": whole.slice(0, 60)}), path, store_schema=False)
    assert pq.read_table(path)["word"].to_pylist() == words()
    [fault] = wrong_bytes(path)
    assert "1 values in the dictionary of word" in fault
    assert SECRET not in fault


def _between(content: bytes) -> bytes:
    body, footer = footer_of(content)
    return with_footer(body + SECRET.encode(), footer)


def _behind_the_metadata(content: bytes) -> bytes:
    body, footer = footer_of(content)
    return with_footer(body, footer + SECRET.encode())


def _another_writer(content: bytes) -> bytes:
    place = content.rindex(b"parquet-cpp-arrow")
    return content[:place] + SECRET.encode().ljust(17) + content[place + 17 :]


def _greatest_in_the_footer(content: bytes) -> bytes:
    body, footer = footer_of(content)
    return with_footer(body, footer.replace(b"word 6", b"word 9"))


def _greatest_in_the_index(content: bytes) -> bytes:
    body, footer = footer_of(content)
    place = body.rindex(b"word 6")
    return with_footer(body[:place] + b"word 9" + body[place + 6 :], footer)


@pytest.mark.parametrize(
    "spoil", [_between, _behind_the_metadata, _another_writer, _greatest_in_the_footer, _greatest_in_the_index]
)
def test_bytes_that_no_reader_shows_are_found(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"word": words()}), path, write_page_index=True, store_schema=False)
    assert wrong_bytes(path) == []
    path.write_bytes(spoil(path.read_bytes()))
    assert pq.read_table(path)["word"].to_pylist() == words(), "every reader takes it for the same rows"
    assert faults(path) != []


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("phusa.table_schema", '"fields"', '"owner": "x", "fields"'),
        ("phusa.table_schema", '{"name": "id"', '{"owner": "x", "name": "id"'),
        ("phusa.table_schema", '"name": "id"', '"name": "owner"'),
        ("phusa.table", "tickets", "owners"),
        ("phusa.release", RELEASE, f"{RELEASE} x"),
    ],
)
def test_metadata_that_says_something_else_is_found(path: Path, key: str, old: str, new: str) -> None:
    rows = pq.read_table(path)
    metadata = {name.decode(): text.decode() for name, text in rows.schema.metadata.items()}
    schema = metadata["phusa.table_schema"]
    assert old in metadata[key], schema
    spoiled = {**metadata, key: metadata[key].replace(old, new, 1)}
    with pq.ParquetWriter(path, rows.schema.remove_metadata(), store_schema=False) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata(spoiled)
    assert wrong_parquet(path, sample_table()) != []
