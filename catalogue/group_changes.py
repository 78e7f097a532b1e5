"""Organization and group dicts as clients send them: read with all faults at once, written with all that follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from catalogue.accounts import find_user
from catalogue.actions.authorize import CAPACITIES
from catalogue.actions.context import Context
from catalogue.errors import ValidationError
from catalogue.groups import find_group, group_extras, group_to_dict
from catalogue.model import Group, Member, Package
from catalogue.names import TAKEN, is_taken, redirect_old_name
from catalogue.package_changes import log_change_of_group, record_activity
from catalogue.resource_input import UPLOADS_REFUSED
from catalogue.validation import MISSING, FieldReader, as_text, list_of_dicts

_ID = re.compile(r"[A-Za-z0-9_-]{2,100}\Z")


@dataclass
class GroupInput:
    """An organization or group as a client wants it; null members or parents mean leave them as they are."""

    columns: dict[str, Any]
    extras: dict[str, str] = field(default_factory=dict)
    members: dict[str, str] | None = None
    parents: list[Group] | None = None


def read_group(context: Context, raw: Mapping[str, Any], group: Group | None, *, is_organization: bool) -> GroupInput:
    """Read a whole organization or group dict; `group` is the stored one, null when it is to be created.

    Raises:
        ValidationError: with the faults of all fields.
        MalformedInput: a list of objects is something else.
    """
    reader = FieldReader(raw)
    given = GroupInput(columns=_read_columns(context, reader, group, is_organization=is_organization))
    given.extras = _read_extras(reader)
    if raw.get("users") is not None:
        given.members = _read_members(context, reader)
    if raw.get("groups") is not None:
        given.parents = _read_parents(context, reader, group)
    reader.finish()
    return given


def _read_columns(
    context: Context, reader: FieldReader, group: Group | None, *, is_organization: bool
) -> dict[str, Any]:
    name = reader.name()
    if name and is_taken(context.session, "group", name, by_other_than=group.id if group else None):
        reader.fault("name", TAKEN["group"])
    if reader.gives("image_upload") and reader.raw["image_upload"] != "":
        reader.fault("image_upload", UPLOADS_REFUSED.replace("`url`", "`image_url`"))
    columns: dict[str, Any] = {
        "name": name,
        "title": reader.text("title") or "",
        "description": reader.text("description") or "",
        "image_url": reader.text("image_url") or "",
        "type": reader.text("type", max_length=100) or ("organization" if is_organization else "group"),
        "state": reader.one_of("state", ("active", "deleted"), message="Must be active or deleted") or "active",
        "approval_status": reader.text("approval_status", max_length=20) or "approved",
    }
    if re.match(r"\s*(javascript|vbscript|data):", columns["image_url"], re.IGNORECASE):
        reader.fault("image_url", "Please provide a valid URL")
    group_id = reader.text("id") if group is None and context.is_sysadmin else None
    if group_id:
        columns["id"] = group_id
        if not _ID.match(group_id):
            reader.fault("id", "Invalid id: letters, digits, dashes and underscores, at most 100")
        elif context.session.scalar(select(Group.id).where(Group.id == group_id)):
            reader.fault("id", "Id already exists")
    return columns


def _read_extras(reader: FieldReader) -> dict[str, str]:
    extras: dict[str, str] = {}
    for item in list_of_dicts(reader.raw, "extras"):
        if item.get("key") in (None, "") or item.get("value") is None:
            reader.fault("extras", MISSING)
        elif as_text(item["key"]) in extras:
            reader.fault("extras_validation", f'Duplicate key "{as_text(item["key"])}"')
        else:
            extras[as_text(item["key"])] = as_text(item["value"])
    return extras


def _read_members(context: Context, reader: FieldReader) -> dict[str, str]:
    members: dict[str, str] = {}
    for item in list_of_dicts(reader.raw, "users"):
        written = item.get("id") or item.get("name")
        user = find_user(context.session, as_text(written)) if written else None
        capacity = as_text(item.get("capacity") or "member")
        if user is None or user.state != "active":
            reader.fault("users", "User not found")
        elif capacity not in CAPACITIES:
            reader.fault("users", "role does not exist.")
        else:
            members[user.id] = capacity
    return members


def _read_parents(context: Context, reader: FieldReader, group: Group | None) -> list[Group]:
    parents: dict[str, Group] = {}
    for item in list_of_dicts(reader.raw, "groups"):
        written = item.get("id") or item.get("name")
        parent = find_group(context.session, as_text(written)) if written else None
        if parent is None or parent is group:
            reader.fault("groups", "Group was not found.")
        else:
            parents[parent.id] = parent
    return list(parents.values())


def require_no_datasets(context: Context, group: Group) -> None:
    """Refuse to delete an organization that still owns datasets.

    Raises:
        ValidationError: in the words that admin tools look for.
    """
    owned = select(func.count()).where(Package.owner_org == group.id, Package.state != "deleted")
    if group.is_organization and context.session.scalar(owned):
        raise ValidationError("Organization cannot be deleted while it still has datasets")


def write_group(context: Context, group: Group, given: GroupInput) -> None:
    """Put the read values into the organization or group; `save_group` must follow."""
    if group.name is not None and group.name != given.columns["name"]:
        redirect_old_name(
            context.session,
            "group",
            old=group.name,
            new=given.columns["name"],
            target_id=group.id,
            now=context.now(),
        )
    for column, value in given.columns.items():
        setattr(group, column, value)
    group.extras = given.extras
    if given.parents is not None:
        group.parents = given.parents
    if given.members is not None:
        _write_members(context, group, given.members)


def _write_members(context: Context, group: Group, wanted: dict[str, str]) -> None:
    session = context.session
    session.flush()
    session.execute(delete(Member).where(Member.group_id == group.id, Member.user_id.not_in(wanted)))
    stored = {member.user_id: member for member in session.scalars(select(Member).where(Member.group_id == group.id))}
    for user_id, capacity in wanted.items():
        if user_id in stored:
            stored[user_id].capacity = capacity
        else:
            session.add(Member(group_id=group.id, user_id=user_id, capacity=capacity))


def save_group(context: Context, group: Group, *, is_new: bool) -> None:
    """Finish a write: the change log of its datasets and the activity follow.

    Raises:
        ValidationError: another transaction took the name at the same moment.
    """
    try:
        context.session.flush()
    except IntegrityError as error:
        raise ValidationError({"name": [TAKEN["group"]]}) from error
    if not is_new:
        log_change_of_group(context.session, group, context.now())
    kind = "organization" if group.is_organization else "group"
    verb = "new" if is_new else "deleted" if group.state == "deleted" else "changed"
    snapshot = {**group_to_dict(group), "extras": group_extras(group)}
    record_activity(context, group.id, f"{verb} {kind}", {"group": snapshot})
    context.session.flush()
