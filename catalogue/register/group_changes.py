"""Organization and group dicts as clients send them: read with all faults at once, written with all that follows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalogue.actions.authorize import CAPACITIES, require
from catalogue.actions.context import Context
from catalogue.errors import ValidationError
from catalogue.files.uploads import ReceivedFile, drop_uploads, image_url, keep_upload, read_file
from catalogue.model import Group, Member, Package, Upload
from catalogue.people.accounts import find_user
from catalogue.register.change_log import log_change_of_group
from catalogue.register.groups import find_group, group_extras, group_to_dict
from catalogue.register.hierarchy import lies_above
from catalogue.register.names import TAKEN, is_taken, redirect_old_name
from catalogue.register.package_changes import record_activity
from catalogue.register.successions import (
    SIDES,
    Side,
    Succession,
    read_successions,
    read_validity,
    validity_to_dict,
    write_successions,
)
from catalogue.register.translations import NOTHING_STORED, StoredTexts, read_translations
from catalogue.register.validation import MISSING, FieldReader, as_text, list_of_dicts

TRANSLATED = ("title", "description")
_ID = re.compile(r"[A-Za-z0-9_-]{2,100}\Z")


@dataclass
class GroupInput:
    """An organization or group as a client wants it; null members or parents mean leave them as they are.

    So do absent sides of `successions`.
    """

    columns: dict[str, Any]
    extras: dict[str, str] = field(default_factory=dict)
    members: dict[str, str] | None = None
    parents: list[Group] | None = None
    successions: dict[Side, list[Succession]] = field(default_factory=dict)
    image: ReceivedFile | None = None


def read_group(context: Context, raw: Mapping[str, Any], group: Group | None, *, is_organization: bool) -> GroupInput:
    """Read a whole organization or group dict; `group` is the stored one, null when it is to be created.

    Raises:
        ValidationError: with the faults of all fields.
        MalformedInput: a list of objects is something else.
        NotAuthorized: a new parent, predecessor or successor is not the caller's to name.
    """
    stored = StoredTexts({"title": group.title, "description": group.description}, group.extras) if group else None
    raw, faults = read_translations(raw, TRANSLATED, stored or NOTHING_STORED, context.settings.locale)
    reader = FieldReader(raw)
    reader.errors.update(faults)
    given = GroupInput(columns=_read_columns(context, reader, group, is_organization=is_organization))
    given.image = read_file(reader, "image_upload")
    if given.image is not None:
        given.columns["image_url"] = image_url(context, given.image)
    given.extras = _read_extras(reader)
    if raw.get("users") is not None:
        given.members = _read_members(context, reader)
    if raw.get("groups") is not None:
        given.parents = _read_parents(context, reader, group, is_organization=is_organization)
    if is_organization:
        given.columns |= read_validity(reader, group)
        for side in SIDES:
            if (found := read_successions(context, reader, group, side)) is not None:
                given.successions[side] = found
    reader.finish()
    return given


def _read_columns(
    context: Context, reader: FieldReader, group: Group | None, *, is_organization: bool
) -> dict[str, Any]:
    name = reader.name()
    if name and is_taken(context.session, "group", name, by_other_than=group.id if group else None):
        reader.fault("name", TAKEN["group"])
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


def _read_parents(context: Context, reader: FieldReader, group: Group | None, *, is_organization: bool) -> list[Group]:
    parents: dict[str, Group] = {}
    for item in list_of_dicts(reader.raw, "groups"):
        written = item.get("id") or item.get("name")
        parent = find_group(context.session, as_text(written), is_organization=is_organization) if written else None
        if parent is None:
            reader.fault("groups", "Group was not found.")
        else:
            parents[parent.id] = parent
    for fault in parent_faults(context, group, parents.values()):
        reader.fault("groups", fault)
    hidden = [parent for parent in group.parents if parent.state != "active"] if group else []
    return [*parents.values(), *(parent for parent in hidden if parent.id not in parents)]


def parent_faults(context: Context, group: Group | None, parents: Iterable[Group]) -> list[str]:
    """Return what speaks against these parents of the organization or group (null: a new one).

    Raises:
        NotAuthorized: a parent is new, and the caller is no admin of it.
    """
    present = {parent.id for parent in group.parents} if group else set()
    new = [parent for parent in parents if parent.id not in present]
    for parent in new:
        require(context, "group_relatives", parent.id, subject=parent.name)
    if group is None or not new:
        return []
    return [
        "Nothing can be its own parent"
        if parent is group
        else f"{parent.name} lies below {group.name} already, so it cannot be its parent"
        for parent in lies_above(context.session, group, new)
    ]


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
    for side, successions in given.successions.items():
        write_successions(context, group, side, successions)


def keep_image(context: Context, group: Group, given: GroupInput) -> None:
    """Name the new image of a saved organization or group, in the same transaction; one it no longer shows goes."""
    if given.image is not None:
        keep_upload(context, given.image, group_id=group.id)
        return
    shown = group.image_url.removeprefix(f"{context.settings.site_url}/")
    drop_uploads(context, (Upload.group_id == group.id) & (Upload.key != shown))


def _write_members(context: Context, group: Group, wanted: dict[str, str]) -> None:
    session = context.session
    _flush(session)
    session.execute(delete(Member).where(Member.group_id == group.id, Member.user_id.not_in(wanted)))
    stored = {member.user_id: member for member in session.scalars(select(Member).where(Member.group_id == group.id))}
    for user_id, capacity in wanted.items():
        if user_id in stored:
            stored[user_id].capacity = capacity
        else:
            session.add(Member(group_id=group.id, user_id=user_id, capacity=capacity))


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise ValidationError({"name": [TAKEN["group"]]}) from error


def save_group(context: Context, group: Group, *, is_new: bool) -> None:
    """Finish a write: the change log of its datasets and the activity follow.

    Raises:
        ValidationError: another transaction took the name at the same moment.
    """
    _flush(context.session)
    if not is_new:
        log_change_of_group(context.session, group, context.now())
    kind = "organization" if group.is_organization else "group"
    verb = "new" if is_new else "deleted" if group.state == "deleted" else "changed"
    snapshot = {**group_to_dict(group), "extras": group_extras(group)}
    if group.is_organization:
        snapshot |= validity_to_dict(context.session, group)
    record_activity(context, group.id, f"{verb} {kind}", {"group": snapshot})
    context.session.flush()
