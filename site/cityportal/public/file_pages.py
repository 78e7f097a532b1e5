"""Released files: permanent addresses, the latest of each, and a list per release.

A file at `/r/<dataset>/<release>/<file>` never changes, so it may be kept for ever; `/latest/…` leads to the current one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, send_file, url_for

from catalogue.errors import NotFound
from catalogue.files.released_files import FilesUnavailable, ReleasedFile
from cityportal.bilingual import page
from cityportal.public.dataset import Dataset, Release
from cityportal.public.reading import CatalogueReader

_FOR_EVER = "public, max-age=31536000, immutable"
_SHORT = "public, max-age=60, stale-while-revalidate=300"
_SIGNED_SECONDS = 3600
_EXPOSED = "ETag, Content-Range, Content-Length, Accept-Ranges, Link, Repr-Digest"


def add_file_pages(blueprint: Blueprint, reader: CatalogueReader) -> None:
    """Register the addresses of files on the blueprint."""

    @blueprint.route("/r/<dataset>/<release>/<file>")
    def released_file(dataset: str, release: str, file: str) -> Any:
        found, _ = _released(reader, dataset, release)
        return _guarded(lambda: _file(reader, found, reader.files.info(found.name, release, file)))

    @page(blueprint, "/r/<dataset>/<release>/")
    def release_page(dataset: str, release: str) -> Any:
        found, record = _released(reader, dataset, release)
        files = _guarded(lambda: reader.released_files(found.name, release))
        return render_template("dataset/release.html", dataset=found, release=record, files=files)

    @blueprint.route("/latest/<dataset>/<file>")
    def latest_file(dataset: str, file: str) -> Any:
        found = reader.dataset(dataset)
        if found is None or found.release is None:
            abort(404)
        current = found.release.id
        _guarded(lambda: reader.files.info(found.name, current, file))
        answer = redirect(url_for(".released_file", dataset=found.name, release=current, file=file))
        answer.headers["Cache-Control"] = _SHORT
        return _open_to_all(answer)


def _released(reader: CatalogueReader, name: str, release: str) -> tuple[Dataset, Release]:
    """Return the dataset and its release; 404 unless both are public, 410 for a release that was withdrawn."""
    found = reader.dataset(name)
    if found is None or found.name != name:
        abort(404)
    record = reader.release(found, release)
    if record is None:
        abort(404)
    if record.state == "withdrawn":
        abort(410)
    return found, record


def _guarded(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except NotFound:
        abort(404)
    except FilesUnavailable:
        abort(503)


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
