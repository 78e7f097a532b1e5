"""PostgreSQL through ADBC: typed, streamed, one snapshot."""

from __future__ import annotations

import re
import tracemalloc
from datetime import date

import pyarrow as pa
import pytest
from samples.source_reader import Read
from servers.postgres import PostgresServer

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources import open_source
from publisher.sources.spec import SqlSource

pytestmark = [pytest.mark.server, pytest.mark.slow]


def sql(query: str, count: str | None = None) -> dict[str, object]:
    return {"kind": "sql", "url": "env:CITY", "query": query, "count_query": count}


def test_types_stay_and_what_arrow_lacks_becomes_text(read: Read, postgres: PostgresServer) -> None:
    query = """
        SELECT 7::bigint AS i, 1.50::numeric AS n, 'NaN'::numeric AS nan, DATE '2026-11-22' AS d, true AS b,
               TIMESTAMP '2026-11-22 08:30' AS t, TIMESTAMPTZ '2026-11-22 08:30+07' AS z, '{"k": 1}'::jsonb AS j,
               'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u, NULL::text AS nothing -- the last column
    """
    rows = read(sql(query), secrets={"CITY": postgres.url()})
    kinds = {field.name: str(field.type) for field in rows.table.schema}
    assert kinds == {
        "i": "int64", "n": "string", "nan": "string", "d": "date32[day]", "b": "bool", "t": "timestamp[us]",
        "z": "timestamp[us, tz=UTC]", "j": "string", "u": "string", "nothing": "string",
    }  # fmt: skip
    assert (rows[0]["n"], rows[0]["d"], rows[0]["j"]) == ("1.50", date(2026, 11, 22), '{"k": 1}')
    assert rows[0]["u"] == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    assert rows[0]["z"].isoformat() == "2026-11-22T01:30:00+00:00"


def test_values_at_the_edge_of_their_types(read: Read, postgres: PostgresServer) -> None:
    """Far dates keep a number outside every calendar, which validation sends to quarantine; 24:00 stays 24:00."""
    query = """
        SELECT 123456789012345678901234567890.0123456789::numeric AS n, 'infinity'::float8 AS f, 'NaN'::float4 AS nan,
               TIME '24:00' AS midnight, TIME '08:30:00.5' AS morning, '0044-03-15 BC'::date AS bc,
               'infinity'::date AS never, '-infinity'::timestamptz AS ever, 'a'::mood AS mood, repeat('ệ', 5000000) AS long
    """
    name = postgres.new_database()
    postgres.execute("CREATE TYPE mood AS ENUM ('a', 'b')", database=name)
    table = read(sql(query), secrets={"CITY": postgres.url(name)}).table
    plain = table.select(["n", "f", "midnight", "morning", "mood"]).to_pylist()[0]
    assert plain == {
        "n": "123456789012345678901234567890.0123456789", "f": float("inf"), "midnight": "24:00:00",
        "morning": "08:30:00.500000", "mood": "a",
    }  # fmt: skip
    assert len(table["long"][0].as_py()) == 5_000_000
    first_day, last_day = date.min.toordinal() - date(1970, 1, 1).toordinal(), date.max.toordinal()
    for column in ("bc", "never"):
        assert not first_day <= table[column].cast(pa.int32())[0].as_py() <= last_day


@pytest.mark.parametrize("value", ["array[1]", "'1.1.1.1'::inet", "'\\x00'::bytea", "interval '1 day'", "12.5::money"])
def test_a_type_no_file_can_hold_is_refused_by_name(read: Read, postgres: PostgresServer, value: str) -> None:
    with pytest.raises(SourceError, match="The column `odd` has a type") as raised:
        read(sql(f"SELECT {value} AS odd"), secrets={"CITY": postgres.url()})
    assert re.search("text|numeric", raised.value.cure)


def test_rows_come_in_batches_of_some_megabytes(postgres: PostgresServer) -> None:
    query = "SELECT a, md5(a::text) AS b, md5((a + 1)::text) AS c FROM generate_series(1, 500000) a"
    spec = SqlSource(kind="sql", url="env:U", query=query)
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    with open_source(spec, fields=[], secrets=Secrets({"U": postgres.url()}), folder=None) as stream:  # type: ignore[arg-type]
        sizes = [(batch.num_rows, pa.total_allocated_bytes() - before) for batch in stream.batches()]
    tracemalloc.stop()
    assert sum(rows for rows, _ in sizes) == 500_000
    assert len(sizes) > 3
    assert max(held for _, held in sizes) < 32_000_000


def test_count_and_rows_see_one_snapshot(postgres: PostgresServer) -> None:
    name = postgres.new_database()
    postgres.execute("CREATE TABLE t AS SELECT a FROM generate_series(1, 100000) a", database=name)
    spec = SqlSource(kind="sql", url="env:U", query="SELECT a FROM t", count_query="SELECT count(*) FROM t;")
    with open_source(spec, fields=[], secrets=Secrets({"U": postgres.url(name)}), folder=None) as stream:  # type: ignore[arg-type]
        postgres.execute("INSERT INTO t SELECT 0 FROM generate_series(1, 10)", database=name)
        assert sum(batch.num_rows for batch in stream.batches()) == stream.expected_rows == 100_000


def test_an_empty_table_still_shows_its_columns(read: Read, postgres: PostgresServer) -> None:
    rows = read(sql("SELECT 1 AS a, 'x'::text AS b WHERE false"), secrets={"CITY": postgres.url()})
    assert (len(rows), rows.names) == (0, ["a", "b"])


def test_a_source_left_half_read_can_be_opened_again(read: Read, postgres: PostgresServer) -> None:
    spec = SqlSource(kind="sql", url="env:U", query="SELECT a FROM generate_series(1, 3000000) a")
    with open_source(spec, fields=[], secrets=Secrets({"U": postgres.url()}), folder=None) as stream:  # type: ignore[arg-type]
        next(iter(stream.batches()))
    assert len(read(sql("SELECT 1 AS a"), secrets={"CITY": postgres.url()})) == 1
