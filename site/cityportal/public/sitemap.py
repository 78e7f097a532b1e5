"""The sitemap (https://www.sitemaps.org/protocol.html): an index, one file of general pages, and files of datasets.

A file holds at most 50,000 addresses. Every page has two, one per language, so a file tells 25,000 datasets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from flask import Blueprint, Response, abort, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue.model import Group, Package
from catalogue.services import Services
from cityportal.chrome import public_address

MAX_ADDRESSES = 50_000
_LANGUAGES = (("vi", ""), ("en", "/en"))
_PAGES = ("/", "/dataset", "/organization", "/group", "/about", "/method", "/developers")
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_PUBLIC = (Package.state == "active", Package.private.is_(False))


@dataclass(frozen=True)
class SitemapPage:
    """One page of the portal, by its path in Vietnamese; when it changed is null where nobody can tell."""

    path: str
    changed: datetime | None = None


def add_sitemap(blueprint: Blueprint, services: Services, *, datasets_per_file: int = MAX_ADDRESSES // 2) -> None:
    """Register `/sitemap.xml` and the files that it names on the blueprint."""

    @blueprint.route("/sitemap.xml")
    def sitemap() -> Response:
        with services.store.read() as session:
            changes = _last_changes(session, datasets_per_file)
        files = [("/sitemap/pages.xml", max(changes, default=None))]
        files += [(f"/sitemap/datasets-{number}.xml", changed) for number, changed in enumerate(changes, start=1)]
        return _answer("sitemapindex", (_file(path, changed) for path, changed in files), max(changes, default=None))

    @blueprint.route("/sitemap/pages.xml")
    def sitemap_of_pages() -> Response:
        with services.store.read() as session:
            pages = [*(SitemapPage(path) for path in _PAGES), *_places(session)]
        return _answer("urlset", map(_entry, pages), max(filter(None, (one.changed for one in pages)), default=None))

    @blueprint.route("/sitemap/datasets-<int:number>.xml")
    def sitemap_of_datasets(number: int) -> Response:
        start = (number - 1) * datasets_per_file
        statement = select(Package.name, Package.metadata_modified).where(*_PUBLIC).order_by(Package.id)
        if not 0 <= start < 2**31:
            abort(404)
        with services.store.read() as session:
            rows = session.execute(statement.limit(datasets_per_file).offset(start)).all()
        if not rows:
            abort(404)
        pages = [SitemapPage(f"/dataset/{name}", changed) for name, changed in rows]
        return _answer("urlset", map(_entry, pages), max(changed for _, changed in rows))


def _last_changes(session: Session, datasets_per_file: int) -> list[datetime]:
    """Return when a dataset of each file changed last; one query, whatever the number of datasets."""
    number = func.row_number().over(order_by=Package.id) - 1
    numbered = select(Package.metadata_modified, (number // datasets_per_file).label("file")).where(*_PUBLIC).subquery()
    statement = select(func.max(numbered.c.metadata_modified)).group_by(numbered.c.file).order_by(numbered.c.file)
    return list(session.scalars(statement))


def _places(session: Session) -> Iterator[SitemapPage]:
    """Yield the organizations that own a public dataset, then the groups that hold one."""
    owners = (
        select(Group.name, func.max(Package.metadata_modified))
        .join(Package, Package.owner_org == Group.id)
        .where(*_PUBLIC, Group.state == "active")
        .group_by(Group.name)
        .order_by(Group.name)
    )
    themes = (
        select(Group.name, func.max(Package.metadata_modified))
        .select_from(Package)
        .join(Package.groups)
        .where(*_PUBLIC, Group.state == "active")
        .group_by(Group.name)
        .order_by(Group.name)
    )
    for kind, statement in (("organization", owners), ("group", themes)):
        for name, changed in session.execute(statement):
            yield SitemapPage(f"/{kind}/{name}", changed)


def _answer(element: str, entries: Iterable[str], changed: datetime | None) -> Response:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{element} xmlns="{_NAMESPACE}" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
    response = Response(f"{head}{''.join(entries)}</{element}>\n", mimetype="application/xml")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.last_modified = changed
    response.add_etag()
    response.make_conditional(request)
    return response


def _file(path: str, changed: datetime | None) -> str:
    return f"<sitemap><loc>{escape(public_address(path))}</loc>{_changed(changed)}</sitemap>\n"


def _entry(page: SitemapPage) -> str:
    """Return a page under its two addresses, each of which names both."""
    addresses = [(name, escape(public_address(f"{prefix}{quote(page.path)}"))) for name, prefix in _LANGUAGES]
    links = "".join(f'<xhtml:link rel="alternate" hreflang="{name}" href="{href}"/>' for name, href in addresses)
    return "".join(f"<url><loc>{href}</loc>{_changed(page.changed)}{links}</url>\n" for _, href in addresses)


def _changed(moment: datetime | None) -> str:
    return f"<lastmod>{moment:%Y-%m-%dT%H:%M:%SZ}</lastmod>" if moment else ""
