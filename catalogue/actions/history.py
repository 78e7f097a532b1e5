"""Lists of what happened: CKAN's activities, each with a snapshot. Their docstrings are `help_show`'s texts.

All lists take `limit` (31, at most 100), `offset`, `before` and `after` (seconds since 1970 or ISO times), and
`activity_types` or `exclude_activity_types`. What the caller may not see is not in them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.sql.selectable import Select

from catalogue.actions.authorize import require, require_account, require_group_read, require_on, require_read
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import boolean, natural, optional_text, required_text, words
from catalogue.errors import NotFound, ValidationError
from catalogue.model import Activity, Package
from catalogue.people.accounts import find_user
from catalogue.register.activities import PACKAGE_TYPES, activity_to_dict, newest_first, visible_activities
from catalogue.register.groups import get_group, packages_of
from catalogue.register.packages import get_package
from catalogue.times import read_time

USUAL_PAGE = 31
MAX_PAGE = 100


def package_activity_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return what happened to the dataset `id`, the newest first, each item with a full snapshot of the dataset.

    `limit` (31, at most 100), `offset`, `before`, `after`, `activity_types` and `exclude_activity_types` narrow it down.
    """
    package = get_package(context.session, required_text(params, "id"))
    require_read(context, package)
    if boolean(params, "include_hidden_activity", default=False):
        require_on(context, "package_update", package)
    return _activities(context, params, Activity.object_id == package.id)


def organization_activity_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return what happened to the organization `id` and to its datasets, the newest first, with full snapshots.

    `limit` (31, at most 100), `offset`, `before`, `after`, `activity_types` and `exclude_activity_types` narrow it down.
    """
    return _group_activities(context, params, is_organization=True)


def group_activity_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return what happened to the group `id` and to the datasets in it, the newest first, with full snapshots.

    `limit` (31, at most 100), `offset`, `before`, `after`, `activity_types` and `exclude_activity_types` narrow it down.
    """
    return _group_activities(context, params, is_organization=False)


def user_activity_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return what the user `id` did and what happened to their account, the newest first, with full snapshots.

    `limit` (31, at most 100), `offset`, `before`, `after`, `activity_types` and `exclude_activity_types` narrow it down.
    """
    require(context, "user_details")
    user = find_user(context.session, required_text(params, "id"))
    if user is None:
        raise NotFound("User not found")
    if boolean(params, "include_hidden_activity", default=False):
        require_account(context, user)
    return _activities(context, params, or_(Activity.user_id == user.id, Activity.object_id == user.id))


def recently_changed_packages_activity_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return what happened to any dataset, the newest first, each item with a full snapshot of the dataset.

    `limit` (31, at most 100), `offset`, `before`, `after`, `activity_types` and `exclude_activity_types` narrow it down.
    """
    return _activities(context, params, Activity.activity_type.in_(PACKAGE_TYPES))


def _group_activities(context: Context, params: Params, *, is_organization: bool) -> list[dict[str, Any]]:
    group = get_group(context.session, required_text(params, "id"), is_organization=is_organization)
    require_group_read(context, group)
    if boolean(params, "include_hidden_activity", default=False):
        require(context, "group_update", group.id, subject=group.id)
    of_datasets = Activity.object_id.in_(select(Package.id).where(packages_of(group)))
    return _activities(context, params, or_(Activity.object_id == group.id, of_datasets))


def _activities(context: Context, params: Params, wanted: ColumnElement[bool]) -> list[dict[str, Any]]:
    statement = visible_activities(context).where(wanted)
    if before := _moment(params, "before"):
        statement = statement.where(Activity.timestamp < before)
    if after := _moment(params, "after"):
        statement = statement.where(Activity.timestamp > after)
    limit = natural(params, "limit", default=USUAL_PAGE, maximum=MAX_PAGE)
    offset = natural(params, "offset", default=None)
    # Ids first: to sort rows with their snapshots would cost many times as much.
    page = newest_first(_of_types(statement, params)).with_only_columns(Activity.id).limit(limit).offset(offset)
    ids = context.session.scalars(page).all()
    rows = context.session.scalars(newest_first(select(Activity).where(Activity.id.in_(ids))))
    return [activity_to_dict(row, context) for row in rows]


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
