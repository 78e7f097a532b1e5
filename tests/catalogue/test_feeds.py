"""Atom feeds: the document, its pages, and the addresses over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # the documents are our own

import pytest
from flask import Flask
from samples.described_dataset import PORTAL, described
from samples.golden import assert_golden
from samples.portal_on_disk import id_of, open_portal

from catalogue.tongues.feeds import Entry, Feed, dataset_to_entry, feed_to_atom, releases_to_entries
from catalogue.web.open_formats import open_formats_blueprint

NS = {"a": "http://www.w3.org/2005/Atom"}
SUMMARY = {"title": "Trạm <xe> & buýt\x0b", "organization": {"id": "2", "name": "so-gtvt", "title": "Sở Giao thông"}}


def entry(**changes: Any) -> Entry:
    return dataset_to_entry(described(**{**SUMMARY, **changes}), PORTAL)


def feed(page: int = 1, total: int = 1, **query: str) -> Feed:
    return Feed("https://data.example.vn", "/feeds/dataset.atom", query, "Dữ liệu mở", "/dataset", page, total)


def links(document: bytes) -> dict[str, str]:
    return {e.attrib["rel"]: e.attrib["href"] for e in ET.fromstring(document).findall("a:link", NS)}  # noqa: S314


def test_golden_feed() -> None:
    assert_golden("feed.atom", feed_to_atom(feed(), [entry()]))
    assert_golden("feed_releases.atom", feed_to_atom(feed(), releases_to_entries(described(), PORTAL)))


def test_pages_are_linked_with_the_query_kept() -> None:
    found = links(feed_to_atom(feed(page=2, total=41, q="xe buýt"), []))
    base = "https://data.example.vn/feeds/dataset.atom?q=xe+bu%C3%BDt"
    assert found == {
        "alternate": "https://data.example.vn/dataset",
        "self": f"{base}&page=2",
        "first": base,
        "last": f"{base}&page=3",
        "previous": base,
        "next": f"{base}&page=3",
    }


def test_entry_ids_outlive_a_renaming() -> None:
    ids = {
        ET.fromstring(feed_to_atom(feed(), [entry(name=name)])).findtext("a:entry/a:id", namespaces=NS)  # noqa: S314
        for name in ("one", "two")
    }
    assert ids == {"https://data.example.vn/dataset/6a0c1f1e-0000-4000-8000-000000000001"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    portal = open_portal(tmp_path_factory.mktemp("portal"))
    portal.add_group("so-gtvt", "Sở Giao thông")
    portal.add_group("so-yt", "Sở Y tế")
    portal.add_group("transport", "Giao thông", is_organization=False)
    for n in range(23):
        organization = "so-gtvt" if n % 2 else "so-yt"
        portal.add_dataset(f"d{n:02}", title=f"Bộ {n}", organization=organization, tags=["xe buýt"] if n == 3 else [])
    portal.add_dataset("themed", groups=["transport"])
    portal.add_dataset("rieng", organization="so-gtvt", private=True)
    app = Flask("test")
    app.register_blueprint(open_formats_blueprint(portal.services))
    yield app.test_client()
    portal.search.close()
    portal.store.close()


def titles(answer) -> list[str]:
    return [e.text for e in ET.fromstring(answer.data).findall("a:entry/a:title", NS)]  # noqa: S314


def test_the_last_changed_comes_first_and_private_never(client) -> None:
    first, second = client.get("/feeds/dataset.atom"), client.get("/feeds/dataset.atom?page=2")
    assert first.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert titles(first)[:2] == ["themed", "Bộ 22"]
    assert (len(titles(first)), len(titles(second))) == (20, 4)
    assert "rieng" not in titles(first) + titles(second)


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/feeds/organization/so-gtvt.atom", 11),
        (f"/feeds/organization/{id_of('so-gtvt')}.atom", 11),
        ("/feeds/group/transport.atom", 1),
        ("/feeds/tag/xe buýt.atom", 1),
        ('/feeds/tag/a".atom', 0),
        ("/feeds/custom.atom?q=title:22", 1),
        ("/feeds/custom.atom?fq=organization:so-yt&sort=name+asc", 12),
    ],
)
def test_feeds_of_a_part(client, path: str, count: int) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert len(titles(answer)) == count


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/feeds/organization/absent.atom", 404),
        ("/feeds/group/so-gtvt.atom", 404),
        ("/feeds/dataset.atom?page=-1", 409),
        ("/feeds/custom.atom?q={!x}", 409),
        ("/feeds/custom.atom?sort=name", 400),
        ("/feeds/other.atom", 404),
    ],
)
def test_what_is_not_answered(client, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_unchanged_feeds_answer_304(client, tmp_path: Path) -> None:
    tag = client.get("/feeds/dataset.atom").headers["ETag"]
    assert client.get("/feeds/dataset.atom", headers={"If-None-Match": tag}).status_code == 304
