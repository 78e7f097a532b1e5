"""Views of resources: made by themselves, changed by people, gone with their resource."""

from __future__ import annotations

import pytest

from catalogue.errors import NotAuthorized, NotFound, ValidationError

CITY = "so-gtvt"
FILES = [
    {"id": "table", "url": "https://files.example/a.csv"},
    {"id": "photo", "url": "https://files.example/a.png"},
    {"id": "odd", "url": "https://files.example/a.xyz"},
    {"id": "empty", "format": "CSV"},
]


@pytest.fixture
def city(catalogue):
    catalogue.call("package_create", {"name": "stops", "owner_org": CITY, "resources": FILES}, user="lan")
    return catalogue


def views(city, resource="table", user=None):
    return city.call("resource_view_list", {"id": resource}, user=user)


def create(city, **params):
    return city.call("resource_view_create", {"resource_id": "table", **params}, user="lan")


def test_new_resources_can_be_looked_at_without_anybody_asking(city):
    assert {one: [view["view_type"] for view in views(city, one)] for one in ("table", "photo", "odd", "empty")} == {
        "table": ["datatables_view"],
        "photo": ["image_view"],
        "odd": [],
        "empty": [],
    }
    city.call(
        "resource_create", {"package_id": "stops", "id": "more", "url": "https://x.example/a.geojson"}, user="lan"
    )
    (view,) = views(city, "more")
    assert (view["view_type"], view["title"]) == ("geojson_view", "Bản đồ")
    assert set(view) == {"id", "resource_id", "package_id", "title", "description", "view_type"}
    assert city.call("resource_view_show", {"id": view["id"]}) == view


def test_asking_again_for_what_is_there_adds_nothing(city):
    package = city.call("package_show", {"id": "stops"})
    ask = "package_create_default_resource_views"
    assert city.call(ask, {"package": package}, user="lan") == []
    (table,) = views(city)
    city.call("resource_view_delete", {"id": table["id"]}, user="lan")
    city.call("package_patch", {"id": "stops", "notes": "n"}, user="lan")
    assert views(city) == []
    (again,) = city.call("resource_create_default_resource_views", {"resource": package["resources"][0]}, user="lan")
    assert views(city) == [again]
    assert city.call(ask, {"package": package, "create_datastore_views": True}, user="lan") == []
    for action, params in (
        (ask, {}),
        (ask, {"package": {}}),
        ("resource_create_default_resource_views", {}),
        ("resource_create_default_resource_views", {"resource": {"url": "x"}}),
    ):
        with pytest.raises(ValidationError):
            city.call(action, params, user="lan")


def test_a_resource_that_changes_its_format_gets_the_view_for_it(city):
    city.call("resource_patch", {"id": "table", "url": "https://files.example/a.pdf", "format": "PDF"}, user="lan")
    assert [view["view_type"] for view in views(city)] == ["datatables_view", "pdf_view"]
    city.call("resource_patch", {"id": "table", "format": "CSV"}, user="lan")
    assert [view["view_type"] for view in views(city)] == ["datatables_view", "pdf_view"]


def test_settings_of_a_view_stand_at_its_top_level(city):
    made = create(
        city, view_type="recline_view", title="Hàng", description="d", filters={"a": ["1"]}, page=5, package_id="zz"
    )
    assert made == {
        "id": made["id"],
        "resource_id": "table",
        "package_id": city.call("package_show", {"id": "stops"})["id"],
        "title": "Hàng",
        "description": "d",
        "view_type": "recline_view",
        "filters": {"a": ["1"]},
        "page": 5,
    }
    assert views(city)[-1] == made
    changed = city.call("resource_view_update", {"id": made["id"], "title": "Rows", "page": 6}, user="lan")
    assert changed == {
        **{k: v for k, v in made.items() if k != "filters"},
        "title": "Rows",
        "description": "",
        "page": 6,
    }
    assert city.call("resource_view_show", {"id": made["id"]}) == changed
    assert city.call("resource_view_delete", {"id": made["id"]}, user="lan") is None
    with pytest.raises(NotFound):
        city.call("resource_view_show", {"id": made["id"]})


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "view_type"),
        ({"view_type": "magic_view"}, "view_type"),
        ({"view_type": "webpage_view", "page_url": "javascript:alert(1)"}, "page_url"),
        ({"view_type": "image_view", "image_url": "data:image/png,x"}, "image_url"),
        ({"view_type": "image_view", "k" * 101: 1}, "k" * 100),
    ],
)
def test_faults_of_a_view_are_named(city, params, field):
    with pytest.raises(ValidationError) as refusal:
        create(city, **params)
    assert list(refusal.value.error_dict) == [field]


def test_views_follow_the_order_that_was_asked_for(city):
    first, second, third = views(city)[0], create(city, view_type="text_view"), create(city, view_type="webpage_view")
    reordered = city.call("resource_view_reorder", {"id": "table", "order": [third["id"], first["id"]]}, user="lan")
    assert reordered == {"id": "table", "order": [third["id"], first["id"], second["id"]]}
    assert [view["id"] for view in views(city)] == reordered["order"]
    for order in ([first["id"], first["id"]], ["nope"], [], None):
        with pytest.raises(ValidationError):
            city.call("resource_view_reorder", {"id": "table", "order": order}, user="lan")


def test_views_are_seen_and_changed_with_their_dataset(city):
    city.call("organization_create", {"name": "so-yt"}, user="boss")
    (view,) = views(city)
    city.call("package_patch", {"id": "stops", "private": True}, user="lan")
    for user in (None, "binh"):
        for action, params in (
            ("resource_view_list", {"id": "table"}),
            ("resource_view_show", {"id": view["id"]}),
            ("resource_view_create", {"resource_id": "table", "view_type": "text_view"}),
            ("resource_view_update", {"id": view["id"]}),
            ("resource_view_delete", {"id": view["id"]}),
            ("resource_view_reorder", {"id": "table", "order": [view["id"]]}),
            ("resource_create_default_resource_views", {"resource": {"id": "table"}}),
            ("package_create_default_resource_views", {"package": {"id": "stops"}}),
        ):
            with pytest.raises(NotAuthorized):
                city.call(action, params, user=user)
    assert views(city, user="lan") == [view]


def test_a_view_is_gone_with_its_resource(city):
    (view,) = views(city)
    city.call("resource_delete", {"id": "table"}, user="lan")
    for action, one in (("resource_view_show", view["id"]), ("resource_view_list", "table")):
        with pytest.raises(NotFound):
            city.call(action, {"id": one})


def test_only_a_sysadmin_clears_views(city):
    with pytest.raises(NotAuthorized):
        city.call("resource_view_clear", user="lan")
    assert city.call("resource_view_clear", {"view_types": ["image_view"]}, user="boss") is None
    assert (len(views(city)), views(city, "photo")) == (1, [])
    city.call("resource_view_clear", user="boss")
    assert views(city) == []
