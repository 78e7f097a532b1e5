"""SQL through SQLAlchemy: SQLite as it is, and PostgreSQL with a driver asked for by name."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from samples.source_reader import Read
from servers.postgres import PostgresServer

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets
from publisher.sources import open_source
from publisher.sources.spec import SqlSource

MARKED = "0912345678-marked"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = tmp_path / "city.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE requests (id INTEGER, ward TEXT, share REAL, note TEXT, photo BLOB)")
        database.executemany(
            "INSERT INTO requests VALUES (?, ?, ?, ?, x'00')",
            [(n, f"P{n % 7}", n / 4, None if n % 2 else MARKED) for n in range(1, 1001)],
        )
    return path


def sql(query: str, **more: Any) -> dict[str, Any]:
    return {"kind": "sql", "url": "env:CITY", "query": query, **more}


def test_sqlite_rows_come_as_text_in_bounded_batches(read: Read, city: Path) -> None:
    rows = read(
        sql("SELECT id, ward, share, note FROM requests ORDER BY id;", batch_rows=300),
        secrets={"CITY": f"sqlite:///{city}"},
    )
    assert (len(rows), rows.batches) == (1000, 4)
    assert rows[0] == {"id": "1", "ward": "P1", "share": "0.25", "note": None}
    assert rows[3]["share"] == "1.0"


def test_sqlite_path_may_be_relative_to_the_definition(read: Read, city: Path) -> None:
    assert len(read(sql("SELECT id FROM requests"), secrets={"CITY": "sqlite:///city.db"})) == 1000


def test_count_query_sees_the_same_snapshot_as_the_query(city: Path) -> None:
    spec = SqlSource(
        kind="sql", url="env:U", query="SELECT id FROM requests", count_query="SELECT count(*) FROM requests"
    )
    with closing(sqlite3.connect(city)) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
    with open_source(spec, fields=[], secrets=Secrets({"U": f"sqlite:///{city}"}), folder=city.parent) as stream:
        with closing(sqlite3.connect(city)) as database, database:
            database.execute("INSERT INTO requests (id) VALUES (1001)")
        assert sum(batch.num_rows for batch in stream.batches()) == stream.expected_rows == 1000


def test_an_empty_answer_still_shows_its_columns(read: Read, city: Path) -> None:
    rows = read(sql("SELECT id, ward FROM requests WHERE 0"), secrets={"CITY": f"sqlite:///{city}"})
    assert (len(rows), rows.names) == (0, ["id", "ward"])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT id FROM missing", "a table of the query is not there (`missing`)"),
        ("SELECT missing FROM requests", "a column of the query is not there (`missing`)"),
        ("SELEC id FROM requests", "the query is no valid SQL"),
        ("DELETE FROM requests RETURNING id", "sources are only read"),
        ("SELECT photo FROM requests", "`photo` holds binary data"),
        ("SELECT id AS a, ward AS a FROM requests", "two columns `a`"),
    ],
)
def test_a_wrong_query_is_reported_with_cure(read: Read, city: Path, query: str, message: str) -> None:
    with pytest.raises(SourceError) as raised:
        read(sql(query), secrets={"CITY": f"sqlite:///{city}"})
    assert message in raised.value.message
    assert raised.value.cure


def test_sqlite_is_opened_read_only_and_never_created(read: Read, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not there"):
        read(sql("SELECT 1 AS a"), secrets={"CITY": f"sqlite:///{tmp_path}/absent.db"})
    assert not (tmp_path / "absent.db").exists()


def test_a_file_that_is_no_database_is_named_so(read: Read, tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("x" * 5000)
    with pytest.raises(SourceError, match="no intact SQLite database"):
        read(sql("SELECT a FROM b"), secrets={"CITY": "sqlite:///no.db"})


@pytest.mark.slow
def test_a_query_without_end_is_stopped(read: Read, city: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n"
    with pytest.raises(SourceError, match="statement_timeout_seconds"):
        read(sql(endless, statement_timeout_seconds=1), secrets={"CITY": f"sqlite:///{city}"})


@pytest.mark.parametrize("count", ["SELECT 'many'", "SELECT 1, 2", "SELECT 1 UNION SELECT 2", "SELECT 1 WHERE 0"])
def test_a_count_query_must_give_one_number(read: Read, city: Path, count: str) -> None:
    with pytest.raises(SourceError, match="count_query did not give one number"):
        read(sql("SELECT id FROM requests", count_query=count), secrets={"CITY": f"sqlite:///{city}"})


def test_an_address_that_is_none_is_a_mistake_of_the_definition(read: Read) -> None:
    with pytest.raises(DescriptorError, match="no database address") as raised:
        read(sql("SELECT 1"), secrets={"CITY": "secret words"})
    assert "secret words" not in str(raised.value)


def test_a_missing_driver_is_named(read: Read) -> None:
    with pytest.raises(SourceError, match="driver for `oracle"):
        read(sql("SELECT 1"), secrets={"CITY": "oracle+cx_oracle://u:hidden@h/d"})


@pytest.mark.server
@pytest.mark.slow
def test_any_sqlalchemy_dialect_streams_as_text(read: Read, postgres: PostgresServer) -> None:
    query = (
        "SELECT a::int, a / 4.0 AS part, a % 2 = 0 AS even, DATE '2026-11-22' AS day, "
        "TIMESTAMP '2026-11-22 08:30' AS at, json_build_object('k', a) AS extra FROM generate_series(1, 50000) a"
    )
    rows = read(sql(query, count_query="SELECT 50000"), secrets={"CITY": postgres.url(driver="psycopg")})
    assert (len(rows), rows.expected, rows.batches) == (50_000, 50_000, 3)
    assert rows[1] == {
        "a": "2", "part": "0.50000000000000000000", "even": "true", "day": "2026-11-22", "at": "2026-11-22T08:30:00",
        "extra": '{"k":2}',
    }  # fmt: skip


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize("driver", ["", "psycopg"])
class TestWhatPostgresRefuses:
    """Both roads to PostgreSQL say the same, and neither repeats a cell, an address or a password."""

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("SELECT a FROM missing", "a table of the query is not there (`missing`)"),
            ("SELECT missing FROM pg_class", "a column of the query is not there (`missing`)"),
            ("SELEC 1", "the query is no valid SQL"),
            (f"SELECT x::text::int AS a FROM (VALUES ('1'), ('{MARKED}')) v(x)", "a value in the table does not fit"),
            ("SELECT 1 / (a - 5) AS b FROM generate_series(1, 9) a", "a value in the table does not fit"),
            ("SELECT 1 AS a, 2 AS a", "two columns `a`"),
            ("SELECT 1", "a column without a name"),
            ("DELETE FROM pg_class WHERE relname = 'x' RETURNING 1 AS a", ""),
        ],
    )
    def test_a_wrong_query(self, read: Read, postgres: PostgresServer, driver: str, query: str, message: str) -> None:
        with pytest.raises(SourceError) as raised:
            read(sql(query), secrets={"CITY": postgres.url(driver=driver)})
        assert message in raised.value.message
        assert raised.value.cure
        assert MARKED not in str(raised.value)

    def test_a_wrong_password(self, read: Read, postgres: PostgresServer, driver: str) -> None:
        with pytest.raises(SourceError, match="refused user or password") as raised:
            read(sql("SELECT 1 AS a"), secrets={"CITY": postgres.url(driver=driver, password="wrong-one")})
        assert "wrong-one" not in str(raised.value)

    def test_a_missing_database_and_a_closed_port(self, read: Read, postgres: PostgresServer, driver: str) -> None:
        with pytest.raises(SourceError, match="the database is not there"):
            read(sql("SELECT 1 AS a"), secrets={"CITY": postgres.url("absent", driver=driver)})
        closed = postgres.url(driver=driver).replace(f":{postgres.port}/", ":1/")
        with pytest.raises(SourceError, match="cannot be reached"):
            read(sql("SELECT 1 AS a"), secrets={"CITY": closed})

    def test_a_table_the_account_may_not_read(self, read: Read, postgres: PostgresServer, driver: str) -> None:
        name = postgres.new_database()
        postgres.execute("CREATE TABLE closed (a int)", f"CREATE USER u_{name} PASSWORD 'x'", database=name)
        address = postgres.url(name, driver=driver, user=f"u_{name}", password="x")
        with pytest.raises(SourceError, match="may not read"):
            read(sql("SELECT a FROM closed"), secrets={"CITY": address})

    def test_a_query_that_takes_too_long(self, read: Read, postgres: PostgresServer, driver: str) -> None:
        with pytest.raises(SourceError, match="statement_timeout_seconds"):
            read(sql("SELECT pg_sleep(9)::text AS a", statement_timeout_seconds=1),
                 secrets={"CITY": postgres.url(driver=driver)})  # fmt: skip

    def test_a_server_that_crashes_while_rows_are_read(self, read: Read, postgres: PostgresServer, driver: str) -> None:
        crash = threading.Timer(0.7, postgres.stop, kwargs={"mode": "immediate"})
        crash.start()
        try:
            with pytest.raises(SourceError, match="the connection broke"):
                read(sql("SELECT a, md5(a::text) AS b FROM generate_series(1, 20000000) a"),
                     secrets={"CITY": postgres.url(driver=driver)})  # fmt: skip
        finally:
            crash.join()
            postgres.start()
