"""Wrong types, wrong nesting and odd values in every parameter of every action: a refusal, never a failure."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from samples.served_catalogue import catalogue_on

from catalogue.actions.registry import ACTIONS
from catalogue.web.action_api import create_app

CALLS_PER_ACTION = 30
SHAPES: list[Any] = [
    *([], {}, [{}], [[1]], ["a"], [None], {"a": {"b": []}}, [{"name": {}}], [{"id": []}], [{"key": {}, "value": []}]),
    *(-1, 0, 10**30, 1.5, True, None, "", "'\"%_\\", "\U0001f600", "x" * 3000, "1e5", "2026-01-01", "[", "{}", "[1]"),
    *("bus", "*", "a:b", "../../etc", "{!func}x"),
]
PLAIN = {
    "name": "bus",
    "owner_org": "org",
    "package_id": "bus",
    "user": "boss",
    "username": "boss",
    "role": "admin",
    "object": "bus",
    "object_type": "package",
    "capacity": "public",
    "match": {"name": "bus"},
    "q": "a",
    "query": "a",
    "resource_id": "r1",
    "email": "a@b.vn",
    "password": "12345678",
}
NAMES = [
    *PLAIN,
    *(
        "id",
        "limit",
        "offset",
        "page",
        "sort",
        "order_by",
        "order",
        "include",
        "filter",
        "update",
        "all_fields",
        "groups",
    ),
    *("organizations", "extras", "tags", "tag_string", "resources", "users", "permission", "private", "state", "title"),
    *(
        "url",
        "size",
        "format",
        "created",
        "expires_in",
        "unit",
        "before",
        "after",
        "activity_types",
        "type",
        "vocabulary_id",
    ),
    *("filters", "fields", "fq", "fq_list", "fl", "rows", "start", "facet.field", "facet.limit", "records_format"),
    *("include_users", "include_datasets", "image_url", "approval_status", "metadata_modified", "version", "upload"),
    *(
        "order_by",
        "datasets",
        "org_id",
        "organization_id",
        "view_type",
        "view_types",
        "resource",
        "package",
        "page_url",
    ),
    *("key", "ckan.site_title", "email_to", "object_type", "diff_type", "include_data", "include_hidden_activity"),
    *("exclude_activity_types", "description", "all_fields", "vocabulary_id", "ids_only", "queues"),
    *("match__resources__0__id", "update__resources", "update__resources__0", "update__resources__extend", "update__"),
]


@pytest.fixture
def portal(tmp_path):
    with catalogue_on(tmp_path) as opened:
        opened.token = opened.add_user("boss", sysadmin=True)
        yield opened


def restore(portal) -> None:
    for action, params in (
        ("organization_create", {"name": "org"}),
        ("group_create", {"name": "theme"}),
        ("dataset_purge", {"id": "bus"}),
        ("package_create", {"name": "bus", "owner_org": "org", "resources": [{"id": "r1"}]}),
    ):
        portal.client.post(f"/api/3/action/{action}", json=params, headers={"Authorization": portal.token})


def body_for(action: str, chance: random.Random) -> dict[str, Any]:
    kinds = {"organization": "org", "group": "theme", "member": "theme", "resource": "r1", "user": "boss"}
    body = {**PLAIN, "id": kinds.get(action.partition("_")[0], "bus")}
    for _ in range(chance.choice((1, 1, 2))):
        body[chance.choice(NAMES)] = chance.choice(SHAPES)
    return body


@pytest.mark.slow
def test_no_parameter_of_any_shape_breaks_an_action(portal):
    portal.client = create_app(portal.services).test_client()
    chance = random.Random(20261122)
    for action in ACTIONS:
        restore(portal)
        for _ in range(CALLS_PER_ACTION):
            body = body_for(action, chance)
            headers = {"Authorization": portal.token} if chance.random() < 0.9 else {}
            response = portal.client.post(f"/api/3/action/{action}", json=body, headers=headers)
            assert response.status_code < 500, (action, json.dumps(body)[:500])
            json.loads(response.text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("package_search", {"q": "a " * 30_000}),
        ("package_search", {"fq": ["a"] * 300_000}),
        ("package_search", {"fq_list": ["x" * 30_000] * 2}),
        ("tag_search", {"query": [str(number) for number in range(300_000)]}),
        ("tag_autocomplete", {"query": [str(number) for number in range(1000)]}),
        ("resource_search", {"query": [f"name:{number}" for number in range(300_000)]}),
        ("organization_list", {"organizations": ["a"] * 300_000}),
        ("group_list", {"groups": ",".join("a" * 300_000)}),
    ],
)
def test_what_would_keep_us_busy_is_refused(portal, action, params):
    assert create_app(portal.services).test_client().post(f"/api/3/action/{action}", json=params).status_code in {
        409,
        413,
    }


@pytest.mark.parametrize(
    ("action", "name"),
    [("package_autocomplete", "q"), ("organization_autocomplete", "q"), ("group_list", "q"), ("tag_search", "query")],
)
def test_nothing_contains_an_endless_text(portal, action, name):
    answer = create_app(portal.services).test_client().post(f"/api/3/action/{action}", json={name: "x" * 60_000})
    assert answer.status_code == 200
    assert answer.json["result"] in ([], {"count": 0, "results": []})


@pytest.mark.parametrize("written", ['["\\ud800"]', '["\\u0000"]', "[NaN]", "[1e400]", "[" * 60 + "]" * 60, "[" * 5000])
@pytest.mark.parametrize(
    ("action", "name"),
    [("organization_list", "organizations"), ("package_activity_list", "activity_types"), ("resource_search", "query")],
)
def test_json_in_a_text_is_read_as_strictly_as_a_body(portal, action, name, written):
    portal.call("organization_create", {"name": "org"}, user="boss")
    portal.call("package_create", {"name": "bus", "owner_org": "org"}, user="boss")
    client = create_app(portal.services).test_client()
    answer = client.get(f"/api/3/action/{action}", query_string={"id": "bus", name: written})
    assert answer.status_code == 409, answer.text


def test_a_refusal_does_not_tell_the_id_of_a_hidden_dataset(portal):
    portal.call("organization_create", {"name": "org"}, user="boss")
    hidden = portal.call("package_create", {"name": "bus", "owner_org": "org", "private": True}, user="boss")
    client = create_app(portal.services).test_client()
    answer = client.post("/api/3/action/package_owner_org_update", json={"id": "bus", "organization_id": "org"})
    assert answer.status_code == 403
    assert hidden["id"] not in answer.text
