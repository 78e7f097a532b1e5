"""Vocabularies, and tags: free ones that appear by use, and those of a closed list."""

from __future__ import annotations

import pytest

from catalogue.errors import NotAuthorized, NotFound, ValidationError

CITY = "so-gtvt"
SYSADMINS_ONLY = {
    "vocabulary_create": {"name": "x-y"},
    "vocabulary_update": {"id": "mode"},
    "vocabulary_delete": {"id": "mode"},
    "tag_create": {"name": "tram", "vocabulary_id": "mode"},
    "tag_delete": {"id": "bus", "vocabulary_id": "mode"},
}


@pytest.fixture
def city(catalogue):
    catalogue.call("vocabulary_create", {"name": "mode", "tags": [{"name": "bus"}, {"name": "xe điện"}]}, user="boss")
    return catalogue


def add_dataset(city, name, *tags, **more):
    return city.call("package_create", {"name": name, "owner_org": CITY, "tags": list(tags), **more}, user="lan")


def of_mode(name, vocabulary="mode"):
    return {"name": name, "vocabulary_id": vocabulary}


def refused(city, action, params, user="boss"):
    with pytest.raises(ValidationError) as refusal:
        city.call(action, params, user=user)
    return refusal.value.error_dict


def test_a_vocabulary_is_shown_with_its_tags_to_everybody(city):
    shown = city.call("vocabulary_show", {"id": "mode"})
    assert city.call("vocabulary_show", {"id": shown["id"]}) == shown
    assert city.call("vocabulary_list") == [shown]
    assert set(shown) == {"id", "name", "tags"}
    assert [tag["name"] for tag in shown["tags"]] == ["bus", "xe điện"]
    assert shown["tags"][0] == {
        "id": shown["tags"][0]["id"],
        "name": "bus",
        "vocabulary_id": shown["id"],
        "display_name": "bus",
    }
    with pytest.raises(NotFound):
        city.call("vocabulary_show", {"id": "nope"})


@pytest.mark.parametrize("action", SYSADMINS_ONLY)
def test_only_sysadmins_change_vocabularies(city, action):
    for user in (None, "binh", "lan"):
        with pytest.raises(NotAuthorized):
            city.call(action, SYSADMINS_ONLY[action], user=user)
    city.call(action, SYSADMINS_ONLY[action], user="boss")


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "name"),
        ({"name": "m"}, "name"),
        ({"name": "m" * 101}, "name"),
        ({"name": "mode"}, "name"),
        ({"name": "other", "id": "a b"}, "id"),
        ({"name": "other", "tags": [{"name": "a,b"}]}, "tags"),
        ({"name": "other", "tags": [{}]}, "tags"),
    ],
)
def test_faults_of_a_vocabulary_are_named(city, params, field):
    assert list(refused(city, "vocabulary_create", params)) == [field]


def test_an_update_renames_and_replaces_what_is_given(city):
    add_dataset(city, "stops", of_mode("bus"), of_mode("xe điện"), {"name": "bus"})
    renamed = city.call("vocabulary_update", {"id": "mode", "name": "kind"}, user="boss")
    assert [tag["name"] for tag in renamed["tags"]] == ["bus", "xe điện"]
    before = city.call("package_show", {"id": "stops"})
    city.call("vocabulary_update", {"id": "kind", "tags": [{"name": "xe điện"}, {"name": "tram"}]}, user="boss")
    after = city.call("package_show", {"id": "stops"})
    assert [(tag["name"], bool(tag["vocabulary_id"])) for tag in after["tags"]] == [("bus", False), ("xe điện", True)]
    assert after["metadata_modified"] > before["metadata_modified"]
    assert city.call("tag_list", {"vocabulary_id": "kind"}) == ["tram", "xe điện"]
    city.call("vocabulary_create", {"name": "mode"}, user="boss")
    assert list(refused(city, "vocabulary_update", {"id": "kind", "name": "mode"})) == ["name"]


def test_a_vocabulary_in_use_is_not_deleted_and_the_answer_tells_the_cure(city):
    add_dataset(city, "stops", of_mode("bus"), state="draft")
    assert "vocabulary_update" in refused(city, "vocabulary_delete", {"id": "mode"})["message"]
    city.call("vocabulary_update", {"id": "mode", "tags": []}, user="boss")
    city.call("tag_create", of_mode("tram"), user="boss")
    assert city.call("vocabulary_delete", {"id": "mode"}, user="boss") is None
    assert city.call("vocabulary_list") == []
    with pytest.raises(NotFound):
        city.call("vocabulary_delete", {"id": "mode"}, user="boss")


def test_a_dataset_carries_free_and_chosen_tags_of_one_name(city):
    vocabulary = city.call("vocabulary_show", {"id": "mode"})["id"]
    made = add_dataset(city, "stops", {"name": "bus"}, of_mode("bus"), of_mode("xe điện", vocabulary))
    assert sorted((tag["name"], tag["vocabulary_id"] or "") for tag in made["tags"]) == [
        ("bus", ""),
        ("bus", vocabulary),
        ("xe điện", vocabulary),
    ]
    assert made["num_tags"] == 3
    patched = city.call("package_patch", {"id": "stops", "notes": "n"}, user="lan")
    assert patched["tags"] == made["tags"]
    assert city.call("package_update", {**patched, "tags": patched["tags"][:1]}, user="lan")["num_tags"] == 1


def test_a_tag_outside_of_its_vocabulary_is_refused(city):
    for tag, words in (
        (of_mode("tram"), "does not belong to vocabulary mode"),
        (of_mode("bus", "nope"), "Tag vocabulary was not found."),
        ({"vocabulary_id": "mode"}, "Missing value"),
    ):
        faults = refused(city, "package_create", {"name": "stops", "owner_org": CITY, "tags": [tag]})
        assert words in faults["tags"][0]


def test_tags_are_created_in_vocabularies_only(city):
    made = city.call("tag_create", of_mode("tram"), user="boss")
    assert city.call("tag_show", {"id": "tram", "vocabulary_id": "mode"}) == made
    assert "already belongs to vocabulary mode" in refused(city, "tag_create", of_mode("tram"))["vocabulary_id"][0]
    assert refused(city, "tag_create", {"name": "tram"}) == {"vocabulary_id": ["Missing value"]}
    assert refused(city, "tag_create", of_mode("tram", "nope")) == {"vocabulary_id": ["Tag vocabulary was not found."]}
    assert refused(city, "tag_create", of_mode("a/b"))["name"]
    assert refused(city, "tag_create", {"vocabulary_id": "mode"}) == {"name": ["Missing value"]}


def test_a_deleted_tag_leaves_its_datasets(city):
    add_dataset(city, "stops", of_mode("bus"), {"name": "bus"})
    assert city.call("tag_delete", {"id": "bus", "vocabulary_id": "mode"}, user="boss") is None
    (left,) = city.call("package_show", {"id": "stops"})["tags"]
    assert left["vocabulary_id"] is None
    assert "last dataset" in refused(city, "tag_delete", {"id": "bus"})["id"][0]
    for params in ({"id": "bus", "vocabulary_id": "mode"}, {"id": "nope"}, {"id": "bus", "vocabulary_id": "nope"}):
        with pytest.raises(NotFound):
            city.call("tag_delete", params, user="boss")


def test_lists_of_free_tags_know_only_public_datasets(city):
    add_dataset(city, "stops", {"name": "giao thông"}, {"name": "bus stop"}, of_mode("bus"))
    add_dataset(city, "plan", {"name": "giao mật"}, private=True)
    assert city.call("tag_list") == ["bus stop", "giao thông"]
    assert city.call("tag_list", {"query": "BUS"}) == ["bus stop"]
    assert city.call("tag_list", {"vocabulary_id": "mode"}) == ["bus", "xe điện"]
    (shown,) = city.call("tag_list", {"query": "giao", "all_fields": "true"})
    assert shown == city.call("tag_show", {"id": "giao thông"})
    assert shown["vocabulary_id"] is None
    assert city.call("tag_autocomplete", {"query": "giao"}) == ["giao thông"]
    assert city.call("tag_autocomplete", {"q": "b", "vocabulary_id": "mode"}) == ["bus"]
    assert city.call("tag_autocomplete", {"q": "o", "limit": 1, "offset": 1}) == ["giao thông"]
    with pytest.raises(NotFound):
        city.call("tag_list", {"vocabulary_id": "nope"})


def test_a_tag_that_only_hidden_datasets_carry_is_hidden(city):
    add_dataset(city, "plan", {"name": "giao mật"}, private=True)
    assert city.call("tag_show", {"id": "giao mật"}, user="lan")["name"] == "giao mật"
    for user in (None, "binh"):
        with pytest.raises(NotFound):
            city.call("tag_show", {"id": "giao mật"}, user=user)
    assert city.call("tag_search", {"query": "mật"}, user="lan")["count"] == 0


def test_a_search_of_tags_counts_all_and_shows_a_page(city):
    add_dataset(city, "stops", {"name": "bus stop"}, {"name": "bus line"}, {"name": "tram line"})
    found = city.call("tag_search", {"query": "LINE"})
    assert found["count"] == 2
    assert [(tag["name"], set(tag)) for tag in found["results"]] == [
        ("bus line", {"id", "name", "vocabulary_id"}),
        ("tram line", {"id", "name", "vocabulary_id"}),
    ]
    assert city.call("tag_search", {"query": ["line", "bus"]})["count"] == 1
    page = city.call("tag_search", {"query": "b", "limit": "1", "offset": "1"})
    assert (page["count"], [tag["name"] for tag in page["results"]]) == (2, ["bus stop"])
    assert city.call("tag_search", {"query": "xe", "vocabulary_id": "mode"})["count"] == 1
    assert city.call("tag_search", {"query": " "}) == {"count": 0, "results": []}
    assert city.call("tag_search", {"query": "%"})["count"] == 0
    assert list(refused(city, "tag_search", {})) == ["query"]


def test_tags_are_found_in_any_case_of_vietnamese_letters(city):
    add_dataset(city, "roads", {"name": "Đường bộ"})
    assert city.call("tag_autocomplete", {"query": "đường"}) == ["Đường bộ"]


def test_a_tag_shows_its_public_datasets(city):
    add_dataset(city, "stops", of_mode("bus"))
    add_dataset(city, "plan", of_mode("bus"), private=True)
    shown = city.call("tag_show", {"id": "bus", "vocabulary_id": "mode", "include_datasets": True})
    assert [package["name"] for package in shown["packages"]] == ["stops"]
    assert shown["packages"][0] == city.call("package_show", {"id": "stops"})
    assert "packages" not in city.call("tag_show", {"id": shown["id"]})


def test_datasets_are_searched_by_the_tags_of_a_vocabulary(city):
    add_dataset(city, "stops", of_mode("bus"), of_mode("xe điện"))
    add_dataset(city, "free", {"name": "bus"})

    def names(**params):
        return [one["name"] for one in city.call("package_search", params)["results"]]

    assert names(fq="vocab_mode:bus") == ["stops"]
    assert names(fq='vocab_mode:"xe điện"') == ["stops"]
    assert names(fq="tags:bus") == ["free"]
    facets = city.call("package_search", {"facet.field": '["vocab_mode"]', "rows": 0})["facets"]
    assert facets == {"vocab_mode": {"bus": 1, "xe điện": 1}}
    city.call("vocabulary_update", {"id": "mode", "name": "kind"}, user="boss")
    assert (names(fq="vocab_mode:bus"), names(fq="vocab_kind:bus")) == ([], ["stops"])
