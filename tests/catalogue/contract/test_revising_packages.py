"""`package_revise` in all its spellings, over HTTP: section 2.2 of the CKAN contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samples.api_over_http import Api


def test_revise_in_all_its_spellings(api: Api) -> None:
    made = api.new(title="T", notes="n", resources=[{"name": "a"}, {"name": "b"}])
    first = made["resources"][0]["id"]
    for params, seen in (
        ({"match": {"name": made["name"], "title": "T"}, "update": {"title": "U"}}, ("title", "U")),
        ({"match__id": made["id"], "match__title": "U", "update__title": "V"}, ("title", "V")),
        ({"match": json.dumps({"id": made["id"]}), "update": '{"notes": "m"}'}, ("notes", "m")),
        ({"match": {"id": made["id"]}, "filter": "-notes"}, ("notes", None)),
        ({"match__name": made["name"], "match__resources__0__id": first, "update__author": "x"}, ("author", "x")),
    ):
        assert api("package_revise", params)["package"][seen[0]] == seen[1]
    form = {"match": json.dumps({"name": made["name"]}), "update__resources__-1__name": "c"}
    form["update__resources__extend"] = '[{"name": "d"}]'
    assert [r["name"] for r in api("package_revise", data=form)["package"]["resources"]] == ["a", "b", "c"]
    path = f"update__resources__{first[:5]}__size"
    assert api("package_revise", {"match": {"id": made["id"]}, path: "5"})["package"]["resources"][0]["size"] == 5
    keep = {"match": {"id": made["id"]}, "filter": [f"+resources__{first[:5]}__*", "-resources__*"]}
    assert [r["id"] for r in api("package_revise", keep)["package"]["resources"]] == [first]
    narrow = {"match": {"id": made["id"]}, "include": ["+package__name", "-package__*"]}
    assert api("package_revise", narrow) == {"package": {"name": made["name"]}}


@pytest.mark.parametrize(
    ("params", "errors"),
    [
        ({}, {"match__id": "Missing value"}),
        ({"match": {}}, {"match__id": "Missing value"}),
        ({"match": {"title": "T"}}, {"match__id": "Missing value"}),
        ({"match": {"id": "ID", "title": "other"}}, {"match": ["title"]}),
        ({"match": {"id": "ID", "name": "other"}}, {"match": ["name"]}),
        ({"match": {"id": "ID", "resources": [{"name": "z"}, {}]}}, {"match": ["resources__0__name"]}),
        ({"match__id": "ID", "match__resources__1__name": "z"}, {"match": ["resources__1__name"]}),
        ({"match__id": "ID", "match__resources__9__name": "z"}, {"match": ["resources__9__name"]}),
        ({"match__id": "ID", "update__resources__99": {}}, {"resources__99": ["Unmatched key 99"]}),
        ({"match__id": "ID", "update__resources__9__url": ""}, {"resources__9__url": ["Unmatched key 9"]}),
        ({"match__id": "ID", "update__resources__abcd__url": ""}, {"resources__abcd__url": ["Unmatched key abcd"]}),
        ({"match__id": "ID", "update": {"title": "x", "version": "v" * 101}}, {"version": ["Length must be at most 100 characters"]}),
        ({"match__id": "ID", "update__resources__1__size": "x"}, {"resources": [{}, {"size": ["Invalid integer"]}]}),
    ],
)  # fmt: skip
def test_a_refused_revision_writes_nothing(api: Api, params: dict[str, Any], errors: dict[str, Any]) -> None:
    made = api.new(title="T", resources=[{"name": "a"}, {"name": "b"}])
    filled = json.loads(json.dumps(params).replace('"ID"', f'"{made["id"]}"'))
    assert api.refusal("package_revise", filled) == errors
    assert api("package_show", {"id": made["id"]}) == made


def test_revise_is_for_those_who_may_update(api: Api) -> None:
    made = api.new()
    for user in (None, "an", "binh"):
        api.refusal("package_revise", {"match__id": made["id"], "update__title": "x"}, status=403, user=user)
    api.refusal("package_revise", {"match__id": "nope"}, status=404)
