"""Control totals: what the source says about its rows, against the rows that came."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from samples.source_reader import Read

from publisher.errors import DescriptorError, SourceError
from publisher.sources.sql.control_totals import Tally


@pytest.fixture
def city(tmp_path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(tmp_path / "city.db")) as database, database:
        database.execute("CREATE TABLE bills (id INTEGER, amount TEXT, share REAL, note TEXT, hidden INTEGER)")
        database.executemany(
            "INSERT INTO bills VALUES (?, ?, ?, 'x', ?)",
            [(n, None if n == 7 else f"{n * 10**12}.05", n / 7, n > 90) for n in range(1, 101)],
        )
    return {"CITY": "sqlite:///city.db"}


def sql(query: str, *totals: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"kind": "sql", "url": "env:CITY", "query": query, "control_totals": list(totals), **more}


@pytest.mark.parametrize(
    "total",
    [
        {"expression": "count(*)", "equals": "count"},
        {"query": "SELECT 100;", "equals": "count"},
        {"expression": "sum(id)", "equals": "sum(id)"},
        {"query": "SELECT '5043000000000004.95'", "equals": "sum(amount)"},
        {"expression": "sum(share)", "equals": "sum( share )"},
    ],
)
def test_totals_that_agree_let_the_rows_pass(read: Read, city: dict[str, str], total: dict[str, str]) -> None:
    assert len(read(sql("SELECT id, amount, share FROM bills", total), secrets=city)) == 100


@pytest.mark.parametrize(
    ("total", "message"),
    [
        ({"query": "SELECT sum(id) FROM bills", "equals": "sum(id)"}, "`sum(id)` is 4095 in the rows read and 5050 in the source"),
        ({"query": "SELECT 100", "equals": "count"}, "`count` is 90 in the rows read and 100 in the source"),
        ({"query": "SELECT sum(share) * 1.000001 FROM bills WHERE NOT hidden", "equals": "sum(share)"}, "`sum(share)` is"),
        ({"query": "SELECT NULL", "equals": "sum(id)"}, "and 0 in the source"),
    ],
)  # fmt: skip
def test_totals_that_differ_refuse_with_both_numbers(
    read: Read, city: dict[str, str], total: dict[str, str], message: str
) -> None:
    with pytest.raises(SourceError) as raised:
        read(sql("SELECT * FROM bills WHERE NOT hidden", total), secrets=city)
    assert message in raised.value.message
    assert raised.value.cure


def test_totals_over_few_rows_are_not_told(read: Read, city: dict[str, str]) -> None:
    total = {"query": "SELECT 1", "equals": "sum(id)"}
    with pytest.raises(SourceError, match="withheld") as raised:
        read(sql("SELECT id FROM bills WHERE id = 42", total), secrets=city)
    assert "42" not in raised.value.message


@pytest.mark.parametrize(
    ("total", "error", "message"),
    [
        (
            {"expression": "sum(id)", "equals": "sum(absent)"},
            DescriptorError,
            "`absent`, which the query does not give",
        ),
        ({"expression": "sum(id)", "equals": "sum(note)"}, SourceError, "not all of its values are numbers"),
        ({"query": "SELECT id FROM bills", "equals": "sum(id)"}, SourceError, "did not give one number"),
        ({"query": "SELECT note FROM bills LIMIT 1", "equals": "count"}, SourceError, "did not give one number"),
    ],
)
def test_totals_that_make_no_sense(
    read: Read, city: dict[str, str], total: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(sql("SELECT id, note FROM bills", total), secrets=city)


@pytest.mark.parametrize(
    "values",
    [pa.array([2**62] * 8), pa.array(["1e-30", "1"]), pa.array(["NaN", "1"]), pa.array([None], pa.null()), pa.array([1.5, float("inf"), float("-inf")])],
)  # fmt: skip
def test_sums_neither_overflow_nor_lose_digits(values: pa.Array) -> None:
    from publisher.sources.sql.control_totals import Claim
    from publisher.sources.sql.spec import ControlTotal

    tally = Tally([])
    tally.claims = [Claim(ControlTotal(query="q", equals="sum(a)"), 0, is_binary=False)]  # type: ignore[arg-type]
    tally.add(pa.record_batch([values], ["a"]))
    exact = {"int64": str(2**65), "null": "0"}.get(str(values.type))
    total = str(tally.sums["a"].total)
    assert total == exact if exact else total in {"1.000000000000000000000000000001", "NaN"}
