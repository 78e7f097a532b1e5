"""Atom feeds (RFC 4287) of what changed in the catalogue: a pure mapping from package dicts to bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

PAGE_SIZE = 20
ATOM = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml"
_ENDLESS = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Feed:
    """One page of a feed.

    Attributes:
        portal_url: Address of the portal, without a slash at its end.
        path: Path of the feed, such as `/feeds/dataset.atom`.
        query: Parameters of the request besides `page`.
        title: What the feed is called.
        page_path: Path of the page that shows the same to people.
        page: Number of this page, from 1.
        total: How many datasets there are on all pages.
    """

    portal_url: str
    path: str
    query: Mapping[str, str]
    title: str
    page_path: str
    page: int
    total: int
    locale: str = "vi"

    @property
    def last(self) -> int:
        """Return the number of the last page."""
        return max(1, -(-self.total // PAGE_SIZE))

    def address(self, page: int) -> str:
        """Return the address of a page of this feed."""
        query = dict(self.query) | ({"page": str(page)} if page > 1 else {})
        return f"{self.portal_url}{self.path}" + (f"?{urlencode(query)}" if query else "")


def feed_to_atom(feed: Feed, packages: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the Atom document of a page; entries keep the order of the packages, the last changed first."""
    ET.register_namespace("", ATOM)
    root = ET.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": feed.locale})
    _text(root, "id", feed.address(1))
    _text(root, "title", feed.title)
    _text(root, "updated", max((_instant(p["metadata_modified"]) for p in packages), default=_ENDLESS))
    author = ET.SubElement(root, f"{{{ATOM}}}author")
    _text(author, "name", feed.title)
    _link(root, "alternate", feed.portal_url + feed.page_path, "text/html")
    links = {"self": feed.page, "first": 1, "last": feed.last, "previous": feed.page - 1, "next": feed.page + 1}
    for relation, page in links.items():
        if 1 <= page <= feed.last or relation == "self":
            _link(root, relation, feed.address(page), MEDIA_TYPE)
    for package in packages:
        _entry(root, package, feed)
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _entry(root: ET.Element, package: Mapping[str, Any], feed: Feed) -> None:
    entry = ET.SubElement(root, f"{{{ATOM}}}entry")
    _text(entry, "id", f"{feed.portal_url}/dataset/{package['id']}")
    _text(entry, "title", package.get("title") or package["name"])
    _text(entry, "updated", _instant(package["metadata_modified"]))
    _text(entry, "published", _instant(package["metadata_created"]))
    if organization := package.get("organization"):
        author = ET.SubElement(entry, f"{{{ATOM}}}author")
        _text(author, "name", organization.get("title") or organization["name"])
    if package.get("notes"):
        _text(entry, "summary", package["notes"])
    for tag in package.get("tags", []):
        ET.SubElement(entry, f"{{{ATOM}}}category", {"term": _clean(tag["name"])})
    _link(entry, "alternate", f"{feed.portal_url}/dataset/{package['name']}", "text/html")
    _link(entry, "enclosure", f"{feed.portal_url}/api/3/action/package_show?id={package['id']}", "application/json")


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}{name}").text = _clean(text)


def _link(parent: ET.Element, relation: str, address: str, media_type: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}link", {"rel": relation, "href": address, "type": media_type})


def _clean(text: str) -> str:
    """Return text without the control characters that XML cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def _instant(naive_utc: str) -> str:
    return f"{naive_utc.removesuffix('Z')}Z"
