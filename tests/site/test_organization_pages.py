"""The page of an organization: those above and below it, its validity, and what became of it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from samples.sample_city import City

from catalogue.actions import create, update

OLD, NEW, CITY_HALL = "so-tai-nguyen", "so-moi-truong", "thanh-pho"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The publishing departments lie below the city; one came out of a merger, its dataset-less ward lies below it."""
    city = City(tmp_path_factory.mktemp("tree"))
    city.publish("quan-trac-khong-khi", "2026-11-20.1")
    city.publish("phan-anh-1022", "2026-11-20.1")
    hall = {"name": CITY_HALL, "title_translated": {"vi": "Thành phố", "en": "The City"}}
    city.act(create.organization_create, hall)
    for name in (NEW, "tong-dai-1022"):
        city.act(update.organization_patch, {"id": name, "groups": [{"name": CITY_HALL}]})
    city.act(create.organization_create, {"name": "tram-do", "title": "Trạm đo", "groups": [{"name": NEW}]})
    successor = {"name": NEW, "kind": "merged", "on": "2025-03-01"}
    gone = {"name": OLD, "title": "Sở Tài nguyên", "valid_to": "2025-02-28", "successors": [successor]}
    city.act(create.organization_create, gone)
    city.act(update.organization_patch, {"id": "tram-do", "name": "tram-quan-trac"})
    yield city.app().test_client()
    city.search.close()
    city.store.close()


def text_of(answer):
    assert answer.status_code == 200
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


def test_a_parent_shows_its_children_and_counts_their_datasets(pages):
    text = text_of(pages.get(f"/organization/{CITY_HALL}"))
    assert "2 đơn vị trực thuộc" in text
    assert "2 bộ dữ liệu Gồm cả dữ liệu của các đơn vị trực thuộc." in text
    assert "Quan trắc không khí" in text
    english = text_of(pages.get(f"/en/organization/{CITY_HALL}"))
    assert "The City" in english
    assert "2 organisations below" in english
    assert "Datasets of the organisations below are included." in english


def test_a_child_leads_to_its_parent(pages):
    html = pages.get(f"/organization/{NEW}").get_data(as_text=True)
    assert f'href="/organization/{CITY_HALL}"' in html
    assert "1 đơn vị trực thuộc" in html
    assert "0 bộ dữ liệu" in html, "the ward below has none of its own"
    assert "Part of The City" in text_of(pages.get(f"/en/organization/{NEW}"))


def test_a_merged_agency_says_what_became_of_it(pages):
    text = text_of(pages.get(f"/organization/{OLD}"))
    assert re.search(r"Đã sáp nhập vào .+ từ ngày 01/03/2025", text)
    assert "Hoạt động đến 28/02/2025" in text
    assert f'href="/organization/{NEW}"' in pages.get(f"/organization/{OLD}").get_data(as_text=True)
    assert re.search(r"Merged into .+ as of 1 March 2025", text_of(pages.get(f"/en/organization/{OLD}")))
    assert "Hợp nhất từ Sở Tài nguyên" in text_of(pages.get(f"/organization/{NEW}"))


def test_a_former_name_leads_to_the_page(pages):
    answer = pages.get("/organization/tram-do")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/organization/tram-quan-trac")
    assert pages.get("/en/organization/tram-do").headers["Location"] == "/en/organization/tram-quan-trac"


def test_the_list_names_a_parent_whose_children_publish(pages):
    text = text_of(pages.get("/organization"))
    assert re.search(r"Thành phố 2 bộ dữ liệu", text)
    assert "Trạm đo" not in text


def test_no_page_of_an_organization_without_relatives_mentions_any(pages):
    text = text_of(pages.get("/organization/tong-dai-1022"))
    assert not re.search("sáp nhập|Hợp nhất|Hoạt động từ|trực thuộc\\b.*đơn vị", text)
