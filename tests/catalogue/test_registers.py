"""Vocabularies, views, follows, settings and histories as clients meet them: over HTTP, with odd input, on PostgreSQL."""

from __future__ import annotations

import inspect
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ckanapi
import pytest
from alembic import command
from samples.served_catalogue import ServedCatalogue, catalogue_on, served

from catalogue.actions.registry import ACTIONS
from catalogue.model import Activity
from catalogue.store import migration_config
from catalogue.web.action_api import create_app

pytest_plugins = ["servers.postgres"]

# action: parameters with which it does its work; "$view" and "$activity" stand for what the test has made
CALLS: dict[str, dict[str, Any]] = {
    "tag_list": {"query": "b", "vocabulary_id": "mode", "all_fields": True},
    "tag_show": {"id": "bus", "vocabulary_id": "mode", "include_datasets": True},
    "tag_autocomplete": {"query": "b", "vocabulary_id": "mode", "limit": 5, "offset": 0},
    "tag_search": {"query": ["b"], "vocabulary_id": "mode", "limit": 5, "offset": 0},
    "tag_create": {"name": "tram", "vocabulary_id": "mode"},
    "tag_delete": {"id": "bus", "vocabulary_id": "mode"},
    "vocabulary_list": {},
    "vocabulary_show": {"id": "mode"},
    "vocabulary_create": {"name": "kind", "id": "kind-1", "tags": [{"name": "ab"}]},
    "vocabulary_update": {"id": "mode", "name": "mode", "tags": [{"name": "bus"}]},
    "vocabulary_delete": {"id": "unused"},
    "resource_search": {"query": ["format:csv"], "order_by": "name", "limit": 5, "offset": 0},
    "resource_view_list": {"id": "table"},
    "resource_view_show": {"id": "$view"},
    "resource_view_create": {
        "resource_id": "table",
        "view_type": "text_view",
        "title": "t",
        "description": "d",
        "page": 1,
    },
    "resource_view_update": {"id": "$view", "view_type": "text_view", "title": "t", "page_url": "https://x.example"},
    "resource_view_reorder": {"id": "table", "order": ["$view"]},
    "resource_view_delete": {"id": "$view"},
    "resource_view_clear": {"view_types": ["text_view"]},
    "resource_create_default_resource_views": {"resource": {"id": "table"}, "create_datastore_views": False},
    "package_create_default_resource_views": {"package": {"id": "stops"}, "create_datastore_views": False},
    "bulk_update_private": {"datasets": ["stops"], "org_id": "org"},
    "bulk_update_public": {"datasets": ["stops"], "org_id": "org"},
    "bulk_update_delete": {"datasets": ["stops"], "org_id": "org"},
    "package_owner_org_update": {"id": "stops", "organization_id": "org"},
    "config_option_list": {},
    "config_option_show": {"key": "ckan.site_title"},
    "config_option_update": {"ckan.site_title": "t", "ckan.site_description": "d", "email_to": "a@b.example"},
    "job_list": {"queues": ["default"], "limit": 1, "ids_only": False},
    "job_clear": {"queues": ["default"]},
    "package_activity_list": {"id": "stops", "limit": 5, "offset": 0, "before": "2100-01-01", "after": 0},
    "organization_activity_list": {"id": "org", "activity_types": ["new package"], "include_hidden_activity": True},
    "group_activity_list": {"id": "theme", "exclude_activity_types": ["new package"]},
    "user_activity_list": {"id": "boss", "limit": 5, "offset": 0},
    "recently_changed_packages_activity_list": {"limit": 5, "offset": 0, "before": 4e9},
    "activity_show": {"id": "$activity", "include_data": True},
    "activity_data_show": {"id": "$activity", "object_type": "package"},
    "activity_diff": {"id": "$activity", "object_type": "package", "diff_type": "json"},
    "follow_dataset": {"id": "stops"},
    "am_following_dataset": {"id": "stops"},
    "dataset_follower_count": {"id": "stops"},
    "dataset_follower_list": {"id": "stops"},
    "unfollow_dataset": {"id": "stops"},
    "follow_group": {"id": "org"},
    "am_following_group": {"id": "org"},
    "group_follower_count": {"id": "theme"},
    "group_follower_list": {"id": "theme"},
    "organization_follower_count": {"id": "org"},
    "organization_follower_list": {"id": "org"},
    "unfollow_group": {"id": "org"},
    "status_show": {},
    "license_list": {},
    "site_read": {},
    "help_show": {"name": "status_show"},
}
READS = (
    "_list",
    "_show",
    "_search",
    "_autocomplete",
    "_count",
    "_diff",
    "am_following_dataset",
    "am_following_group",
    "site_read",
)
SHAPES: list[Any] = [
    *(
        None,
        "",
        " ",
        -1,
        0,
        10**30,
        1.5,
        True,
        [],
        {},
        [[]],
        [{}],
        [None],
        {"id": {}},
        ["a", {"b": []}],
        [{"name": []}],
    ),
    *("\U0001f600", "x" * 3000, "'\"%_\\", "1e400", "2026-13-01", "[", "{}", '["a"', "{!func}x", "a:b:c", "stops"),
]


def fill(portal: ServedCatalogue) -> dict[str, str]:
    """Put one thing of each kind into an empty catalogue and return what "$view" and "$activity" stand for."""

    def call(action: str, **params: Any) -> Any:
        return portal.call(action, params, user="boss")

    call("organization_create", name="org")
    call("group_create", name="theme")
    call("vocabulary_create", name="mode", tags=[{"name": "bus"}])
    call("vocabulary_create", name="unused", tags=[{"name": "ab"}])
    tags = [{"name": "bus"}, {"name": "bus", "vocabulary_id": "mode"}]
    resources = [{"id": "table", "url": "https://files.example/a.csv", "name": "Bảng"}]
    call("package_create", name="stops", owner_org="org", tags=tags, resources=resources, groups=[{"name": "theme"}])
    call("package_patch", id="stops", notes="n")
    (view,) = call("resource_view_list", id="table")
    activity = call("package_activity_list", id="stops")[0]
    return {"$view": view["id"], "$activity": activity["id"]}


def filled_in(params: dict[str, Any], made: dict[str, str]) -> dict[str, Any]:
    text = json.dumps(params)
    for name, value in made.items():
        text = text.replace(name, value)
    return dict(json.loads(text))


def do_everything(client: ckanapi.RemoteCKAN, made: dict[str, str]) -> None:
    for action, params in CALLS.items():
        client.call_action(action, filled_in(params, made))


def at_once(client: ckanapi.RemoteCKAN, action: str, **params: Any) -> list[str]:
    """Make the same call eight times at once; a failure of the server passes through."""

    def call(_number: int) -> str:
        try:
            client.call_action(action, params)
        except ckanapi.ValidationError:
            return "refused"
        return "done"

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, range(8)))


@pytest.mark.slow
def test_every_call_does_its_work_over_http(live, boss):
    made = fill(live)
    with live.as_user(boss) as client:
        do_everything(client, made)


@pytest.mark.slow
@pytest.mark.server
def test_every_call_does_its_work_on_postgresql(tmp_path, postgres):
    database = postgres.url(postgres.new_database())
    with catalogue_on(tmp_path, database_url=database) as portal, served(portal):
        token = portal.add_user("boss", sysadmin=True)
        made = fill(portal)
        with portal.as_user(token) as client, portal.as_user() as anonymous:
            assert client.action.resource_search(query="name:BẢNG")["count"] == 1
            assert client.action.tag_list(query="BUS") == ["bus"]
            assert [one["activity_type"] for one in anonymous.action.organization_activity_list(id="org")] == [
                *("changed package", "new package", "new organization")
            ]
            client.action.bulk_update_private(datasets=["stops"], org_id="org")
            assert anonymous.action.recently_changed_packages_activity_list() == []
            client.action.bulk_update_public(datasets=["stops"], org_id="org")
            with pytest.raises(ckanapi.ValidationError):
                client.action.vocabulary_delete(id="mode")
            assert len(anonymous.action.recently_changed_packages_activity_list()) == 3  # but not what was private
            do_everything(client, made)
            assert sorted(at_once(client, "follow_group", id="theme")) == ["done", *["refused"] * 7]
            assert "done" in at_once(client, "config_option_update", **{"ckan.site_about": "x"})
        with portal.store.engine.begin() as connection:
            command.downgrade(migration_config(connection), "0001")
        portal.store.upgrade()
        with portal.store.read() as session:
            snapshots = [
                (row.hidden, row.data["package"]["private"]) for row in session.query(Activity) if "package" in row.data
            ]
        assert set(snapshots) == {(False, False), (True, True)}


def test_reading_goes_by_get_and_nothing_else_does(live):
    app = create_app(live.services).test_client()
    for action in CALLS:
        answer = app.get(f"/api/3/action/{action}")
        assert ("Please use POST" in answer.text) is not action.endswith(READS), action


def test_every_action_tells_what_it_does():
    for name, action in ACTIONS.items():
        told = inspect.getdoc(action.function) or ""
        assert told.splitlines()[0].endswith((".", ":")), name


def test_the_portal_says_which_ckan_it_resembles(live):
    status = live.call("status_show")
    assert set(status) >= {"site_title", "site_description", "site_url", "error_emails_to", "locale_default"}
    assert all(part.isdigit() for part in status["ckan_version"].split("."))
    assert status["product"] == "phusa"
    assert status["product_version"][0].isdigit()
    assert {"activity", "datastore", "dcat"} <= set(status["extensions"])
    assert live.call("site_read") is True


def test_licences_have_the_flags_of_ckan(live):
    licences = live.call("license_list")
    assert [one["id"] for one in licences] == [
        *("notspecified", "odc-pddl", "odc-odbl", "odc-by", "cc-zero", "cc-by", "cc-by-sa", "gfdl", "other-open"),
        *("other-pd", "other-at", "uk-ogl", "cc-nc", "other-nc", "other-closed"),
    ]
    for licence in licences:
        assert set(licence) == {
            *("id", "title", "url", "family", "maintainer", "status", "domain_content", "domain_data"),
            *("domain_software", "is_generic", "od_conformance", "osd_conformance"),
        }
        flags = {licence[key] for key in licence if key.startswith(("domain_", "is_"))}
        assert flags <= {"True", "False"}


@pytest.mark.slow
def test_no_value_of_any_shape_breaks_a_call(tmp_path):
    with catalogue_on(tmp_path) as portal:
        token = portal.add_user("boss", sysadmin=True)
        made = fill(portal)
        app = create_app(portal.services).test_client()
        for action, params in CALLS.items():
            for name in params:
                for shape in SHAPES:
                    body = {**filled_in(params, made), name: shape}
                    answer = app.post(f"/api/3/action/{action}", json=body, headers={"Authorization": token})
                    assert answer.status_code < 500, (action, name, shape)
                    assert answer.status_code in {200, 400, 403, 404, 409}, (action, name, shape)
