"""Rows that organizations push: types, keys, methods, the gate before the public, and what is refused."""

from __future__ import annotations

import contextlib
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.served_catalogue import ServedCatalogue, catalogue_on

from catalogue.errors import NotAuthorized, NotFound, ValidationError
from catalogue.rows.column_types import guessed_type, to_shown, to_stored, type_named
from catalogue.rows.pushed_files import remove_orphans

pytest_plugins = ["servers.postgres"]

FIELDS = [
    {"id": "Phường", "type": "text", "info": {"label": "Tên phường", "notes": "đầy đủ"}},
    {"id": "n", "type": "int"},
    {"id": "gio", "type": "numeric"},
    {"id": "mở", "type": "bool"},
    {"id": "ngày", "type": "date"},
    {"id": "lúc", "type": "timestamp"},
    {"id": "nhãn", "type": "text[]"},
    {"id": "thêm", "type": "json"},
]
RECORD = {
    "Phường": "Bến Thành",
    "n": 5,
    "gio": 1.25,
    "mở": True,
    "ngày": "2026-11-22",
    "lúc": "2026-11-22T08:30:00",
    "nhãn": ["a", "đ"],
    "thêm": {"x": [1, None]},
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Return a catalogue for calls that must not change it; the dataset `khac` has no resources."""
    with catalogue_on(tmp_path_factory.mktemp("shared")) as portal:
        for name in ("boss", "lan"):
            portal.add_user(name, sysadmin=name == "boss")
        portal.call("organization_create", {"name": "so-gtvt"}, user="boss")
        portal.call("organization_member_create", {"id": "so-gtvt", "username": "lan", "role": "editor"}, user="boss")
        portal.call("package_create", {"name": "khac", "owner_org": "so-gtvt"}, user="lan")
        yield portal, pushed_on(portal)


@pytest.fixture
def table(catalogue: ServedCatalogue) -> str:
    """Return the id of a pushed table with one row and the key `n`."""
    return pushed_on(catalogue)


def pushed_on(catalogue: ServedCatalogue) -> str:
    catalogue.call("package_create", {"name": "phan-anh", "owner_org": "so-gtvt"}, user="lan")
    made = catalogue.call(
        "datastore_create",
        {
            "resource": {"package_id": "phan-anh", "name": "Phản ánh"},
            "fields": FIELDS,
            "records": [RECORD],
            "primary_key": ["n"],
        },
        user="lan",
    )
    return str(made["resource_id"])


def records(catalogue: ServedCatalogue, rid: str, **params) -> list[dict]:
    return catalogue.call("datastore_search", {"resource_id": rid, **params}, user="lan")["records"]


def refused(catalogue: ServedCatalogue, action: str, params: dict, *, user: str = "lan") -> dict:
    with pytest.raises(ValidationError) as raised:
        catalogue.call(action, params, user=user)
    return raised.value.error_dict


def test_rows_come_back_as_they_went_in(catalogue: ServedCatalogue, table: str) -> None:
    assert records(catalogue, table) == [{"_id": 1, **RECORD}]
    info = catalogue.call("datastore_info", {"id": table}, user="lan")
    assert (info["meta"]["count"], info["meta"]["table_type"]) == (1, "BASE TABLE")
    assert [(f["id"], f["type"]) for f in info["fields"]][1:4] == [("n", "int4"), ("gio", "numeric"), ("mở", "bool")]
    assert info["fields"][0]["info"] == {"label": "Tên phường", "notes": "đầy đủ"}
    assert info["fields"][1]["schema"] == {
        "native_type": "int4", "notnull": False, "index_name": "primary_key_n", "is_index": True, "uniquekey": True,
    }  # fmt: skip
    shown = catalogue.call("resource_show", {"id": table}, user="lan")
    assert (shown["url_type"], shown["url"]) == ("datastore", f"http://portal.example/datastore/dump/{table}")


def test_pushed_rows_wait_for_the_gate(catalogue: ServedCatalogue, table: str) -> None:
    for user in (None, "binh"):
        for action in ("datastore_search", "datastore_info"):
            with pytest.raises(NotFound):
                catalogue.call(action, {"resource_id": table}, user=user)
        listed = catalogue.call("datastore_search", {"resource_id": "_table_metadata"}, user=user)
        assert listed["records"] == []
    listed = catalogue.call(
        "datastore_search", {"resource_id": "_table_metadata", "filters": {"name": table}}, user="lan"
    )
    assert [row["name"] for row in listed["records"]] == [table]
    assert catalogue.call("resource_show", {"id": table})["datastore_active"] is False


def test_with_direct_writes_everybody_sees_them_at_once(tmp_path: Path) -> None:
    with catalogue_on(tmp_path, direct_writes=True) as portal:
        portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": "so-gtvt"}, user="boss")
        for name, private in (("mo", False), ("kin", True)):
            portal.call("package_create", {"name": name, "owner_org": "so-gtvt", "private": private}, user="boss")
            made = {"resource": {"package_id": name}, "records": [{"a": 1}], "aliases": f"bang-{name}"}
            rid = portal.call("datastore_create", made, user="boss")["resource_id"]
            assert portal.call("resource_show", {"id": rid}, user="boss")["datastore_active"] is True
        assert portal.call("datastore_search", {"resource_id": "bang-mo"})["records"] == [{"_id": 1, "a": 1}]
        with pytest.raises(NotAuthorized):
            portal.call("datastore_search", {"resource_id": "bang-kin"})
        names = portal.call("datastore_search", {"resource_id": "_table_metadata"})["records"]
        assert [row["alias_of"] is None for row in names] == [True, False]
        rid = names[0]["name"]
        portal.call("datastore_delete", {"resource_id": rid}, user="boss")
        assert portal.call("resource_show", {"id": rid})["datastore_active"] is False


@pytest.mark.parametrize(
    ("method", "record", "expected"),
    [
        ("upsert", {"n": 5, "Phường": "Bến Cát"}, [("Bến Cát", 5, 1.25)]),
        ("upsert", {"n": 6, "Phường": "Bến Cát"}, [("Bến Thành", 5, 1.25), ("Bến Cát", 6, None)]),
        ("update", {"n": 5, "gio": None}, [("Bến Thành", 5, None)]),
        ("update", {"_id": 1, "n": 7}, [("Bến Thành", 7, 1.25)]),
        ("insert", {"n": "8"}, [("Bến Thành", 5, 1.25), (None, 8, None)]),
    ],
)
def test_methods_of_upsert(catalogue: ServedCatalogue, table: str, method: str, record: dict, expected: list) -> None:
    params = {"resource_id": table, "records": [record], "method": method}
    tried = catalogue.call("datastore_upsert", {**params, "dry_run": True, "include_records": True}, user="lan")
    assert tried["records"][0]["n"] == int(record["n"])
    assert records(catalogue, table) == [{"_id": 1, **RECORD}]
    assert "records" not in catalogue.call("datastore_upsert", params, user="lan")
    found = [(row["Phường"], row["n"], row["gio"]) for row in records(catalogue, table)]
    assert found == expected
    words = [row["n"] for row in records(catalogue, table, q="ben", sort="_id")]
    assert words == [n for name, n, _ in expected if name]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"records": [{"n": "x"}]}, "records"),
        ({"records": [{"n": 1.5}]}, "records"),
        ({"records": [{"n": 2**31}]}, "records"),
        ({"records": [{"n": 1, "gio": "nan"}]}, "records"),
        ({"records": [{"n": 1, "ngày": "hôm qua"}]}, "records"),
        ({"records": [{"n": 1, "lúc": 5}]}, "records"),
        ({"records": [{"n": 1, "nhãn": "a"}]}, "records"),
        ({"records": [{"n": 1, "mở": "maybe"}]}, "records"),
        ({"records": [{"n": 1, "zz": 2}]}, "records"),
        ({"records": ["x"]}, "records"),
        ({"records": "x"}, "records"),
        ({"records": {"n": 1}}, "records"),
        ({"records": [{"Phường": "x"}]}, "key"),
        ({"records": [{"n": 6}], "method": "update"}, "key"),
        ({"records": [{"n": 5}], "method": "insert"}, "records"),
        ({"records": [], "method": "replace"}, "method"),
        ({"records": [], "dry_run": "maybe"}, "message"),
    ],
)
def test_bad_records_change_nothing(shared, params: dict, field: str) -> None:
    catalogue, table = shared
    batch = params.get("records")
    if isinstance(batch, list) and batch and isinstance(batch[0], dict):
        params = {**params, "records": [{"n": 5, "Phường": "đổi"}, *batch] if "method" not in params else batch}
    errors = refused(catalogue, "datastore_upsert", {"resource_id": table, **params})
    assert field in errors
    assert "hôm qua" not in str(errors)
    assert records(catalogue, table) == [{"_id": 1, **RECORD}]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"fields": [{"id": "_x"}]}, "fields"),
        ({"fields": [{"id": 'a"b'}]}, "fields"),
        ({"fields": [{"id": "a\nb"}]}, "fields"),
        ({"fields": [{"id": " a"}]}, "fields"),
        ({"fields": [{"id": ""}]}, "fields"),
        ({"fields": [{"type": "text"}]}, "fields"),
        ({"fields": [{"id": "a" * 201}]}, "fields"),
        ({"fields": [{"id": "a"}, {"id": "a"}]}, "fields"),
        ({"fields": [{"id": "a", "type": "bigfloat"}]}, "fields"),
        ({"fields": [{"id": "a", "info": "x"}]}, "fields"),
        ({"fields": "x"}, "fields"),
        ({"fields": {"id": "a"}}, "fields"),
        ({"fields": [{"id": f"f{n}"} for n in range(1001)]}, "fields"),
        ({"fields": [{"id": "a"}], "primary_key": "b"}, "primary_key"),
        ({"fields": [{"id": "a"}], "indexes": ["b"]}, "indexes"),
        ({"fields": [{"id": "a"}], "aliases": ["_x"]}, "alias"),
        ({"records": [{"a": 1}, {"a": 1}], "primary_key": "a"}, "records"),
        ({"records": "{"}, "records"),
    ],
)
def test_shapes_that_are_refused_leave_nothing_behind(shared, params: dict, field: str) -> None:
    catalogue, table = shared
    errors = refused(catalogue, "datastore_create", {"resource": {"package_id": "khac"}, **params})
    assert field in errors
    assert catalogue.call("package_show", {"id": "khac"}, user="lan")["resources"] == []
    assert [path.name.partition(".")[0] for path in (catalogue.settings.home / "pushed").glob("*.db")] == [table]


def test_vietnamese_headers_longer_than_postgresql_allows(catalogue: ServedCatalogue) -> None:
    catalogue.call("package_create", {"name": "phan-anh", "owner_org": "so-gtvt"}, user="lan")
    header = "Số lượng phản ánh kiến nghị của người dân đã được giải quyết đúng hạn"
    made = catalogue.call(
        "datastore_create",
        {"resource": {"package_id": "phan-anh"}, "records": [{header: 1, "Name": "a", "name": "b"}]},
        user="lan",
    )
    assert records(catalogue, made["resource_id"]) == [{"_id": 1, header: 1, "Name": "a", "name": "b"}]


def test_types_are_guessed_from_the_first_record(catalogue: ServedCatalogue) -> None:
    catalogue.call("package_create", {"name": "phan-anh", "owner_org": "so-gtvt"}, user="lan")
    record = {
        "code": "079",
        "n": "12",
        "x": 1.5,
        "at": "2026-11-22",
        "on": True,
        "more": [1],
        "none": None,
        "y": "1.50",
    }
    made = catalogue.call(
        "datastore_create",
        {"resource": {"package_id": "phan-anh"}, "records": [record], "include_records": "true"},
        user="lan",
    )
    kinds = {field["id"]: field["type"] for field in made["fields"]}
    assert kinds == {
        "code": "text", "n": "int4", "x": "numeric", "at": "timestamp",
        "on": "bool", "more": "json", "none": "text", "y": "numeric",
    }  # fmt: skip
    assert made["records"][0] == {"_id": 1, **record, "n": 12, "at": "2026-11-22T00:00:00", "y": 1.5}
    assert made["method"] == "insert"


def test_a_table_grows_shrinks_and_keeps_its_rows(catalogue: ServedCatalogue, table: str) -> None:
    more = [{"id": "n"}, {"id": "mới", "type": "text"}]
    catalogue.call("datastore_create", {"resource_id": table, "fields": more, "indexes": "mới"}, user="lan")
    catalogue.call("datastore_upsert", {"resource_id": table, "records": [{"n": 5, "mới": "chữ"}]}, user="lan")
    assert records(catalogue, table, q="chu") == [{"_id": 1, **RECORD, "mới": "chữ", "rank": 0.0607927}]
    catalogue.call("datastore_create", {"resource_id": table, "fields": more, "delete_fields": True}, user="lan")
    assert records(catalogue, table) == [{"_id": 1, "n": 5, "mới": "chữ"}]
    assert records(catalogue, table, q="ben") == []
    assert "fields" in refused(
        catalogue, "datastore_create", {"resource_id": table, "fields": [{"id": "n", "type": "text"}]}
    )
    catalogue.call("datastore_create", {"resource_id": table, "primary_key": []}, user="lan")
    catalogue.call("datastore_upsert", {"resource_id": table, "records": [{"n": 5}], "method": "insert"}, user="lan")
    assert "primary_key" in refused(catalogue, "datastore_create", {"resource_id": table, "primary_key": "n"})
    assert refused(catalogue, "datastore_upsert", {"resource_id": table, "records": [{"n": 5}]}).keys() == {"table"}
    assert len(records(catalogue, table)) == 2


def test_rows_are_deleted_by_filters_and_the_table_without(catalogue: ServedCatalogue, table: str) -> None:
    rows = [{"n": n, "Phường": "Bến Cát"} for n in range(10, 20)]
    catalogue.call("datastore_upsert", {"resource_id": table, "records": rows}, user="lan")
    answer = catalogue.call("datastore_delete", {"resource_id": table, "filters": {"n": {"gte": 15}}}, user="lan")
    assert answer["filters"] == {"n": {"gte": 15}}
    assert len(records(catalogue, table)) == 6
    assert len(records(catalogue, table, q="cat")) == 5
    assert refused(catalogue, "datastore_records_delete", {"resource_id": table}) == {"filters": ["Missing value"]}
    assert "filters" in refused(catalogue, "datastore_delete", {"resource_id": table, "filters": {"zz": 1}})
    misspelt = {"resource_id": table, "filter": {"n": 5}}
    assert refused(catalogue, "datastore_delete", misspelt) == {"__extras": ['invalid value "filter"']}
    catalogue.call("datastore_records_delete", {"resource_id": table, "filters": {"n": 5}}, user="lan")
    assert len(records(catalogue, table)) == 5
    catalogue.call("datastore_records_delete", {"resource_id": table, "filters": {}}, user="lan")
    assert records(catalogue, table) == []
    catalogue.call("datastore_delete", {"resource_id": table}, user="lan")
    with pytest.raises(NotFound):
        records(catalogue, table)
    with pytest.raises(NotFound):
        catalogue.call("datastore_delete", {"resource_id": table}, user="lan")
    assert list((catalogue.settings.home / "pushed").glob("*")) == []


def test_ids_of_rows_are_not_given_twice(catalogue: ServedCatalogue, table: str) -> None:
    catalogue.call("datastore_records_delete", {"resource_id": table, "filters": {}}, user="lan")
    catalogue.call("datastore_upsert", {"resource_id": table, "records": [{"n": 1}]}, user="lan")
    assert [row["_id"] for row in records(catalogue, table)] == [2]


def test_only_editors_write(catalogue: ServedCatalogue, table: str) -> None:
    actions = ["datastore_create", "datastore_upsert", "datastore_delete", "datastore_records_delete"]
    params = {"resource_id": table, "records": [{"n": 9}], "filters": {}, "force": True}
    for user in (None, "binh"):
        for action in actions:
            with pytest.raises(NotAuthorized):
                catalogue.call(action, params, user=user)
        with pytest.raises(NotAuthorized):
            catalogue.call("datastore_create", {"resource": {"package_id": "phan-anh"}}, user=user)
    assert len(records(catalogue, table)) == 1


def test_members_read_and_do_not_write(catalogue: ServedCatalogue, table: str) -> None:
    member = {"id": "so-gtvt", "username": "binh", "role": "member"}
    catalogue.call("organization_member_create", member, user="boss")
    assert catalogue.call("datastore_search", {"resource_id": table}, user="binh")["total"] == 1
    with pytest.raises(NotAuthorized):
        catalogue.call("datastore_upsert", {"resource_id": table, "records": [{"n": 9}]}, user="binh")


def test_a_resource_from_elsewhere_needs_force(catalogue: ServedCatalogue) -> None:
    made = {"name": "phan-anh", "owner_org": "so-gtvt", "resources": [{"url": "http://x.vn/a.csv", "name": "a"}]}
    rid = catalogue.call("package_create", made, user="lan")["resources"][0]["id"]
    assert refused(catalogue, "datastore_create", {"resource_id": rid, "records": [{"a": 1}]}).keys() == {"read-only"}
    forced = {"resource_id": rid, "records": [{"a": 1}], "force": "true"}
    assert catalogue.call("datastore_create", forced, user="lan")["resource_id"] == rid
    assert refused(catalogue, "datastore_upsert", {"resource_id": rid, "records": []}).keys() == {"read-only"}
    for params in ({}, {"resource_id": rid, "resource": {"package_id": "phan-anh"}}):
        refused(catalogue, "datastore_create", params)
    with pytest.raises(NotFound):
        catalogue.call("datastore_create", {"resource_id": "nope", "records": []}, user="lan")


def test_aliases_lead_to_the_table_and_belong_to_it(catalogue: ServedCatalogue, table: str) -> None:
    catalogue.call("datastore_create", {"resource_id": table, "aliases": ["phan-anh-2026", "pa"]}, user="lan")
    assert records(catalogue, "pa")[0]["n"] == 5
    assert catalogue.call("datastore_info", {"resource_id": "pa"}, user="lan")["meta"]["aliases"] == [
        "phan-anh-2026",
        "pa",
    ]
    catalogue.call("datastore_upsert", {"resource_id": "pa", "records": [{"n": 6}]}, user="lan")
    made = {"resource": {"package_id": "phan-anh"}, "records": [{"a": 1}], "aliases": "pa"}
    assert refused(catalogue, "datastore_create", made).keys() == {"alias"}
    assert refused(catalogue, "datastore_create", {**made, "aliases": table}).keys() == {"alias"}


def test_rows_vanish_with_their_resource(catalogue: ServedCatalogue, table: str) -> None:
    folder = catalogue.settings.home / "pushed"
    assert list(folder.glob("*.db"))
    refused(catalogue, "package_update", {"id": "phan-anh", "name": "phan-anh", "owner_org": "nope", "resources": []})
    assert list(folder.glob("*.db"))
    catalogue.call("package_patch", {"id": "phan-anh", "resources": []}, user="lan")
    assert list(folder.glob("*")) == []
    rid = catalogue.call(
        "datastore_create", {"resource": {"package_id": "phan-anh"}, "records": [{"a": 1}]}, user="lan"
    )["resource_id"]
    catalogue.call("resource_delete", {"id": rid}, user="lan")
    assert list(folder.glob("*")) == []
    catalogue.call("datastore_create", {"resource": {"package_id": "phan-anh"}, "records": [{"a": 1}]}, user="lan")
    catalogue.call("dataset_purge", {"id": "phan-anh"}, user="boss")
    assert list(folder.glob("*")) == []


def test_files_that_no_table_names_are_swept(catalogue: ServedCatalogue, table: str, monkeypatch) -> None:
    folder = catalogue.settings.home / "pushed"
    lost = folder / "lost.20260101000000000000.db"
    lost.write_bytes(b"")
    with catalogue.store.read() as session:
        assert remove_orphans(session, catalogue.settings) == []
        monkeypatch.setattr("catalogue.rows.pushed_files._FRESH_SECONDS", -5)
        assert remove_orphans(session, catalogue.settings) == [lost]
    assert records(catalogue, table)


def test_rows_survive_a_restart(tmp_path: Path) -> None:
    with catalogue_on(tmp_path) as portal:
        portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": "so-gtvt"}, user="boss")
        portal.call("package_create", {"name": "a-b", "owner_org": "so-gtvt"}, user="boss")
        made = {"resource": {"package_id": "a-b"}, "records": [{"a": n} for n in range(1000)]}
        rid = portal.call("datastore_create", made, user="boss")["resource_id"]
    with catalogue_on(tmp_path) as portal:
        assert portal.call("datastore_search", {"resource_id": rid}, user="boss")["total"] == 1000


@pytest.mark.slow
@pytest.mark.server
def test_writers_at_once_lose_nothing_on_postgresql(tmp_path: Path, postgres) -> None:
    with catalogue_on(tmp_path, database_url=postgres.url(postgres.new_database())) as portal:
        portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": "so-gtvt"}, user="boss")
        portal.call("package_create", {"name": "a-b", "owner_org": "so-gtvt"}, user="boss")
        made = {"resource": {"package_id": "a-b"}, "fields": [{"id": "n", "type": "int"}], "primary_key": "n"}
        rid = portal.call("datastore_create", made, user="boss")["resource_id"]

        def push(n: int) -> None:
            portal.call("datastore_upsert", {"resource_id": rid, "records": [{"n": n}, {"n": -1}]}, user="boss")

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(push, range(50)))
        rows = portal.call("datastore_search", {"resource_id": rid, "sort": "n"}, user="boss")["records"]
        assert [row["n"] for row in rows] == [-1, *range(50)]
        portal.call("dataset_purge", {"id": "a-b"}, user="boss")
        assert list((tmp_path / "pushed").glob("*")) == []


# ---- properties of types -------------------------------------------------------------------------------------------

VALUES = {
    "text": st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00")),
    "int4": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "float8": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "date": st.dates().map(lambda day: day.isoformat()),
    "timestamp": st.datetimes().map(lambda moment: moment.isoformat()),
    "json": st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), st.lists),
    "_int4": st.lists(st.integers()),
}


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_value_survives_its_type(data) -> None:
    kind = data.draw(st.sampled_from(sorted(VALUES)))
    value = data.draw(VALUES[kind])
    shown = to_shown(kind, to_stored(kind, value))
    if kind == "json" and isinstance(value, str):
        return  # a text may be a document
    assert shown == value or (isinstance(value, float) and math.isclose(shown, value))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.integers())))
def test_a_guessed_type_takes_the_value(value) -> None:
    kind = guessed_type(value)
    assert type_named(kind) == kind
    if not (isinstance(value, float) and not math.isfinite(value)) and not (
        isinstance(value, int) and abs(value) >= 2**63
    ):
        to_stored(kind, value)


@pytest.mark.parametrize("kind", [*VALUES, "numeric", "time", "interval", "timestamptz", "uuid"])
@pytest.mark.parametrize("value", [{}, [], [[]], {"a": 1}, 1e400, -1, 10**400, "", "x" * 10_000, True, "\u0000", "١٢"])
def test_no_value_breaks_a_type(kind: str, value: object) -> None:
    with contextlib.suppress(ValueError, OverflowError):
        to_stored(kind, value)
