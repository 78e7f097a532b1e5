"""Activities: which of them a caller may see, and how they are shown.

Two rules hide one: its object cannot be read by the caller now; or its snapshot was taken while the dataset was private or
a draft, and the caller could not have read it then. So neither hiding a dataset nor publishing it tells its secrets.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.sql.selectable import Select

from catalogue.actions.authorize import is_public_now, lowest_role, may, reads_hidden
from catalogue.actions.context import Context
from catalogue.model import Activity, Group, Package, User
from catalogue.people.accounts import user_to_dict
from catalogue.register.package_changes import record_activity
from catalogue.times import show_time

PACKAGE_TYPES = ("new package", "changed package", "deleted package")


def visible_activities(context: Context) -> Select[Activity]:
    """Return the activities that the caller may see, in no order."""
    statement = select(Activity).outerjoin(Package, Package.id == Activity.object_id)
    return statement.where(or_(_of_readable_package(context), _of_readable_group(context), _of_visible_user(context)))


def newest_first(statement: Select[Activity]) -> Select[Activity]:
    """Return the activities in the order of all lists; it is total, so that pages never overlap."""
    return statement.order_by(Activity.timestamp.desc(), Activity.id)


def record_user_activity(context: Context, user: User, before: dict[str, Any] | None) -> None:
    """Write down that an account was made, changed or deleted, unless nothing that others see changed.

    Args:
        context: of the call.
        user: the account with its new values.
        before: the shown dict of before the write; null for a new account. No e-mail address is in it.
    """
    after = user_to_dict(user)
    if before == after:
        return
    gone = user.state == "deleted" and before is not None and before["state"] != "deleted"
    verb = "new" if before is None else "deleted" if gone else "changed"
    record_activity(context, user.id, f"{verb} user", {"user": after})


def _of_readable_package(context: Context) -> ColumnElement[bool]:
    for_all = and_(is_public_now(), Activity.hidden.is_(False))
    return and_(Package.id.is_not(None), or_(reads_hidden(context), for_all))


def _of_readable_group(context: Context) -> ColumnElement[bool]:
    lowest = lowest_role(context, "read_deleted_group")
    own = [group_id for group_id, role in context.roles.items() if role >= lowest]
    readable = true() if context.is_sysadmin else or_(Group.state == "active", Group.id.in_(own))
    return exists().where(Group.id == Activity.object_id, readable)


def _of_visible_user(context: Context) -> ColumnElement[bool]:
    if not may(context, "user_details"):
        return false()
    return exists().where(User.id == Activity.object_id)


def activity_to_dict(row: Activity, context: Context, *, include_data: bool = True) -> dict[str, Any]:
    """Return the activity as CKAN shows it.

    Who did it is told to those who may see users. Without `include_data` only the titles of what changed are shown.
    """
    with_actor = may(context, "user_details")
    data = {**row.data, "actor": row.data.get("actor") if with_actor else None}
    if not include_data:
        data = {key: _only_title(value) if isinstance(value, dict) else value for key, value in data.items()}
    return {
        "id": row.id,
        "timestamp": show_time(row.timestamp),
        "user_id": row.user_id if with_actor else None,
        "object_id": row.object_id,
        "activity_type": row.activity_type,
        "data": data,
    }


def _only_title(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {"title": snapshot.get("title") or snapshot.get("display_name") or snapshot.get("name")}
