"""Texts in two languages: derived from the plain keys and the extras, written back into them, one truth."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.served_catalogue import catalogue_on

from catalogue.errors import ValidationError
from catalogue.register.translations import ENDING, StoredTexts, read_translations, translated

CITY = "so-gtvt"
BUS = {"name": "bus", "title": "Xe buýt", "notes": "Tuyến", "extras": [{"key": "title_en", "value": "Buses"}]}


@pytest.fixture
def bus(catalogue):
    return catalogue.call("package_create", {**BUS, "owner_org": CITY}, user="lan")


def extras(shown):
    return {extra["key"]: extra["value"] for extra in shown["extras"]}


def patch(catalogue, **changes):
    return catalogue.call("package_patch", {"id": "bus", **changes}, user="lan")


def test_they_stand_beside_the_plain_keys(catalogue, bus):
    assert bus["title_translated"] == {"vi": "Xe buýt", "en": "Buses"}
    assert bus["notes_translated"] == {"vi": "Tuyến"}
    assert (bus["title"], extras(bus)) == ("Xe buýt", {"title_en": "Buses"})
    assert catalogue.call("package_search", {"q": "bus"})["results"] == [bus]


def test_a_dataset_sent_back_as_it_was_shown_changes_nothing(catalogue, bus):
    again = catalogue.call("package_update", bus, user="lan")
    assert again == catalogue.call("package_show", {"id": "bus"}) == bus
    assert len(catalogue.call("package_activity_list", {"id": "bus"})) == 1


def test_what_is_given_translated_goes_into_the_plain_key_and_the_extras(catalogue, bus):
    shown = patch(
        catalogue, title_translated={"vi": "Xe buýt mới", "en": "New buses"}, notes_translated={"en": "Routes"}
    )
    assert (shown["title"], shown["notes"]) == ("Xe buýt mới", "Tuyến")
    assert extras(shown) == {"title_en": "New buses", "notes_en": "Routes"}
    made = catalogue.call(
        "package_create",
        {"name": "tram", "owner_org": CITY, "title_translated": {"vi": "Tàu", "en": "Tram"}},
        user="lan",
    )
    assert (made["title"], extras(made)) == ("Tàu", {"title_en": "Tram"})


def test_a_changed_plain_key_or_extra_wins_over_what_was_shown_before(catalogue, bus):
    title = catalogue.call("package_update", {**bus, "title": "Xe"}, user="lan")
    assert title["title_translated"] == {"vi": "Xe", "en": "Buses"}
    changed = patch(catalogue, extras=[{"key": "title_en", "value": "Bus"}])
    assert changed["title_translated"]["en"] == "Bus"
    without = catalogue.call("package_update", {**changed, "extras": []}, user="lan")
    assert without["title_translated"] == {"vi": "Xe"}


def test_a_language_left_out_or_empty_is_taken_away_but_not_the_portals_own(catalogue, bus):
    assert patch(catalogue, title_translated={"en": "Only"})["title_translated"] == {"vi": "Xe buýt", "en": "Only"}
    assert patch(catalogue, title_translated={"vi": "Xe"})["title_translated"] == {"vi": "Xe"}
    assert extras(patch(catalogue, title_translated={"vi": "Xe", "en": ""})) == {}
    assert patch(catalogue, notes_translated={"vi": ""})["notes"] == ""


def test_forms_send_them_as_text_and_other_languages_are_kept(catalogue, bus):
    shown = patch(catalogue, title_translated=json.dumps({"vi": "Xe", "en": "Bus", "fr": "Autobus"}))
    assert shown["title_translated"] == {"vi": "Xe", "en": "Bus", "fr": "Autobus"}
    assert extras(shown) == {"title_en": "Bus", "title_fr": "Autobus"}


@pytest.mark.parametrize("wrong", ["Xe", ["Xe"], {"vi": {"a": 1}}, {"Vietnamese": "Xe"}, 5, "{"])
def test_anything_else_is_refused_under_its_field(catalogue, bus, wrong):
    with pytest.raises(ValidationError) as refused:
        patch(catalogue, title_translated=wrong, url="nonsense")
    assert set(refused.value.error_dict) == {"title_translated", "url"}


def test_revise_writes_one_language(catalogue, bus):
    change = {"match": {"name": "bus"}, "update__title_translated__en": "Coaches"}
    shown = catalogue.call("package_revise", change, user="lan")["package"]
    assert (shown["title"], extras(shown)) == ("Xe buýt", {"title_en": "Coaches"})


@pytest.mark.parametrize("kind", ["organization", "group"])
def test_organizations_and_groups_have_them_too(catalogue, kind):
    given_ = {"name": "so-yt", "title_translated": {"vi": "Sở Y tế", "en": "Health"}, "description": "Bệnh viện"}
    made = catalogue.call(f"{kind}_create", given_, user="boss")
    assert (made["title"], made["description_translated"]) == ("Sở Y tế", {"vi": "Bệnh viện"})
    assert extras(made) == {"title_en": "Health"}
    shown = catalogue.call(f"{kind}_show", {"id": "so-yt"}, user="boss")
    catalogue.call(f"{kind}_update", shown, user="boss")
    assert catalogue.call(f"{kind}_show", {"id": "so-yt"}, user="boss") == shown
    changed = catalogue.call(
        f"{kind}_patch", {"id": "so-yt", "description_translated": {"en": "Hospitals"}}, user="boss"
    )
    assert changed["description_translated"] == {"vi": "Bệnh viện", "en": "Hospitals"}
    (listed,) = catalogue.call(f"{kind}_list", {"all_fields": True, "include_extras": True, f"{kind}s": ["so-yt"]})
    assert listed["title_translated"] == {"vi": "Sở Y tế", "en": "Health"}


def test_resources_keep_theirs_as_they_are(catalogue, bus):
    texts = {"name_translated": {"vi": "Tệp", "en": "File"}, "description_translated": {"en": "Rows"}}
    made = catalogue.call("resource_create", {"package_id": "bus", "name": "Tệp", **texts}, user="lan")
    assert {key: made[key] for key in texts} == texts
    patched = catalogue.call("resource_patch", {"id": made["id"], "format": "CSV"}, user="lan")
    assert {key: patched[key] for key in texts} == texts


def test_the_plain_key_is_in_the_portals_language(tmp_path):
    with catalogue_on(tmp_path, locale="en") as portal:
        portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": CITY, "title": "Transport"}, user="boss")
        texts = {"title_translated": {"vi": "Xe buýt", "en": "Buses"}}
        made = portal.call("package_create", {"name": "bus", "owner_org": CITY, **texts}, user="boss")
        assert (made["title"], extras(made)) == ("Buses", {"title_vi": "Xe buýt"})
        assert portal.call("package_show", {"id": "bus"})["title_translated"] == {"en": "Buses", "vi": "Xe buýt"}


TEXTS = st.one_of(st.none(), st.text(max_size=3))
EXTRAS = st.dictionaries(st.sampled_from(["title_en", "title_fr", "title_x", "other"]), st.text(max_size=3))


@given(title=TEXTS, stored=EXTRAS)
def test_property_what_is_shown_writes_itself_back_unchanged(title, stored):
    shown = {
        "title": title,
        "extras": [{"key": key, "value": value} for key, value in stored.items()],
        "title_translated": translated("title", title, stored, "vi"),
    }
    written, faults = read_translations(shown, ["title"], StoredTexts({"title": title}, stored), "vi")
    assert not faults
    assert written["title"] == title
    assert {extra["key"]: extra["value"] for extra in written["extras"]} == stored


@given(title=TEXTS, stored=EXTRAS, wanted=st.dictionaries(st.sampled_from(["vi", "en", "fr"]), st.text(max_size=3)))
def test_property_what_is_given_is_what_is_shown_afterwards(title, stored, wanted):
    raw = {"title": title, "extras": [{"key": key, "value": value} for key, value in stored.items()]}
    raw |= {"title" + ENDING: wanted}
    written, _ = read_translations(raw, ["title"], StoredTexts({"title": title}, stored), "vi")
    after = {extra["key"]: extra["value"] for extra in written["extras"]}
    kept = {"vi": title} if title and "vi" not in wanted else {}
    expected = {code: text for code, text in (kept | wanted).items() if text}
    assert translated("title", written["title"], after, "vi") == expected
