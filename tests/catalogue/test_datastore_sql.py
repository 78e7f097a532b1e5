"""datastore_search_sql: what people ask, and what nobody may."""

from __future__ import annotations

import pytest
from samples.portal_on_disk import SamplePortal, id_of, open_portal

from catalogue.actions.datastore_sql import datastore_search_sql
from catalogue.errors import BadRequest, CatalogueError, NotAuthorized, NotFound, ValidationError
from catalogue.model import User

RID = id_of("phan-anh/wards")
HIDDEN = id_of("rieng/wards")


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    portal = open_portal(tmp_path_factory.mktemp("portal"), sqlsearch_enabled=True)
    portal.add_group("so-nv", "Sở Nội vụ")
    portal.add_dataset("phan-anh", organization="so-nv")
    portal.publish("phan-anh", "2026-11-22.1")
    portal.add_dataset("rieng", organization="so-nv", private=True)
    portal.publish("rieng", "2026-11-22.1")
    portal.add_user("lan", organization="so-nv")
    yield portal
    portal.store.close()


def run(portal: SamplePortal, sql: str) -> dict:
    return portal.call(datastore_search_sql, sql=sql.replace("@T", f'"{RID}"'))


def rows(portal: SamplePortal, sql: str) -> list[list]:
    return [list(record.values()) for record in run(portal, sql)["records"]]


@pytest.mark.slow
def test_all_columns_have_names_types_and_json_values(portal: SamplePortal) -> None:
    answer = run(portal, "SELECT * FROM @T ORDER BY _id LIMIT 1 OFFSET 1")
    assert answer["records"] == [
        {
            "_id": 2,
            "ward": "Sài Gòn",
            "requests": 7,
            "hours": None,
            "is_open": False,
            "day": "2026-11-02",
            "seen_at": "2026-11-02T09:00:00",
        }
    ]
    kinds = {field["id"]: field["type"] for field in answer["fields"]}
    assert kinds["_id"] == "int"
    assert (kinds["hours"], kinds["is_open"], kinds["seen_at"]) == ("numeric", "bool", "timestamp")
    assert answer["sql"].startswith("SELECT *")
    assert "records_truncated" not in answer


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT COUNT(*) FROM @T", [[5]]),
        ("SELECT ward FROM @T WHERE ward ILIKE 'BẾN%' ORDER BY _id", [["Bến Thành"], ["Bến Cát"]]),
        ("SELECT ward FROM @T WHERE ward LIKE 'bến%'", []),
        ("SELECT ward FROM @T WHERE ward LIKE '%C_t'", [["Bến Cát"]]),
        (r"SELECT ward FROM @T WHERE ward LIKE '50\%\_%'", [["50%_off"]]),
        ("SELECT DISTINCT requests FROM @T WHERE requests BETWEEN 5 AND 20 ORDER BY requests DESC", [[12], [7]]),
        ("SELECT requests, COUNT(*) AS n FROM @T GROUP BY requests HAVING COUNT(*) > 1", [[7, 2]]),
        ("SELECT hours::int, requests::text FROM @T WHERE _id = 1", [[1, "12"]]),
        ("SELECT date_trunc('month', seen_at), extract(day from seen_at) FROM @T WHERE _id=2", [["2026-11-01T00:00:00", 2]]),
        ("SELECT upper(ward), length(ward) FROM @T WHERE _id = 3", [["ĐÔNG THẠNH", 10]]),
        ("SELECT sum(requests) FROM @T WHERE is_open = true", [[19]]),
        ("SELECT a.ward FROM @T AS a WHERE a.requests IN (SELECT 3)", [["50%_off"]]),
        ("WITH open AS (SELECT * FROM @T WHERE is_open) SELECT count(*) FROM open", [[2]]),
        ("SELECT CASE WHEN requests > 10 THEN 'many' ELSE 'few' END FROM @T WHERE _id < 3 ORDER BY 1", [["few"], ["many"]]),
        ("SELECT count(*) FROM @T AS a, @T AS b WHERE a._id < b._id", [[10]]),
        ("SELECT coalesce(requests, 0) || ' x' FROM @T WHERE _id = 3", [["0 x"]]),
    ],
)  # fmt: skip
def test_what_people_ask(portal: SamplePortal, sql: str, expected: list) -> None:
    assert rows(portal, sql) == expected


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ("COUNT(*)", ["count"]),
        ("ward, avg(requests), Max(hours)", ["ward", "avg", "max"]),
        ("requests::text, (requests + 1)::int, count(*)::text", ["requests", "int4", "count"]),
        ("1, 'x', requests + 1, true", ["?column?", "?column?", "?column?", "bool"]),
        ("coalesce(hours, 0), upper(ward), trim(ward)", ["coalesce", "upper", "btrim"]),
        ("CASE WHEN requests > 1 THEN 2 ELSE 3 END, CASE WHEN is_open THEN 1 ELSE requests END", ["case", "requests"]),
        ("date_trunc('month', seen_at), extract(year from seen_at)", ["date_trunc", "extract"]),
        ("row_number() OVER (ORDER BY _id), count(*) FILTER (WHERE is_open)", ["row_number", "count"]),
        ("(SELECT max(requests) FROM @T)", ["max"]),
    ],
)  # fmt: skip
def test_unnamed_columns_have_the_names_of_postgresql(portal: SamplePortal, columns: str, names: list) -> None:
    grouped = " GROUP BY ward, requests, hours, is_open, seen_at, _id" if "(" in columns else ""
    answer = run(portal, f"SELECT {columns} FROM @T{grouped} LIMIT 1")
    shown = [field["id"] for field in answer["fields"]]
    assert shown == names
    assert list(answer["records"][0]) == list(dict.fromkeys(names))


def test_an_unnamed_column_can_be_asked_for_by_its_name(portal: SamplePortal) -> None:
    assert rows(portal, "SELECT count FROM (SELECT count(*) FROM @T) AS inner_rows") == [[5]]
    assert rows(portal, "SELECT requests, count(*) FROM @T GROUP BY requests ORDER BY count DESC LIMIT 1") == [[7, 2]]


def test_computed_columns_have_types_of_their_values(portal: SamplePortal) -> None:
    fields = run(portal, "SELECT count(*) AS requests, avg(hours) AS mean, max(ward) AS last FROM @T")["fields"]
    assert [field["type"] for field in fields] == ["int8", "numeric", "text"]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("DELETE FROM @T", "Invalid query AST element: DeleteStmt"),
        ("INSERT INTO @T VALUES (1)", "Invalid query AST element: InsertStmt"),
        ("DROP TABLE @T", "Invalid query AST element: DropStmt"),
        ("SELECT 1; DROP TABLE @T", "Query is not a single statement."),
        ("PRAGMA database_list", "Invalid query AST element"),
        ("ATTACH 'x' AS y", "The query cannot be read"),
        ("SELECT FROM WHERE", "The query cannot be read"),
        ("SELECT * INTO x FROM @T", "Invalid query AST element"),
        ("WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM x) SELECT * FROM x", "WITH RECURSIVE"),
        ("WITH x AS (DELETE FROM @T RETURNING *) SELECT * FROM x", "DeleteStmt"),
        ("SELECT zz FROM @T", 'column "zz" does not exist'),
        ("SELECT ward FROM @T WHERE (" + "(" * 400 + "1" + ")" * 400 + ")=1", ""),
        ("SELECT " + "1+" * 20000 + "1", "too long"),
    ],
)
def test_what_is_refused(portal: SamplePortal, sql: str, error: str) -> None:
    with pytest.raises(CatalogueError) as raised:
        run(portal, sql)
    assert raised.value.status in {404, 409}
    assert error in str(raised.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pg_sleep(3)",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT load_extension('x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT current_user",
        "SELECT * FROM pg_catalog.pg_tables",
        "SELECT * FROM pg_user",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT query_to_xml('select 1', true, true, '')",
        f'SELECT count(*) FROM "{HIDDEN}"',
    ],
)
def test_functions_and_tables_that_are_nobodys_business(portal: SamplePortal, sql: str) -> None:
    with pytest.raises(NotAuthorized):
        portal.call(datastore_search_sql, sql=sql)


def test_members_read_their_private_rows(portal: SamplePortal) -> None:
    with portal.store.read() as session:
        lan = session.get(User, id_of("lan"))
        answer = datastore_search_sql(portal.context(session, lan), {"sql": f'SELECT count(*) AS n FROM "{HIDDEN}"'})
    assert answer["records"] == [{"n": 5}]


def test_unknown_tables_and_missing_sql(portal: SamplePortal) -> None:
    with pytest.raises(NotFound):
        portal.call(datastore_search_sql, sql='SELECT * FROM "nope"')
    for sql in ("", None, ["x"], {"a": 1}):
        with pytest.raises(ValidationError) as raised:
            portal.call(datastore_search_sql, sql=sql)
        assert raised.value.error_dict == {"sql": ["Missing value"]}


def test_a_query_without_end_is_stopped(portal: SamplePortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalogue.rows.sql_run.SECONDS", 0.2)
    aliases = ", ".join(f'"{RID}" AS x{n}' for n in range(14))
    with pytest.raises(ValidationError, match="too long"):
        portal.call(datastore_search_sql, sql=f"SELECT count(*) FROM {aliases}")


def test_long_answers_are_cut_and_say_so(portal: SamplePortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalogue.rows.sql_run.MAX_ROWS", 3)
    answer = run(portal, "SELECT _id FROM @T ORDER BY _id")
    assert [record["_id"] for record in answer["records"]] == [1, 2, 3]
    assert answer["records_truncated"] is True


def test_switched_off_it_is_an_unknown_action(tmp_path) -> None:
    portal = open_portal(tmp_path)
    with pytest.raises(BadRequest, match="Bad request: Action name not known: datastore_search_sql"):
        portal.call(datastore_search_sql, sql="SELECT 1")
    portal.store.close()
