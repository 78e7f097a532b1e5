"""The sitemap: an index, files of at most 50,000 addresses, true dates, both languages, nothing that is not public."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from flask import Blueprint, Flask
from samples.sample_city import City

from catalogue.actions import create
from cityportal.chrome import init_site
from cityportal.languages import Text
from cityportal.public.sitemap import add_sitemap

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"


def texts(answer, name: str) -> list[str]:
    assert answer.status_code == 200
    return [found.text or "" for found in ET.fromstring(answer.data).iter(f"{SITEMAP}{name}")]  # noqa: S314  our own


def test_the_index_names_files_that_exist_and_are_dated(client):
    answer = client.get("/sitemap.xml")
    files = texts(answer, "loc")
    assert files == ["http://portal.test/sitemap/pages.xml", "http://portal.test/sitemap/datasets-1.xml"]
    assert len(texts(answer, "lastmod")) == 2
    for file in files:
        assert client.get(file.removeprefix("http://portal.test")).status_code == 200


def test_files_list_pages_in_both_languages_with_true_dates(client):
    answer = client.get("/sitemap/datasets-1.xml")
    places = texts(answer, "loc")
    assert {"http://portal.test/dataset/phan-anh-1022", "http://portal.test/en/dataset/phan-anh-1022"} <= set(places)
    assert len(places) == len(texts(answer, "lastmod")) == 6
    first = next(iter(ET.fromstring(answer.data)))  # noqa: S314  our own answer
    assert {link.attrib["hreflang"] for link in first.iter(f"{XHTML}link")} == {"vi", "en"}
    pages = texts(client.get("/sitemap/pages.xml"), "loc")
    assert {"http://portal.test/", "http://portal.test/en/", "http://portal.test/organization/tong-dai-1022"} <= set(
        pages
    )


def test_every_page_in_the_sitemap_answers(client):
    for file in ("/sitemap/pages.xml", "/sitemap/datasets-1.xml"):
        for place in texts(client.get(file), "loc"):
            assert client.get(place.removeprefix("http://portal.test")).status_code == 200, place


def test_unchanged_files_answer_304_and_absent_ones_404(client):
    answer = client.get("/sitemap/datasets-1.xml")
    again = client.get("/sitemap/datasets-1.xml", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    for number in ("0", "2", "99999999999999"):
        assert client.get(f"/sitemap/datasets-{number}.xml").status_code == 404


@pytest.fixture
def small_files(tmp_path):
    """Seven public datasets and one that is not, three to a file."""
    city = City(tmp_path)
    for n in range(8):
        package = {"name": f"bo-{n}", "title": f"Bộ {n}", "owner_org": "so-tai-chinh", "private": n == 7}
        city.act(create.package_create, package)
    app = Flask("cityportal")
    init_site(app, site_url="http://portal.test", city=Text("Thành phố"), secret_key="a secret of tests")
    blueprint = Blueprint("public", "cityportal")
    add_sitemap(blueprint, city.services, datasets_per_file=3)
    app.register_blueprint(blueprint)
    yield app.test_client()
    city.search.close()
    city.store.close()


def test_files_are_split_and_together_complete(small_files):
    files = [file.removeprefix("http://portal.test") for file in texts(small_files.get("/sitemap.xml"), "loc")]
    assert files == ["/sitemap/pages.xml", *(f"/sitemap/datasets-{n}.xml" for n in (1, 2, 3))]
    parts = [texts(small_files.get(file), "loc") for file in files[1:]]
    assert [len(part) for part in parts] == [6, 6, 2]
    assert {place for part in parts for place in part if "/en/" not in place} == {
        f"http://portal.test/dataset/bo-{n}" for n in range(7)
    }
