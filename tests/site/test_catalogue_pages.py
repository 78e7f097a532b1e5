from __future__ import annotations

import re
from datetime import datetime
from html import unescape
from urllib.parse import urljoin

import pytest
from samples.sample_city import City

from catalogue.model import ConfigOption

PAGES = [
    "/",
    "/dataset",
    "/organization",
    "/group",
    "/about",
    "/developers",
    "/organization/tong-dai-1022",
    "/group/do-thi",
]


def text_of(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("prefix", "language"), [("", "vi"), ("/en", "en")])
def test_every_page_speaks_its_language_and_names_its_twin(client, page, prefix, language):
    answer = client.get(f"{prefix}{page}")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in html
    assert f'hreflang="vi" href="http://portal.test{page}"' in html
    assert f'hreflang="en" href="http://portal.test/en{page}"' in html
    assert html.count("<h1") == 1


def test_the_language_link_keeps_the_page_and_its_question(client):
    html = client.get("/dataset?q=ngap+nuoc&organization=tong-dai-1022").get_data(as_text=True)
    assert '<a class="other-language" href="/en/dataset?q=ngap+nuoc&amp;organization=tong-dai-1022"' in html


def test_home_shows_honest_numbers(client):
    text = text_of(client.get("/"))
    assert "bộ dữ liệu 3" in text
    assert "812.446" in text or "812.447" in text
    assert "+2.377 dòng, 12 dòng sửa" in text


def test_home_of_an_empty_portal_says_so(tmp_path):
    city = City(tmp_path)
    assert "Chưa có dữ liệu nào được công bố" in text_of(city.app().test_client().get("/"))
    assert "Nothing has been published yet" in text_of(city.app().test_client().get("/en/"))
    city.store.close()


def test_the_page_about_the_portal_tells_what_its_people_wrote(tmp_path):
    city = City(tmp_path)
    with city.store.write() as session:
        session.add(ConfigOption(key="ckan.site_about", value="Dòng <b>một</b>\n\nDòng hai", at=datetime(2026, 11, 22)))
    html = city.app().test_client().get("/about").get_data(as_text=True)
    assert "<p>Dòng &lt;b&gt;một&lt;/b&gt;</p>" in html
    assert "<p>Dòng hai</p>" in html
    city.store.close()


def test_search_finds_without_accents_and_narrows_by_facets(client):
    assert "1 bộ dữ liệu" in text_of(client.get("/dataset?q=ngap+nuoc"))
    for facet in ("organization=so-moi-truong", "groups=moi-truong", "frequency=hourly"):
        text = text_of(client.get(f"/dataset?{facet}"))
        assert "Quan trắc không khí" in text
        assert "Phản ánh 1022" not in text
    assert "3 bộ dữ liệu" in text_of(client.get("/dataset?res_format=Parquet&license_id=cc-by"))


def test_a_chosen_facet_is_shown_and_can_be_removed(client):
    html = client.get("/en/dataset?organization=so-moi-truong").get_data(as_text=True)
    assert 'aria-current="true"' in html
    chosen = re.search(r'<div class="chosen"><a rel="nofollow" href="([^"]+)"', html)
    assert chosen
    assert chosen[1] == "/en/dataset"


def test_a_search_that_finds_nothing_helps(client):
    text = text_of(client.get("/dataset?q=zzzzz"))
    assert "Không có bộ dữ liệu nào khớp" in text
    assert "Xem tất cả dữ liệu" in text


@pytest.mark.parametrize(
    "query", ["q=%22", "q=a%3A%5B", "organization=%22+OR+x", "q=%7B!lucene%7Dx", "sort=drop", "q=" + "a" * 5000]
)
def test_no_question_breaks_the_search(client, query):
    assert client.get(f"/dataset?{query}").status_code == 200


@pytest.mark.parametrize("page", ["0", "-1", "two", "999999999999", "7"])
def test_a_page_that_cannot_be_is_not_found(client, page):
    assert client.get(f"/dataset?page={page}").status_code == 404


def test_searches_are_kept_out_of_search_engines_and_the_list_is_not(client):
    assert "noindex, follow" in client.get("/dataset?q=x").get_data(as_text=True)
    assert "noindex" not in client.get("/dataset").get_data(as_text=True)


def test_data_in_the_other_language_is_marked(client):
    html = client.get("/en/dataset").get_data(as_text=True)
    assert '<span lang="vi">Quan trắc không khí theo giờ</span>' in html


def test_data_is_escaped(client):
    html = client.get("/dataset/doanh-nghiep").get_data(as_text=True)
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>x</b>" not in html


@pytest.mark.slow
def test_every_link_on_every_page_leads_somewhere(client):
    seen, waiting = set(), ["/", "/en/"]
    other_forms = (".ttl", ".jsonld", ".rdf", ".n3", "/releases.atom", "/datapackage.json")
    elsewhere = ("/feeds/", "/catalog.", "/data.json", "/query/", "/api/", "/workspace", "/en/workspace")
    while waiting:
        address = waiting.pop()
        with client.get(address) as answer:
            assert answer.status_code in {200, 302}, address
            html = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
        for found in re.findall(r'(?:href|src|action)="([^"]+)"', html):
            target = urljoin(address, unescape(found)).removeprefix("http://portal.test").partition("#")[0]
            is_ours = target.startswith("/") and not target.startswith(elsewhere) and not target.endswith(other_forms)
            if (
                is_ours
                and "logout" not in target
                and target not in seen
                and "?" not in target
                and "/static/" not in target
            ):
                seen.add(target)
                waiting.append(target)
    assert len(seen) > 60


@pytest.mark.parametrize(
    ("address", "words"), [("/khong-co", "Không có trang này"), ("/en/nothing", "There is no such page")]
)
def test_a_wrong_address_is_answered_in_its_language(client, address, words):
    answer = client.get(address)
    assert answer.status_code == 404
    assert words in text_of(answer)


def test_a_fault_of_ours_shows_a_page_and_no_detail(city, tmp_path):
    app = city.app()
    app.add_url_rule("/en/broken", view_func=lambda: 1 / 0)
    answer = app.test_client().get("/en/broken")
    assert answer.status_code == 500
    assert "Something failed on our side" in text_of(answer)
    assert "ZeroDivision" not in text_of(answer)


def test_pages_forbid_everything_from_elsewhere(client):
    answer = client.get("/dataset/phan-anh-1022")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Referrer-Policy" in answer.headers
    html = answer.get_data(as_text=True)
    assert " style=" not in html
    assert not re.search(r"<script(?! type=\"application/ld\+json\"| src=)", html)
    assert not re.search(
        r'(?:src|href)="(?:https?:)?//(?!portal\.test|creativecommons\.org|www\.opendefinition\.org)', html
    )


def test_a_page_for_visitors_sets_no_cookie(client):
    assert "Set-Cookie" not in client.get("/").headers


def test_static_files_may_be_kept_for_ever_and_change_address_with_content(client):
    html = client.get("/").get_data(as_text=True)
    sheet = re.search(r'href="(/static/site\.css\?v=[0-9a-f]{12})"', html)
    assert sheet
    with client.get(sheet[1]) as answer:
        assert "immutable" in answer.headers["Cache-Control"]


def test_list_pages_stay_small(client):
    import gzip

    assert len(gzip.compress(client.get("/dataset").data)) < 12_000
