"""The HTTP face: addresses, bodies, envelope, errors, tokens, JSONP and CORS."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

SHOW = "/api/3/action/package_show"


@pytest.fixture(scope="module", autouse=True)
def _datasets(live, boss):
    with live.as_user(boss) as client:
        client.action.organization_create(name="so-yt", title="Sở Y tế")
        client.action.package_create(name="bus", title="Trạm xe buýt", owner_org="so-yt", tags=[{"name": "xe buýt"}])
        client.action.package_create(name="hidden", owner_org="so-yt", private=True)


@pytest.fixture
def ask(live):
    def send(method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, live.url + path, allow_redirects=False, timeout=10, **options)

    return send


def test_both_addresses_answer_with_the_envelope_in_its_order(ask):
    for path in (SHOW, "/api/action/package_show"):
        response = ask("GET", path, params={"id": "bus"})
        assert response.status_code == 200
        assert list(response.json()) == ["help", "success", "result"]
        assert response.json()["help"] == "http://portal.example/api/3/action/help_show?name=package_show"
        assert response.headers["Content-Type"] == "application/json;charset=utf-8"
        assert response.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert response.headers["Vary"].startswith("Cookie")


def test_other_methods_and_addresses_are_html_errors_without_a_redirect(ask):
    assert ask("PUT", SHOW).status_code == 405
    assert ask("HEAD", SHOW, params={"id": "bus"}).status_code == 200
    assert ask("OPTIONS", SHOW).status_code == 200
    for path in (f"{SHOW}/", "/api/1/action/package_show", "/api/2/rest/dataset", "/api/search/dataset", "/api/3/"):
        response = ask("GET", path)
        assert response.status_code == (200 if path == "/api/3/" else 404), path
    assert ask("GET", "/api").json() == {"version": 1}
    assert ask("GET", "/api/").json() == {"version": 1}
    assert ask("GET", "/api/3").json() == {"version": 3}


def test_an_unknown_action_is_a_bare_text(ask):
    response = ask("GET", "/api/3/action/nope")
    assert (response.status_code, response.json()) == (400, "Bad request: Action name not known: nope")


def test_a_writing_action_wants_post(ask):
    response = ask("GET", "/api/3/action/package_create")
    assert response.status_code == 400
    assert response.json().endswith("Please use POST method for your request")


@pytest.mark.parametrize(
    ("body", "starts"),
    [
        ("[1]", "Bad request: JSON Error: Request data JSON decoded to [1] but it needs to be a dictionary."),
        ("{", "Bad request: JSON Error: Error decoding JSON data."),
        ("[" * 100_000, "Bad request: JSON Error: Error decoding JSON data."),
        ('{"id": NaN}', "Bad request: JSON Error: Error decoding JSON data."),
        (b"\xff\xfe\xfa", "Bad request: JSON Error: Error decoding JSON data."),
    ],
)
def test_json_that_is_no_object_is_a_bare_text(ask, body, starts):
    response = ask("POST", SHOW, data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json().startswith(starts)


@pytest.mark.parametrize(
    "body",
    [
        '{"id": "bus"}',
        '{"id": "bus", "q": "a=b&c"}',
        "%7B%22id%22%3A+%22bus%22%7D",
        "%7B%22id%22%3A+%22bus%22%7D=1",
        "id=bus",
    ],
)
def test_a_form_may_be_a_json_document(ask, body):
    response = ask("POST", SHOW, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert response.json()["result"]["name"] == "bus"


@pytest.mark.parametrize("body", ["[1]", "[1]=1"])
def test_a_form_that_is_a_json_list_is_a_bare_text(ask, body):
    response = ask("POST", SHOW, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    wanted = "Bad request: JSON Error: Request data JSON decoded to [1] but it needs to be a dictionary."
    assert (response.status_code, response.json()) == (400, wanted)


def test_parameters_come_from_multipart_and_from_the_query_of_an_empty_post(ask, boss):
    assert ask("POST", SHOW, files={"id": (None, "bus")}).json()["success"]
    assert ask("POST", SHOW, params={"id": "bus"}).json()["success"]
    ignored = ask("POST", "/api/action/package_delete", params={"id": "bus"}, headers={"Authorization": boss})
    assert (ignored.status_code, ignored.json()["error"]["id"]) == (409, "Missing value")


def test_a_body_without_a_type_is_not_read(ask):
    assert ask("POST", SHOW, data="id=bus", headers={"Content-Type": "text/plain"}).status_code == 415
    assert ask("POST", SHOW, data=b"id=bus").status_code == 415


def test_null_is_missing(ask):
    response = ask("POST", SHOW, json={"id": None})
    assert response.status_code == 409
    assert response.json()["error"] == {"name_or_id": "Missing value", "__type": "Validation Error"}
    assert list(response.json()) == ["help", "error", "success"]


def test_hidden_is_403_and_absent_is_404(ask):
    hidden = ask("GET", SHOW, params={"id": "hidden"})
    assert hidden.status_code == 403
    assert hidden.json()["error"]["message"].startswith("Access denied: User  not authorized to read package")
    absent = ask("GET", SHOW, params={"id": "nope"})
    assert (absent.status_code, absent.json()["error"]["message"]) == (404, "Not found: Package was not found.")


def test_wrong_nesting_is_an_integrity_error(ask, boss):
    for wrong in ({"tags": ["a"]}, {"resources": "x"}, {"extras": {"a": "b"}}):
        body = {"name": "nested", "owner_org": "so-yt", **wrong}
        response = ask("POST", "/api/3/action/package_create", json=body, headers={"Authorization": boss})
        assert (response.status_code, response.json()["error"]["__type"]) == (400, "Integrity Error")


@pytest.mark.parametrize("header", ["Authorization", "X-CKAN-API-Key"])
@pytest.mark.parametrize("before", ["", "Bearer ", "bearer "])
def test_three_ways_to_send_a_token(ask, boss, header, before):
    response = ask("GET", SHOW, params={"id": "hidden"}, headers={header: before + boss})
    assert response.status_code == 200
    assert response.headers["Cache-Control"].startswith("private")


def test_the_password_of_a_proxy_does_not_hide_the_token(ask, boss):
    headers = {"Authorization": "Basic dTpw", "X-CKAN-API-Key": boss}
    assert ask("GET", SHOW, params={"id": "hidden"}, headers=headers).status_code == 200


def test_a_wrong_token_is_anonymous(ask, boss):
    wrong = {"Authorization": "phusa_wrong"}
    assert ask("GET", SHOW, params={"id": "bus"}, headers=wrong).status_code == 200
    assert ask("POST", "/api/action/package_delete", json={"id": "bus"}, headers=wrong).status_code == 403
    assert ask("GET", SHOW, params={"id": "hidden", "apikey": boss}).status_code == 403
    assert ask("GET", SHOW, params={"id": "hidden"}, cookies={"auth_tkt": boss}).status_code == 403


def test_jsonp_is_anonymous_and_only_under_a_plain_name(ask, boss):
    response = ask("GET", SHOW, params={"id": "bus", "callback": "jQuery1.cb[0]"})
    assert response.text.startswith('jQuery1.cb[0]({"help"')
    assert response.text.endswith(");")
    assert response.headers["Content-Type"] == "application/javascript;charset=utf-8"
    headers = {"Authorization": boss}
    assert ask("GET", SHOW, params={"id": "hidden", "callback": "cb"}, headers=headers).text.startswith("cb(")
    assert '"success": false' in ask("GET", SHOW, params={"id": "hidden", "callback": "cb"}, headers=headers).text
    evil = ask("GET", SHOW, params={"id": "bus", "callback": "alert(1)//"})
    assert evil.headers["Content-Type"].startswith("application/json")


def test_pages_of_other_sites_may_read(ask):
    response = ask("GET", SHOW, params={"id": "bus"}, headers={"Origin": "https://other.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers
    preflight = ask(
        "OPTIONS", SHOW, headers={"Origin": "https://other.example", "Access-Control-Request-Method": "POST"}
    )
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]


def test_an_unchanged_answer_is_not_sent_again(ask):
    first = ask("GET", SHOW, params={"id": "bus"})
    again = ask("GET", SHOW, params={"id": "bus"}, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("bad", ["a\x00b", "\ud800"])
def test_what_no_database_can_store_is_refused(ask, boss, bad):
    body = json.dumps({"name": "odd", "owner_org": "so-yt", "title": bad})
    headers = {"Authorization": boss, "Content-Type": "application/json"}
    assert ask("POST", "/api/action/package_create", data=body, headers=headers).status_code == 409
    assert (
        ask("POST", SHOW, data=json.dumps({"id": bad}), headers={"Content-Type": "application/json"}).status_code == 409
    )


def test_a_failure_tells_nothing_of_the_inside(live, ask, monkeypatch):
    monkeypatch.setattr("catalogue.actions.read.status_show", lambda _context, _params: 1 / 0)
    response = ask("GET", "/api/3/action/status_show")
    assert response.status_code == 500
    assert response.json()["error"] == {"__type": "Internal Server Error", "message": "Internal Server Error"}


def test_help_tells_what_every_action_does(live):
    from catalogue.actions.registry import ACTIONS

    with live.as_user() as client:
        for name in ACTIONS:
            assert client.action.help_show(name=name), name


def test_short_forms_suggest_names(ask):
    shown = ask("GET", "/api/2/util/dataset/autocomplete", params={"incomplete": "bu"}).json()
    assert shown["ResultSet"]["Result"][0]["name"] == "bus"
    assert ask("GET", "/api/util/tag/autocomplete", params={"incomplete": "xe"}).json() == {
        "ResultSet": {"Result": [{"Name": "xe buýt"}]}
    }
    assert [one["name"] for one in ask("GET", "/api/util/organization/autocomplete", params={"q": "yt"}).json()] == [
        "so-yt"
    ]
    assert ask("GET", "/api/3/util/dataset/autocomplete").status_code == 404
