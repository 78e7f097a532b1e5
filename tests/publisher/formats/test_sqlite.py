"""SQLite: the same rows with declared types, and a header number that moves with the release."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sample_release import RELEASE, sample_rows, write_form, write_source

from publisher.errors import DisclosureRisk
from publisher.formats.release_files import write_release_files
from publisher.formats.sqlite import MAX_INDEXES, release_number
from publisher.published import PublishedTable


@pytest.fixture(params=["Arrow's driver", "the standard library"], autouse=True)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "the standard library":
        monkeypatch.setattr("publisher.formats.sqlite.has_arrow_driver", lambda: False)
    else:
        pytest.importorskip("adbc_driver_sqlite", reason="the extra `sqlite` is not installed")


@pytest.fixture
def database(source: Path, table: PublishedTable, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    assert write_form("sqlite", source, table, tmp_path / "d.sqlite") == 50
    with closing(sqlite3.connect(f"file:{tmp_path}/d.sqlite?immutable=1", uri=True)) as connection:
        yield connection


def test_types_are_declared_and_values_stored_in_them(database: sqlite3.Connection) -> None:
    declared = {row[1]: row[2] for row in database.execute("PRAGMA table_info(tickets)")}
    assert declared == {
        "id": "INTEGER", "name": "TEXT", "amount": "REAL", "open": "INTEGER",
        "day": "TEXT", "at": "TEXT", "year": "INTEGER", "month": "TEXT",
    }  # fmt: skip
    first = database.execute("SELECT * FROM tickets WHERE id = 0").fetchone()
    assert first == (0, 'Phường "Bến Nghé", Quận 1', 1.5, 1, "2026-11-22", "2026-11-22T10:00:00", 2026, "2026-11")
    kinds = "SELECT DISTINCT typeof(amount) FROM tickets WHERE amount IS NOT NULL"
    assert database.execute(kinds).fetchall() == [("real",)]


def test_rowid_counts_in_release_order(database: sqlite3.Connection) -> None:
    assert database.execute("SELECT rowid - 1, id FROM tickets ORDER BY rowid").fetchall() == [
        (i, i) for i in range(50)
    ]


def test_the_database_is_sound_and_shows_nothing_but_the_tables(database: sqlite3.Connection) -> None:
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    own = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' AND name NOT LIKE '%_words%'"
    assert database.execute(own).fetchall() == [("tickets",)]


def test_order_times_and_texts_of_few_values_are_indexed(database: sqlite3.Connection) -> None:
    indexed = [row[1] for row in database.execute("PRAGMA index_list(tickets)")]
    assert sorted(indexed) == ["tickets_at", "tickets_day", "tickets_id", "tickets_name"]
    assert len(indexed) <= MAX_INDEXES


@pytest.mark.parametrize("word", ["duong", "đường", "ĐƯỜNG", "đuong", '"duong le loi"'])
def test_words_are_found_with_and_without_accents(word: str, database: sqlite3.Connection) -> None:
    folded = word.replace("đ", "d").replace("Đ", "D")
    found = "SELECT DISTINCT highlight(tickets_words, 0, '[', ']') FROM tickets_words WHERE tickets_words MATCH ?"
    (text,) = [row[0] for row in database.execute(found, [folded])]
    assert text.startswith("[Đường")


def test_header_numbers_differ_between_releases(source: Path, table: PublishedTable, tmp_path: Path) -> None:
    seen = set()
    for release in ("2026-11-22.1", "2026-11-22.2", "2026-11-23.1"):
        write_form("sqlite", source, table, tmp_path / "d.sqlite", release=release)
        with closing(sqlite3.connect(tmp_path / "d.sqlite")) as connection:
            (schema,) = connection.execute("PRAGMA schema_version").fetchone()
            (user,) = connection.execute("PRAGMA user_version").fetchone()
            assert connection.execute("SELECT count(*) FROM tickets").fetchone() == (50,)
        assert schema == user == release_number(release)
        seen.add(schema)
    assert len(seen) == 3


def test_release_numbers_of_ten_years_do_not_collide() -> None:
    releases = [
        f"{y}-{m:02}-{d:02}.{n}" for y in range(2026, 2036) for m in range(1, 13) for d in range(1, 29) for n in (1, 2)
    ]
    assert len({release_number(release) for release in releases}) == len(releases)


def test_the_same_rows_give_the_same_bytes(source: Path, table: PublishedTable, tmp_path: Path) -> None:
    for name in ("a.sqlite", "b.sqlite"):
        write_form("sqlite", source, table, tmp_path / name)
    assert (tmp_path / "a.sqlite").read_bytes() == (tmp_path / "b.sqlite").read_bytes()


def test_a_column_named_like_a_keyword_works(tmp_path: Path, table: PublishedTable) -> None:
    from dataclasses import replace

    fields = (replace(table.fields[1], name="group"), replace(table.fields[1], name="order"))
    keywords = replace(table, name="select", fields=fields, sort_by=("order",))
    source = write_source(tmp_path / "s.parquet", {"group": ["a", "b"], "order": ["1", "2"]}, keywords)
    assert write_form("sqlite", source, keywords, tmp_path / "d.sqlite") == 2


def test_undeclared_columns_leave_no_database_behind(source: Path, table: PublishedTable, tmp_path: Path) -> None:
    from dataclasses import replace

    with pytest.raises(DisclosureRisk):
        write_form("sqlite", source, replace(table, fields=table.fields[1:]), tmp_path / "d.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["source.parquet"]


def test_two_tables_share_one_database(source: Path, table: PublishedTable, tmp_path: Path) -> None:
    from dataclasses import replace

    other = replace(table, name="others")
    empty = write_source(tmp_path / "empty.parquet", {name: [] for name in sample_rows()}, other)
    rows = write_release_files(
        [(table, source), (other, empty)], tmp_path, dataset="d", release=RELEASE, formats=["sqlite"]
    )
    assert rows == {"tickets": 50, "others": 0}
    with closing(sqlite3.connect(tmp_path / "d.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM tickets, (SELECT count(*) FROM others)").fetchone() == (50,)
