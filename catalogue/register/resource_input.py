"""Resource dicts as clients send them, read into what the table holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from catalogue.actions.context import Context
from catalogue.files.uploads import ReceivedFile, keep_upload, read_file, upload_url
from catalogue.formats_table import canonical_format, format_of_url, media_type_of_url
from catalogue.model import Package, Resource, new_id
from catalogue.register.packages import RESOURCE_COLUMNS
from catalogue.register.validation import FieldReader

# Shown by the server; what a client sends back under these names says nothing.
SHOWN_ONLY = {"id", "package_id", "position", "metadata_modified", "state", "tracking_summary", "revision_id"}
UPLOAD = "upload"
ORIGINAL_NAME = "original_name"  # of an uploaded file, kept as a further key of its resource
_ID = re.compile(r"[A-Za-z0-9_-]{2,100}\Z")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_SCRIPT = re.compile(r"(javascript|vbscript|data):", re.IGNORECASE)


@dataclass
class ResourceInput:
    """A resource as a client wants it; without an id it gets a new one. `file` is a new file of it."""

    id: str | None
    columns: dict[str, Any]
    file: ReceivedFile | None = None


def read_resources(
    context: Context, raw: Sequence[Mapping[str, Any]], package: Package | None
) -> tuple[list[ResourceInput], list[dict[str, Any]]]:
    """Read the resources of one dataset; the faults are aligned with them, an empty dict for a good one."""
    stored = {resource.id: resource for resource in package.resources} if package else {}
    given = [_read_id(item) for item in raw]
    taken = _ids_of_others(context, [one for one in given if one and one not in stored])
    inputs: list[ResourceInput] = []
    faults: list[dict[str, Any]] = []
    for item, given_id in zip(raw, given, strict=True):
        reader = FieldReader(item)
        if given_id in taken or given_id in [other.id for other in inputs if other.id]:
            reader.fault("id", "Resource id already exists.")
        if given_id and not _ID.match(given_id):
            reader.fault("id", "Invalid id: letters, digits, dashes and underscores, at most 100")
        one = ResourceInput(given_id, _read_columns(context, reader, stored.get(given_id or "")))
        one.file = read_file(reader, "upload")
        if one.file is not None and package is not None:
            one.id = given_id or new_id()
            url = upload_url(context, one.file, package_id=package.id, resource_id=one.id)
            one.columns |= _columns_of_file(context, reader, stored.get(one.id), one.file, url)
        inputs.append(one)
        faults.append(reader.errors)
    return inputs, faults


def _read_id(item: Mapping[str, Any]) -> str | None:
    written = item.get("id")
    return str(written) if written else None


def _ids_of_others(context: Context, ids: list[str]) -> set[str]:
    if not ids:
        return set()
    return set(context.session.scalars(select(Resource.id).where(Resource.id.in_(ids))))


def _read_columns(context: Context, reader: FieldReader, stored: Resource | None) -> dict[str, Any]:
    url, url_type = _read_address(reader, stored)
    written_format = (reader.text("format") or "").strip()
    known = {*RESOURCE_COLUMNS, *SHOWN_ONLY, "upload"}
    return {
        "name": reader.text("name"),
        "description": reader.text("description"),
        "url": url,
        "url_type": url_type,
        "format": canonical_format(written_format) or format_of_url(url),
        "mimetype": reader.text("mimetype") or media_type_of_url(url),
        "mimetype_inner": reader.text("mimetype_inner"),
        "hash": reader.text("hash") or "",
        "cache_url": reader.text("cache_url"),
        "cache_last_updated": reader.time("cache_last_updated"),
        "resource_type": reader.text("resource_type"),
        "extras": {key: value for key, value in reader.raw.items() if key not in known},
        **_read_kept_columns(context, reader, stored),
    }


def _columns_of_file(
    context: Context, reader: FieldReader, stored: Resource | None, file: ReceivedFile, url: str
) -> dict[str, Any]:
    """Return what a new file says of itself; what a client says differently from before stands against it.

    A client that patches sends back what it was shown, so an unchanged format or hash belongs to the file that goes.
    """

    def newly(field: str) -> str:
        written = (reader.text(field) or "").strip()
        return "" if stored is not None and written == getattr(stored, field) else written

    written_format = canonical_format(reader.text("format") or "")
    known = {*RESOURCE_COLUMNS, *SHOWN_ONLY, "upload"}
    extras = {key: value for key, value in reader.raw.items() if key not in known}
    return {
        "url": url,
        "url_type": UPLOAD,
        "format": canonical_format(newly("format")) or format_of_url(file.file_name) or written_format,
        "mimetype": newly("mimetype") or file.shown_media_type,
        "hash": newly("hash") or file.sha256,
        "size": file.size,
        "last_modified": context.now(),
        "extras": {**extras, ORIGINAL_NAME: file.original_name},
    }


def keep_files(context: Context, inputs: Sequence[ResourceInput]) -> None:
    """Name the new files of resources that are saved by now, in the same transaction."""
    for item in inputs:
        if item.file is not None:
            keep_upload(context, item.file, resource_id=item.id)


def _read_kept_columns(context: Context, reader: FieldReader, stored: Resource | None) -> dict[str, Any]:
    """Read what stays as it was when a client leaves it out."""
    created = reader.time("created") or (stored.created if stored else context.now())
    last_modified = (
        reader.time("last_modified") if "last_modified" in reader.raw or not stored else stored.last_modified
    )
    active = reader.boolean("datastore_active")
    return {
        "created": created,
        "last_modified": last_modified,
        "size": reader.integer("size") if "size" in reader.raw or not stored else stored.size,
        "datastore_active": (stored.datastore_active if stored else False) if active is None else active,
    }


def _read_address(reader: FieldReader, stored: Resource | None) -> tuple[str, str | None]:
    """Return address and `url_type`: of the file that a resource has and keeps, or else of a link.

    Only a file makes an upload, so a link that calls itself one, as in another portal's dump, is shown as a link.
    """
    url, url_type = _read_url(reader), reader.text("url_type") or None
    if stored is not None and stored.url_type == UPLOAD:
        own = {"", stored.url, stored.url.rpartition("/")[2]} if url_type == UPLOAD else {stored.url}
        if (reader.text("url") or "").strip() in own:
            return stored.url, UPLOAD
    return url, None if url_type == UPLOAD else url_type


def _read_url(reader: FieldReader) -> str:
    url = (reader.text("url") or "").strip()
    if _SCRIPT.match(url):
        reader.fault("url", "Please provide a valid URL")
    if url and not _SCHEME.match(url):
        return f"http://{url.lstrip('/')}"
    return url
