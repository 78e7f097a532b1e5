"""Nothing that reads shows a private, draft or deleted dataset to one who may not read it, whatever the roles are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from samples.served_catalogue import catalogue_on

from catalogue.actions.registry import ACTIONS, call_action
from catalogue.errors import CatalogueError
from catalogue.model import Activity, Package, ResourceView, User
from catalogue.web.action_api import create_app
from catalogue.web.open_formats import open_formats_blueprint

pytestmark = pytest.mark.slow

DATASETS = ("zq1", "zq2", "zq3")
ORGANIZATIONS = ("org-a", "org-b")
CALLERS = (None, "binh")
ALL_STATES = "state:(active OR draft OR deleted)"
EVERYTHING = {"include_private": True, "include_drafts": True, "include_deleted": True, "rows": 50}
FACETS = {"facet.field": ["organization", "groups", "tags", "name", "id", "title_string", "res_format", "secret"]}


@dataclass(frozen=True)
class Placed:
    """How one dataset stands: its owner (null: none), whether private, its state, who made it and the collaborator."""

    owner: str | None
    private: bool
    state: str
    made_by_binh: bool
    binh_collaborates: bool


PLACES = st.builds(
    Placed,
    owner=st.sampled_from([*ORGANIZATIONS, None]),
    private=st.booleans(),
    state=st.sampled_from(["active", "draft", "deleted"]),
    made_by_binh=st.booleans(),
    binh_collaborates=st.booleans(),
)
WORLDS = st.fixed_dictionaries(
    {
        "datasets": st.tuples(*[PLACES] * len(DATASETS)),
        "roles": st.tuples(*[st.sampled_from([None, "member", "editor", "admin"])] * len(ORGANIZATIONS)),
    }
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    home = tmp_path_factory.mktemp("visible")
    with catalogue_on(home, allow_dataset_collaborators=True, create_unowned_dataset=True) as made:
        for name in ("boss", "binh"):
            made.add_user(name, sysadmin=name == "boss")
        for name in ORGANIZATIONS:
            made.call("organization_create", {"name": name}, user="boss")
        made.call("group_create", {"name": "theme"}, user="boss")
        made.call("vocabulary_create", {"name": "modes", "tags": [{"name": "bus"}]}, user="boss")
        made.call("package_create", {"name": "open", "title": "Open", "owner_org": "org-a"}, user="boss")
        for name in DATASETS:
            made.call("package_create", _dataset(name), user="boss")
            made.call("follow_dataset", {"id": f"{name}name"}, user="boss")
            pair = {"subject": "open", "object": f"{name}name", "type": "links_to"}
            made.call("package_relationship_create", pair, user="boss")
        yield made


def _dataset(mark: str) -> dict[str, Any]:
    """Return a dataset whose id, name, title and resource each carry a word of their own."""
    return {
        "id": f"{mark}id",
        "name": f"{mark}name",
        "title": f"{mark}title",
        "owner_org": "org-a",
        "tags": [{"name": "shared"}, {"name": "bus", "vocabulary_id": "modes"}],
        "groups": [{"name": "theme"}],
        "extras": [{"key": "secret", "value": f"{mark}value"}],
        "resources": [{"id": f"{mark}file", "name": f"{mark}file", "format": "CSV", "url": f"http://x.vn/{mark}file"}],
    }


def _place(portal: Any, world: dict[str, Any]) -> None:
    for organization, role in zip(ORGANIZATIONS, world["roles"], strict=True):
        member = {"id": organization, "username": "binh", "role": role or "member"}
        portal.call("organization_member_create", member, user="boss")
        if role is None:
            portal.call("organization_member_delete", member, user="boss")
    for mark, place in zip(DATASETS, world["datasets"], strict=True):
        change = {"state": place.state, "owner_org": place.owner or "", "private": _is_private(place)}
        portal.call("package_patch", {"id": f"{mark}id", **change}, user="boss")
        collaborator = {"id": f"{mark}id", "user_id": "binh", "capacity": "member"}
        portal.call("package_collaborator_create", collaborator, user="boss")
        if not place.binh_collaborates:
            portal.call("package_collaborator_delete", collaborator, user="boss")
        _set_creator(portal, mark, place)


def _set_creator(portal: Any, mark: str, place: Placed) -> None:
    """No action gives a dataset another creator, so the row is changed and the dataset written once more."""
    with portal.store.write() as session:
        name = "binh" if place.made_by_binh else "boss"
        creator = session.query(User).filter_by(name=name).one().id
        session.get_one(Package, f"{mark}id").creator_user_id = creator
    stamp = f"{place.made_by_binh} {portal.call('package_show', {'id': f'{mark}id'}, user='boss')['metadata_modified']}"
    portal.call("package_patch", {"id": f"{mark}id", "version": stamp}, user="boss")


def _is_private(place: Placed) -> bool:
    return place.private and place.owner is not None


def _may_read(place: Placed, world: dict[str, Any], caller: str | None) -> bool:
    """The rule of the contract in other words than the code's."""
    if place.state == "active" and not _is_private(place):
        return True
    if caller is None:
        return False
    roles = dict(zip(ORGANIZATIONS, world["roles"], strict=True))
    if place.binh_collaborates or (place.owner is not None and roles[place.owner] is not None):
        return True
    return place.owner is None and place.made_by_binh


def _same(names: Iterable[str], questions: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return dict.fromkeys(names, questions)


SEARCHES: list[dict[str, Any]] = [
    {"q": "*:*", **EVERYTHING, **FACETS},
    {"q": "zq*", **EVERYTHING, "fl": "id,name,title"},
    {"fq": ALL_STATES, **FACETS},
    {"fq": f"({ALL_STATES}) OR capacity:private", **EVERYTHING},
    {"q": "state:draft OR title:zq1title", "fq_list": ["state:[* TO *]", "private:true"], **EVERYTHING},
    {"q": "zq1title zq2value", "sort": "name asc", **EVERYTHING},
]
WORDS: dict[str, list[dict[str, Any]]] = {
    "package_search": SEARCHES,
    "dcat_catalog_search": [{}, {"q": "zq1title"}, {"fq": ALL_STATES}],
    "package_autocomplete": [{"q": "zq"}],
    "format_autocomplete": [{"q": "c"}],
    "resource_search": [{"query": "name:zq"}, {"query": "url:zq"}],
    "tag_show": [
        {"id": "shared", "include_datasets": True},
        {"id": "bus", "vocabulary_id": "modes", "include_datasets": True},
    ],
    "tag_autocomplete": [{"query": "s"}],
    "tag_search": [{"query": "s"}],
    "vocabulary_show": [{"id": "modes"}],
    "user_autocomplete": [{"q": "bo"}],
    "datastore_search_sql": [{"sql": f'SELECT * FROM "{mark}file"'} for mark in DATASETS],
    "help_show": [{"name": "package_show"}],
}
OF_GROUPS: dict[str, list[dict[str, Any]]] = {
    "organization_show": [{"id": name, "include_datasets": True} for name in ORGANIZATIONS],
    "group_show": [{"id": "theme", "include_datasets": True}],
    "organization_list": [{"all_fields": True, "include_extras": True, "include_users": True}],
    "organization_autocomplete": [{"q": "org"}],
    "group_autocomplete": [{"q": "th"}],
    "group_package_show": [{"id": name, "limit": 50} for name in ("theme", *ORGANIZATIONS)],
    "member_list": [{"id": name, "object_type": "package"} for name in ("theme", *ORGANIZATIONS)],
    "organization_activity_list": [{"id": name, "limit": 50} for name in ORGANIZATIONS],
    "group_activity_list": [{"id": "theme", "limit": 50}],
    **_same(("organization_follower_count", "organization_follower_list"), [{"id": "org-a"}]),
    **_same(("group_follower_count", "group_follower_list", "am_following_group"), [{"id": "theme"}]),
}
OF_PEOPLE: dict[str, list[dict[str, Any]]] = {
    "user_show": [{"id": name, "include_datasets": True} for name in ("boss", "binh")],
    "user_activity_list": [{"id": "boss", "limit": 50}],
    "recently_changed_packages_activity_list": [{"limit": 50}],
    "package_collaborator_list_for_user": [{"id": "binh"}],
}
OF_ONE_DATASET = (
    *("package_show", "package_activity_list", "dataset_follower_count", "dataset_follower_list"),
    *("am_following_dataset", "dcat_dataset_show", "package_relationships_list", "package_collaborator_list"),
)
OF_ONE_FILE = ("resource_show", "resource_view_list", "datastore_info", "datastore_search")


def _questions(portal: Any) -> dict[str, list[dict[str, Any]]]:
    """Return parameters for every reading action, such as would bring a hidden dataset to light."""
    with portal.store.read() as session:
        activities = [row.id for row in session.query(Activity).order_by(Activity.timestamp.desc()).limit(9)]
        views = [row.id for row in session.query(ResourceView).limit(9)]
    return {
        **_same(ACTIONS, [{}]),
        **_same(OF_ONE_DATASET, [*({"id": f"{mark}name"} for mark in DATASETS), {"id": "open"}]),
        **_same(OF_ONE_FILE, [{"id": f"{mark}file", "resource_id": f"{mark}file"} for mark in DATASETS]),
        **_same(("activity_show", "activity_data_show", "activity_diff"), [{"id": one} for one in activities]),
        "resource_view_show": [{"id": one} for one in views],
        **WORDS,
        **OF_GROUPS,
        **OF_PEOPLE,
    }


PATHS = (
    *(f"/catalog.{ending}" for ending in ("ttl", "jsonld", "xml")),
    *("/data.json", "/organization/org-a/data.json", "/feeds/dataset.atom", "/feeds/tag/shared.atom"),
    *("/feeds/group/theme.atom", "/feeds/organization/org-a.atom", "/feeds/organization/org-b.atom"),
    *("/feeds/custom.atom?q=zq1title", f"/feeds/custom.atom?fq={ALL_STATES}"),
    "/api/2/util/dataset/autocomplete?incomplete=zq",
    *(f"/dataset/{mark}name{form}" for mark in DATASETS for form in (".ttl", ".jsonld", "/datapackage.json")),
    *(f"/api/3/action/{name}?id={mark}name" for mark in DATASETS for name in ("package_show", "package_activity_list")),
)


def _shown_marks(text: str, question: str) -> set[str]:
    """Return the datasets of which the text tells something that the question did not already say."""
    words = ("id", "name", "title", "value", "file")
    return {mark for mark in DATASETS for word in words if mark + word in text and mark + word not in question}


def _answer(portal: Any, name: str, params: dict[str, Any], caller: str | None) -> str:
    with portal.store.read() as session:
        user = session.query(User).filter_by(name=caller).one() if caller else None
        try:
            answer = call_action(portal.services.context(session, user), name, params)
        except CatalogueError as error:
            answer = error.to_dict()
    return json.dumps(answer, default=str)


@pytest.fixture(scope="module")
def client(portal):
    app: Flask = create_app(portal.services)
    if "open_formats" not in app.blueprints:
        app.register_blueprint(open_formats_blueprint(portal.services))
    return app.test_client()


@settings(
    max_examples=5,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),  # a smaller world explains no more
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=WORLDS)
def test_property_nobody_is_shown_what_they_may_not_read(portal, client, world):
    _place(portal, world)
    places = dict(zip(DATASETS, world["datasets"], strict=True))
    questions = _questions(portal)
    for caller in CALLERS:
        hidden = {mark for mark, place in places.items() if not _may_read(place, world, caller)}
        if not hidden:
            continue
        for name in (name for name, action in ACTIONS.items() if action.reads):
            for params in questions[name]:
                told = _shown_marks(_answer(portal, name, params, caller), json.dumps(params)) & hidden
                assert not told, f"{name} {params} tells {caller} of {told}"
    hidden = {mark for mark, place in places.items() if not _may_read(place, world, None)}
    for path in PATHS:
        answer = client.get(path)
        assert answer.status_code < 500, path
        told = _shown_marks(answer.get_data(as_text=True), path) & hidden
        assert not told, f"{path} tells of {told}"


@pytest.mark.parametrize(("role", "owner", "found"), [(None, "org-a", 0), ("member", "org-a", 1), (None, None, 1)])
def test_who_made_a_draft_finds_it_as_long_as_they_may_read_it(portal, role, owner, found):
    public = Placed(owner="org-a", private=False, state="active", made_by_binh=False, binh_collaborates=False)
    draft = Placed(owner=owner, private=False, state="draft", made_by_binh=True, binh_collaborates=False)
    _place(portal, {"datasets": (public, public, draft), "roles": (role, None)})
    asked = {"fq": "state:draft", "include_drafts": True}
    assert portal.call("package_search", asked, user="binh")["count"] == found


def test_the_questions_bring_to_light_what_may_be_seen(portal, client):
    """Without this the property above could hold because nothing answers at all."""
    public = Placed(owner="org-a", private=False, state="active", made_by_binh=False, binh_collaborates=False)
    _place(portal, {"datasets": (public,) * len(DATASETS), "roles": (None, None)})
    questions = _questions(portal)
    telling = {
        name
        for name, action in ACTIONS.items()
        if action.reads
        and any(_shown_marks(_answer(portal, name, params, None), json.dumps(params)) for params in questions[name])
    }
    assert telling >= {
        *("package_show", "package_list", "package_search", "package_autocomplete", "resource_show", "resource_search"),
        *("current_package_list_with_resources", "tag_show", "group_package_show", "group_show", "organization_show"),
        *("member_list", "package_activity_list", "recently_changed_packages_activity_list", "activity_show"),
        *("package_relationships_list", "resource_view_list", "dcat_dataset_show", "dcat_catalog_show"),
    }
    silent = [path for path in PATHS if not _shown_marks(client.get(path).get_data(as_text=True), path)]
    assert silent == ["/feeds/organization/org-b.atom"]
