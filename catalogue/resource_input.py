"""Resource dicts as clients send them, read into what the table holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from catalogue.actions.context import Context
from catalogue.formats_table import canonical_format, format_of_url, media_type_of_url
from catalogue.model import Package, Resource
from catalogue.packages import RESOURCE_COLUMNS
from catalogue.validation import FieldReader

# Shown by the server; what a client sends back under these names says nothing.
SHOWN_ONLY = {"id", "package_id", "position", "metadata_modified", "state", "tracking_summary", "revision_id"}
UPLOADS_REFUSED = "Uploads are not accepted here: put the file into the object storage and give its address as `url`."
_ID = re.compile(r"[A-Za-z0-9_-]{2,100}\Z")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_SCRIPT = re.compile(r"(javascript|vbscript|data):", re.IGNORECASE)


@dataclass
class ResourceInput:
    """A resource as a client wants it; without an id it gets a new one."""

    id: str | None
    columns: dict[str, Any]


def read_resources(
    context: Context, raw: Sequence[Mapping[str, Any]], package: Package | None
) -> tuple[list[ResourceInput], list[dict[str, Any]]]:
    """Read the resources of one dataset; the faults are aligned with them, an empty dict for a good one."""
    stored = {resource.id: resource for resource in package.resources} if package else {}
    given = [_read_id(item) for item in raw]
    taken = _ids_of_others(context, [one for one in given if one and one not in stored])
    inputs: list[ResourceInput] = []
    faults: list[dict[str, Any]] = []
    for item, resource_id in zip(raw, given, strict=True):
        reader = FieldReader(item)
        if resource_id in taken or resource_id in [other.id for other in inputs if other.id]:
            reader.fault("id", "Resource id already exists.")
        if resource_id and not _ID.match(resource_id):
            reader.fault("id", "Invalid id: letters, digits, dashes and underscores, at most 100")
        inputs.append(ResourceInput(resource_id, _read_columns(context, reader, stored.get(resource_id or ""))))
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
    if reader.gives("upload") and reader.raw["upload"] != "":
        reader.fault("upload", UPLOADS_REFUSED)
    url = _read_url(reader)
    written_format = (reader.text("format") or "").strip()
    known = {*RESOURCE_COLUMNS, *SHOWN_ONLY, "upload"}
    return {
        "name": reader.text("name"),
        "description": reader.text("description"),
        "url": url,
        "url_type": reader.text("url_type"),
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


def _read_url(reader: FieldReader) -> str:
    url = (reader.text("url") or "").strip()
    if _SCRIPT.match(url):
        reader.fault("url", "Please provide a valid URL")
    if url and not _SCHEME.match(url):
        return f"http://{url.lstrip('/')}"
    return url
