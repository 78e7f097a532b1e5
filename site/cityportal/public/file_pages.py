"""Released files: permanent addresses, the latest of each, and a list per release.

A file at `/r/<dataset>/<release>/<file>` never changes, so it may be kept for ever; `/latest/…` leads to the current one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, send_file, url_for

from catalogue.errors import NotFound
from catalogue.files.released_files import KEPT_OF_WITHDRAWN, FilesUnavailable, ReleasedFile
from catalogue.register.releases import WITHDRAWN
from cityportal.bilingual import page
from cityportal.chrome import clock
from cityportal.public.changes import changes_from_document
from cityportal.public.dataset import Dataset, Release
from cityportal.public.deletions import Deletion, deletion_of
from cityportal.public.old_majors import announce, is_over, number_of, old_major_of
from cityportal.public.plain_csv import file_or_packed, plain_csv
from cityportal.public.reading import CatalogueReader

_FOR_EVER = "public, max-age=31536000, s-maxage=300, immutable"
"""A file never changes, so its reader may keep it. Caches that serve many ask again every few minutes, for it may be withdrawn."""
_SHORT = "public, max-age=60, stale-while-revalidate=300"
_SIGNED_SECONDS = 3600
_EXPOSED = "ETag, Content-Range, Content-Length, Accept-Ranges, Link, Repr-Digest, Deprecation, Sunset"


def add_file_pages(blueprint: Blueprint, reader: CatalogueReader) -> None:
    """Register the addresses of files on the blueprint."""
    _add_release(blueprint, reader)
    _add_latest(blueprint, reader)


def _add_release(blueprint: Blueprint, reader: CatalogueReader) -> None:
    @blueprint.route("/r/<dataset>/<release>/<file>")
    def released_file(dataset: str, release: str, file: str) -> Any:
        found, record = _released(reader, dataset, release)
        if record.state == WITHDRAWN and file not in KEPT_OF_WITHDRAWN:
            return _withdrawn(found, record)
        if deletion := deletion_of(reader, found, record, file):
            return _gone(found, record, deletion, file=file)
        answer = _guarded(lambda: _file_or_text(reader, found, release, file))
        return _announced(answer, found, record, file=file)

    @page(blueprint, "/r/<dataset>/<release>/")
    def release_page(dataset: str, release: str) -> Any:
        found, record = _released(reader, dataset, release)
        if record.state == WITHDRAWN:
            return _withdrawn(found, record)
        files = _guarded(lambda: reader.released_files(found.name, release))
        answer = make_response(
            render_template(
                "dataset/release.html",
                dataset=found,
                release=record,
                files=files,
                changes=changes_from_document(reader.document_of(found.name, release, "changes.json")),
                deletion=deletion_of(reader, found, record),
                old_major=old_major_of(found, record),
            )
        )
        return _announced(answer, found, record)


def _add_latest(blueprint: Blueprint, reader: CatalogueReader) -> None:
    @blueprint.route("/latest/<dataset>/<file>")
    def latest_file(dataset: str, file: str) -> Any:
        found = reader.dataset(dataset)
        if found is None or found.release is None:
            abort(404)
        return _leading(reader, found, found.release, file)

    @blueprint.route("/latest/<dataset>/<major>/<file>")
    def latest_of_major(dataset: str, major: str, file: str) -> Any:
        """Lead to the newest release of a major version: the current one, or the last of an older major until its sunset."""
        found, number = reader.dataset(dataset), number_of(major)
        if found is None or found.release is None or number is None:
            abort(404)
        if number == found.release.major:
            return _leading(reader, found, found.release, file)
        old = next((one for one in found.release.majors if one.major == number), None)
        record = reader.release(found, old.release) if old else None
        if old is None or record is None:
            abort(404)
        if record.state == WITHDRAWN:
            return announce(_withdrawn(found, record), found, old)
        if is_over(old, clock()):
            answer = render_template("dataset/sunset.html", dataset=found, old_major=old, file=file)
            return announce(make_response(answer, 410), found, old, file=file)
        return announce(_leading(reader, found, record, file), found, old, file=file)


def _leading(reader: CatalogueReader, dataset: Dataset, release: Release, file: str) -> Any:
    """Lead to a file of a release for a short while."""
    _guarded(lambda: file_or_packed(reader.files, dataset.name, release.id, file))
    answer = redirect(url_for(".released_file", dataset=dataset.name, release=release.id, file=file))
    answer.headers["Cache-Control"] = _SHORT
    return _open_to_all(answer)


def _announced(answer: Any, dataset: Dataset, release: Release, *, file: str = "") -> Any:
    old = old_major_of(dataset, release)
    return announce(answer, dataset, old, file=file) if old else answer


def _gone(dataset: Dataset, release: Release, deletion: Deletion, *, file: str) -> Any:
    """Explain why a file is gone, and what is there instead."""
    page = render_template("dataset/gone.html", dataset=dataset, release=release, deletion=deletion, file=file)
    return _open_to_all(_announced(make_response(page, 410), dataset, release, file=file))


def _withdrawn(dataset: Dataset, release: Release) -> Any:
    """Explain why nobody gets anything of a release any more."""
    page = render_template("dataset/withdrawn.html", dataset=dataset, release=release, withdrawal=release.withdrawal)
    answer = make_response(page, 410)
    answer.headers["Cache-Control"] = "no-cache"  # what is under review may come back
    return _open_to_all(answer)


def _released(reader: CatalogueReader, name: str, release: str) -> tuple[Dataset, Release]:
    """Return the dataset and its release; 404 unless both are or were public."""
    found = reader.dataset(name)
    if found is None or found.name != name:
        abort(404)
    record = reader.release(found, release)
    if record is None:
        abort(404)
    return found, record


def _guarded(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except NotFound:
        abort(404)
    except FilesUnavailable:
        abort(503)


def _file_or_text(reader: CatalogueReader, dataset: Dataset, release: str, name: str) -> Any:
    info = file_or_packed(reader.files, dataset.name, release, name)
    if info.name == name:
        return _file(reader, dataset, info)
    answer = plain_csv(reader.files, info)
    answer.headers["Cache-Control"] = _FOR_EVER
    answer.headers["Link"] = f'</dataset/{dataset.name}>; rel="collection"'
    return _open_to_all(answer)


def _file(reader: CatalogueReader, dataset: Dataset, info: ReleasedFile) -> Any:
    path = reader.files.path(info.dataset, info.release, info.name)
    if path is None:
        return _elsewhere(reader, info)
    answer = send_file(
        path,
        mimetype=info.media_type,
        as_attachment=not info.name.endswith((".json", ".sig")),
        download_name=info.name,
        conditional=True,
        etag=info.etag,
        max_age=None,
    )
    answer.headers["Cache-Control"] = _FOR_EVER
    if info.sha256 and answer.status_code in {200, 206}:
        digest = base64.b64encode(bytes.fromhex(info.sha256)).decode()
        answer.headers["Repr-Digest"] = f"sha-256=:{digest}:"
    answer.headers["Link"] = f'</dataset/{dataset.name}>; rel="collection"'
    return _open_to_all(answer)


def _elsewhere(reader: CatalogueReader, info: ReleasedFile) -> Any:
    """Lead to the object storage itself for a while; the redirect may be kept for half of that while."""
    if request.headers.get("If-None-Match", "").strip('W/"') == info.etag:
        answer: Any = Response(status=304)
        answer.set_etag(info.etag)
        return _open_to_all(answer)
    if request.method == "HEAD":  # a signed address serves GET alone
        answer = Response(mimetype=info.media_type)
        answer.content_length = info.size_bytes
        answer.set_etag(info.etag)
        answer.headers["Accept-Ranges"] = "bytes"
        answer.headers["Content-Disposition"] = f"attachment; filename={info.name}"
        return _open_to_all(answer)
    url = reader.files.download_url(info.dataset, info.release, info.name, seconds=_SIGNED_SECONDS)
    if url is None:
        abort(503)
    answer = redirect(url)
    answer.headers["Cache-Control"] = f"private, max-age={_SIGNED_SECONDS // 2}"
    return _open_to_all(answer)


def _open_to_all(answer: Any) -> Any:
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Access-Control-Expose-Headers"] = _EXPOSED
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
