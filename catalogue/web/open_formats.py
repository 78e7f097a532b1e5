"""The addresses where machines read the catalogue in open formats: DCAT, data.json, Croissant, feeds and dumps of tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from flask import Blueprint, Response, redirect, request
from sqlalchemy import func, select

from catalogue.actions.context import Context
from catalogue.actions.read import package_show
from catalogue.config_options import settings_in_force
from catalogue.errors import BadRequest, CatalogueError, NotFound, ValidationError
from catalogue.files.released_files import FilesUnavailable
from catalogue.model import ChangeLog
from catalogue.register.groups import get_group
from catalogue.services import Services
from catalogue.tongues.data_json import data_json_tag, write_data_json
from catalogue.tongues.dcat_catalog import SERIALISERS
from catalogue.tongues.described import Portal
from catalogue.tongues.descriptions import portal_of
from catalogue.tongues.feed_documents import feed_draft, releases_feed_draft
from catalogue.web.document_cache import DocumentCache
from catalogue.web.documents import (
    JSON_TYPE,
    Draft,
    catalog_draft,
    croissant_draft,
    datapackage_draft,
    dataset_draft,
    newest_change_at,
    releases_draft,
)
from catalogue.web.negotiation import negotiable, rdf_extension
from catalogue.web.row_pages import row_pages_blueprint

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, If-None-Match, If-Modified-Since",
    "Access-Control-Expose-Headers": "ETag, Last-Modified, Link, Content-Disposition, X-Release",
}
_CACHE = "public, max-age=60, must-revalidate"
_EXTENSIONS = f"<any({', '.join(SERIALISERS)}):extension>"
Drafting = Callable[[Context, Portal], Draft]


class OpenFormats:
    """Answers from the catalogue as everybody sees it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.cache = DocumentCache()

    @contextmanager
    def _anonymous(self) -> Iterator[tuple[Context, Portal]]:
        """Yield the context of a caller whom nobody knows, and the portal as its settings describe it at this moment."""
        with self.services.store.read() as session:
            yield self.services.context(session), portal_of(settings_in_force(session, self.services.settings))

    def catalog(self, extension: str) -> Response:
        """Answer one page of the whole catalogue as RDF."""
        return self._answer(lambda context, portal: catalog_draft(context, portal, request.args, extension), extension)

    def dataset(self, name_or_id: str, extension: str) -> Response:
        """Answer one public dataset as RDF, by id, name or former name."""
        profiles = request.args.get("profiles")
        return self._answer(
            lambda context, portal: dataset_draft(context, portal, name_or_id, extension, profiles=profiles), extension
        )

    def dataset_releases(self, name_or_id: str, extension: str) -> Response:
        """Answer one public dataset with all its releases as RDF."""
        return self._answer(
            lambda context, portal: releases_draft(context, portal, name_or_id, extension), f"releases.{extension}"
        )

    def croissant(self, name_or_id: str) -> Response:
        """Answer one public dataset as Croissant."""
        return self._answer(lambda context, portal: croissant_draft(context, portal, name_or_id), "croissant")

    def datapackage(self, name_or_id: str) -> Response:
        """Answer one public dataset as a data package."""
        return self._answer(lambda context, portal: datapackage_draft(context, portal, name_or_id), "datapackage")

    def feed(self, kind: str, name: str = "") -> Response:
        """Answer one page of a feed: of all datasets, of an organization, group or tag, or of a search."""
        return self._answer(lambda context, portal: feed_draft(context, portal, kind, name, request.args), "feed")

    def releases_feed(self, name_or_id: str) -> Response:
        """Answer one page of the releases of a dataset."""
        return self._answer(
            lambda context, portal: releases_feed_draft(context, portal, name_or_id, request.args), "feed"
        )

    def release(self, name_or_id: str, release: str) -> Response:
        """Lead from the lasting address of a release to its page."""
        with self._anonymous() as (context, _):
            shown = package_show(context, {"id": name_or_id})
        answer = redirect(f"/r/{shown['name']}/{release}/")
        return Response(answer.data, status=answer.status_code, headers=answer.headers)

    def data_json(self, organization_id: str = "") -> Response:
        """Answer all public datasets, or those of an organization, as data.json."""
        with self._anonymous() as (context, portal):
            organization = (
                get_group(context.session, organization_id, is_organization=True) if organization_id else None
            )
            if organization is not None and organization.state != "active":
                raise NotFound("Organization was not found.")
            tag = data_json_tag(context, portal, organization)
            changed = newest_change_at(context)
        draft = Draft(JSON_TYPE, tag, changed, bytes)
        if (unchanged := _unchanged(draft)) is not None:
            return unchanged
        body = () if request.method == "HEAD" else write_data_json(self.services, portal, organization)
        return _described(Response(body), draft)

    def openapi(self) -> Response:
        """Answer what the whole API is, for programs that make clients of it."""

        def draft(_context: Context, portal: Portal) -> Draft:
            from catalogue.web.openapi import openapi_document  # asks for all actions, which the start need not load

            body = json.dumps(openapi_document(portal), ensure_ascii=False).encode()
            return Draft(JSON_TYPE, hashlib.sha256(body).hexdigest()[:32], None, lambda: body)

        return self._answer(draft, "openapi")

    def instead_of_page(self) -> Response | None:
        """Answer RDF where a client prefers it to the page that it asks for; null lets the page answer."""
        if request.method not in {"GET", "HEAD"} or (asked := negotiable(request.path)) is None:
            return None
        extension = rdf_extension(request.accept_mimetypes)
        if extension is None:
            return redirect_to_search() if request.path.rstrip("/") == "/catalog" else None
        try:
            answer = self.dataset(asked.dataset, extension) if asked.dataset else self.catalog(extension)
        except CatalogueError as error:
            answer = _refused(error)
        place = f"/dataset/{asked.dataset}" if asked.dataset else "/catalog"
        answer.headers["Content-Location"] = f"{place}.{extension}"
        answer.headers.update(_CORS)
        return answer

    def _answer(self, drafting: Drafting, form: str) -> Response:
        """Answer a document: from what was written before, when nothing changed since, else drafted and written anew."""
        with self._anonymous() as (context, portal):
            key = (form, request.path, portal, tuple(sorted(request.args.items(multi=True))))
            newest = context.session.scalar(select(func.max(ChangeLog.seq))) or 0
            draft, body = self.cache.find(key, newest) or (drafting(context, portal), None)
        unchanged = _unchanged(draft)
        if unchanged is not None:
            return unchanged
        if body is None:
            body = self.cache.body_of(draft.etag) or draft.write()
            self.cache.keep(key, newest, draft, body)
        return _described(Response(body), draft)


def open_formats_blueprint(services: Services) -> Blueprint:
    """Return the routes of all open formats; pages of datasets and the home page answer in RDF to those who prefer it."""
    pages = OpenFormats(services)
    blueprint = Blueprint("open_formats", __name__)
    dataset = "/dataset/<name_or_id>"
    rules: Mapping[str, Callable[..., Response]] = {
        f"/catalog.{_EXTENSIONS}": pages.catalog,
        f"{dataset}.{_EXTENSIONS}": pages.dataset,
        f"/dataset_series/<name_or_id>.{_EXTENSIONS}": pages.dataset,
        f"{dataset}/releases.{_EXTENSIONS}": pages.dataset_releases,
        f"{dataset}/croissant.jsonld": pages.croissant,
        f"{dataset}/datapackage.json": pages.datapackage,
        f"{dataset}/releases.atom": pages.releases_feed,
        f"{dataset}/release/<release>": pages.release,
        "/api/3/openapi.json": pages.openapi,
        "/data.json": pages.data_json,
        "/organization/<organization_id>/data.json": pages.data_json,
        "/feeds/<any(dataset, custom):kind>.atom": pages.feed,
        "/feeds/<any(organization, group, tag):kind>/<name>.atom": pages.feed,
    }
    for number, (rule, view) in enumerate(rules.items()):
        blueprint.add_url_rule(rule, f"{view.__name__}_{number}", view)
    blueprint.register_blueprint(row_pages_blueprint(services))
    blueprint.register_error_handler(CatalogueError, _refused)
    blueprint.register_error_handler(FilesUnavailable, _unavailable)
    blueprint.after_request(_let_other_sites_read)
    blueprint.before_app_request(pages.instead_of_page)
    blueprint.after_app_request(_vary_by_accept)
    return blueprint


def redirect_to_search() -> Response:
    """Lead people who ask for the catalogue to its pages."""
    return Response(status=302, headers={"Location": "/dataset"})


def _described(response: Response, draft: Draft) -> Response:
    """Return the answer with what caches and harvesters need to know."""
    response.headers["Content-Type"] = f"{draft.media_type}; charset=utf-8"
    response.headers["Cache-Control"] = _CACHE
    if draft.links:
        response.headers["Link"] = ", ".join(f'<{address}>; rel="{relation}"' for relation, address in draft.links)
    response.last_modified = draft.modified
    response.set_etag(draft.etag, weak=True)
    response.make_conditional(request)
    return response


def _unchanged(draft: Draft) -> Response | None:
    """Return the short answer to a client that has this very document, else null."""
    answer = _described(Response(), draft)
    return answer if answer.status_code == 304 else None


def _let_other_sites_read(response: Response) -> Response:
    response.headers.update(_CORS)
    return response


def _vary_by_accept(response: Response) -> Response:
    """Tell caches that pages with other forms answer by the header `Accept`."""
    if negotiable(request.path) is not None:
        response.vary.add("Accept")
    return response


def _refused(error: CatalogueError) -> Response:
    """Answer a fault in plain words; whether a private dataset exists is nobody's business."""
    status = 404 if error.status == 403 else error.status
    message = "Not found" if error.status == 403 else _in_words(error)
    return Response(message, status=status, content_type="text/plain; charset=utf-8")


def _in_words(error: CatalogueError) -> str:
    if isinstance(error, ValidationError):
        told = {
            name: messages if isinstance(messages, list) else [messages] for name, messages in error.error_dict.items()
        }
        return "; ".join(f"{name}: {', '.join(map(str, messages))}" for name, messages in told.items())
    return error.message if isinstance(error, BadRequest) else str(error.to_dict().get("message") or error.message)


def _unavailable(_error: FilesUnavailable) -> Response:
    return Response("The files are not available at the moment", status=503, content_type="text/plain; charset=utf-8")
