"""What was done so that nobody is recognised, and what was taken back, in plain words in both languages."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from samples.sample_city import City

from catalogue.actions import read, update
from cityportal.public.privacy_report import privacy_from_report

REQUESTS, BUSINESS, AIR = "phan-anh-1022", "doanh-nghiep", "quan-trac-khong-khi"
FIRST, SECOND = "2026-11-20.1", "2026-11-21.1"
SAID = {
    "reason": "Cột ghi chú còn số điện thoại.",
    "reason_translated": {"en": "A column of notes held telephone numbers."},
    "at": "2026-11-22T02:10:00Z",
    "failed": [],
}
AUDITED = {**SAID, "reason": "No longer passes.", "reason_translated": {}, "failed": ["G2"], "under_review": True}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    city = City(tmp_path_factory.mktemp("privacy"))
    city.publish(REQUESTS, FIRST)
    city.publish(REQUESTS, SECOND, parent=FIRST)
    city.publish(BUSINESS, FIRST)
    city.publish(AIR, FIRST)
    take(city, REQUESTS, SAID, has_other=True)
    take(city, BUSINESS, SAID)
    take(city, AIR, AUDITED)
    yield city.app().test_client()
    city.search.close()
    city.store.close()


def take(city, name, said, *, has_other=False):
    """Tell the catalogue what the publisher tells it when a release is taken away."""

    def act(context, _params):
        shown = read.package_show(context, {"id": name})
        extras = {extra["key"]: extra["value"] for extra in shown["extras"]}
        extras["releases_withdrawn"] = json.dumps({FIRST: said})
        if not has_other:
            shown = {**shown, "resources": []}
            del extras["release"], extras["release_summary"]
        return update.package_update(context, {**shown, "extras": [{"key": k, "value": v} for k, v in extras.items()]})

    city.act(act, {})


def told(answer):
    text = re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True).split("<main", 1)[1])
    return re.sub(r"\s+", " ", unescape(text))


@pytest.mark.parametrize(
    ("tongue", "facts"),
    [
        (
            "",
            (
                "6 cột của nguồn không được công bố",
                "Làm thô 2 cột",
                "mức tháng",
                "1.800 (1,8 %)",
                "214 / 1.680",
                "đã dùng 1,50 trong 2,00",
            ),
        ),
        (
            "",
            ("họ tên", "30/06/2027", "Tìm người chỉ có một", "kiểm lại: G3", "20/11/2027", "Luật 91/2025/QH15", "đạt"),
        ),
        (
            "/en",
            (
                "6 columns of the source leave in no table",
                "2 columns made coarser",
                "level month",
                "full name",
                "this year: 1.50 of 2.00 spent",
            ),
        ),
        ("/en", ("Finding the only one", "verified: G3", "20 November 2027", "given ahead, within set bounds")),
    ],
)
def test_the_page_says_what_was_done_and_who_answers_for_it(client, tongue, facts):
    text = told(client.get(f"{tongue}/dataset/{REQUESTS}/privacy"))
    assert [fact for fact in facts if fact not in text.replace("\u00a0", " ")] == []


def test_each_release_has_its_own_report_and_an_older_one_says_that_it_is_older(client):
    assert "không phải phiên bản đang dùng" not in told(client.get(f"/r/{REQUESTS}/{SECOND}/privacy"))
    assert client.get(f"/r/{REQUESTS}/{FIRST}/privacy").headers["Location"] == f"/r/{REQUESTS}/{FIRST}/"
    assert client.get(f"/r/{REQUESTS}/2001-01-01.1/privacy").status_code == 404
    assert client.get(f"/dataset/{BUSINESS}/privacy").status_code == 404
    assert client.get("/dataset/nothing/privacy").status_code == 404


def test_a_report_of_an_older_time_is_read_as_far_as_it_goes():
    report = {"tables": {"t": {"dropped": ["a"], "legal": {"basis": "Luật"}}}, "verdict": {"passed": True}}
    found = privacy_from_report(report)
    assert found is not None
    assert (found.attacks, found.review.grounds[0].basis, found.review.next_audit) == ((), "Luật", None)
    assert not found.is_about_people
    assert privacy_from_report(None) is None


def test_a_withdrawn_release_says_why_in_both_languages_and_keeps_its_proof(client):
    for path in (f"/r/{REQUESTS}/{FIRST}/phan_anh.parquet", f"/r/{REQUESTS}/{FIRST}/", f"/en/r/{REQUESTS}/{FIRST}/"):
        answer = client.get(path)
        assert answer.status_code == 410
        assert SAID["reason"] in answer.get_data(as_text=True)
        assert SAID["reason_translated"]["en"] in answer.get_data(as_text=True)
        assert answer.headers["Cache-Control"] == "no-cache"
    with client.get(f"/r/{REQUESTS}/{FIRST}/manifest.json") as answer:
        assert answer.status_code == 200
    assert "withdrawn" in told(client.get(f"/en/dataset/{REQUESTS}/releases"))


def test_a_dataset_without_a_release_says_that_it_was_withdrawn_or_is_under_review(client):
    text = told(client.get(f"/en/dataset/{BUSINESS}"))
    assert "This dataset was withdrawn." in text
    assert SAID["reason_translated"]["en"] in text
    text = told(client.get(f"/dataset/{AIR}"))
    assert "đang được rà soát" in text
    assert "Không có thông tin cá nhân trong cột, tên gọi và mô tả" in text
    for name in (BUSINESS, AIR):
        assert client.get(f"/dataset/{name}/releases").status_code == 200
        assert client.get(f"/latest/{name}/manifest.json").status_code == 404
    assert "under review" in told(client.get(f"/en/r/{AIR}/{FIRST}/"))
