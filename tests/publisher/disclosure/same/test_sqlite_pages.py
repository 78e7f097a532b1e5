"""An SQLite table read from its pages holds what SQLite's own driver reads, and nothing else passes."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.disclosure.same.sqlite_pages import DamagedTableError, UnplainFileError, table_batches

KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "TEXT": (pa.string(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)),
    "INTEGER": (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300)),
    "REAL": (pa.float64(), st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9).map(float)),
}
ROW = pa.schema([("name", pa.string()), ("number", pa.int64())])


def stored(path: Path, rows: Sequence[Sequence[Any]], *, columns: str, page: int = 4096) -> Path:
    """Write rows into the table `t`, one after the other."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA page_size = {page}")
        database.execute(f"CREATE TABLE t ({columns})")
        marks = ", ".join("?" for _ in columns.split(","))
        database.executemany(f"INSERT INTO t VALUES ({marks})", rows)
        database.commit()
    return path


def read(path: Path, schema: pa.Schema) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        [[root]] = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 't'").fetchall()
    return [tuple(row.values()) for batch in table_batches(path, root, schema) for row in batch.to_pylist()]


def reading(path: Path) -> tuple[str, list[tuple[Any, ...]]]:
    """Return what a reading complains of, or what it finds."""
    try:
        return "", read(path, ROW)
    except (DamagedTableError, UnplainFileError) as error:
        return repr(error), []


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Return the declared types of a table's columns, and rows of them, some with nulls."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=12))
    row = st.tuples(*(st.none() | KINDS[kind][1] for kind in kinds)).map(list)
    some = draw(st.lists(row, min_size=0, max_size=12))
    return kinds, some * draw(st.sampled_from([1, 1, 40]))


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables(), page=st.sampled_from([512, 1024, 4096, 65_536]))
def test_every_table_is_read_as_the_driver_reads_it(
    table: tuple[list[str], list[list[Any]]], page: int, tmp_path: Path
) -> None:
    kinds, rows = table
    columns = ", ".join(f"c{place} {kind}" for place, kind in enumerate(kinds))
    path = stored(tmp_path / "t.sqlite", rows, columns=columns, page=page)
    schema = pa.schema([(f"c{place}", KINDS[kind][0]) for place, kind in enumerate(kinds)])
    try:
        found = read(path, schema)
    except UnplainFileError:
        assert any(len("".join(str(cell) for cell in row).encode()) > page // 4 for row in rows)
        return
    assert found == [tuple(row) for row in rows]


def test_a_tree_of_many_pages_is_read_in_order(tmp_path: Path) -> None:
    rows = [(f"row {number}" if number % 7 else None, number**3) for number in range(30_000)]
    path = stored(tmp_path / "t.sqlite", rows, columns="name TEXT, number INTEGER", page=512)
    assert read(path, ROW) == rows


def test_whole_numbers_in_a_column_of_reals_are_reals(tmp_path: Path) -> None:
    rows = [(3.0,), (None,), (-0.5,), (2.0**60,), (math.pi,), (0.0,), (1.0,)]
    path = stored(tmp_path / "t.sqlite", rows, columns="x REAL")
    found = read(path, pa.schema([("x", pa.float64())]))
    assert found == rows
    assert all(isinstance(cell, float) for (cell,) in found if cell is not None)


def test_rows_with_overflow_and_files_with_a_log_are_left_to_the_driver(tmp_path: Path) -> None:
    path = stored(tmp_path / "t.sqlite", [("a", 1), ("x" * 9_000, 2)], columns="name TEXT, number INTEGER")
    with pytest.raises(UnplainFileError):
        read(path, ROW)
    path = stored(tmp_path / "t.sqlite", [("a", 1)], columns="name TEXT, number INTEGER")
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(UnplainFileError):
        read(path, ROW)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE t SET number = 'x' WHERE rowid = 1",
        "UPDATE t SET name = x'00' WHERE rowid = 1",
        "UPDATE t SET number = 0.5 WHERE rowid = 1",
        "DELETE FROM t WHERE rowid = 7",
        "UPDATE t SET rowid = 99 WHERE rowid = 40",
        "ALTER TABLE t ADD COLUMN more TEXT",
        "UPDATE t SET name = 'shorter' WHERE rowid = 3",
    ],
)
def test_what_the_writer_never_leaves_is_refused(tmp_path: Path, statement: str) -> None:
    rows = [("a name that is long", 1000 + number) for number in range(40)]
    path = stored(tmp_path / "t.sqlite", rows, columns="name TEXT, number INTEGER")
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute(statement)
        if "ADD COLUMN" in statement:
            database.execute("INSERT INTO t VALUES ('a', 2, 'b')")
        database.commit()
    with pytest.raises(DamagedTableError):
        read(path, ROW)


def test_a_damaged_page_is_refused_and_shows_no_value(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "t.sqlite", [("MARKER", number) for number in range(3_000)], columns="name TEXT, number INTEGER"
    )
    whole = bytearray(path.read_bytes())
    for place in (4096, 4096 + 9, 2 * 4096, 2 * 4096 + 4, 2 * 4096 + 9, 3 * 4096 - 3):
        spoiled = bytearray(whole)
        spoiled[place] ^= 0x7F
        path.write_bytes(spoiled)
        said, found = reading(path)
        assert said or found != [("MARKER", number) for number in range(3_000)]
        assert "MARKER" not in said
