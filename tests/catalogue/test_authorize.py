"""The authorization matrix of the contract: one test per cell of what this API can do."""

from __future__ import annotations

import pytest

from catalogue.errors import NotAuthorized, NotFound, ValidationError

CITY = "so-gtvt"
ROLES = ("anonymous", "user", "member", "editor", "admin", "sysadmin")
PEOPLE = dict(zip(ROLES, (None, "binh", "minh", "lan", "ada", "boss"), strict=True))

# operation: (action, parameters, the lowest role that may)
OPERATIONS = {
    "show a public dataset": ("package_show", {"id": "open"}, "anonymous"),
    "search": ("package_search", {"q": "open"}, "anonymous"),
    "show an organization": ("organization_show", {"id": CITY}, "anonymous"),
    "list licences": ("license_list", {}, "anonymous"),
    "history of a public dataset": ("package_activity_list", {"id": "open"}, "anonymous"),
    "show a private dataset": ("package_show", {"id": "private"}, "member"),
    "show a deleted dataset": ("package_show", {"id": "deleted"}, "member"),
    "show a draft": ("package_show", {"id": "draft"}, "member"),
    "show a resource of a private dataset": ("resource_show", {"id": "secret-resource"}, "member"),
    "history of a private dataset": ("package_activity_list", {"id": "private"}, "member"),
    "create a dataset": ("package_create", {"name": "fresh", "owner_org": CITY}, "editor"),
    "update a dataset": ("package_update", {"id": "open"}, "editor"),
    "patch a dataset": ("package_patch", {"id": "open"}, "editor"),
    "revise a dataset": ("package_revise", {"match": {"name": "open"}}, "editor"),
    "delete a dataset": ("package_delete", {"id": "open"}, "editor"),
    "order resources": ("package_resource_reorder", {"id": "open", "order": []}, "editor"),
    "create a resource": ("resource_create", {"package_id": "open"}, "editor"),
    "update a resource": ("resource_update", {"id": "open-resource"}, "editor"),
    "patch a resource": ("resource_patch", {"id": "open-resource"}, "editor"),
    "delete a resource": ("resource_delete", {"id": "open-resource"}, "editor"),
    "purge a dataset": ("dataset_purge", {"id": "open"}, "sysadmin"),
    "purge an organization": ("organization_purge", {"id": CITY}, "sysadmin"),
    "update the organization": ("organization_update", {"id": CITY}, "admin"),
    "patch the organization": ("organization_patch", {"id": CITY}, "admin"),
    "delete the organization": ("organization_delete", {"id": CITY}, "admin"),
    "add a member": ("organization_member_create", {"id": CITY, "username": "binh", "role": "editor"}, "admin"),
    "remove a member": ("organization_member_delete", {"id": CITY, "username": "minh"}, "admin"),
    "create an organization": ("organization_create", {"name": "another"}, "sysadmin"),
    "create a group": ("group_create", {"name": "theme2"}, "sysadmin"),
    "put a dataset into a group": ("member_create", {"id": "theme", "object": "open", "object_type": "package", "capacity": "public"}, "sysadmin"),
    "see users": ("user_list", {}, "user"),
    "see a user": ("user_show", {"id": "lan"}, "user"),
    "create a user": ("user_create", {"name": "tam", "email": "t@x.vn", "password": "12345678"}, "sysadmin"),
    "make a token for somebody else": ("api_token_create", {"user": "other", "name": "x"}, "sysadmin"),
    "see the tokens of somebody else": ("api_token_list", {"user_id": "other"}, "sysadmin"),
}  # fmt: skip


@pytest.fixture
def city(catalogue):
    for name, role in (("minh", "member"), ("ada", "admin")):
        catalogue.add_user(name)
        catalogue.call("organization_member_create", {"id": CITY, "username": name, "role": role}, user="boss")
    catalogue.add_user("other")
    for name, more in (
        ("open", {"resources": [{"id": "open-resource"}]}),
        ("private", {"private": True, "resources": [{"id": "secret-resource"}]}),
        ("draft", {"state": "draft"}),
        ("deleted", {"state": "deleted"}),
    ):
        catalogue.call("package_create", {"name": name, "owner_org": CITY, **more}, user="lan")
    catalogue.call("group_create", {"name": "theme"}, user="boss")
    return catalogue


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_role_may_do_what_the_matrix_says(city, operation):
    action, params, lowest = OPERATIONS[operation]
    for role in ROLES[: ROLES.index(lowest)]:
        with pytest.raises(NotAuthorized):
            city.call(action, params, user=PEOPLE[role])
    try:
        city.call(action, params, user=PEOPLE[lowest])
    except ValidationError as allowed_but_refused:
        assert "still has datasets" in str(allowed_but_refused)  # noqa: PT017  the right was there


def test_everybody_may_make_see_and_end_their_own_tokens(city):
    token = city.call("api_token_create", {"user": "binh", "name": "mine"}, user="binh")
    (shown, _) = city.call("api_token_list", {"user_id": "binh"}, user="binh")
    assert set(shown) == {"id", "name", "user_id", "created_at", "last_access"}
    with pytest.raises(NotAuthorized):
        city.call("api_token_revoke", {"jti": token["id"]}, user="minh")
    assert city.call("api_token_revoke", {"token": token["token"]}, user="binh") is None
    assert city.call("api_token_revoke", {"token": "unknown"}, user="binh") is None
    assert len(city.call("api_token_list", {"user": "binh"}, user="binh")) == 1


def test_a_role_in_one_organization_says_nothing_in_another(city):
    city.call("organization_create", {"name": "so-yt"}, user="boss")
    with pytest.raises(NotAuthorized):
        city.call("package_create", {"name": "fresh", "owner_org": "so-yt"}, user="ada")


def test_the_admin_of_a_parent_is_admin_of_its_children(city):
    for name, parent in (("centre", CITY), ("ward", "centre")):
        city.call("organization_create", {"name": name, "groups": [{"name": parent}]}, user="boss")
    assert city.call("package_create", {"name": "fresh", "owner_org": "ward"}, user="ada")["name"] == "fresh"
    with pytest.raises(NotAuthorized):
        city.call("package_create", {"name": "fresh-2", "owner_org": "ward"}, user="lan")


def test_a_member_of_a_group_puts_readable_datasets_into_it(city):
    city.call("group_member_create", {"id": "theme", "username": "binh", "role": "member"}, user="boss")
    into = {"id": "theme", "object_type": "package", "capacity": "public"}
    city.call("member_create", {**into, "object": "open"}, user="binh")
    with pytest.raises(NotAuthorized):
        city.call("member_create", {**into, "object": "private"}, user="binh")
    with pytest.raises(NotFound):
        city.call("member_create", {**into, "object": "nope"}, user="binh")


def test_anonymous_callers_see_no_person(city):
    assert city.call("organization_show", {"id": CITY, "include_users": True})["users"] == []
    assert city.call("member_list", {"id": CITY, "object_type": "user"}) == []
    (item,) = city.call("package_activity_list", {"id": "open"})
    assert (item["user_id"], item["data"]["actor"]) == (None, None)


def test_only_the_person_and_sysadmins_see_the_address(city):
    assert "email" not in city.call("user_show", {"id": "lan"}, user="binh")
    assert city.call("user_show", {"id": "lan"}, user="lan")["email"] == "lan@example.vn"
    assert city.call("user_show", {"id": "lan"}, user="boss")["email"] == "lan@example.vn"


def test_lists_never_show_what_the_public_may_not_see(city):
    assert city.call("package_list") == ["open"]
    assert [one["name"] for one in city.call("current_package_list_with_resources", user="boss")] == ["open"]
    assert city.call("package_autocomplete", {"q": "e"}) == [
        {"name": "open", "title": "open", "match_field": "title", "match_displayed": "open"}
    ]
    assert [
        one["name"] for one in city.call("organization_show", {"id": CITY, "include_datasets": True})["packages"]
    ] == ["open"]
