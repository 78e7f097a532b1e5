"""The authorization matrix of the contract: one test per cell, each with the real action on a real catalogue."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

import pytest
from samples.served_catalogue import ServedCatalogue, catalogue_on

from catalogue.actions.authorize import MATRIX, SWITCHES
from catalogue.actions.registry import ACTIONS, call_action
from catalogue.errors import NotAuthorized, NotFound, ValidationError
from catalogue.model import User
from catalogue.settings import CatalogueSettings

CITY = "so-gtvt"
ROLES = ("anonymous", "user", "member", "editor", "admin", "sysadmin")
PEOPLE = dict(zip(ROLES, (None, "binh", "minh", "lan", "ada", "boss"), strict=True))
STRANGER = "hoa"  # admin of another organization: towards this one a user like any other


class Operation(NamedTuple):
    """An action with parameters, the lowest role that may, and what an allowed call may still be refused for."""

    action: str
    params: dict[str, Any]
    lowest: str
    but: str = ""


INTO_GROUP = {"id": "theme", "object": "open", "object_type": "package", "capacity": "public"}
MEMBER = {"username": "binh", "role": "editor"}
PAIR = {"subject": "open", "object": "second", "type": "depends_on"}
# `$x` stands for the id of the thing that the fixture made under this name
OPERATIONS = {
    # ---- reading
    "show a public dataset": Operation("package_show", {"id": "open"}, "anonymous"),
    "search": Operation("package_search", {"q": "open"}, "anonymous"),
    "show an organization": Operation("organization_show", {"id": CITY}, "anonymous"),
    "show a group": Operation("group_show", {"id": "theme"}, "anonymous"),
    "list tags": Operation("tag_list", {}, "anonymous"),
    "list licences": Operation("license_list", {}, "anonymous"),
    "history of a public dataset": Operation("package_activity_list", {"id": "open"}, "anonymous"),
    "relations of a public dataset": Operation("package_relationships_list", {"id": "open"}, "anonymous"),
    "views of a public resource": Operation("resource_view_list", {"id": "open-resource"}, "anonymous"),
    "show a private dataset": Operation("package_show", {"id": "private"}, "member"),
    "show a deleted dataset": Operation("package_show", {"id": "deleted"}, "member"),
    "show a draft": Operation("package_show", {"id": "draft"}, "member"),
    "show a resource of a private dataset": Operation("resource_show", {"id": "secret-resource"}, "member"),
    "views of a private resource": Operation("resource_view_list", {"id": "secret-resource"}, "member"),
    "relations of a private dataset": Operation("package_relationships_list", {"id": "private"}, "member"),
    "relations with a private dataset": Operation("package_relationships_list", {"id": "open", "id2": "private"}, "member"),
    "history of a private dataset": Operation("package_activity_list", {"id": "private"}, "member"),
    "hidden history of a dataset": Operation("package_activity_list", {"id": "open", "include_hidden_activity": True}, "editor"),
    "follow a private dataset": Operation("follow_dataset", {"id": "private"}, "member"),
    "show a deleted organization": Operation("organization_show", {"id": "gone"}, "sysadmin"),
    "see users": Operation("user_list", {}, "user"),
    "see a user": Operation("user_show", {"id": "lan"}, "user"),
    "look for a user": Operation("user_autocomplete", {"q": "la"}, "user"),
    "history of a user": Operation("user_activity_list", {"id": "lan"}, "user"),
    "see the tokens of somebody else": Operation("api_token_list", {"user_id": "other"}, "sysadmin"),
    "see the collaborators": Operation("package_collaborator_list", {"id": "open"}, "admin"),
    "see the collaborations of somebody else": Operation("package_collaborator_list_for_user", {"id": "other"}, "sysadmin"),
    "see who follows a dataset": Operation("dataset_follower_list", {"id": "open"}, "sysadmin"),
    "see who follows a group": Operation("group_follower_list", {"id": "theme"}, "sysadmin"),
    "see who follows an organization": Operation("organization_follower_list", {"id": CITY}, "sysadmin"),
    "see settings": Operation("config_option_list", {}, "sysadmin"),
    "see one setting": Operation("config_option_show", {"key": "ckan.site_title"}, "sysadmin"),
    "see jobs": Operation("job_list", {}, "sysadmin"),
    # ---- datasets
    "create a dataset": Operation("package_create", {"name": "fresh", "owner_org": CITY}, "editor"),
    "update a dataset": Operation("package_update", {"id": "open"}, "editor"),
    "patch a dataset": Operation("package_patch", {"id": "open"}, "editor"),
    "patch a private dataset": Operation("package_patch", {"id": "private"}, "editor"),
    "bring a deleted dataset back": Operation("package_patch", {"id": "deleted", "state": "active"}, "editor"),
    "revise a dataset": Operation("package_revise", {"match": {"name": "open"}}, "editor"),
    "delete a dataset": Operation("package_delete", {"id": "open"}, "editor"),
    "order resources": Operation("package_resource_reorder", {"id": "open", "order": []}, "editor"),
    "purge a dataset": Operation("dataset_purge", {"id": "open"}, "sysadmin"),
    "give a dataset away": Operation("package_owner_org_update", {"id": "open", "organization_id": "so-yt"}, "sysadmin"),
    "make datasets private": Operation("bulk_update_private", {"org_id": CITY, "datasets": ["open"]}, "admin"),
    "make datasets public": Operation("bulk_update_public", {"org_id": CITY, "datasets": ["private"]}, "admin"),
    "delete datasets": Operation("bulk_update_delete", {"org_id": CITY, "datasets": ["open"]}, "admin"),
    "relate datasets": Operation("package_relationship_create", PAIR, "editor"),
    "comment a relation": Operation("package_relationship_update", {**PAIR, "type": "links_to", "comment": "c"}, "editor"),
    "part datasets": Operation("package_relationship_delete", {**PAIR, "type": "links_to"}, "editor"),
    "let a collaborator in": Operation("package_collaborator_create", {"id": "open", "user_id": "binh", "capacity": "editor"}, "admin"),
    "send a collaborator away": Operation("package_collaborator_delete", {"id": "open", "user_id": "other"}, "admin"),
    # ---- resources, views, rows
    "create a resource": Operation("resource_create", {"package_id": "open"}, "editor"),
    "update a resource": Operation("resource_update", {"id": "open-resource"}, "editor"),
    "patch a resource": Operation("resource_patch", {"id": "open-resource"}, "editor"),
    "delete a resource": Operation("resource_delete", {"id": "open-resource"}, "editor"),
    "create a view": Operation("resource_view_create", {"resource_id": "open-resource", "title": "t", "view_type": "text_view"}, "editor"),
    "update a view": Operation("resource_view_update", {"id": "$view", "title": "t"}, "editor"),
    "delete a view": Operation("resource_view_delete", {"id": "$view"}, "editor"),
    "order views": Operation("resource_view_reorder", {"id": "open-resource", "order": ["$view"]}, "editor"),
    "create the usual views of a resource": Operation("resource_create_default_resource_views", {"resource": {"id": "open-resource"}}, "editor"),
    "create the usual views of a dataset": Operation("package_create_default_resource_views", {"package": {"id": "open"}}, "editor"),
    "push a table": Operation("datastore_create", {"resource_id": "$rows", "fields": [{"id": "a", "type": "text"}]}, "editor"),
    "push rows": Operation("datastore_upsert", {"resource_id": "$rows", "method": "insert", "records": [{"a": "x"}]}, "editor"),
    "delete some rows": Operation("datastore_records_delete", {"resource_id": "$rows", "filters": {"a": "x"}}, "editor"),
    "delete rows": Operation("datastore_delete", {"resource_id": "$rows", "filters": {"a": "x"}}, "editor"),
    "read rows of a private dataset": Operation("datastore_search", {"resource_id": "secret-resource"}, "member", "not found"),
    "describe rows of a private dataset": Operation("datastore_info", {"id": "secret-resource"}, "member", "not found"),
    "delete all views": Operation("resource_view_clear", {}, "sysadmin"),
    # ---- organizations, groups, members
    "create an organization": Operation("organization_create", {"name": "another"}, "sysadmin"),
    "update the organization": Operation("organization_update", {"id": CITY}, "admin"),
    "patch the organization": Operation("organization_patch", {"id": CITY}, "admin"),
    "delete the organization": Operation("organization_delete", {"id": CITY}, "admin", "still has datasets"),
    "purge an organization": Operation("organization_purge", {"id": CITY}, "sysadmin"),
    "add a member": Operation("organization_member_create", {"id": CITY, **MEMBER}, "admin"),
    "remove a member": Operation("organization_member_delete", {"id": CITY, "username": "minh"}, "admin"),
    "add a member, the old way": Operation("member_create", {"id": CITY, "object": "binh", "object_type": "user", "capacity": "member"}, "admin"),
    "remove a member, the old way": Operation("member_delete", {"id": CITY, "object": "minh", "object_type": "user"}, "admin"),
    "invite somebody": Operation("user_invite", {"email": "new@example.vn", "group_id": CITY, "role": "member"}, "admin", "mail"),
    "put the organization below another": Operation("organization_patch", {"id": CITY, "groups": [{"name": "city"}]}, "sysadmin"),
    "name a successor": Operation("organization_patch", {"id": CITY, "successors": [{"name": "so-yt", "kind": "merged"}]}, "sysadmin"),
    "create a group": Operation("group_create", {"name": "theme2"}, "sysadmin"),
    "update a group": Operation("group_update", {"id": "theme"}, "sysadmin"),
    "patch a group": Operation("group_patch", {"id": "theme"}, "sysadmin"),
    "delete a group": Operation("group_delete", {"id": "theme"}, "sysadmin"),
    "purge a group": Operation("group_purge", {"id": "theme"}, "sysadmin"),
    "add a member to a group": Operation("group_member_create", {"id": "theme", **MEMBER}, "sysadmin"),
    "remove a member of a group": Operation("group_member_delete", {"id": "theme", "username": "other"}, "sysadmin"),
    "put a dataset into a group": Operation("member_create", INTO_GROUP, "sysadmin"),
    "take a dataset out of a group": Operation("member_delete", INTO_GROUP, "sysadmin"),
    # ---- following
    "follow a dataset": Operation("follow_dataset", {"id": "open"}, "user"),
    "stop following a dataset": Operation("unfollow_dataset", {"id": "open"}, "user", "not following"),
    "follow a group": Operation("follow_group", {"id": "theme"}, "user"),
    "stop following a group": Operation("unfollow_group", {"id": "theme"}, "user", "not following"),
    # ---- people and the portal
    "create a user": Operation("user_create", {"name": "tam", "email": "t@x.vn", "password": "12345678"}, "sysadmin"),
    "update somebody else": Operation("user_update", {"id": "other", "email": "o@x.vn"}, "sysadmin"),
    "patch somebody else": Operation("user_patch", {"id": "other", "fullname": "O"}, "sysadmin"),
    "delete a user": Operation("user_delete", {"id": "other"}, "sysadmin"),
    "make a token for somebody else": Operation("api_token_create", {"user": "other", "name": "x"}, "sysadmin"),
    "end the token of somebody else": Operation("api_token_revoke", {"jti": "$token"}, "sysadmin"),
    "create a vocabulary": Operation("vocabulary_create", {"name": "fresh", "tags": []}, "sysadmin"),
    "update a vocabulary": Operation("vocabulary_update", {"id": "modes", "name": "kinds", "tags": []}, "sysadmin"),
    "delete a vocabulary": Operation("vocabulary_delete", {"id": "modes"}, "sysadmin"),
    "create a tag": Operation("tag_create", {"name": "ferry", "vocabulary_id": "modes"}, "sysadmin"),
    "delete a tag": Operation("tag_delete", {"id": "bus", "vocabulary_id": "modes"}, "sysadmin"),
    "change settings": Operation("config_option_update", {"ckan.site_title": "T"}, "sysadmin"),
    "cancel a job": Operation("job_cancel", {"id": "none"}, "sysadmin", "not found"),
    "clear the jobs": Operation("job_clear", {}, "sysadmin"),
}  # fmt: skip
CELLS = [(name, role) for name in OPERATIONS for role in (*ROLES, "stranger")]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with catalogue_on(tmp_path_factory.mktemp("city"), allow_dataset_collaborators=True) as portal:
        _people_and_places(portal)
        for name, more in (
            ("open", {"resources": [{"id": "open-resource"}]}),
            ("private", {"private": True, "resources": [{"id": "secret-resource"}]}),
            ("draft", {"state": "draft"}),
            ("deleted", {"state": "deleted"}),
            ("second", {}),
        ):
            portal.call("package_create", {"name": name, "owner_org": CITY, **more}, user="lan")
        portal.call("package_relationship_create", {**PAIR, "type": "links_to"}, user="lan")
        portal.call("vocabulary_create", {"name": "modes", "tags": [{"name": "bus"}]}, user="boss")
        portal.call(
            "package_collaborator_create", {"id": "open", "user_id": "other", "capacity": "member"}, user="boss"
        )
        view = {"resource_id": "open-resource", "title": "v", "view_type": "text_view"}
        table = {"resource": {"package_id": "open"}, "fields": [{"id": "a", "type": "text"}]}
        portal.ids = {
            "$rows": portal.call("datastore_create", table, user="lan")["resource_id"],
            "$view": portal.call("resource_view_create", view, user="lan")["id"],
            "$token": portal.call("api_token_create", {"user": "other", "name": "t"}, user="other")["id"],
        }
        yield portal


def _people_and_places(portal: ServedCatalogue) -> None:
    for name in ("boss", "lan", "binh", "minh", "ada", "other", STRANGER):
        portal.add_user(name, sysadmin=name == "boss")
    for name in (CITY, "so-yt", "city", "gone"):
        portal.call("organization_create", {"name": name}, user="boss")
    portal.call("organization_delete", {"id": "gone"}, user="boss")
    for name, organization, role in (
        ("minh", CITY, "member"),
        ("lan", CITY, "editor"),
        ("ada", CITY, "admin"),
        (STRANGER, "so-yt", "admin"),
    ):
        member = {"id": organization, "username": name, "role": role}
        portal.call("organization_member_create", member, user="boss")
    portal.call("group_create", {"name": "theme"}, user="boss")


def attempt(portal: ServedCatalogue, action: str, params: dict[str, Any], user: str | None) -> Any:
    """Call an action and undo what it did; return its answer."""
    with portal.store.write() as session:
        found = session.query(User).filter_by(name=user).one() if user else None
        with contextlib.closing(session.begin_nested()) as trial:
            answer = call_action(portal.services.context(session, found), action, params)
            trial.rollback()
    return answer


def filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: filled(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, ids) for item in value]
    return ids.get(value, value) if isinstance(value, str) else value


def test_every_writing_action_stands_in_the_matrix():
    covered = {operation.action for operation in OPERATIONS.values()}
    missing = sorted(name for name, action in ACTIONS.items() if not action.reads and name not in covered)
    assert not missing, f"add rows to OPERATIONS in {__file__} for {missing}"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "role"), CELLS, ids=[f"{role} {name}" for name, role in CELLS])
def test_the_role_may_what_the_matrix_says(city, name, role):
    operation = OPERATIONS[name]
    may = ROLES.index("user" if role == "stranger" else role) >= ROLES.index(operation.lowest)
    user = STRANGER if role == "stranger" else PEOPLE[role]
    params = filled(operation.params, city.ids)
    if not may:
        with pytest.raises(NotAuthorized):
            attempt(city, operation.action, params, user)
        return
    try:
        attempt(city, operation.action, params, user)
    except (ValidationError, NotFound) as refused:
        assert operation.but, refused  # noqa: PT017  the right was there, something else stood against it
        assert operation.but.casefold() in str(refused.to_dict()).casefold()  # noqa: PT017


@pytest.mark.parametrize("operation", SWITCHES)
def test_a_switch_opens_an_operation_to_more_than_the_matrix_does(operation):
    switch, opened_to = SWITCHES[operation]
    assert opened_to < MATRIX[operation][0]
    assert getattr(CatalogueSettings(), switch) is False


# ---- who the caller is towards a thing


def test_a_dataset_moves_only_where_the_caller_edits_both_ends(city):
    move = {"id": "open", "owner_org": "so-yt"}
    with pytest.raises(ValidationError, match="cannot add a dataset to this organization"):
        attempt(city, "package_patch", move, "lan")
    with pytest.raises(NotAuthorized):
        attempt(city, "package_patch", move, STRANGER)
    both = {"id": "so-yt", "username": "lan", "role": "editor"}
    city.call("organization_member_create", both, user="boss")
    try:
        assert attempt(city, "package_patch", move, "lan")["organization"]["name"] == "so-yt"
    finally:
        city.call("organization_member_delete", both, user="boss")


def test_everybody_may_make_see_and_end_their_own_tokens(city):
    token = city.call("api_token_create", {"user": "binh", "name": "mine"}, user="binh")
    shown = city.call("api_token_list", {"user_id": "binh"}, user="binh")
    assert {"id", "name", "user_id", "created_at", "last_access"} <= set(shown[0])
    with pytest.raises(NotAuthorized):
        city.call("api_token_revoke", {"jti": token["id"]}, user="minh")
    assert city.call("api_token_revoke", {"token": token["token"]}, user="binh") is None
    assert city.call("api_token_revoke", {"token": "unknown"}, user="binh") is None
    assert len(city.call("api_token_list", {"user": "binh"}, user="binh")) == len(shown) - 1


def test_everybody_changes_their_own_account(city):
    assert attempt(city, "user_patch", {"id": "binh", "fullname": "Bình"}, "binh")["fullname"] == "Bình"


def test_a_role_in_one_organization_says_nothing_in_another(city):
    with pytest.raises(NotAuthorized):
        attempt(city, "package_create", {"name": "fresh", "owner_org": "so-yt"}, "ada")


def test_the_admin_of_a_parent_is_admin_of_its_children(city):
    for name, parent in (("centre", CITY), ("ward", "centre")):
        city.call("organization_create", {"name": name, "groups": [{"name": parent}]}, user="boss")
    fresh = {"name": "fresh", "owner_org": "ward"}
    assert attempt(city, "package_create", fresh, "ada")["name"] == "fresh"
    menu = attempt(city, "organization_list_for_user", {"permission": "admin"}, "ada")
    assert {(row["name"], row["capacity"]) for row in menu} == {(name, "admin") for name in (CITY, "centre", "ward")}
    with pytest.raises(NotAuthorized):
        attempt(city, "package_create", fresh, "lan")


def test_a_member_of_a_group_puts_readable_datasets_into_it(catalogue):
    catalogue.call("group_create", {"name": "theme"}, user="boss")
    for name in ("open", "private"):
        dataset = {"name": name, "owner_org": CITY, "private": name == "private"}
        catalogue.call("package_create", dataset, user="lan")
    catalogue.call("group_member_create", {"id": "theme", "username": "binh", "role": "member"}, user="boss")
    catalogue.call("member_create", INTO_GROUP, user="binh")
    with pytest.raises(NotAuthorized):
        catalogue.call("member_create", {**INTO_GROUP, "object": "private"}, user="binh")
    with pytest.raises(NotFound):
        catalogue.call("member_create", {**INTO_GROUP, "object": "nope"}, user="binh")
    assert catalogue.call("member_delete", INTO_GROUP, user="binh") is None


# ---- what nobody else sees


def test_anonymous_callers_see_no_person(city):
    assert city.call("organization_show", {"id": CITY, "include_users": True})["users"] == []
    assert city.call("organization_list", {"all_fields": True, "include_users": True})[0]["users"] == []
    assert city.call("member_list", {"id": CITY, "object_type": "user"}) == []
    assert city.call("organization_list_for_user", {"id": "lan"}) == []
    (item,) = city.call("package_activity_list", {"id": "second"})[-1:]
    assert (item["user_id"], item["data"]["actor"]) == (None, None)


def test_only_the_person_and_sysadmins_see_the_address(city):
    assert "email" not in city.call("user_show", {"id": "lan"}, user="binh")
    assert city.call("user_show", {"id": "lan"}, user="lan")["email"] == "lan@example.vn"
    assert city.call("user_show", {"id": "lan"}, user="boss")["email"] == "lan@example.vn"


def test_lists_never_show_what_the_public_may_not_see(city):
    assert city.call("package_list") == ["open", "second"]
    listed = city.call("current_package_list_with_resources", user="boss")
    assert {one["name"] for one in listed} == {"open", "second"}
    assert city.call("package_autocomplete", {"q": "pen"}) == [
        {"name": "open", "title": "open", "match_field": "name", "match_displayed": "open"}
    ]
    shown = city.call("organization_show", {"id": CITY, "include_datasets": True})["packages"]
    assert {one["name"] for one in shown} == {"open", "second"}
