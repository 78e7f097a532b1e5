"""Reading actions on what happened: CKAN's activities, each with a snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql.selectable import Select

from catalogue.actions.authorize import require_group_read, require_read
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import natural, optional_text, required_text, words
from catalogue.errors import ValidationError
from catalogue.groups import get_group
from catalogue.model import Activity
from catalogue.packages import get_package
from catalogue.times import read_time, show_time

USUAL_PAGE = 31
MAX_PAGE = 100


def package_activity_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return what happened to the dataset `id`, the newest first, each item with a full snapshot of the dataset."""
    package = get_package(context.session, required_text(params, "id"))
    require_read(context, package)
    return _activities(context, params, package.id)


def organization_activity_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return what happened to the organization `id` itself, the newest first."""
    return _group_activities(context, params, is_organization=True)


def group_activity_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return what happened to the group `id` itself, the newest first."""
    return _group_activities(context, params, is_organization=False)


def _group_activities(context: Context, params: Params, *, is_organization: bool) -> list[dict[str, Any]]:
    group = get_group(context.session, required_text(params, "id"), is_organization=is_organization)
    require_group_read(context, group)
    return _activities(context, params, group.id)


def _activities(context: Context, params: Params, object_id: str) -> list[dict[str, Any]]:
    statement = select(Activity).where(Activity.object_id == object_id)
    if before := _moment(params, "before"):
        statement = statement.where(Activity.timestamp < before)
    if after := _moment(params, "after"):
        statement = statement.where(Activity.timestamp > after)
    limit = natural(params, "limit", default=USUAL_PAGE, maximum=MAX_PAGE)
    offset = natural(params, "offset", default=None)
    newest_first = _of_types(statement, params).order_by(Activity.timestamp.desc(), Activity.id)
    rows = context.session.scalars(newest_first.limit(limit).offset(offset))
    return [_activity_to_dict(row, with_actor=context.user is not None) for row in rows]


def _of_types(statement: Select[Activity], params: Params) -> Select[Activity]:
    wanted, unwanted = words(params, "activity_types"), words(params, "exclude_activity_types")
    if wanted and unwanted:
        raise ValidationError({"activity_types": ["Cannot be used together with `exclude_activity_types`"]})
    if wanted:
        return statement.where(Activity.activity_type.in_(wanted))
    return statement.where(Activity.activity_type.not_in(unwanted)) if unwanted else statement


def _moment(params: Params, name: str) -> datetime | None:
    """Return a time given in seconds since 1970, or as ISO text; null when it is not given."""
    written = optional_text(params, name)
    if not written:
        return None
    try:
        seconds = float(written)
    except ValueError:
        seconds = None
    try:
        if seconds is None:
            return read_time(written)
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError) as error:
        raise ValidationError({name: ["Date format incorrect"]}) from error


def _activity_to_dict(row: Activity, *, with_actor: bool) -> dict[str, Any]:
    """Return the activity; who did it is told to signed-in callers only."""
    return {
        "id": row.id,
        "timestamp": show_time(row.timestamp),
        "user_id": row.user_id if with_actor else None,
        "object_id": row.object_id,
        "activity_type": row.activity_type,
        "data": row.data if with_actor else {**row.data, "actor": None},
    }
