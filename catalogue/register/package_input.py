"""Dataset dicts as clients send them, read into what the tables hold, with all faults of all fields at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from catalogue.actions.authorize import may, may_create_unowned, require
from catalogue.actions.context import Context
from catalogue.errors import NotFound
from catalogue.model import Group, Package, Tag
from catalogue.register.groups import find_group
from catalogue.register.names import TAKEN, is_taken
from catalogue.register.packages import PACKAGE_TEXTS, PACKAGE_TRANSLATED
from catalogue.register.resource_input import ResourceInput, read_resources
from catalogue.register.translations import ENDING, NOTHING_STORED, StoredTexts, read_translations
from catalogue.register.validation import MISSING, FieldReader, as_text, list_of_dicts, tag_faults
from catalogue.register.vocabularies import find_vocabulary, tag_id

STATES = ("active", "draft", "deleted")
FIELD_NAMES = {
    *PACKAGE_TEXTS,
    *("id", "name", "title", "type", "state", "private", "owner_org", "metadata_created", "metadata_modified"),
    *("creator_user_id", "resources", "tags", "tag_string", "groups", "extras"),
    *(field + ENDING for field in PACKAGE_TRANSLATED),
}
_ID = re.compile(r"[A-Za-z0-9_-]{2,100}\Z")


@dataclass
class PackageInput:
    """A dataset as a client wants it: columns, and its parts; `resources` null means leave them as they are."""

    columns: dict[str, Any]
    organization: Group | None
    extras: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)  # the free ones
    vocabulary_tags: list[Tag] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    resources: list[ResourceInput] | None = None


def read_package(context: Context, raw: Mapping[str, Any], package: Package | None) -> PackageInput:
    """Read a whole dataset dict; `package` is the stored one, null when it is to be created.

    Raises:
        ValidationError: with the faults of all fields.
        MalformedInput: a list of objects is something else.
        NotFound, NotAuthorized: a group does not exist, or the caller may not put datasets into it.
    """
    groups = _read_groups(context, raw, package)
    stored = StoredTexts({"title": package.title, "notes": package.notes}, package.extras) if package else None
    raw, errors = read_translations(raw, PACKAGE_TRANSLATED, stored or NOTHING_STORED, context.settings.locale)
    reader = FieldReader(raw)
    reader.errors.update(errors)
    columns = _read_columns(context, reader, package)
    given = PackageInput(columns=columns, organization=_read_owner(context, reader, package), groups=groups)
    if given.organization is None and columns["private"]:
        reader.fault("private", "Datasets with no organization can't be private.")
    given.tags, given.vocabulary_tags = _read_tags(context, reader)
    given.extras = _read_extras(reader)
    if raw.get("resources") is not None:
        given.resources, faults = read_resources(context, list_of_dicts(raw, "resources"), package)
        if any(faults):
            reader.errors["resources"] = faults
    reader.finish()
    return given


def _read_columns(context: Context, reader: FieldReader, package: Package | None) -> dict[str, Any]:
    name = reader.name()
    if name and is_taken(context.session, "package", name, by_other_than=package.id if package else None):
        reader.fault("name", TAKEN["package"])
    columns: dict[str, Any] = {
        "name": name,
        "title": reader.text("title") or name,
        "notes": reader.text("notes"),
        "url": reader.web_address("url"),
        "version": reader.text("version", max_length=100),
        "author": reader.text("author"),
        "author_email": reader.email("author_email"),
        "maintainer": reader.text("maintainer"),
        "maintainer_email": reader.email("maintainer_email"),
        "license_id": reader.text("license_id"),
        "type": reader.text("type", max_length=100) or "dataset",
        "state": reader.one_of("state", STATES, message="Must be active, draft or deleted") or "active",
        "private": reader.boolean("private") or False,
    }
    if package is None:
        columns |= _read_first_columns(context, reader)
    return columns


def _read_first_columns(context: Context, reader: FieldReader) -> dict[str, Any]:
    """Read what only a sysadmin may set, and only when a dataset is created: its id and its times."""
    columns: dict[str, Any] = {}
    if not context.is_sysadmin:
        if reader.gives("id"):
            reader.fault("id", "The input field id was not expected.")
        return columns
    if package_id := reader.text("id"):
        columns["id"] = package_id
        if not _ID.match(package_id):
            reader.fault("id", "Invalid id: letters, digits, dashes and underscores, at most 100")
        elif context.session.scalar(select(Package.id).where(Package.id == package_id)):
            reader.fault("id", "Dataset id already exists")
    for column in ("metadata_created", "metadata_modified"):
        if moment := reader.time(column):
            columns[column] = moment
    return columns


def _read_owner(context: Context, reader: FieldReader, package: Package | None) -> Group | None:
    written = reader.text("owner_org")
    if not written:
        stays = package is not None and package.owner_org is None  # a dataset that lost its owner may stay as it is
        if not stays and not may_create_unowned(context):
            reader.fault("owner_org", "An organization must be provided")
        return None
    organization = find_group(context.session, written, is_organization=True)
    if organization is None or organization.state != "active":
        reader.fault("owner_org", "Organization does not exist")
        return None
    moves = package is None or package.owner_org != organization.id
    if moves and not may(context, "package_create", organization.id):
        reader.fault("owner_org", "You cannot add a dataset to this organization")
    elif moves and package and package.owner_org and not may(context, "package_update", package.owner_org):
        # A collaborator edits the dataset, but does not take it away from its organization.
        reader.fault("owner_org", "You cannot move this dataset to another organization")
    return organization


def _read_groups(context: Context, raw: Mapping[str, Any], package: Package | None) -> list[Group]:
    present = {group.id for group in package.groups} if package else set()
    groups: dict[str, Group] = {}
    for item in list_of_dicts(raw, "groups"):
        written = item.get("id") or item.get("name")
        if not written:
            continue
        group = find_group(context.session, as_text(written), is_organization=False)
        if group is None or (group.state != "active" and group.id not in present):
            raise NotFound("Group was not found.")
        if group.id not in present:
            require(context, "dataset_into_group", group.id, subject=group.id)
        groups[group.id] = group
    return list(groups.values())


def _read_tags(context: Context, reader: FieldReader) -> tuple[list[str], list[Tag]]:
    """Return the names of the free tags, and the tags of vocabularies."""
    names: dict[str, None] = {}
    chosen: dict[str, Tag] = {}
    for item in list_of_dicts(reader.raw, "tags"):
        name = as_text(item["name"]).strip() if item.get("name") is not None else None
        if name is None:
            reader.fault("tags", MISSING)
        elif not item.get("vocabulary_id"):
            names[name] = None
        elif tag := _read_vocabulary_tag(context, reader, name, vocabulary=as_text(item["vocabulary_id"])):
            chosen[tag.id] = tag
    for name in (reader.text("tag_string") or "").split(","):
        if name.strip():
            names[name.strip()] = None
    for name in names:
        for fault in tag_faults(name):
            reader.fault("tags", fault)
    return sorted(names), list(chosen.values())


def _read_vocabulary_tag(context: Context, reader: FieldReader, name: str, *, vocabulary: str) -> Tag | None:
    found = find_vocabulary(context.session, vocabulary)
    if found is None:
        reader.fault("tags", "Tag vocabulary was not found.")
        return None
    tag = context.session.get(Tag, tag_id(name, vocabulary_id=found.id))
    if tag is None:
        reader.fault("tags", f"Tag {name[:100]} does not belong to vocabulary {found.name}")
    return tag


def _read_extras(reader: FieldReader) -> dict[str, str]:
    extras: dict[str, str] = {}
    faults: list[dict[str, list[str]]] = []
    for item in list_of_dicts(reader.raw, "extras"):
        key, value = item.get("key"), item.get("value")
        fault = {name: [MISSING] for name in ("key", "value") if item.get(name) is None}
        if key == "":
            fault["key"] = [MISSING]
        elif key is not None and as_text(key) in FIELD_NAMES:
            fault["key"] = ["There is a schema field with the same name"]
        elif key is not None and as_text(key) in extras:
            reader.fault("extras_validation", f'Duplicate key "{as_text(key)}"')
        faults.append(fault)
        if not fault:
            extras[as_text(key)] = as_text(value)
    if any(faults):
        reader.errors["extras"] = faults
    return extras
