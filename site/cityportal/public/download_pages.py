"""Downloads at the addresses that CKAN's clients build: files of resources, and images of organizations and groups.

A link leads on; an uploaded file comes from here, or from the object storage by an address that holds for minutes.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, redirect, request, send_file
from sqlalchemy.orm import Session

from catalogue.errors import NotFound
from catalogue.files.released_files import FilesUnavailable
from catalogue.files.upload_names import is_active
from catalogue.model import Upload, User
from catalogue.people.accounts import find_user
from catalogue.people.tokens import find_token
from catalogue.services import Services
from catalogue.web.downloads import Download, find_download, find_image
from catalogue.web.http_answers import token_of_request
from cityportal.bilingual import page
from cityportal.identity import signed_in

_SIGNED_SECONDS = 300
_FOR_EVER = "public, max-age=31536000, immutable"
_FRESH = "max-age=0, must-revalidate"
# A file of somebody else opens in the browser as a stranger: it runs nothing and reaches nothing of the portal.
_SEALED = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_EXPOSED = "ETag, Content-Range, Content-Length, Content-Disposition, Accept-Ranges"


def add_download_pages(blueprint: Blueprint, services: Services) -> None:
    """Register the addresses on the blueprint."""

    @page(blueprint, "/dataset/<name>/resource/<resource_id>/download")
    @page(blueprint, "/dataset/<name>/resource/<resource_id>/download/<path:file>")
    def download(name: str, resource_id: str, file: str = "") -> Any:  # noqa: ARG001  any name leads to the file
        found = _found(services, name, resource_id)
        shared = "public" if found.is_public else "private"
        if found.upload is None:
            site = services.settings.site_url  # the reader may have come by another name of this server
            answer = redirect(found.url.removeprefix(site) if found.url.startswith(f"{site}/") else found.url)
            answer.headers["Cache-Control"] = f"{shared}, max-age=60"
        else:
            answer = _file(services, found.upload)
            answer.headers["Cache-Control"] = f"{shared}, {_FRESH}"
        answer.headers["Vary"] = "Cookie, Authorization, X-CKAN-API-Key"
        if found.is_public:
            answer.headers["Access-Control-Allow-Origin"] = "*"
            answer.headers["Access-Control-Expose-Headers"] = _EXPOSED
        return answer

    @blueprint.route("/uploads/group/<file>")
    def image(file: str) -> Any:
        with services.store.read() as session:
            try:
                upload = find_image(services.context(session), file)
            except NotFound:
                abort(404)
        answer = _file(services, upload)
        answer.headers["Cache-Control"] = f"private, max-age={_SIGNED_SECONDS // 2}" if _is_away(answer) else _FOR_EVER
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer


def _found(services: Services, name: str, resource_id: str) -> Download:
    """Return what the caller may have; for all others it does not exist."""
    with services.store.read() as session:
        context = services.context(session, _caller(services, session))
        try:
            return find_download(context, name, resource_id)
        except NotFound:
            abort(404)


def _caller(services: Services, session: Session) -> User | None:
    """Return who asks: the owner of the API token, or else the person who is signed in."""
    if token := token_of_request():
        found = find_token(session, token, services.now())
        return found.user if found else None
    person = signed_in()
    user = find_user(session, person.name) if person else None
    return user if user is not None and user.state == "active" else None


def _file(services: Services, upload: Upload) -> Any:
    try:
        path = services.uploads.path(upload.key)
        if path is None:
            return _elsewhere(services, upload)
    except FilesUnavailable:
        abort(503)
    try:
        answer = send_file(
            path,
            mimetype=upload.media_type,
            as_attachment=is_active(upload.media_type),
            download_name=upload.file_name,
            conditional=True,
            etag=upload.sha256,
            last_modified=upload.created,
            max_age=None,
        )
    except FileNotFoundError:  # replaced by a newer one at this very moment
        abort(404)
    return _sealed(answer, upload)


def _elsewhere(services: Services, upload: Upload) -> Any:
    """Lead to the object storage; what HEAD and a cache ask is answered here, for a signed address serves GET alone."""
    disposition = f"{'attachment' if is_active(upload.media_type) else 'inline'}; filename={upload.file_name}"
    url = services.uploads.signed_url(
        upload.key, seconds=_SIGNED_SECONDS, disposition=disposition, media_type=upload.media_type
    )
    if url is None:
        abort(404)
    known = Response(mimetype=upload.media_type)
    known.set_etag(upload.sha256)
    known.last_modified = upload.created
    known.make_conditional(request)
    if request.method == "GET" and known.status_code != 304:
        return redirect(url)
    if known.status_code != 304:
        known.content_length = upload.size
        known.headers["Accept-Ranges"] = "bytes"
        known.headers["Content-Disposition"] = disposition
    return _sealed(known, upload)


def _sealed(answer: Response, upload: Upload) -> Response:
    if upload.media_type != "application/pdf":  # its reader in the browser is a page of scripts itself
        answer.headers["Content-Security-Policy"] = _SEALED
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _is_away(answer: Response) -> bool:
    return answer.status_code in {301, 302}
