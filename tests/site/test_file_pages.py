from __future__ import annotations

import base64
import hashlib

import pytest
from samples.sample_city import City, id_of

from catalogue.model import DatasetRelease

REQUESTS = "phan-anh-1022"
FIRST, SECOND = "2026-11-20.1", "2026-11-21.1"
FILE = f"/r/{REQUESTS}/{SECOND}/phan_anh.parquet"


@pytest.fixture
def content(city):
    return (city.home / "storage" / "releases" / REQUESTS / SECOND / "phan_anh.parquet").read_bytes()


def test_a_file_comes_whole_with_its_hash_as_tag_and_digest(client, content):
    with client.get(FILE) as answer:
        assert answer.data == content
        assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, s-maxage=300, immutable"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Content-Range" in answer.headers["Access-Control-Expose-Headers"]
        assert answer.headers["Content-Disposition"] == "attachment; filename=phan_anh.parquet"


@pytest.mark.parametrize(
    ("asked", "first", "last"), [("bytes=0-3", 0, 3), ("bytes=100-", 100, None), ("bytes=-4", -4, None)]
)
def test_a_part_of_a_file_can_be_asked_for(client, content, asked, first, last):
    with client.get(FILE, headers={"Range": asked}) as answer:
        assert answer.status_code == 206
        assert answer.data == content[first : None if last is None else last + 1]
        assert answer.headers["Content-Range"].endswith(f"/{len(content)}")


def test_a_part_behind_the_end_is_refused(client):
    with client.get(FILE, headers={"Range": "bytes=99999999-"}) as answer:
        assert answer.status_code == 416


def test_a_part_of_another_version_comes_whole(client, content):
    with client.get(FILE, headers={"Range": "bytes=0-3", "If-Range": '"other"'}) as answer:
        assert answer.status_code == 200
        assert answer.data == content


def test_a_known_file_is_not_sent_again(client):
    with client.get(FILE) as first:
        tag = first.headers["ETag"]
    with client.get(FILE, headers={"If-None-Match": tag}) as answer:
        assert answer.status_code == 304
        assert answer.data == b""
        assert answer.headers["ETag"] == tag


def test_head_tells_what_get_would(client, content):
    with client.head(FILE) as answer:
        assert answer.status_code == 200
        assert answer.data == b""
        assert int(answer.headers["Content-Length"]) == len(content)


def test_documents_open_in_the_browser(client):
    with client.get(f"/r/{REQUESTS}/{SECOND}/manifest.json") as answer:
        assert answer.headers["Content-Disposition"].startswith("inline")
        assert answer.get_json()["release"] == SECOND


@pytest.mark.parametrize(
    "path",
    [
        f"/r/{REQUESTS}/2026-01-01.1/phan_anh.parquet",
        f"/r/{REQUESTS}/{SECOND}/none.csv",
        f"/r/{REQUESTS}/{SECOND}/..%2F..%2F..%2Fcatalogue.db",
        f"/r/{REQUESTS}/..%2F{SECOND}/manifest.json",
        f"/r/{id_of(REQUESTS)}/{SECOND}/phan_anh.parquet",
        f"/latest/{REQUESTS}/none.csv",
    ],
)
def test_what_was_never_released_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_bytes_in_storage_that_the_catalogue_does_not_know_stay_hidden(client, city):
    staged = city.home / "storage" / "releases" / REQUESTS / "2026-11-23.1"
    staged.mkdir()
    (staged / "manifest.json").write_text('{"files": []}')
    assert client.get(f"/r/{REQUESTS}/2026-11-23.1/manifest.json").status_code == 404


def test_latest_leads_to_the_current_release_for_a_short_while(client):
    answer = client.get(f"/latest/{REQUESTS}/phan_anh.parquet")
    assert (answer.status_code, answer.headers["Location"]) == (302, FILE)
    assert "max-age=60" in answer.headers["Cache-Control"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_replaced_release_keeps_its_files_and_its_page(client):
    with client.get(f"/r/{REQUESTS}/{FIRST}/phan_anh.parquet") as answer:
        assert answer.status_code == 200
    html = client.get(f"/en/r/{REQUESTS}/{FIRST}/").get_data(as_text=True)
    assert "There is a newer release" in html
    assert "manifest.sig" in html


def test_a_withdrawn_release_is_gone(tmp_path):
    city = City(tmp_path)
    city.publish(REQUESTS, FIRST)
    city.publish(REQUESTS, SECOND)
    with city.store.write() as session:
        session.get_one(DatasetRelease, (id_of(REQUESTS), FIRST)).state = "withdrawn"
    client = city.app().test_client()
    assert client.get(f"/r/{REQUESTS}/{FIRST}/phan_anh.parquet").status_code == 410
    assert "đã thu hồi" in client.get(f"/dataset/{REQUESTS}/releases").get_data(as_text=True)
    city.store.close()


def test_a_storage_that_lost_a_file_is_said_and_not_guessed(tmp_path):
    city = City(tmp_path)
    city.publish(REQUESTS, FIRST)
    (tmp_path / "storage" / "releases" / REQUESTS / FIRST / "phan_anh.parquet").unlink()
    assert city.app().test_client().get(f"/r/{REQUESTS}/{FIRST}/phan_anh.parquet").status_code == 404
    city.store.close()
