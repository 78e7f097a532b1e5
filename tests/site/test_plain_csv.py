"""The plain CSV of a table that was released gzipped: the same bytes, by all that HTTP asks of a file."""

from __future__ import annotations

import gzip
import random

import pytest
from isal import isal_zlib

from catalogue.files.released_files import FilesUnavailable
from cityportal.public.plain_csv import _unpacked

REQUESTS, RELEASE = "phan-anh-1022", "2026-11-21.1"
TEXT = f"/r/{REQUESTS}/{RELEASE}/phan_anh.csv"
PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def packed(city) -> bytes:
    return (city.home / "storage" / "releases" / REQUESTS / RELEASE / "phan_anh.csv.gz").read_bytes()


def test_the_text_comes_whole_to_who_takes_no_gzip(client, packed):
    with client.get(TEXT, headers=PLAIN) as answer:
        assert answer.data == gzip.decompress(packed)
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"] == "attachment; filename=phan_anh.csv"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, s-maxage=300, immutable"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert "Content-Encoding" not in answer.headers


def test_who_takes_gzip_gets_the_released_bytes(client, packed):
    with client.get(TEXT, headers=GZIP) as answer:
        assert answer.data == packed
        assert answer.headers["Content-Encoding"] == "gzip"
        assert int(answer.headers["Content-Length"]) == len(packed)
        assert answer.headers["Repr-Digest"].startswith("sha-256=:")


def test_both_writings_have_tags_of_their_own_and_are_not_sent_twice(client):
    tags = []
    for headers in (PLAIN, GZIP):
        with client.get(TEXT, headers=headers) as answer:
            tags.append(answer.headers["ETag"])
        with client.get(TEXT, headers={**headers, "If-None-Match": tags[-1]}) as again:
            assert (again.status_code, again.data) == (304, b"")
            assert again.headers["ETag"] == tags[-1]
    assert len(set(tags)) == 2
    with client.get(TEXT, headers={**GZIP, "If-None-Match": tags[0]}) as other:
        assert other.status_code == 200


def test_a_part_is_not_offered_and_a_question_for_one_gets_all(client, packed):
    with client.get(TEXT, headers={**PLAIN, "Range": "bytes=5-9"}) as answer:
        assert answer.status_code == 200
        assert answer.headers["Accept-Ranges"] == "none"
        assert answer.data == gzip.decompress(packed)


@pytest.mark.parametrize("headers", [PLAIN, GZIP])
def test_head_tells_what_get_would_and_unpacks_nothing(headers, client):
    with client.get(TEXT, headers=headers) as answer:
        told = dict(answer.headers)
    with client.head(TEXT, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.data == b""
        alike = (
            "Content-Type",
            "Content-Length",
            "ETag",
            "Vary",
            "Accept-Ranges",
            "Content-Encoding",
            "Cache-Control",
            "Repr-Digest",
        )
        assert {name: answer.headers.get(name) for name in alike} == {name: told.get(name) for name in alike}


def test_the_latest_text_leads_to_the_current_release(client):
    with client.get(f"/latest/{REQUESTS}/phan_anh.csv") as answer:
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith(TEXT)


@pytest.mark.parametrize("name", ["none.csv", "phan_anh.tsv", "phan_anh.csv.csv", ".csv", "manifest.json.csv"])
def test_other_names_are_not_there(name, client):
    with client.get(f"/r/{REQUESTS}/{RELEASE}/{name}") as answer:
        assert answer.status_code == 404


def test_text_that_packs_extremely_well_comes_in_bounded_pieces():
    content = b"0,0\n" * 8_000_000
    pieces = list(_unpacked(iter([isal_zlib.compress(content, 2, wbits=31)])))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 1 << 20


def test_several_members_are_one_text():
    members = gzip.compress(b"a\n") + gzip.compress(random.Random(1).randbytes(3_000_000))
    chunks = [members[start : start + 1000] for start in range(0, len(members), 1000)]
    assert b"".join(_unpacked(iter(chunks))) == gzip.decompress(members)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: b"x" + data, lambda data: data[:40] + b"\0" * 400]
)
def test_a_damaged_file_breaks_off(damage):
    content = gzip.compress(random.Random(2).randbytes(5_000))
    with pytest.raises(FilesUnavailable):
        list(_unpacked(iter([damage(content)])))
