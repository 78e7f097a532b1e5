from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from samples.sample_city import City, id_of

from catalogue.actions import update
from catalogue.model import DatasetRelease

REQUESTS = "phan-anh-1022"
FIRST, SECOND = "2026-11-20.1", "2026-11-21.1"
CSV = id_of(f"{REQUESTS}/phan_anh.csv.gz")


def text_of(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


def test_the_page_says_what_a_row_is_and_the_key_facts(client):
    text = text_of(client.get(f"/dataset/{REQUESTS}"))
    assert "Mỗi dòng là số phản ánh của người dân trong một ngày" in text
    for fact in ("số liệu đến 21/11/2026", "nhịp hằng ngày đúng hạn", "dòng × cột 812.440 × 7", "giấy phép CC BY 4.0"):
        assert fact in text


def test_the_preview_holds_twenty_rows_with_titles_in_the_language_of_the_page(client):
    html = client.get(f"/en/dataset/{REQUESTS}").get_data(as_text=True)
    assert html.count("<tr>") == 21
    assert '<th scope="col" class=n>Requests<small>so_phan_anh</small></th>' in html
    assert '<span lang="vi">Hài lòng</span>' in html
    assert "1,214" in html
    assert "Newest 20 rows of 812,440, newest first." in html


def test_fractions_stand_under_each_other_and_empty_cells_are_said(client):
    html = client.get(f"/dataset/{REQUESTS}").get_data(as_text=True)
    assert "<td class=n>12,0</td>" in html
    assert '<span class="unseen">trống</span>' in html


def test_years_are_not_grouped_and_yes_and_no_are_words(client):
    html = client.get("/dataset/doanh-nghiep").get_data(as_text=True)
    assert "<td>2019</td>" in html
    assert "<td>có</td>" in html


def test_downloads_show_size_and_the_whole_hash(client, city):
    html = client.get(f"/dataset/{REQUESTS}").get_data(as_text=True)
    for info in (city.files.info(REQUESTS, SECOND, name) for name in ("phan_anh.csv.gz", "phan_anh.parquet")):
        assert f'href="/r/{REQUESTS}/{SECOND}/{info.name}"' in html
        assert info.sha256 in html
    assert f"phusa verify http://portal.test/r/{REQUESTS}/{SECOND}/" in html


def test_a_second_table_is_one_link_away(client):
    html = client.get("/en/dataset/quan-trac-khong-khi?table=tram").get_data(as_text=True)
    assert "<strong>Stations</strong>" in html
    assert "T002" in html


def test_search_engines_read_the_same_facts(client):
    html = client.get(f"/dataset/{REQUESTS}").get_data(as_text=True)
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    assert found
    described = json.loads(found[1])
    assert described["@type"] == "Dataset"
    assert described["version"] == SECOND
    assert len(described["distribution"]) == 3
    assert described["@id"] == f"http://portal.test/dataset/{id_of(REQUESTS)}"
    assert {one["name"] for one in described["variableMeasured"]} >= {"phuong", "so_phan_anh"}
    assert all(one["contentUrl"].startswith("http://portal.test/r/") for one in described["distribution"])


def test_structured_data_cannot_break_out_of_its_element(client):
    html = client.get("/dataset/doanh-nghiep").get_data(as_text=True)
    script = html.partition('<script type="application/ld+json">')[2].partition("</script>")[0]
    assert "<" not in script
    assert json.loads(script)["description"].startswith("Mã số, tên, ngành & quy mô <theo đăng ký>.")


def test_search_engines_read_where_the_page_stands_and_what_the_portal_is(client):
    def documents(address: str) -> list[dict[str, object]]:
        html = client.get(address).get_data(as_text=True)
        return [json.loads(one) for one in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)]

    _, trail = documents(f"/en/dataset/{REQUESTS}")
    assert trail["@type"] == "BreadcrumbList"
    assert [item["item"] for item in trail["itemListElement"]] == [
        "http://portal.test/en/dataset",
        "http://portal.test/en/organization/tong-dai-1022",
        f"http://portal.test/en/dataset/{REQUESTS}",
    ]
    (portal,) = documents("/")
    assert (portal["@type"], portal["name"]) == ("DataCatalog", "Thành phố Hồ Chí Minh")


@pytest.mark.parametrize("tab", ["", "/api", "/dictionary", "/releases", "/quality"])
def test_every_tab_names_the_other_forms_of_the_dataset(client, tab):
    html = client.get(f"/dataset/{REQUESTS}{tab}").get_data(as_text=True)
    for media_type, ending in (("text/turtle", ".ttl"), ("application/rdf+xml", ".rdf"), ("text/n3", ".n3")):
        assert f'<link rel="alternate" type="{media_type}" href="/dataset/{id_of(REQUESTS)}{ending}">' in html


def test_the_home_page_names_the_other_forms_of_the_catalogue(client):
    html = client.get("/").get_data(as_text=True)
    assert '<link rel="alternate" type="text/turtle" href="/catalog.ttl">' in html


def test_a_dataset_without_a_release_says_so(tmp_path):
    city = City(tmp_path)
    from catalogue.actions import create

    city.act(
        create.package_create, {"id": id_of("x"), "name": "ke-hoach", "title": "Kế hoạch", "owner_org": "so-tai-chinh"}
    )
    client = city.app().test_client()
    assert "chưa có phiên bản nào được phát hành" in text_of(client.get("/dataset/ke-hoach"))
    assert client.get("/dataset/ke-hoach/data").status_code == 404
    city.store.close()


def test_an_id_leads_to_the_page_and_a_former_name_for_ever(tmp_path):
    city = City(tmp_path)
    city.publish(REQUESTS, FIRST)
    city.act(update.package_patch, {"id": id_of(REQUESTS), "name": "phan-anh"})
    client = city.app().test_client()
    by_id = client.get(f"/en/dataset/{id_of(REQUESTS)}/releases?x=1")
    assert (by_id.status_code, by_id.headers["Location"]) == (302, "/en/dataset/phan-anh/releases?x=1")
    by_name = client.get(f"/dataset/{REQUESTS}")
    assert (by_name.status_code, by_name.headers["Location"]) == (301, "/dataset/phan-anh")
    city.store.close()


@pytest.mark.parametrize("state", [{"private": True}, {"state": "deleted"}])
def test_what_is_not_public_is_not_there(tmp_path, state):
    city = City(tmp_path)
    city.publish(REQUESTS, FIRST)
    city.act(update.package_patch, {"id": id_of(REQUESTS), **state})
    client = city.app().test_client()
    paths = [f"/dataset/{REQUESTS}", f"/r/{REQUESTS}/{FIRST}/", f"/r/{REQUESTS}/{FIRST}/phan_anh.csv.gz"]
    paths += [f"/latest/{REQUESTS}/phan_anh.csv.gz", f"/dataset/{REQUESTS}/resource/{CSV}/download"]
    for path in paths:
        assert client.get(path).status_code == 404, path
    assert REQUESTS not in client.get("/sitemap.xml").get_data(as_text=True)
    assert "Phản ánh" not in text_of(client.get("/dataset"))
    city.store.close()


def test_the_snippets_name_this_dataset(client):
    html = unescape(client.get(f"/dataset/{REQUESTS}/api").get_data(as_text=True))
    assert f"http://portal.test/api/3/action/datastore_search?resource_id={CSV}&limit=5" in html
    assert f"http://portal.test/query/{REQUESTS}/phan_anh.json?_size=5&_shape=objects" in html
    assert f"http://portal.test/latest/{REQUESTS}/phan_anh.parquet" in html


def test_the_python_snippet_is_python(client):
    html = client.get(f"/dataset/{REQUESTS}/api").get_data(as_text=True)
    codes = [unescape(code) for code in re.findall(r"<code>(.*?)</code>", html, re.DOTALL)]
    compile(next(code for code in codes if code.startswith("import json")), "snippet", "exec")


def test_the_dictionary_lists_every_column_with_type_and_treatment(client):
    text = text_of(client.get(f"/en/dataset/{REQUESTS}/dictionary"))
    assert "so_phan_anh Requests whole number" in text
    assert "phuong Ward text Official name under Decision 19/2025/QĐ-TTg. as it is" in text


def test_the_list_of_releases_keeps_the_replaced_one(client):
    text = text_of(client.get(f"/dataset/{REQUESTS}/releases"))
    assert f"{SECOND} đang dùng" in text
    assert f"{FIRST} đã có bản mới" in text
    assert "+2.377 dòng, 12 dòng sửa" in text


def test_a_long_list_of_releases_comes_in_pages(tmp_path):
    city = City(tmp_path)
    city.publish(REQUESTS, FIRST)
    with city.store.write() as session:
        first = session.get_one(DatasetRelease, (id_of(REQUESTS), FIRST))
        for number in range(2, 61):
            summary, at = (
                {**first.summary, "release": f"2026-01-01.{number}"},
                first.published_at - timedelta(days=number),
            )
            row = DatasetRelease(
                dataset_id=first.dataset_id,
                release=summary["release"],
                summary=summary,
                published_at=at,
                state="superseded",
            )
            session.add(row)
    client = city.app().test_client()
    assert "Trang 1 / 2" in text_of(client.get(f"/dataset/{REQUESTS}/releases"))
    assert client.get(f"/dataset/{REQUESTS}/releases?page=2").get_data(as_text=True).count("<tr>") == 11
    assert client.get(f"/dataset/{REQUESTS}/releases?page=3").status_code == 404
    city.store.close()


def test_quality_and_privacy_come_from_the_reports_of_the_release(client):
    text = text_of(client.get(f"/dataset/{REQUESTS}/quality"))
    for fact in ("100.000 ", "380", "99,6 %", "ngoài giới hạn phuong 210"):
        assert fact in text
    text = text_of(client.get(f"/dataset/{REQUESTS}/privacy"))
    for fact in ("1.800 (1,8 %)", "2 phép kiểm"):
        assert fact in text


def test_data_leads_to_datasette(client):
    assert client.get(f"/dataset/{REQUESTS}/data").headers["Location"] == f"/query/{REQUESTS}/phan_anh"
    assert client.get("/dataset/quan-trac-khong-khi/data").headers["Location"] == "/query/quan-trac-khong-khi"


def test_a_resource_has_its_page_and_its_download(client):
    assert "SHA-256" in text_of(client.get(f"/dataset/{REQUESTS}/resource/{CSV}"))
    for path in ("download", "download/anything.csv"):
        answer = client.get(f"/dataset/{REQUESTS}/resource/{CSV}/{path}")
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"/r/{REQUESTS}/{SECOND}/phan_anh.csv.gz"
    assert client.get(f"/dataset/{REQUESTS}/resource/{id_of('none')}").status_code == 404


def test_pages_survive_a_storage_that_lost_everything(tmp_path):
    import shutil

    city = City(tmp_path)
    city.publish(REQUESTS, FIRST)
    shutil.rmtree(tmp_path / "storage")
    client = city.app().test_client()
    assert "Chưa đọc được bảng xem trước" in text_of(client.get(f"/dataset/{REQUESTS}"))
    for tab in ("dictionary", "quality", "releases", "api"):
        assert client.get(f"/dataset/{REQUESTS}/{tab}").status_code == 200
    city.store.close()
