"""Pictures of maps: drawn by the publisher, part of the release, shown as an image that runs nothing and reaches nothing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, request

from catalogue.errors import CatalogueError
from catalogue.files.released_files import FilesUnavailable, ReleasedFile
from cityportal.public.dataset import Dataset
from cityportal.public.reading import CatalogueReader

ENDING = ".map.svg"
LARGEST_BYTES = 4 * 1024 * 1024
_SEALED = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_FRESH = "public, max-age=60, stale-while-revalidate=300"


def add_map_pictures(blueprint: Blueprint, reader: CatalogueReader) -> None:
    """Register the address on the blueprint; the picture comes from here also when the files lie on S3."""

    @blueprint.route("/dataset/<name>/map/<table>.svg")
    def map_picture(name: str, table: str) -> Any:
        found = reader.dataset(name)
        info = picture_of(reader, found, table) if found and found.name == name else None
        if info is None:
            abort(404)
        try:
            answer = Response(reader.files.read(info.dataset, info.release, info.name), mimetype="image/svg+xml")
        except FilesUnavailable:
            abort(503)
        answer.set_etag(info.etag)
        answer.headers["Cache-Control"] = _FRESH
        answer.headers["Content-Security-Policy"] = _SEALED
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer.make_conditional(request)


def picture_of(reader: CatalogueReader, dataset: Dataset, table: str) -> ReleasedFile | None:
    """Return the picture of a table in the current release, null when it has none or the storage does not answer."""
    if dataset.release is None:
        return None
    try:
        info = reader.files.info(dataset.name, dataset.release.id, f"{table}{ENDING}")
    except (CatalogueError, FilesUnavailable):
        return None
    return info if info.size_bytes <= LARGEST_BYTES else None
