"""The HTTP face in its details: HTML for what is no call, JSONP as a script, what is kept."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from samples.served_catalogue import catalogue_on, served

SHOW = "/api/3/action/package_show"
SEARCH = "/api/3/action/package_search"


@pytest.fixture(scope="module", autouse=True)
def _datasets(live, boss):
    with live.as_user(boss) as client:
        client.action.organization_create(name="so-yt", title="Sở Y tế")
        client.action.group_create(name="suc-khoe", title="Sức khỏe")
        client.action.package_create(
            name="bus",
            title="Trạm xe buýt \u2028 </script>",
            owner_org="so-yt",
            tags=[{"name": "xe buýt"}],
            resources=[{"url": "http://files.example/bus.csv", "format": "CSV"}],
        )
        client.action.package_create(name="hidden", owner_org="so-yt", private=True)


@pytest.fixture
def ask(live):
    def send(method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, live.url + path, allow_redirects=False, timeout=10, **options)

    return send


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", SHOW, 405),
        ("DELETE", SHOW, 405),
        ("PATCH", "/api/action/package_patch", 405),
        ("POST", "/api/util/dataset/autocomplete", 405),
        ("GET", f"{SHOW}/", 404),
        ("POST", "/api/3/action/package_create/", 404),
        ("GET", "/api/1/action/package_show", 404),
        ("GET", "/api/2/action/package_show", 404),
        ("GET", "/api/2/rest/package/bus", 404),
        ("GET", "/api/search/package", 404),
        ("GET", "/api/3/util/tag/autocomplete", 404),
        ("GET", "/api/3/action/", 404),
        ("GET", "/api/4", 404),
    ],
)
def test_what_is_no_call_is_answered_in_html(ask, method, path, status):
    response = ask(method, path)
    assert (response.status_code, response.headers["Content-Type"]) == (status, "text/html; charset=utf-8")


def test_a_body_of_another_type_is_415_in_html(ask):
    response = ask("POST", SHOW, data="id=bus", headers={"Content-Type": "text/plain"})
    assert (response.status_code, response.headers["Content-Type"]) == (415, "text/html; charset=utf-8")


def test_curl_with_d_is_understood(ask, boss):
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": boss}
    made = ask("POST", "/api/3/action/package_create", data='{"name": "by-curl", "owner_org": "so-yt"}', headers=form)
    assert made.json()["result"]["name"] == "by-curl"
    patched = ask("POST", "/api/3/action/package_patch", data="id=by-curl&title=A+%26+B", headers=form)
    assert patched.json()["result"]["title"] == "A & B"


def test_all_values_of_a_query_are_texts_and_a_repeated_one_is_a_list(ask):
    for value in ("true", "True", "1", "yes", "ON", "t", "Y"):
        answer = ask("GET", "/api/3/action/organization_list", params={"all_fields": value}).json()
        assert answer["result"][0]["title"] == "Sở Y tế", value
    for value in ("false", "False", "0", "no", "off", "F", "n", ""):
        assert ask("GET", "/api/3/action/organization_list", params={"all_fields": value}).json()["result"] == ["so-yt"]
    filtered = ask("GET", f"{SEARCH}?fq=name:bus&fq=organization:so-yt").json()["result"]
    assert filtered["count"] == 1


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("organization_show", {"id": "so-yt", "include_datasets": "perhaps"}),
        ("group_show", {"id": "suc-khoe", "include_users": "perhaps"}),
        ("organization_list", {"all_fields": "perhaps"}),
    ],
)
def test_junk_in_a_flag_is_a_409(ask, action, params):
    response = ask("GET", f"/api/3/action/{action}", params=params)
    assert response.status_code == 409
    assert response.json()["error"] == {"__type": "Validation Error", "message": "Parameter is not an bool"}


def test_errors_carry_the_same_headers_as_results(ask):
    for path in (
        f"{SHOW}?id=nope",
        f"{SHOW}?id=hidden",
        SHOW,
        f"{SEARCH}?foo=1",
        f"{SEARCH}?q={{!x}}a",
        "/api/action/x",
    ):
        response = ask("GET", path)
        assert response.status_code in {400, 403, 404, 409}, path
        assert response.headers["Content-Type"] == "application/json;charset=utf-8"
        assert response.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert response.headers["Vary"].startswith("Cookie")
        assert "ETag" not in response.headers
        if response.json() != "Bad request: Action name not known: x":
            assert list(response.json()) == ["help", "error", "success"]
            assert response.json()["error"]["__type"].endswith("Error")


def test_jsonp_is_a_script_in_ascii_and_only_for_get(ask):
    response = ask("GET", SHOW, params={"id": "bus", "callback": "cb"})
    script = response.content
    assert script.isascii()
    assert b"\\u2028" in script
    assert json.loads(script.removeprefix(b"cb(").removesuffix(b");")) == ask("GET", SHOW, params={"id": "bus"}).json()
    found = ask("GET", SEARCH, params={"q": "bus", "callback": "cb"}).content
    assert json.loads(found.removeprefix(b"cb(").removesuffix(b");"))["result"]["results"][0]["name"] == "bus"
    posted = ask("POST", SHOW, params={"callback": "cb"}, json={"id": "bus"})
    assert posted.headers["Content-Type"] == "application/json;charset=utf-8"
    assert posted.json()["success"]


def test_an_answer_is_kept_until_a_dataset_changes(ask, boss):
    addresses = [
        f"{SHOW}?id=bus",
        f"{SEARCH}?q=bus",
        "/api/3/action/package_list",
        "/api/3/action/current_package_list_with_resources",
    ]
    tags = [ask("GET", address).headers["ETag"] for address in addresses]
    for address, tag in zip(addresses, tags, strict=True):
        again = ask("GET", address, headers={"If-None-Match": f'"older", {tag}'})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Access-Control-Allow-Origin"] == "*"
        assert ask("HEAD", address, headers={"If-None-Match": tag}).status_code == 304
        assert ask("POST", address, headers={"If-None-Match": tag}).status_code == 200
    headers = {"Authorization": boss}
    ask("POST", "/api/action/package_patch", json={"id": "bus", "notes": "Mới"}, headers=headers)
    for address, tag in zip(addresses, tags, strict=True):
        changed = ask("GET", address, headers={"If-None-Match": tag})
        assert changed.status_code == 200, address
        assert changed.headers["ETag"] != tag
        assert "package_list?" in address or "Mới" in changed.text or address.endswith("package_list")


def test_what_is_remembered_for_all_holds_nothing_of_one_caller(ask, boss):
    everything = {"fq": "name:hidden", "include_private": "true"}
    for _ in range(2):
        assert ask("GET", SEARCH, params=everything, headers={"Authorization": boss}).json()["result"]["count"] == 1
        assert ask("GET", SEARCH, params=everything).json()["result"]["count"] == 0
    mine = ask("GET", SEARCH, params=everything, headers={"Authorization": boss})
    assert mine.headers["Cache-Control"].startswith("private")
    stolen = ask("GET", SEARCH, params=everything, headers={"If-None-Match": mine.headers["ETag"]})
    assert (stolen.status_code, stolen.json()["result"]["count"]) == (200, 0)


def test_a_question_about_the_time_is_asked_anew(ask):
    asked = {"q": "metadata_modified:[NOW-1HOUR TO NOW+1HOUR]"}
    first = ask("GET", SEARCH, params=asked)
    assert first.json()["result"]["count"] >= 1
    tag = first.headers["ETag"]
    assert ask("GET", SEARCH, params=asked, headers={"If-None-Match": tag}).status_code in {200, 304}


def test_the_short_forms_have_their_shapes(ask, boss):
    def at(path: str, **params: str) -> Any:
        return ask("GET", path, params=params, headers={"Authorization": boss}).json()

    for prefix in ("/api/util", "/api/1/util", "/api/2/util"):
        rows = at(f"{prefix}/dataset/autocomplete", incomplete="bus", limit="1")["ResultSet"]["Result"]
        assert [set(row) for row in rows] == [{"name", "title", "match_field", "match_displayed"}]
        assert rows[0]["match_displayed"] in {rows[0]["name"], f"{rows[0]['title']} ({rows[0]['name']})"}
        assert at(f"{prefix}/tag/autocomplete", incomplete="xe") == {"ResultSet": {"Result": [{"Name": "xe buýt"}]}}
        formats = at(f"{prefix}/resource/format_autocomplete", incomplete="cs")
        assert formats == {"ResultSet": {"Result": [{"Format": "csv"}]}}
        assert [row["name"] for row in at(f"{prefix}/user/autocomplete", q="bos")] == ["boss"]
        assert [row["name"] for row in at(f"{prefix}/group/autocomplete", q="suc")] == ["suc-khoe"]
        assert [row["name"] for row in at(f"{prefix}/organization/autocomplete", q="so-")] == ["so-yt"]
    assert at("/api/util/dataset/autocomplete") == {"ResultSet": {"Result": []}}


def test_the_key_in_the_query_is_no_key(ask, boss):
    for name in ("apikey", "api_key", "Authorization", "X-CKAN-API-Key"):
        assert ask("GET", SHOW, params={"id": "hidden", name: boss}).status_code == 403


@pytest.mark.parametrize(
    "path", [f"{SEARCH}?q=xe%20bu%C3%BDt", f"{SEARCH}?q=%FF%FE", f"{SHOW}?id=%00", f"{SHOW}?id=%ED%A0%80"]
)
def test_odd_bytes_in_a_query_are_no_fault_of_ours(ask, path):
    assert ask("GET", path).status_code in {200, 404, 409}


def test_one_connection_carries_many_calls(live):
    address = urlsplit(live.url)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=10)
    try:
        for path in (f"{SHOW}?id=bus", f"{SHOW}?id=nope", f"{SHOW}?id=bus"):
            connection.request("GET", path)
            assert connection.getresponse().read().startswith(b'{"help"')
    finally:
        connection.close()


def test_the_limit_of_rows_is_silent(tmp_path):
    with catalogue_on(tmp_path, search_rows_max=2) as portal, served(portal):
        boss = portal.add_user("boss", sysadmin=True)
        with portal.as_user(boss) as client:
            client.action.organization_create(name="so-yt")
            for number in range(3):
                client.action.package_create(name=f"bus-{number}", owner_org="so-yt")
        found = requests.get(f"{portal.url}{SEARCH}", params={"rows": "1000"}, timeout=10).json()["result"]
        assert (found["count"], len(found["results"])) == (3, 2)
