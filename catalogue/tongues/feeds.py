"""Atom feeds (RFC 4287) of what changed in the catalogue: a pure mapping from descriptions to bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from catalogue.tongues.described import DescribedDataset, Portal, Words
from catalogue.tongues.words import words_of

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
        total: How many entries there are on all pages.
        locale: Language of the texts.
        id: What names the feed for ever; empty: the address of its first page.
    """

    portal_url: str
    path: str
    query: Mapping[str, str]
    title: str
    page_path: str
    page: int
    total: int
    locale: str = "vi"
    id: str = ""

    @property
    def last(self) -> int:
        """Return the number of the last page."""
        return max(1, -(-self.total // PAGE_SIZE))

    def address(self, page: int) -> str:
        """Return the address of a page of this feed."""
        query = dict(self.query) | ({"page": str(page)} if page > 1 else {})
        return f"{self.portal_url}{self.path}" + (f"?{urlencode(query)}" if query else "")


@dataclass(frozen=True)
class Entry:
    """One entry; times are naive UTC, `enclosures` pairs of address and media type."""

    id: str
    title: str
    updated: str
    published: str
    page: str
    author: str = ""
    summary: str = ""
    keywords: Sequence[str] = ()
    enclosures: Sequence[tuple[str, str]] = field(default=())


def dataset_to_entry(dataset: DescribedDataset, portal: Portal) -> Entry:
    """Return the entry of a dataset; its id outlives a renaming."""
    return Entry(
        id=f"{portal.url}/dataset/{dataset.id}",
        title=dataset.title.written_in(portal.locale),
        updated=dataset.modified,
        published=dataset.issued,
        page=dataset.page,
        author=dataset.publisher.title.written_in(portal.locale) if dataset.publisher else "",
        summary=_both(dataset.description) if dataset.description != dataset.title else "",
        keywords=dataset.keywords,
        enclosures=[(f"{portal.url}/api/3/action/package_show?id={dataset.id}", "application/json")],
    )


def releases_to_entries(dataset: DescribedDataset, portal: Portal) -> list[Entry]:
    """Return an entry per release of a dataset, the newest first; the summary says what changed."""
    return [
        Entry(
            id=release.uri,
            title=words_of("release_of", portal.locale, title=dataset.title, release=release.id).local,
            updated=release.issued,
            published=release.issued,
            page=release.page,
            author=dataset.publisher.title.written_in(portal.locale) if dataset.publisher else "",
            summary=_both(release.notes),
            enclosures=[(f"{release.page}manifest.json", "application/json")],
        )
        for release in dataset.releases
    ]


def feed_to_atom(feed: Feed, entries: Sequence[Entry]) -> bytes:
    """Return the Atom document of a page; entries keep their order, the last changed first."""
    ET.register_namespace("", ATOM)
    root = ET.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": feed.locale})
    _text(root, "id", feed.id or feed.address(1))
    _text(root, "title", feed.title)
    _text(root, "updated", max((_instant(entry.updated) for entry in entries), default=_ENDLESS))
    author = ET.SubElement(root, f"{{{ATOM}}}author")
    _text(author, "name", feed.title)
    _link(root, "alternate", feed.portal_url + feed.page_path, "text/html")
    links = {"self": feed.page, "first": 1, "last": feed.last, "previous": feed.page - 1, "next": feed.page + 1}
    for relation, page in links.items():
        if 1 <= page <= feed.last or relation == "self":
            _link(root, relation, feed.address(page), MEDIA_TYPE)
    for entry in entries:
        _entry(root, entry)
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _entry(root: ET.Element, told: Entry) -> None:
    entry = ET.SubElement(root, f"{{{ATOM}}}entry")
    _text(entry, "id", told.id)
    _text(entry, "title", told.title)
    _text(entry, "updated", _instant(told.updated))
    _text(entry, "published", _instant(told.published))
    if told.author:
        author = ET.SubElement(entry, f"{{{ATOM}}}author")
        _text(author, "name", told.author)
    if told.summary:
        _text(entry, "summary", told.summary)
    for keyword in told.keywords:
        ET.SubElement(entry, f"{{{ATOM}}}category", {"term": _clean(keyword)})
    _link(entry, "alternate", told.page, "text/html")
    for address, media_type in told.enclosures:
        _link(entry, "enclosure", address, media_type)


def _both(words: Words) -> str:
    """Return a text with its English below it."""
    return "\n\n".join(dict.fromkeys(filter(None, (words.local, words.english))))


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}{name}").text = _clean(text)


def _link(parent: ET.Element, relation: str, address: str, media_type: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}link", {"rel": relation, "href": address, "type": media_type})


def _clean(text: str) -> str:
    """Return text without the control characters that XML cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def _instant(naive_utc: str) -> str:
    return f"{naive_utc.removesuffix('Z')}Z"
