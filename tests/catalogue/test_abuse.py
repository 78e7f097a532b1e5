"""Requests that cost their sender little and would cost the portal much, and texts that no database holds."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from samples.served_catalogue import ServedCatalogue, catalogue_on
from servers.postgres import PostgresServer

from catalogue.errors import NotAuthorized
from catalogue.rows.sql_run import MAX_COMPARISONS, _like, _replace, _trimmed
from catalogue.web.action_api import create_app
from catalogue.web.document_cache import LONGEST_KEY, DocumentCache
from catalogue.web.documents import Draft
from catalogue.web.http_answers import LONGEST_REMEMBERED_QUESTION, RememberedAnswers
from catalogue.web.request_params import MAX_STRANGERS_BYTES

pytestmark = pytest.mark.slow

CITY = "so-gtvt"


@pytest.fixture
def client(catalogue: ServedCatalogue) -> FlaskClient:
    return create_app(catalogue.services).test_client()


def test_a_long_question_is_answered_and_not_remembered():
    remembered = RememberedAnswers()
    remembered.put("a" * (LONGEST_REMEMBERED_QUESTION + 1), "[]", seq=1)
    assert remembered.get("a" * (LONGEST_REMEMBERED_QUESTION + 1), seq=1) is None
    remembered.put("short", "[]", seq=1)
    assert remembered.get("short", seq=1) == "[]"


def test_questions_count_like_answers_against_what_is_remembered(monkeypatch):
    monkeypatch.setattr("catalogue.web.http_answers.MOST_REMEMBERED_LETTERS", 100)
    remembered = RememberedAnswers()
    for letter in "ab":
        remembered.put(letter * 60, "[]", seq=1)
    remembered.put("b" * 60, "[1]", seq=2)
    assert remembered.get("a" * 60, seq=1) is None
    assert remembered.get("b" * 60, seq=2) == "[1]"


def test_a_document_with_a_long_address_is_not_kept():
    cache = DocumentCache()
    draft = Draft("text/plain", "tag", None, lambda: b"x")
    cache.keep("a" * (LONGEST_KEY + 1), 1, draft, b"x")
    assert cache.size_bytes == 0


def test_a_stranger_sends_no_large_body_and_a_known_caller_may(catalogue, client):
    body = b'{"x": "' + b"x" * MAX_STRANGERS_BYTES + b'"}'
    token = catalogue.add_user("mai")

    def status(**headers: str) -> int:
        answer = client.post("/api/3/action/package_list", data=body, content_type="application/json", headers=headers)
        return answer.status_code

    assert status() == 413
    assert status(Authorization="guessed") == 413
    assert status(Authorization=token) == 200


@pytest.mark.parametrize("value", [2**70, 1.5, True, {"a": 1}])
@pytest.mark.parametrize("name", ["fl", "facet.field"])
def test_a_list_of_fields_may_be_anything(client, name, value):
    assert client.post("/api/3/action/package_search", json={name: value}).status_code == 200


def test_the_number_of_facets_is_limited(client):
    answer = client.post("/api/3/action/package_search", json={"facet.field": [str(n) for n in range(501)]})
    assert answer.status_code == 409
    assert "facet.field" in answer.json["error"]


def test_one_call_of_a_function_of_sql_does_bounded_work():
    text = "a" * 1_000_000
    with pytest.raises(ValueError, match="pattern"):
        _like(text, "%" + "a_" * (MAX_COMPARISONS // len(text)) + "b%", folds_case=False)
    with pytest.raises(ValueError, match="replace"):
        _replace(text, "a", "b" * 100)
    with pytest.raises(ValueError, match="trim"):
        _trimmed(str.strip)(text, "b" * 101)
    assert _replace("a-b", "-", "+") == "a+b"
    assert _replace("a", "", "+") == "a"
    assert _replace(None, "a", "b") is None
    assert _trimmed(str.strip)("xax", "x") == "a"


def test_a_member_of_a_group_takes_no_dataset_out_of_it_that_they_may_not_read(catalogue):
    catalogue.call("group_create", {"name": "moi-truong"}, user="boss")
    member = {"id": "moi-truong", "username": "binh", "role": "member"}
    catalogue.call("group_member_create", member, user="boss")
    hidden = {"name": "an", "owner_org": CITY, "private": True, "groups": [{"name": "moi-truong"}]}
    catalogue.call("package_create", hidden, user="boss")
    taken = {"id": "moi-truong", "object": "an", "object_type": "package"}
    with pytest.raises(NotAuthorized):
        catalogue.call("member_delete", taken, user="binh")
    catalogue.call("package_patch", {"id": "an", "private": False}, user="boss")
    catalogue.call("member_delete", taken, user="binh")
    assert catalogue.call("package_show", {"id": "an"})["groups"] == []


@pytest.mark.server
@pytest.mark.slow
def test_a_nul_in_an_address_is_found_nowhere_on_postgresql(tmp_path, postgres: PostgresServer):
    with catalogue_on(tmp_path, database_url=postgres.url(postgres.new_database())) as portal:
        client = create_app(portal.services).test_client()
        for kind in ("tag/autocomplete?incomplete=%00", "organization/autocomplete?q=%00"):
            answer = client.get(f"/api/2/util/{kind}")
            assert (answer.status_code, answer.json) in ((200, []), (200, {"ResultSet": {"Result": []}}))
        assert client.get("/api/3/action/package_show?id=%00").status_code == 409
