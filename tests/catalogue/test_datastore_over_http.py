"""The datastore as programs on other machines use it: their reading patterns, many writers at once, and bad input."""

from __future__ import annotations

import csv
import io
import json
import threading
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from ckanapi import RemoteCKAN
from flask import Flask
from samples.portal_on_disk import SamplePortal, SampleTable, id_of, open_portal
from werkzeug.serving import make_server

from catalogue.model import User
from catalogue.people.tokens import create_token
from catalogue.web.action_api import action_api_blueprint
from catalogue.web.open_formats import open_formats_blueprint

pytestmark = pytest.mark.slow

FIELDS = [("Tên phường", "string", "Phường", None), ("n", "integer", "", None), ("mở", "boolean", "", None)]
ROWS = [(f"Phường {n % 7}", n, n % 2) for n in range(1, 251)]
RID = id_of("phan-anh/wards")
HIDDEN = id_of("rieng/wards")


class Served:
    """A portal behind HTTP."""

    def __init__(self, portal: SamplePortal, url: str) -> None:
        self.portal = portal
        self.url = url
        self.token = self._token("lan")

    def _token(self, name: str) -> str:
        with self.portal.store.write() as session:
            return create_token(session, session.get_one(User, id_of(name)), name="t", now=self.portal.clock)[1]

    def get(self, action: str, **params) -> requests.Response:
        return requests.get(f"{self.url}/api/3/action/{action}", params=params, timeout=30)

    def search(self, **params) -> dict:
        answer = self.get("datastore_search", **{"resource_id": RID, **params})
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def post(self, action: str, body: dict, *, token: str = "") -> requests.Response:
        headers = {"Authorization": token or self.token}
        return requests.post(f"{self.url}/api/3/action/{action}", json=body, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    portal = open_portal(tmp_path_factory.mktemp("portal"), sqlsearch_enabled=True)
    portal.add_group("so-nv", "Sở Nội vụ")
    portal.add_user("lan", organization="so-nv")
    for name, private in (("phan-anh", False), ("rieng", True)):
        portal.add_dataset(name, organization="so-nv", private=private)
        portal.publish(name, "2026-11-22.1", [SampleTable("wards", FIELDS, ROWS)])
    app = Flask("portal")
    app.register_blueprint(action_api_blueprint(portal.services))
    app.register_blueprint(open_formats_blueprint(portal.services))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Served(portal, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()
    portal.store.close()


def parsed(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314  our own


# ---- reading patterns ----------------------------------------------------------------------------------------------


def test_a_program_pages_until_nothing_is_left(site: Served) -> None:
    with RemoteCKAN(site.url) as ckan:
        seen: list[dict] = []
        while rows := ckan.action.datastore_search(resource_id=RID, limit=100, offset=len(seen))["records"]:
            seen += rows
    assert [row["_id"] for row in seen] == list(range(1, 251))


def test_a_program_follows_links_until_nothing_is_left(site: Served) -> None:
    address, ids = f"/api/3/action/datastore_search?resource_id={RID}&limit=90", []
    for _ in range(10):
        result = requests.get(site.url + address, timeout=30).json()["result"]
        if not result["records"]:
            break
        ids += [row["_id"] for row in result["records"]]
        address = result["_links"]["next"]
    assert ids == list(range(1, 251))


def test_next_page_goes_into_the_filters(site: Served) -> None:
    filters, ids = {"n": {"gt": 100}}, []
    while True:
        page = site.search(filters=json.dumps(filters), limit=60, include_next_page="true")
        ids += [row["_id"] for row in page["records"]]
        if "next_page" not in page:
            break
        filters |= page["next_page"]
    assert ids == list(range(101, 251))


def test_filters_in_the_query_with_vietnamese_columns(site: Served) -> None:
    found = site.search(filters=json.dumps({"Tên phường": "Phường 3"}, ensure_ascii=False))
    assert found["total"] == 36
    assert found["filters"] == {"Tên phường": "Phường 3"}
    assert site.search(filters='{"T\\u00ean ph\\u01b0\\u1eddng": "Phường 3"}')["total"] == 36
    assert site.search(filters='{"Te\\u0302n phu\\u031bo\\u031b\\u0300ng": "Phường 3"}')["total"] == 36
    assert site.search(fields="Tên phường,n", sort="Tên phường desc, n desc")["records"][0] == {
        "Tên phường": "Phường 6",
        "n": 244,
    }
    assert site.search(q='{"Tên phường": "phuong 3"}', limit=1)["total"] == 36


def test_a_page_of_another_site_fetches_and_embeds(site: Served) -> None:
    address = f"{site.url}/api/3/action/datastore_search"
    answer = requests.get(
        address, params={"resource_id": RID, "limit": 2}, headers={"Origin": "http://x.vn"}, timeout=30
    )
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert {"fields", "records", "total", "_links", "total_was_estimated"} <= answer.json()["result"].keys()
    asked = {"Origin": "http://x.vn", "Access-Control-Request-Method": "POST"}
    assert requests.options(address, headers=asked, timeout=30).headers["Access-Control-Allow-Methods"]
    jsonp = requests.get(address, params={"resource_id": RID, "limit": 1, "callback": "jQuery1_2"}, timeout=30)
    assert jsonp.headers["Content-Type"] == "application/javascript;charset=utf-8"
    assert json.loads(jsonp.text.removeprefix("jQuery1_2(").removesuffix(");"))["result"]["records"][0]["_id"] == 1
    sql = f'SELECT COUNT(*) AS n FROM "{RID}"'
    embedded = requests.get(
        f"{site.url}/api/action/datastore_search_sql", params={"sql": sql, "callback": "f"}, timeout=30
    )
    assert '"records": [{"n": 250}]' in embedded.text
    posted = requests.post(f"{site.url}/api/action/datastore_search_sql", params={"sql": sql}, timeout=30)
    assert posted.json()["result"]["records"] == [{"n": 250}]


def test_a_spreadsheet_opens_the_dump(site: Served) -> None:
    answer = requests.get(f"{site.url}/datastore/dump/{RID}", params={"bom": "true"}, timeout=30)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{RID}.csv"'
    assert answer.headers["X-Release"] == "2026-11-22.1"
    assert answer.content.startswith(b"\xef\xbb\xbf_id,")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert (rows[0], rows[1], len(rows)) == (["_id", "Tên phường", "n", "mở"], ["1", "Phường 1", "1", "true"], 251)


def test_dumps_in_all_forms_take_the_parameters_of_a_search(site: Served) -> None:
    chosen = {"filters": '{"n": [3, 4]}', "sort": "n desc", "fields": "_id,Tên phường,mở"}
    texts = {
        form: requests.get(f"{site.url}/datastore/dump/{RID}", params={"format": form, **chosen}, timeout=30)
        for form in ("csv", "tsv", "json", "xml")
    }
    assert texts["tsv"].text.splitlines()[1] == "4\tPhường 4\tfalse"
    assert texts["json"].json()["records"] == [[4, "Phường 4", False], [3, "Phường 3", True]]
    rows = parsed(texts["xml"].content).findall("row")
    assert [row.get("_id") for row in rows] == ["4", "3"]
    assert [(cell.tag, cell.get("name"), cell.text) for cell in rows[0]] == [
        ("Tên_phường", "Tên phường", "Phường 4"),
        ("mở", None, "false"),
    ]
    limited = requests.get(
        f"{site.url}/datastore/dump/{RID}", params={"limit": 2, "offset": 5, "q": "phuong"}, timeout=30
    )
    assert [line.split(",")[0] for line in limited.text.splitlines()[1:]] == ["6", "7"]
    distinct = requests.get(f"{site.url}/datastore/dump/{RID}", params={"fields": "mở", "distinct": "true"}, timeout=30)
    assert distinct.text == "mở\nfalse\ntrue\n"
    for wrong, status in (({"format": "xls"}, 409), ({"limit": "x"}, 409), ({"sort": "zz"}, 409)):
        assert requests.get(f"{site.url}/datastore/dump/{RID}", params=wrong, timeout=30).status_code == status
    assert requests.get(f"{site.url}/datastore/dump/nope", timeout=30).status_code == 404
    assert requests.head(f"{site.url}/datastore/dump/{RID}", timeout=30).status_code == 200


def test_xml_can_hold_every_text(site: Served) -> None:
    rows = [("a & <b> \x01", 1, None), ("]]>", None, 1)]
    site.portal.add_dataset("ky-tu")
    site.portal.publish("ky-tu", "2026-11-22.1", [SampleTable("t", [("1 & x", "string", "", None), *FIELDS[1:]], rows)])
    answer = requests.get(f"{site.url}/datastore/dump/{id_of('ky-tu/t')}", params={"format": "xml"}, timeout=30)
    cells = parsed(answer.content).findall("row")[0]
    assert (cells[0].tag, cells[0].get("name"), cells[0].text) == ("_1___x", "1 & x", "a & <b> \ufffd")
    assert cells[2].get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true"


def test_a_reader_does_not_mix_two_releases(site: Served) -> None:
    site.portal.add_dataset("hai-ban")
    site.portal.publish("hai-ban", "2026-11-22.1", [SampleTable("t", FIELDS, ROWS)])
    rid = id_of("hai-ban/t")
    first = site.search(resource_id=rid, limit=10)
    site.portal.publish("hai-ban", "2026-11-23.1", [SampleTable("t", FIELDS, ROWS[:50])])
    answer = site.get("datastore_search", resource_id=rid, limit=10, offset=10, release=first["release"])
    assert (answer.status_code, list(answer.json()["error"])) == (409, ["release", "__type"])
    assert site.search(resource_id=rid, limit=10, offset=10, release="2026-11-23.1")["total"] == 50


def test_dkan_is_answered_in_its_own_words(site: Served) -> None:
    address = f"{site.url}/api/action/datastore/search.json"
    params = {
        "resource_id": RID,
        "filters[Tên phường]": "Phường 1,Phường 2",
        "fields": "Tên phường,n,mở",
        "sort[n]": "desc",
        "limit": "2",
    }
    answer = requests.get(address, params=params, timeout=30).json()
    assert answer["success"] is True
    result = answer["result"]
    assert result["records"] == [
        {"Tên phường": "Phường 2", "n": "247", "mở": "true"},
        {"Tên phường": "Phường 1", "n": "246", "mở": "false"},
    ]
    assert (result["resource_id"], result["limit"], result["total"]) == ([RID], 2, 72)
    assert result["fields"][1] == {"id": "n", "type": "int"}
    found = requests.get(address, params={"resource_id": RID, "query": "phuong 3"}, timeout=30).json()["result"]
    assert (found["limit"], len(found["records"]), found["total"]) == (10, 10, 36)
    missing = requests.get(address, params={"resource_id": "nope"}, timeout=30)
    assert (missing.status_code, missing.json()["success"]) == (404, False)
    assert requests.get(address, params={"resource_id": HIDDEN}, timeout=30).status_code == 403


# ---- many writers --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_fifty_writers_lose_nothing(site: Served) -> None:
    made = {
        "resource": {"package_id": "phan-anh", "name": "đẩy"},
        "fields": [{"id": "n", "type": "int"}],
        "primary_key": "n",
    }
    rid = site.post("datastore_create", made).json()["result"]["resource_id"]

    def push(n: int) -> int:
        records = [{"n": n}, {"n": 1000 + n}]
        return site.post("datastore_upsert", {"resource_id": rid, "records": records}).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(push, range(50))) == {200}
    with RemoteCKAN(site.url, apikey=site.token) as ckan:
        found = ckan.action.datastore_search(resource_id=rid, limit=500)
    assert sorted(row["n"] for row in found["records"]) == [*range(50), *range(1000, 1050)]
    assert found["total"] == 100
    private = requests.get(
        f"{site.url}/datastore/dump/{rid}", headers={"Authorization": f"Bearer {site.token}"}, timeout=30
    )
    assert len(private.text.splitlines()) == 101
    assert private.headers["Cache-Control"] == "private, no-store"
    assert requests.get(f"{site.url}/datastore/dump/{rid}", timeout=30).status_code == 404
    assert site.get("datastore_search", resource_id=rid).status_code == 404


# ---- bad input -----------------------------------------------------------------------------------------------------

EVIL = [
    "'; DROP TABLE wards; --",
    '" OR 1=1 --',
    'x" UNION SELECT * FROM sqlite_master --',
    f'"{HIDDEN}"',
    "main.sqlite_master",
    "{}",
    "[]",
    "[[[[]]]]",
    '{"$or": 5}',
    '{"n": {"$where": "1"}}',
    "[" * 3000,
    "-1",
    "1e400",
    "9" * 400,
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "x" * 5000,
    "null",
    "true",
]
NAMES = [
    "resource_id",
    "id",
    "filters",
    "q",
    "full_text",
    "plain",
    "language",
    "distinct",
    "fields",
    "sort",
    "limit",
    "offset",
    "include_total",
    "records_format",
    "total_estimation_threshold",
    "include_next_page",
    "release",
    "format",
    "bom",
    "sql",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_evil_texts_get_an_orderly_answer(site: Served, name: str) -> None:
    session = requests.Session()
    leaks = [str(site.portal.home), "OperationalError", "t.rowid", "syntax error", "Traceback", "no such"]
    for text in EVIL:
        for path in ("/api/3/action/datastore_search", "/api/action/datastore/search.json", f"/datastore/dump/{RID}"):
            params = {"resource_id": RID, "limit": 3, name: text}
            answer = session.get(site.url + path, params=params, timeout=30)
            assert answer.status_code < 500, (name, text[:50], path)
            assert not any(leak in answer.text for leak in leaks), (name, text[:50], path)
    session.close()


JUNK = [
    None,
    True,
    1,
    -1,
    1.5,
    "",
    "x",
    [],
    [None],
    [[1]],
    {},
    {"a": {"b": []}},
    {"n": {"in": 5}},
    {"$and": "x"},
    10**30,
]
WRITES = {
    "datastore_search": [
        "resource_id",
        "filters",
        "q",
        "fields",
        "sort",
        "limit",
        "offset",
        "records_format",
        "plain",
        "distinct",
        "include_total",
    ],
    "datastore_info": ["resource_id", "id"],
    "datastore_search_sql": ["sql"],
    "datastore_create": [
        "resource_id",
        "resource",
        "force",
        "fields",
        "records",
        "primary_key",
        "indexes",
        "aliases",
        "delete_fields",
        "include_records",
    ],
    "datastore_upsert": ["resource_id", "records", "method", "force", "dry_run"],
    "datastore_records_delete": ["resource_id", "filters"],
    "datastore_delete": ["resource_id", "filters"],
}


@pytest.mark.slow
@pytest.mark.parametrize("action", WRITES)
def test_wrong_types_get_an_orderly_answer(site: Served, action: str) -> None:
    made = {"resource": {"package_id": "rieng", "name": action}, "records": [{"n": 1}]}
    rid = site.post("datastore_create", made).json()["result"]["resource_id"]
    session = requests.Session()
    session.headers["Authorization"] = site.token
    for name in WRITES[action]:
        for junk in JUNK:
            if action == "datastore_delete" and name == "filters" and junk in (None, ""):
                continue  # that one is meant to drop the table
            body = {"resource_id": rid, "records": [], "filters": {"n": 99}, "force": True, name: junk}
            if action in {"datastore_search", "datastore_info", "datastore_search_sql"}:
                body = {"resource_id": rid, name: junk}
            if name == "resource":
                body.pop("resource_id")
            answer = session.post(f"{site.url}/api/3/action/{action}", json=body, timeout=30)
            assert answer.status_code < 500, (action, name, junk)
            if answer.status_code != 200:
                assert answer.status_code == 400 or "__type" in answer.json()["error"]
    session.close()


def test_private_rows_stay_private(site: Served) -> None:
    for action in ("datastore_search", "datastore_info"):
        answer = site.get(action, resource_id=HIDDEN)
        assert (answer.status_code, answer.json()["error"]["__type"]) == (403, "Authorization Error")
    assert site.get("datastore_search_sql", sql=f'SELECT * FROM "{HIDDEN}"').status_code == 403
    assert requests.get(f"{site.url}/datastore/dump/{HIDDEN}", timeout=30).status_code == 404
    assert HIDDEN not in site.get("datastore_search", resource_id="_table_metadata").text
    with_token = {"Authorization": site.token}
    dumped = requests.get(f"{site.url}/datastore/dump/{HIDDEN}", headers=with_token, timeout=30)
    assert len(dumped.text.splitlines()) == 251
