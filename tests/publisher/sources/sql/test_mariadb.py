"""MariaDB, a real server: its types, its refusals, one snapshot, flat batches."""

from __future__ import annotations

import pytest
from samples.source_reader import Read
from servers.mariadb import MariaDbServer

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets
from publisher.sources import open_source
from publisher.sources.spec import SqlSource

pytestmark = [pytest.mark.server, pytest.mark.slow]

MARKED = "0912345678-marked"
EVERY_TYPE = """CREATE TABLE t (
    i int PRIMARY KEY, n decimal(30,10), d date, z datetime(6), ts timestamp NULL, b tinyint(1), bits bit(1), j json,
    e enum('a','b'), tm time(6), y year, l varchar(50) CHARACTER SET latin1, tx longtext, f double, bl blob,
    big bigint unsigned)"""


def sql(query: str, **more: object) -> dict[str, object]:
    return {"kind": "sql", "url": "env:CITY", "query": query, **more}


@pytest.fixture(scope="module")
def database(mariadb: MariaDbServer) -> str:
    """Return a database with one row of ordinary and one of extreme values."""
    name = mariadb.new_database()
    long_text = "Phản ánh " * 200_000
    insert = "INSERT INTO t VALUES (" + ", ".join(["%s"] * 16) + ")"
    rows = [
        (1, "1234567890123456789.0123456789", "0000-00-00", "0000-00-00 00:00:00", None, 1, 1, '{"a":1}', "a",
         "-10:00:00.5", 2026, "Hôtel déjà", long_text, 0.1, None, 18446744073709551615),
        (2, None, "2026-00-13", "9999-12-31 23:59:59.999999", "2026-11-22 01:02:03", 0, 0, "[]", "b",
         "838:59:59", 1901, "ÿ", "😀 %s", 1e300, b"\x00\xff", 0),
    ]  # fmt: skip
    mariadb.execute(EVERY_TYPE, insert, database=name, rows=rows)
    return name


def test_every_type_comes_as_exact_text(read: Read, mariadb: MariaDbServer, database: str) -> None:
    query = "SELECT i, n, d, z, ts, b, j, e, tm, y, l, f, big, length(tx) AS bytes, tx FROM t ORDER BY i"
    rows = read(sql(query), secrets={"CITY": mariadb.url(database)})
    first, second = rows[0], rows[1]
    assert len(first.pop("tx")) == 9 * 200_000
    assert first == {
        "i": "1", "n": "1234567890123456789.0123456789", "d": "0000-00-00", "z": "0000-00-00 00:00:00.000000",
        "ts": None, "b": "1", "j": '{"a":1}', "e": "a", "tm": "-10:00:00.500000", "y": "2026", "l": "Hôtel déjà",
        "f": "0.1", "big": "18446744073709551615", "bytes": str(len("Phản ánh ".encode()) * 200_000),
    }  # fmt: skip
    assert second == {
        "i": "2", "n": None, "d": "2026-00-13", "z": "9999-12-31T23:59:59.999999", "ts": "2026-11-22T01:02:03",
        "b": "0", "j": "[]", "e": "b", "tm": "838:59:59", "y": "1901", "l": "ÿ", "f": "1e+300", "big": "0",
        "bytes": "7", "tx": "😀 %s",
    }  # fmt: skip


@pytest.mark.parametrize("column", ["bits", "bl"])
def test_binary_columns_are_refused_by_name(read: Read, mariadb: MariaDbServer, database: str, column: str) -> None:
    with pytest.raises(SourceError, match=f"`{column}` holds binary data"):
        read(sql(f"SELECT {column} FROM t"), secrets={"CITY": mariadb.url(database)})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT a FROM missing", "a table of the query is not there (`missing`)"),
        ("SELECT missing FROM t", "a column of the query is not there (`missing`)"),
        ("SELEC 1", "the query is no valid SQL"),
        ("DELETE FROM t", "sources are only read"),
        ("INSERT INTO t (i) VALUES (9) RETURNING i", "sources are only read"),
        ("SELECT 1 AS a, 2 AS a", "two columns `a`"),
        ("SELECT sleep(9) AS a", "statement_timeout_seconds"),
        (f"SELECT extractvalue('<a>', concat('/', '{MARKED}', '(')) AS a", ""),
    ],
)
@pytest.mark.parametrize("scheme", ["mariadb", "mysql"])
def test_a_wrong_query_is_reported_with_cure(
    read: Read, mariadb: MariaDbServer, database: str, scheme: str, query: str, message: str
) -> None:
    with pytest.raises(SourceError) as raised:
        read(sql(query, statement_timeout_seconds=1), secrets={"CITY": mariadb.url(database, scheme=scheme)})
    assert message in raised.value.message
    assert raised.value.cure
    assert MARKED not in str(raised.value)


def test_whom_the_server_does_not_let_in(read: Read, mariadb: MariaDbServer, database: str) -> None:
    for address, message in (
        (mariadb.url(database, password="wrong-one"), "refused user or password"),
        (mariadb.url("absent"), "the database is not there"),
        (mariadb.url(database).replace(f":{mariadb.port}/", ":1/"), "cannot be reached"),
    ):
        with pytest.raises(SourceError, match=message) as raised:
            read(sql("SELECT 1 AS a"), secrets={"CITY": address})
        assert "wrong-one" not in str(raised.value)
    mariadb.execute(
        "CREATE TABLE closed (a int)", f"CREATE USER weak_{database}@127.0.0.1 IDENTIFIED BY 'x'",
        f"GRANT SELECT ON {database}.t TO weak_{database}@127.0.0.1", database=database,
    )  # fmt: skip
    with pytest.raises(SourceError, match="may not read"):
        read(
            sql("SELECT a FROM closed"), secrets={"CITY": mariadb.url(database, user=f"weak_{database}", password="x")}
        )


def test_count_totals_and_slices_see_one_snapshot(mariadb: MariaDbServer) -> None:
    name = mariadb.new_database()
    mariadb.execute("CREATE TABLE n AS SELECT seq AS a, seq / 100 AS b FROM seq_1_to_50000", database=name)
    spec = SqlSource.model_validate(
        sql(
            "SELECT a, b FROM n",
            count_query="SELECT count(*) FROM n",
            control_totals=[{"query": "SELECT sum(b) FROM n", "equals": "sum(b)"}],
            partition={"column": "a", "slices": 5},
        )
    )
    secrets = Secrets({"CITY": mariadb.url(name)})
    with open_source(spec, fields=[], secrets=secrets, folder=None) as stream:  # type: ignore[arg-type]
        mariadb.execute("INSERT INTO n VALUES (1, 1)", "DELETE FROM n WHERE a > 40000", database=name)
        batches = list(stream.batches())
    assert sum(batch.num_rows for batch in batches) == stream.expected_rows == 50_000
    assert [int(value) for batch in batches for value in batch["a"].to_pylist()] == list(range(1, 50_001))


def test_rows_are_fetched_as_they_are_needed(mariadb: MariaDbServer) -> None:
    """The server streams: a query of a hundred million rows gives its first batch at once."""
    spec = SqlSource.model_validate(sql("SELECT seq AS a FROM seq_1_to_100000000", batch_rows=1000))
    secrets = Secrets({"CITY": mariadb.url()})
    with open_source(spec, fields=[], secrets=secrets, folder=None) as stream:  # type: ignore[arg-type]
        assert next(stream.batches()).num_rows == 1000


def test_several_connections_are_refused(read: Read, mariadb: MariaDbServer, database: str) -> None:
    with pytest.raises(DescriptorError, match="only PostgreSQL"):
        read(sql("SELECT i FROM t", partition={"column": "i", "slices": 2, "connections": 2}),
             secrets={"CITY": mariadb.url(database)})  # fmt: skip
