"""Slices: together they are the whole, in order, whatever the column holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.source_reader import Read
from servers.postgres import PostgresServer

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources import open_source
from publisher.sources.sql.slices import bounds_between
from publisher.sources.sql.spec import SourcePartition, SqlSource


def sql(query: str, **partition: Any) -> dict[str, Any]:
    return {"kind": "sql", "url": "env:CITY", "query": query, "partition": partition}


def stored(path: Path, values: list[int | None]) -> dict[str, str]:
    with closing(sqlite3.connect(path / "city.db")) as database, database:
        database.execute("DROP TABLE IF EXISTS t")
        database.execute("CREATE TABLE t (a INTEGER)")
        database.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
    return {"CITY": "sqlite:///city.db"}


@pytest.mark.parametrize("width", [{"slices": 3}, {"slices": 1000}, {"step": 7}])
def test_every_row_comes_once_lowest_slice_first(read: Read, tmp_path: Path, width: dict[str, int]) -> None:
    values = [5, None, -40, 0, 5, 99, 41, None, 7, -1]
    rows = read(sql("SELECT a FROM t ORDER BY a", column="a", **width), secrets=stored(tmp_path, values))
    expected = [*sorted(value for value in values if value is not None), None, None]
    assert [None if v is None else int(v) for v in rows.table["a"].to_pylist()] == expected


@pytest.mark.parametrize("values", [[], [None], [3], [3, 3, None], [0, 2**62]])
def test_tables_with_next_to_nothing(read: Read, tmp_path: Path, values: list[int | None]) -> None:
    rows = read(sql("SELECT a FROM t", column="a", slices=4), secrets=stored(tmp_path, values))
    assert len(rows) == len(values)
    assert rows.names == ["a"]


@settings(max_examples=40)
@given(low=st.integers(), width=st.integers(0, 10**6), slices=st.integers(2, 50), step=st.integers(1000, 10**6))
def test_bounds_lie_between_and_rise(low: int, width: int, slices: int, step: int) -> None:
    for partition in (SourcePartition(column="a", slices=slices), SourcePartition(column="a", step=step)):
        bounds = bounds_between(low, low + width, partition)
        assert bounds == sorted(set(bounds))
        assert all(low < bound <= low + width for bound in bounds)


@pytest.mark.parametrize(
    ("lowest", "highest", "step", "bounds"),
    [
        (date(2026, 1, 1), date(2026, 1, 20), 7, [date(2026, 1, 8), date(2026, 1, 15)]),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=UTC), 3600,
         [datetime(2026, 1, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=UTC)]),
        (Decimal("1.5"), Decimal("30.2"), 10, [10, 20, 30]),
    ],
)  # fmt: skip
def test_dates_times_and_decimals_have_bounds(lowest: Any, highest: Any, step: int, bounds: list[Any]) -> None:
    assert bounds_between(lowest, highest, SourcePartition(column="a", step=step)) == bounds


@pytest.mark.parametrize("values", [("a", "b"), (float("nan"), float("nan")), (True, True), (b"x", b"y")])
def test_other_columns_are_refused_by_name(values: tuple[Any, Any]) -> None:
    with pytest.raises(SourceError, match="`ward`, which holds no whole numbers"):
        bounds_between(*values, SourcePartition(column="ward", slices=2))


def test_a_tiny_step_is_refused_before_a_million_queries() -> None:
    with pytest.raises(SourceError, match="more than 10000 slices"):
        bounds_between(0, 10**9, SourcePartition(column="a", step=1))


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 3])
def test_connections_share_one_snapshot_and_keep_the_order(postgres: PostgresServer, connections: int) -> None:
    name = postgres.new_database()
    postgres.execute(
        'CREATE TABLE t AS SELECT a, a % 100 / 100.0 AS "Phần" FROM generate_series(1, 200000) a', database=name
    )
    spec = SqlSource.model_validate({
        **sql("SELECT * FROM t -- all", column="Phần", slices=7, connections=connections),
        "count_query": "SELECT count(*) FROM t",
        "control_totals": [{"expression": "sum(a)", "equals": "sum(a)"}],
    })  # fmt: skip
    secrets = Secrets({"CITY": postgres.url(name)})
    with open_source(spec, fields=[], secrets=secrets, folder=None) as stream:  # type: ignore[arg-type]
        batches = stream.batches()
        first = next(batches)
        postgres.execute("DELETE FROM t WHERE a > 100000", "INSERT INTO t VALUES (1, 0.5)", database=name)
        table = [first, *batches]
    assert sum(batch.num_rows for batch in table) == stream.expected_rows == 200_000
    shares = [Decimal(value) for batch in table for value in batch["Phần"].to_pylist()]
    slices = [int(share * 7 // Decimal("0.99")) for share in shares]
    assert len(set(slices)) > 5
    assert len({a for batch in table for a in batch["a"].to_pylist()}) == 200_000


@pytest.mark.server
@pytest.mark.slow
def test_a_slice_that_fails_ends_all_connections(read: Read, postgres: PostgresServer) -> None:
    query = "SELECT a, 1 / (a - 150000) AS b FROM generate_series(1, 200000) a"
    with pytest.raises(SourceError, match="does not fit"):
        read(sql(query, column="a", slices=4, connections=2), secrets={"CITY": postgres.url()})
    spec = SqlSource.model_validate(
        sql("SELECT a FROM generate_series(1, 3000000) a", column="a", slices=6, connections=3)
    )
    secrets = Secrets({"CITY": postgres.url()})
    with open_source(spec, fields=[], secrets=secrets, folder=None) as stream:  # type: ignore[arg-type]
        next(stream.batches())  # and no more
    assert (
        len(read({"kind": "sql", "url": "env:CITY", "query": "SELECT 1 AS a"}, secrets={"CITY": postgres.url()})) == 1
    )
