"""Reading only what changed: the merged copy is always what the source holds, or there is no copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sample_release import sample_definition
from samples.source_reader import Read, Rows
from servers.mariadb import MariaDbServer
from servers.postgres import PostgresServer

from publisher.definition_rules import mistakes_between
from publisher.errors import DescriptorError, SourceError
from publisher.sources import Surroundings
from publisher.sources.sql.spec import SqlSource

Execute = Callable[..., None]


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return Surroundings(key=("id",), memory=tmp_path / "memory")


@pytest.fixture
def change(tmp_path: Path) -> Execute:
    """Return a function that runs statements in a database of requests, in which ten lie already."""

    def execute(*statements: str) -> None:
        with closing(sqlite3.connect(tmp_path / "city.db")) as database, database:
            for statement in statements:
                database.execute(statement)

    execute("CREATE TABLE requests (id INTEGER, state TEXT, at TEXT)")
    for number in range(10):
        execute(f"INSERT INTO requests VALUES ({number}, 'open', '2026-11-22 08:00:0{number}')")
    return execute


def sql(query: str = "SELECT * FROM requests", column: str = "at", **more: Any) -> dict[str, Any]:
    increment = {"column": column, "overlap": more.pop("overlap", 0)}
    counted = {"count_query": "SELECT count(*) FROM requests"}
    return {"kind": "sql", "url": "env:CITY", "query": query, "incremental": increment, **counted, **more}


def take(read: Read, around: Surroundings, **more: Any) -> Rows:
    return read(sql(**more), secrets={"CITY": "sqlite:///city.db"}, surroundings=around)


def states(rows: Rows) -> dict[str, str]:
    return dict(zip(rows.table["id"].to_pylist(), rows.table["state"].to_pylist(), strict=True))


def test_new_and_changed_rows_are_merged_by_key(read: Read, around: Surroundings, change: Execute) -> None:
    assert len(take(read, around)) == 10
    change("UPDATE requests SET state = 'done', at = '2026-11-22 09:00:00' WHERE id = 3",
           "INSERT INTO requests VALUES (10, 'open', '2026-11-22 09:30:00'), (11, 'late', NULL)")  # fmt: skip
    rows = take(read, around)
    assert rows.notes == ["Read 4 rows that may have changed, of 12."]  # the highest of before is asked for again
    assert states(rows) == {**{str(n): "open" for n in range(11)}, "3": "done", "11": "late"}


def test_nothing_new_leaves_the_copy_as_it_is(read: Read, around: Surroundings, change: Execute) -> None:
    first = take(read, around)
    assert take(read, around, overlap=3600).table == first.table == take(read, around).table


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM requests WHERE id = 4",
        "INSERT INTO requests VALUES (20, 'open', '2026-11-01 00:00:00')",
        "UPDATE requests SET id = 50 WHERE id = 5",
    ],
)
def test_what_no_watermark_shows_ends_in_a_full_reading(
    read: Read, around: Surroundings, change: Execute, statement: str
) -> None:
    take(read, around)
    change(statement, "INSERT INTO requests VALUES (30, 'open', '2026-11-23 00:00:00')")
    whole = {"control_totals": [{"query": "SELECT sum(id) FROM requests", "equals": "sum(id)"}]}
    rows = take(read, around, **whole)
    fresh = take(read, replace(around, memory=None), **whole)
    assert states(rows) == states(fresh)
    assert rows.notes == ["Rows were deleted, or changed without a new watermark; the table was read in full."]


def test_a_late_commit_is_found_within_the_overlap(read: Read, around: Surroundings, change: Execute) -> None:
    take(read, around, overlap=60)
    change("INSERT INTO requests VALUES (12, 'late', '2026-11-22 08:00:01')")
    assert take(read, around, overlap=60).notes == ["Read 11 rows that may have changed, of 11."]


def test_another_column_reads_everything(read: Read, around: Surroundings, change: Execute) -> None:
    take(read, around)
    change("ALTER TABLE requests ADD COLUMN ward TEXT")
    rows = take(read, around)
    assert rows.names == ["id", "state", "at", "ward"]
    assert rows.notes == ["Columns changed; the table was read in full."]


@pytest.mark.parametrize("broken", ["query", "file", "restored"])
def test_a_copy_that_is_not_to_be_believed_is_not(
    read: Read, around: Surroundings, change: Execute, broken: str
) -> None:
    take(read, around)
    query = "SELECT * FROM requests"
    if broken == "query":
        query += " ORDER BY id"
    elif broken == "file":
        (around.memory or Path()).joinpath("base.parquet").write_bytes(b"PAR1")
    else:  # an old backup came back: the highest watermark fell
        change("DELETE FROM requests WHERE id = 9", "INSERT INTO requests VALUES (19, 'old', '2026-11-01 00:00:00')")
    rows = take(read, around, query=query)
    assert rows.notes == []
    assert len(rows) == 10


def test_a_reading_that_does_not_add_up_leaves_the_copy(read: Read, around: Surroundings, change: Execute) -> None:
    take(read, around)
    file = (around.memory or Path()) / "base.parquet"
    before = file.read_bytes()
    change("INSERT INTO requests VALUES (10, 'open', '2026-11-23 00:00:00')")
    with pytest.raises(SourceError, match="Control totals differ"):
        take(read, around, count_query="SELECT 99")
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["base.parquet"]
    assert file.stat().st_mode & 0o077 == file.parent.stat().st_mode & 0o077 == 0


def test_the_copy_goes_when_the_definition_no_longer_wants_it(
    read: Read, around: Surroundings, change: Execute
) -> None:
    take(read, around)
    read({"kind": "sql", "url": "env:CITY", "query": "SELECT * FROM requests"},
         secrets={"CITY": "sqlite:///city.db"}, surroundings=around)  # fmt: skip
    assert list((around.memory or Path()).iterdir()) == []


def test_definitions_that_could_lose_rows_are_refused(read: Read, around: Surroundings, change: Execute) -> None:
    with pytest.raises(ValidationError, match="needs `count_query`"):
        SqlSource.model_validate({**sql(), "count_query": None})
    with pytest.raises(DescriptorError, match="primaryKey"):
        take(read, replace(around, key=()))
    with pytest.raises(DescriptorError, match="columns that the query does not give: other"):
        take(read, replace(around, key=("other",)))
    with pytest.raises(DescriptorError, match="no ISO dates"):
        take(read, around, column="state", overlap=1)
        take(read, around, column="state", overlap=1)


def test_a_definition_without_a_key_to_merge_by_is_a_mistake() -> None:
    table = sample_definition().resources[0]
    source = SqlSource.model_validate({**sql(), "url": "env:SAMPLE_URL"})
    for key, mistakes in ([], 1), (["id"], 0):
        schema = table.schema_.model_copy(update={"primaryKey": key})
        changed = table.model_copy(update={"source": source, "schema_": schema})
        definition = sample_definition().model_copy(update={"resources": [changed]})
        assert len(list(mistakes_between(definition))) == mistakes


def test_a_watermark_never_breaks_out_of_the_query(read: Read, around: Surroundings, change: Execute) -> None:
    change("""INSERT INTO requests VALUES (66, 'z'' OR 1=1 --', '2026-11-24 00:00:00')""")
    take(read, around, column="state")
    with pytest.raises(SourceError, match="no numbers, dates, times or plain codes") as raised:
        take(read, around, column="state")
    assert "OR 1" not in str(raised.value)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    nights=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["insert", "update", "delete", "silent"]), st.integers(0, 12), st.sampled_from("abc")
            ),
            max_size=6,
        ),
        max_size=4,
    )
)
def test_whatever_happens_in_between_the_copy_has_the_rows_of_the_source(
    read: Read, tmp_path_factory: pytest.TempPathFactory, nights: list[list[tuple[str, int, str]]]
) -> None:
    """Silent changes, which move no watermark, are found by the control total."""
    folder = tmp_path_factory.mktemp("nights")
    address = {"CITY": f"sqlite:///{folder / 'city.db'}"}
    around = Surroundings(key=("id",), memory=folder / "memory")
    clock = 0
    spec = sql(
        column="at", control_totals=[{"query": "SELECT sum((unicode(state) - 96) << id * 2) FROM requests", "equals": "sum(mark)"}],
        query="SELECT *, (unicode(state) - 96) << id * 2 AS mark FROM requests",
    )  # fmt: skip
    with closing(sqlite3.connect(folder / "city.db")) as database:
        database.execute("CREATE TABLE requests (id INTEGER PRIMARY KEY, state TEXT, at INTEGER)")
        for night in [[], *nights]:
            for action, key, state in night:
                clock += action in {"insert", "update"}
                database.execute(*{
                    "insert": ("INSERT OR IGNORE INTO requests VALUES (?, ?, ?)", (key, state, clock)),
                    "update": ("UPDATE requests SET state = ?, at = ? WHERE id = ?", (state, clock, key)),
                    "delete": ("DELETE FROM requests WHERE id = ?", (key,)),
                    "silent": ("UPDATE requests SET state = ? WHERE id = ?", (state, key)),
                }[action])  # fmt: skip
            database.commit()
            rows = read(spec, secrets=address, surroundings=around)
            truth = {str(k): s for k, s in database.execute("SELECT id, state FROM requests")}
            assert states(rows) == truth


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "kind", "value"),
    [
        ("postgresql", "timestamp", "'2026-11-2{} 08:00:00.5'"),
        ("postgresql", "timestamptz", "'2026-11-2{} 08:00:00.5+07'"),
        ("postgresql", "date", "'2026-11-2{}'"),
        ("postgresql", "numeric(20,5)", "{}9.5"),
        ("postgresql+psycopg", "timestamptz", "'2026-11-2{} 08:00:00.5+07'"),
        ("mariadb", "datetime(6)", "'2026-11-2{} 08:00:00.5'"),
        ("mariadb", "decimal(20,5)", "{}9.5"),
    ],
)
def test_watermarks_of_every_kind_on_real_servers(
    request: pytest.FixtureRequest, read: Read, around: Surroundings, engine: str, kind: str, value: str
) -> None:
    server: PostgresServer | MariaDbServer
    server = request.getfixturevalue("mariadb" if engine == "mariadb" else "postgres")
    name = server.new_database()
    server.execute(f"CREATE TABLE requests (id int, state varchar(9), at {kind})", database=name)
    rows = ", ".join(f"({n}, 'open', {value.format(n)})" for n in range(1, 6))
    server.execute(f"INSERT INTO requests VALUES {rows}", database=name)
    address = server.url(name) if engine != "postgresql+psycopg" else server.url(name, driver="psycopg")  # type: ignore[call-arg]
    for expected in (5, 6):
        got = read(sql(overlap=1), secrets={"CITY": address}, surroundings=around)
        assert len(got) == expected
        server.execute(f"INSERT INTO requests VALUES (6, 'new', {value.format(6)})", database=name)
    assert got.notes[0].startswith("Read ")
    assert int(got.notes[0].split()[1]) < 6
    assert pq.read_schema((around.memory or Path()) / "base.parquet").names == ["id", "state", "at"]
