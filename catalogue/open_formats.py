"""The addresses where machines read the catalogue in open formats: DCAT, Atom feeds and dumps of tables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Response, request
from rdflib import Graph
from sqlalchemy import func, select

from catalogue.actions.authorize import is_public
from catalogue.actions.context import Context
from catalogue.actions.datastore import datastore_dump
from catalogue.dcat import (
    PAGE_SIZE as DCAT_PAGE_SIZE,
)
from catalogue.dcat import (
    SERIALISERS,
    CatalogPage,
    Portal,
    catalog_to_graph,
    dataset_to_graph,
    fingerprint,
    serialise,
)
from catalogue.errors import BadRequest, CatalogueError, NotFound, ValidationError
from catalogue.feeds import MEDIA_TYPE as ATOM_TYPE
from catalogue.feeds import PAGE_SIZE as FEED_PAGE_SIZE
from catalogue.feeds import Feed, feed_to_atom
from catalogue.groups import get_group
from catalogue.model import Package
from catalogue.packages import get_package, package_to_dict
from catalogue.released_files import FilesUnavailable
from catalogue.search import package_search
from catalogue.services import Services
from catalogue.times import read_time, show_time

_CORS = {"Access-Control-Allow-Origin": "*"}
_CACHE = {"Cache-Control": "public, max-age=60, must-revalidate"}
_EXTENSIONS = f"<any({', '.join(SERIALISERS)}):extension>"


class OpenFormats:
    """Answers from the catalogue as everybody sees it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        settings = services.settings
        self.portal = Portal(
            url=settings.site_url.rstrip("/"),
            title=settings.title,
            description=settings.description,
            locale=settings.locale,
            contact=settings.contact,
        )

    @contextmanager
    def _anonymous(self) -> Iterator[Context]:
        with self.services.store.read() as session:
            yield self.services.context(session)

    def catalog(self, extension: str) -> Response:
        """Answer one page of the whole catalogue as RDF."""
        number = _page_number()
        kept = {name: request.args[name] for name in ("q", "fq", "modified_since") if request.args.get(name)}
        with self._anonymous() as context:
            found = package_search(
                context,
                {
                    "q": kept.get("q", ""),
                    "fq": [kept.get("fq", ""), _since(kept.get("modified_since"))],
                    "sort": "id asc",
                    "rows": DCAT_PAGE_SIZE,
                    "start": (number - 1) * DCAT_PAGE_SIZE,
                },
            )
            changed = context.session.scalar(
                select(func.max(Package.metadata_modified)).where(Package.state == "active", Package.private.is_(False))
            )
        address = Feed(self.portal.url, f"/catalog.{extension}", kept, "", "", 1, 0).address(1)
        page = CatalogPage(number, int(found["count"]), address)
        return _rdf(catalog_to_graph(self.portal, found["results"], page, modified=show_time(changed)), extension)

    def dataset(self, name_or_id: str, extension: str) -> Response:
        """Answer one public dataset as RDF, by id, name or former name."""
        with self._anonymous() as context:
            package = get_package(context.session, name_or_id)
            if not is_public(package):
                raise NotFound("Package was not found.")
            shown = package_to_dict(package)
        return _rdf(dataset_to_graph(self.portal, shown), extension)

    def feed(self, kind: str, name: str = "") -> Response:
        """Answer one page of a feed: of all datasets, of an organization, group or tag, or of a search."""
        number = _page_number()
        query: dict[str, str] = {}
        params: dict[str, Any] = {"sort": "metadata_modified desc", "rows": FEED_PAGE_SIZE}
        params["start"] = (number - 1) * FEED_PAGE_SIZE
        title, page_path = self.portal.title, "/dataset"
        with self._anonymous() as context:
            if kind in {"organization", "group"}:
                group = get_group(context.session, name, is_organization=kind == "organization")
                if group.state != "active":
                    raise NotFound(f"{kind.capitalize()} was not found.")
                field = "organization" if kind == "organization" else "groups"
                params["fq"] = f'{field}:"{group.name}"'
                title, page_path = f"{group.title or group.name} – {title}", f"/{kind}/{group.name}"
            elif kind == "tag":
                params["fq"] = f'tags:"{_quotable(name)}"'
                title, page_path = f"{name} – {title}", f"/dataset?tags={name}"
            elif kind == "custom":
                query = {key: value for key, value in request.args.items() if key in {"q", "fq", "sort"} and value}
                params |= query
            found = package_search(context, params)
        path = f"/feeds/{kind}.atom" if kind in {"dataset", "custom"} else f"/feeds/{kind}/{name}.atom"
        feed = Feed(
            portal_url=self.portal.url,
            path=path,
            query=query,
            title=title,
            page_path=page_path,
            page=number,
            total=int(found["count"]),
            locale=self.portal.locale,
        )
        body = feed_to_atom(feed, found["results"])
        return _described(body, ATOM_TYPE, etag=hashlib.sha256(body).hexdigest())

    def dump(self, resource_id: str) -> Response:
        """Stream all rows of a resource's table."""
        params: dict[str, Any] = {**request.args.to_dict(), "resource_id": resource_id}
        with self._anonymous() as context:
            dump = datastore_dump(context, params)
        response = Response((chunk.encode() for chunk in dump.chunks), content_type=f"{dump.media_type}; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{dump.file_name}"'
        response.headers["X-Release"] = dump.release
        response.headers.extend(_CORS)
        return response


def open_formats_blueprint(services: Services) -> Blueprint:
    """Return the routes `/catalog.*`, `/dataset/<id>.*`, `/feeds/*` and `/datastore/dump/<id>`."""
    pages = OpenFormats(services)
    blueprint = Blueprint("open_formats", __name__)
    rules: Mapping[str, Callable[..., Response]] = {
        f"/catalog.{_EXTENSIONS}": pages.catalog,
        f"/dataset/<name_or_id>.{_EXTENSIONS}": pages.dataset,
        "/datastore/dump/<resource_id>": pages.dump,
        "/feeds/<any(dataset, custom):kind>.atom": pages.feed,
        "/feeds/<any(organization, group, tag):kind>/<name>.atom": pages.feed,
    }
    for rule, view in rules.items():
        blueprint.add_url_rule(rule, f"{view.__name__}_{len(rule)}", view)
    blueprint.register_error_handler(CatalogueError, _refused)
    blueprint.register_error_handler(FilesUnavailable, _unavailable)
    return blueprint


def _page_number() -> int:
    text = request.args.get("page", "1")
    if not re.fullmatch(r"[1-9]\d{0,6}", text):
        raise ValidationError({"page": ["Must be a number from 1 on"]})
    return int(text)


def _since(text: str | None) -> str:
    """Return the filter for datasets changed since an ISO time; empty when none is given."""
    if not text:
        return ""
    try:
        moment = read_time(text.replace(" ", "+"))
    except ValueError:
        raise ValidationError({"modified_since": ["Date format incorrect"]}) from None
    return f"metadata_modified:[{moment.isoformat()}Z TO *]"


def _quotable(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _rdf(graph: Graph, extension: str) -> Response:
    return _described(*serialise(graph, extension), etag=fingerprint(graph))


def _described(body: bytes, media_type: str, *, etag: str) -> Response:
    """Return an answer that browsers of other sites may read and caches may ask about again."""
    response = Response(body, content_type=f"{media_type}; charset=utf-8", headers={**_CORS, **_CACHE})
    response.set_etag(etag, weak=True)
    response.make_conditional(request)
    return response


def _refused(error: CatalogueError) -> Response:
    text = error.message if isinstance(error, BadRequest) else str(error.to_dict().get("message") or error.message)
    status = 404 if error.status == 403 else error.status  # whether a private dataset exists is nobody's business
    message = "Not found" if error.status == 403 else text
    return Response(message, status=status, content_type="text/plain; charset=utf-8", headers=_CORS)


def _unavailable(_error: FilesUnavailable) -> Response:
    return Response("The files are not available at the moment", status=503, content_type="text/plain; charset=utf-8")
