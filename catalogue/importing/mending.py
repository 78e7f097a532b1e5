"""Makes foreign records acceptable without losing anything: what does not fit its field is kept under another key."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from catalogue.folding import folded
from catalogue.importing.dumps import Record
from catalogue.register.names import TAKEN
from catalogue.register.package_input import FIELD_NAMES
from catalogue.register.resource_input import SHOWN_ONLY
from catalogue.register.validation import NAME_LENGTH, as_text, name_faults, tag_faults

TAKEN_ELSEWHERE = "another dataset has its name; it got another one"
KEPT_AS = "imported_"
"""Before the key of a value that did not fit the field of that name."""

_SHOWN_ONLY = {
    *("organization", "license_title", "license_url", "isopen", "num_resources", "num_tags", "tracking_summary"),
    *("relationships_as_subject", "relationships_as_object", "creator_user_id", "revision_id", "revision_timestamp"),
    *("metadata_language", "groups", "owner_org"),
}


def acceptable_name(written: str, record_id: str) -> str:
    """Return a name like the written one that the rules allow."""
    name = re.sub(r"[^a-z0-9_-]+", "-", folded(written)).strip("-")[: NAME_LENGTH.stop - 1].strip("-")
    return name if not name_faults(name) else f"dataset-{short_id(record_id)}"


def another_name(name: str, record_id: str) -> str:
    """Return the name with letters of the id behind it."""
    suffix = f"-{short_id(record_id)}"
    return f"{name[: NAME_LENGTH.stop - 1 - len(suffix)]}{suffix}"


def short_id(record_id: str) -> str:
    """Return eight letters that follow from the id."""
    return hashlib.sha256(record_id.encode()).hexdigest()[:8]


def mend_package(record: Record) -> tuple[Record, list[str]]:
    """Return a dataset dict to create, with what was changed in it, in words; groups and owner are the caller's part."""
    changes: list[str] = []
    package = {key: copy.copy(value) for key, value in record.items() if key in FIELD_NAMES and key not in _SHOWN_ONLY}
    extras = _extras(record, changes)
    for key, value in record.items():  # a schema of the portal's own put its fields at the top level
        if key not in FIELD_NAMES and key not in _SHOWN_ONLY and value not in (None, "", [], {}):
            extras.setdefault(key, as_text(value))
    package["extras"] = extras
    package["tags"] = _tags(record, extras, changes)
    package["resources"] = [_resource(resource, changes) for resource in record.get("resources") or []]
    for field in ("author_email", "maintainer_email", "url"):
        if isinstance(package.get(field), str):
            package[field] = package[field].strip()
    return package, changes


def mend_faults(package: Record, faults: Mapping[str, Any]) -> list[str]:
    """Move what was refused out of its fields, in place; return what was done, empty when nothing helps."""
    done: list[str] = []
    for field, told in faults.items():
        if field == "name" and told == [TAKEN["package"]]:
            package["name"] = another_name(package["name"], package["id"])
            done.append(TAKEN_ELSEWHERE)
        elif field == "resources" and isinstance(told, list):
            for resource, of_resource in zip(package["resources"], told, strict=False):
                done += [f"resources: {_move(resource, resource, name)}" for name in of_resource]
        elif field in package and field not in {"id", "name", "owner_org", "extras", "tags", "groups", "resources"}:
            done.append(_move(package, package["extras"], field))
    return done


def as_extras_list(package: Record) -> Record:
    """Return the dataset dict with its extras in CKAN's form."""
    return {**package, "extras": [{"key": key, "value": value} for key, value in package["extras"].items()]}


def _move(source: Record, target: Record, field: str) -> str:
    value = source.pop(field, None)
    if value not in (None, ""):
        target[f"{KEPT_AS}{field}"] = value if target is source else as_text(value)
    return f"{field} did not fit and is kept as {KEPT_AS}{field}"


def _extras(record: Record, changes: list[str]) -> dict[str, str]:
    extras: dict[str, str] = {}
    for item in record.get("extras") or []:
        key, value = as_text(item.get("key") or ""), item.get("value")
        if not key or value is None:
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if key in FIELD_NAMES or key in extras:
            changes.append(f"the extra {key} has the name of a field or stands twice and is kept as {KEPT_AS}{key}")
            key = f"{KEPT_AS}{key}"
        extras[key] = text
    return extras


def _tags(record: Record, extras: dict[str, str], changes: list[str]) -> list[Record]:
    names: dict[str, None] = {}
    lost: list[str] = []
    for item in record.get("tags") or []:
        written = as_text(item.get("name") or "").strip()
        name = re.sub(r"\s+", " ", re.sub(r"[^\w \-.]+", " ", written)).strip()[:100].strip()
        if tag_faults(name):
            lost.append(written)
        else:
            names[name] = None
            if name != written:
                changes.append("a tag had letters that tags cannot have; they became blanks")
    if lost:
        extras[f"{KEPT_AS}tags"] = ", ".join(lost)
        changes.append(f"tags that are none are kept as {KEPT_AS}tags")
    return [{"name": name} for name in names]


def _resource(record: Record, changes: list[str]) -> Record:
    resource = {key: value for key, value in record.items() if key not in SHOWN_ONLY - {"id"}}
    resource.pop("datastore_active", None)  # its rows are not here
    if resource.pop("url_type", None) == "upload":
        changes.append("an uploaded file stays at its address")
    return resource
