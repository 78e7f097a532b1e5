"""The datastore actions over a real released SQLite file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from samples.portal_on_disk import WARDS, SamplePortal, SampleTable, id_of, open_portal

from catalogue.actions.datastore import datastore_dump, datastore_info, datastore_search
from catalogue.errors import NotAuthorized, NotFound, ValidationError

RID = id_of("phan-anh/wards")


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    portal = open_portal(tmp_path_factory.mktemp("portal"))
    portal.add_group("so-nv", "Sở Nội vụ")
    portal.add_dataset("phan-anh", organization="so-nv")
    portal.publish("phan-anh", "2026-11-22.1")
    yield portal
    portal.store.close()


def search(portal: SamplePortal, **params) -> dict:
    return portal.call(datastore_search, **{"resource_id": RID, **params})


def wards(portal: SamplePortal, **params) -> list[str]:
    return [record["ward"] for record in search(portal, **params)["records"]]


def test_answer_has_the_shape_that_clients_read(portal: SamplePortal) -> None:
    answer = search(portal, limit="2", offset="1", sort="_id")
    assert [(field["id"], field["type"]) for field in answer["fields"]] == [
        ("_id", "int"), ("ward", "text"), ("requests", "int"), ("hours", "numeric"),
        ("is_open", "bool"), ("day", "date"), ("seen_at", "timestamp"),
    ]  # fmt: skip
    assert answer["records"][0] == {
        "_id": 2, "ward": "Sài Gòn", "requests": 7, "hours": None,
        "is_open": False, "day": "2026-11-02", "seen_at": "2026-11-02T09:00:00",
    }  # fmt: skip
    assert next(iter(answer["records"][0])) == "_id"
    assert (answer["limit"], answer["offset"], answer["total"]) == (2, 1, 5)
    assert answer["total_was_estimated"] is False
    assert answer["release"] == "2026-11-22.1"
    assert answer["_links"] == {
        "start": f"/api/3/action/datastore_search?resource_id={RID}&limit=2&sort=_id",
        "next": f"/api/3/action/datastore_search?resource_id={RID}&limit=2&sort=_id&offset=3",
        "prev": f"/api/3/action/datastore_search?resource_id={RID}&limit=2&sort=_id",
    }


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"filters": {"ward": "Bến Thành"}}, ["Bến Thành"]),
        ({"filters": '{"requests": "7"}'}, ["Sài Gòn", "Bến Cát"]),
        ({"filters": {"requests": [12, 3]}}, ["Bến Thành", "50%_off"]),
        ({"filters": {"requests": [12, None]}}, ["Bến Thành", "Đông Thạnh"]),
        ({"filters": {"requests": None}}, ["Đông Thạnh"]),
        ({"filters": {"is_open": "true"}}, ["Bến Thành", "Bến Cát"]),
        ({"filters": {"is_open": False, "requests": 7}}, ["Sài Gòn"]),
        ({"filters": {"requests": {"gte": 7, "lt": 12}}}, ["Sài Gòn", "Bến Cát"]),
        ({"filters": {"requests": [{"lt": 5}, {"gt": 10}]}}, ["Bến Thành", "50%_off"]),
        ({"filters": {"$or": [{"ward": "Bến Cát"}, {"_id": 1}]}}, ["Bến Thành", "Bến Cát"]),
        ({"filters": {"day": {"gt": "2026-11-03"}}}, ["Bến Cát", "50%_off"]),
        ({"filters": {"hours": 1.5}}, ["Bến Thành"]),
        ({"q": "ben"}, ["Bến Thành", "Bến Cát"]),
        ({"q": "BẾN thanh"}, ["Bến Thành"]),
        ({"q": "dong"}, ["Đông Thạnh"]),
        ({"q": "%_"}, []),
        ({"q": "50%_off"}, ["50%_off"]),
        ({"q": '{"ward": "cat"}'}, ["Bến Cát"]),
        ({"q": "ben", "filters": {"requests": 12}}, ["Bến Thành"]),
        ({"sort": "requests desc, ward asc nulls last"}, ["Đông Thạnh", "Bến Thành", "Bến Cát", "Sài Gòn", "50%_off"]),
        ({"sort": '"requests" asc'}, ["50%_off", "Sài Gòn", "Bến Cát", "Bến Thành", "Đông Thạnh"]),
        ({"limit": 0}, []),
        ({"offset": 9}, []),
    ],
)  # fmt: skip
def test_rows_asked_for(portal: SamplePortal, params: dict, expected: list[str]) -> None:
    assert wards(portal, **params) == expected
    if "limit" not in params and "offset" not in params:
        assert search(portal, **params)["total"] == len(expected)


def test_fields_and_distinct(portal: SamplePortal) -> None:
    answer = search(portal, fields="requests", distinct="true")
    assert answer["records"] == [{"requests": n} for n in (None, 3, 7, 12)]
    assert answer["total"] == 4
    assert search(portal, fields=["hours", "ward"], limit=1)["records"] == [{"hours": 1.5, "ward": "Bến Thành"}]


@pytest.mark.parametrize(
    ("records_format", "expected"),
    [
        ("lists", [["Bến Thành", True], ["Sài Gòn", False]]),
        ("csv", "Bến Thành,true\nSài Gòn,false\n"),
        ("tsv", "Bến Thành\ttrue\nSài Gòn\tfalse\n"),
    ],
)
def test_record_formats(portal: SamplePortal, records_format: str, expected: object) -> None:
    answer = search(portal, records_format=records_format, fields=["ward", "is_open"], limit=2)
    assert answer["records"] == expected


def test_limit_is_clamped_and_shown(portal: SamplePortal) -> None:
    answer = search(portal, limit=10**9, include_total="false", include_next_page=True)
    assert answer["limit"] == 32000
    assert "total" not in answer
    assert answer["next_page"] == {"_id": {"gt": 5}}


@pytest.mark.parametrize(
    ("params", "errors"),
    [
        ({"filters": {"zz": 1}}, {"filters": ["Unknown field: zz"]}),
        ({"filters": "{"}, {"filters": ["Cannot parse JSON"]}),
        ({"filters": {"requests": "many"}}, {"query": ["Invalid query"]}),
        ({"filters": {"requests": {"drop": 1}}}, {"filters": ["Invalid filter"]}),
        ({"fields": "zz"}, {"fields": ['invalid value "zz"']}),
        ({"sort": 'zz"; drop table wards'}, {"sort": ['invalid value "zz"; drop table wards"']}),
        ({"foo": 1}, {"__extras": ['invalid value "foo"']}),
        ({"offset": "-1"}, {"offset": ["Must be a natural number"]}),
        ({"limit": "x"}, {"limit": ["Invalid integer"]}),
        ({"records_format": "xls"}, {"records_format": ["Value must be one of ['csv', 'lists', 'objects', 'tsv']"]}),
        ({"resource_id": ""}, {"resource_id": ["Missing value"]}),
    ],
)
def test_what_is_refused(portal: SamplePortal, params: dict, errors: dict) -> None:
    with pytest.raises(ValidationError) as raised:
        search(portal, **params)
    assert raised.value.error_dict == errors


def test_deep_filters_are_refused(portal: SamplePortal) -> None:
    nested: dict = {"requests": 7}
    for _ in range(12):
        nested = {"$and": [nested]}
    with pytest.raises(ValidationError):
        search(portal, filters=nested)


def test_absent_and_private_resources(portal: SamplePortal) -> None:
    with pytest.raises(NotFound) as raised:
        search(portal, resource_id="nope")
    assert raised.value.to_dict()["message"] == 'Not found: Resource "nope" was not found.'
    portal.add_dataset("rieng", organization="so-nv", private=True)
    portal.publish("rieng", "2026-11-22.1")
    with pytest.raises(NotAuthorized):
        search(portal, resource_id=id_of("rieng/wards"))
    editor = portal.add_user("lan", organization="so-nv")
    assert portal.call(datastore_search, editor, resource_id=id_of("rieng/wards"))["total"] == 5


def test_info_has_count_and_dictionary(portal: SamplePortal) -> None:
    info = portal.call(datastore_info, id=RID)
    assert info["meta"]["count"] == 5
    assert [field["id"] for field in info["fields"]][:2] == ["ward", "requests"]
    assert info["fields"][2] == {
        "id": "hours",
        "type": "numeric",
        "info": {"label": "Thời gian", "unit": "giờ"},
        "schema": {
            "native_type": "numeric",
            "notnull": False,
            "index_name": None,
            "is_index": False,
            "uniquekey": False,
        },
    }
    with pytest.raises(NotFound, match="Resource/Alias"):
        portal.call(datastore_info, resource_id="nope")


def test_table_metadata_lists_readable_tables(portal: SamplePortal) -> None:
    names = [record["name"] for record in search(portal, resource_id="_table_metadata")["records"]]
    assert RID in names
    assert id_of("rieng/wards") not in names


def test_a_new_release_is_answered_at_once(portal: SamplePortal) -> None:
    portal.add_dataset("moi")
    portal.publish("moi", "2026-11-22.1")
    rid = id_of("moi/wards")
    assert search(portal, resource_id=rid)["total"] == 5
    portal.publish("moi", "2026-11-23.1", [SampleTable("wards", WARDS.fields, WARDS.rows[:2])])
    answer = search(portal, resource_id=rid)
    assert (answer["total"], answer["release"]) == (2, "2026-11-23.1")


def test_dump_is_the_whole_table(portal: SamplePortal) -> None:
    dump = portal.call(datastore_dump, resource_id=RID, bom="true")
    text = "".join(dump.chunks)
    assert text.startswith("\ufeff_id,ward")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 6
    assert rows[3] == ["3", "Đông Thạnh", "", "3.25", "", "2026-11-03", ""]
    assert (dump.file_name, dump.media_type) == (f"{RID}.csv", "text/csv")


def test_dump_as_json_and_with_filters(portal: SamplePortal) -> None:
    dump = portal.call(datastore_dump, resource_id=RID, format="json", filters='{"requests": 7}', fields="_id,ward")
    assert json.loads("".join(dump.chunks)) == {
        "fields": [{"id": "_id", "type": "int"}, {"id": "ward", "type": "text", "info": {"label": "Phường"}}],
        "records": [[2, "Sài Gòn"], [4, "Bến Cát"]],
    }
    empty = portal.call(datastore_dump, resource_id=RID, format="json", filters='{"requests": 99}')
    assert json.loads("".join(empty.chunks))["records"] == []
    assert "".join(portal.call(datastore_dump, resource_id=RID, format="tsv", limit="1").chunks).count("\n") == 2
    with pytest.raises(ValidationError):
        portal.call(datastore_dump, resource_id=RID, format="xls")


def test_answers_do_not_leak_paths_or_sql(portal: SamplePortal, tmp_path: Path) -> None:
    text = json.dumps([search(portal), portal.call(datastore_info, resource_id=RID)])
    assert str(portal.home) not in text
    assert "SELECT" not in text
