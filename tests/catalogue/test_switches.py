"""The switches of the settings: what each one opens, in the safe profile and in CKAN's own."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from samples.served_catalogue import catalogue_on

from catalogue.errors import NotAuthorized, ValidationError
from catalogue.settings import CatalogueSettings

pytestmark = pytest.mark.slow

CITY = "so-gtvt"
UNOWNED = {"create_unowned_dataset": True}
ANYBODY = {**UNOWNED, "create_dataset_if_not_in_organization": True}


@contextmanager
def portal_with(tmp_path, **settings):
    with catalogue_on(tmp_path, **settings) as portal:
        for name in ("boss", "lan", "binh"):
            portal.add_user(name, sysadmin=name == "boss")
        portal.call("organization_create", {"name": CITY}, user="boss")
        portal.call("organization_member_create", {"id": CITY, "username": "lan", "role": "editor"}, user="boss")
        yield portal


def outcome(portal, action, params, user):
    try:
        portal.call(action, params, user=user)
    except NotAuthorized:
        return 403
    except ValidationError:
        return 409
    return 200


def by_caller(portal, action, params, *users):
    return [outcome(portal, action, {**params, "name": f"new-{user or 'nobody'}"}, user) for user in users]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [  # an unowned dataset by: nobody, an account, an editor somewhere, a sysadmin
        ({}, [403, 403, 409, 409]),
        ({"profile": "ckan"}, [403, 403, 409, 409]),
        ({"create_dataset_if_not_in_organization": True}, [403, 403, 409, 409]),
        (UNOWNED, [403, 403, 200, 200]),
        (ANYBODY, [403, 200, 200, 200]),
        ({**UNOWNED, "profile": "ckan"}, [403, 200, 200, 200]),
        ({**ANYBODY, "anon_create_dataset": True}, [200, 200, 200, 200]),
        ({"anon_create_dataset": True}, [403, 403, 409, 409]),
    ],
)
def test_datasets_without_owner_are_created_only_where_the_switches_say_so(tmp_path, settings, expected):
    with portal_with(tmp_path, **settings) as portal:
        assert by_caller(portal, "package_create", {}, None, "binh", "lan", "boss") == expected


def test_no_switch_lets_anybody_into_an_organization(tmp_path):
    with portal_with(tmp_path, **ANYBODY, anon_create_dataset=True) as portal:
        owned = {"owner_org": CITY}
        assert by_caller(portal, "package_create", owned, None, "binh", "lan") == [403, 403, 200]


def test_who_made_an_unowned_dataset_may_change_it(tmp_path):
    with portal_with(tmp_path, **ANYBODY) as portal:
        portal.call("package_create", {"name": "mine"}, user="binh")
        change = {"id": "mine", "title": "Của tôi"}
        assert [outcome(portal, "package_patch", change, user) for user in (None, "lan", "binh")] == [403, 403, 200]
        assert outcome(portal, "package_patch", {"id": "mine", "private": True}, "binh") == 409


@pytest.mark.parametrize(
    ("action", "switch"),
    [("group_create", "user_create_groups"), ("organization_create", "user_create_organizations")],
)
def test_accounts_create_groups_and_organizations_where_it_is_switched_on(tmp_path, action, switch):
    callers = (None, "binh", "boss")
    for number, (settings, expected) in enumerate(
        (({}, [403, 403, 200]), ({switch: True}, [403, 200, 200]), ({"profile": "ckan"}, [403, 200, 200]))
    ):
        with portal_with(tmp_path / str(number), **settings) as portal:
            assert by_caller(portal, action, {}, *callers) == expected
    with portal_with(tmp_path / "member", profile="ckan") as portal:
        made = portal.call(action, {"name": "mine"}, user="binh")
        assert [(user["name"], user["capacity"]) for user in made["users"]] == [("binh", "admin")]
        above = {"name": "below", "groups": [{"name": CITY}]}
        assert outcome(portal, "organization_create", above, "binh") == 403, "nobody hangs a place below a stranger's"


def test_members_are_public_where_it_is_switched_on(tmp_path):
    for number, (settings, names) in enumerate((({}, []), ({"profile": "ckan"}, ["boss", "lan"]))):
        with portal_with(tmp_path / str(number), **settings) as portal:
            assert [user["name"] for user in portal.call("organization_show", {"id": CITY})["users"]] == names
            assert len(portal.call("member_list", {"id": CITY, "object_type": "user"})) == len(names)
            menu = portal.call("organization_list_for_user", {"id": "lan", "permission": "create_dataset"})
            assert len(menu) == bool(names)


def test_lists_are_as_long_as_the_settings_say(tmp_path):
    most = {"group_and_organization_list_max": 4, "group_and_organization_list_all_fields_max": 2}
    with portal_with(tmp_path, **most) as portal:
        for number in range(5):
            portal.call("organization_create", {"name": f"org-{number}"}, user="boss")

        def count(**params):
            return len(portal.call("organization_list", params))

        assert (count(), count(limit=100), count(all_fields=True), count(all_fields=True, limit=100)) == (4, 4, 2, 4)
        assert (count(limit=0), count(all_fields=True, offset=5), count(offset=6)) == (0, 1, 0)


def test_searches_are_as_long_as_the_settings_say_and_include_private_by_default(tmp_path):
    for number, (settings, found) in enumerate((({}, 2), ({"default_include_private": True}, 3))):
        with portal_with(tmp_path / str(number), search_rows_max=1, **settings) as portal:
            for name in ("a-one", "a-two", "a-three"):
                dataset = {"name": name, "owner_org": CITY, "private": name == "a-three"}
                portal.call("package_create", dataset, user="lan")
            answer = portal.call("package_search", {"rows": 50}, user="lan")
            assert (answer["count"], len(answer["results"])) == (found, 1)
            assert portal.call("package_search", {"include_private": False}, user="lan")["count"] == 2
            assert portal.call("package_search", {})["count"] == 2
            assert portal.call("package_search", {}, user="binh")["count"] == 2


def test_the_profile_is_a_set_of_defaults_that_single_switches_override():
    mixed = CatalogueSettings(profile="ckan", user_create_organizations=False)
    assert (mixed.user_create_groups, mixed.user_create_organizations) == (True, False)
    assert CatalogueSettings().create_user_via_api is False
    assert CatalogueSettings(profile="ckan").allow_dataset_collaborators is False
