"""Actions on collaborators: single people who are let into single datasets. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from catalogue.actions.authorize import CAPACITIES, require_account, require_on
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import optional_text, required_text
from catalogue.errors import NotFound, ValidationError
from catalogue.model import Collaborator, Package, User
from catalogue.people.accounts import find_user
from catalogue.register.packages import get_package
from catalogue.times import show_time


def package_collaborator_create(context: Context, params: Params) -> dict[str, Any]:
    """Let the user `user_id` into the dataset `id` with `capacity`: member (may read) or editor (may change).

    A collaborator who is there already gets the new capacity. The capacity admin needs a switch of the settings.
    """
    package = _managed_package(context, params)
    user = _user(context, required_text(params, "user_id"))
    capacity = required_text(params, "capacity")
    allowed = _capacities(context)
    if capacity not in allowed:
        raise ValidationError({"capacity": [f"Must be one of {', '.join(allowed)}"]})
    row = context.session.get(Collaborator, (package.id, user.id))
    if row is None:
        row = Collaborator(package_id=package.id, user_id=user.id)
        context.session.add(row)
    row.capacity, row.modified = capacity, context.now()
    context.session.flush()
    return _to_dict(row)


def package_collaborator_delete(context: Context, params: Params) -> None:
    """Take the user `user_id` out of the collaborators of the dataset `id`."""
    package = _managed_package(context, params)
    user = _user(context, required_text(params, "user_id"))
    row = context.session.get(Collaborator, (package.id, user.id))
    if row is None:
        raise NotFound(f"User {user.name} is no collaborator of this dataset")
    context.session.delete(row)
    context.session.flush()


def package_collaborator_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return the collaborators of the dataset `id`, those who joined last first; `capacity` narrows the list down."""
    package = _managed_package(context, params, lock=False)
    statement = select(Collaborator).where(Collaborator.package_id == package.id)
    return [_to_dict(row) for row in context.session.scalars(_of_capacity(context, params, statement))]


def package_collaborator_list_for_user(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return the datasets on which the user `id` collaborates, to the user and to sysadmins."""
    _require_switched_on(context)
    user = _user(context, required_text(params, "id"), hidden_from_others=True)
    statement = select(Collaborator).where(Collaborator.user_id == user.id)
    rows = context.session.scalars(_of_capacity(context, params, statement))
    return [
        {"package_id": row.package_id, "capacity": row.capacity, "modified": show_time(row.modified)} for row in rows
    ]


def _require_switched_on(context: Context) -> None:
    if not context.settings.allow_dataset_collaborators:
        raise ValidationError("Dataset collaborators not enabled")


def _managed_package(context: Context, params: Params, *, lock: bool = True) -> Package:
    _require_switched_on(context)
    package = get_package(context.session, required_text(params, "id"), lock=lock)
    require_on(context, "package_collaborators", package)
    return package


def _user(context: Context, written: str, *, hidden_from_others: bool = False) -> User:
    """Return the active user; where others may not know of them, a name that nobody has is refused like theirs."""
    user = find_user(context.session, written)
    if hidden_from_others:
        require_account(context, user or User(id="", name=written))
    if user is None or user.state != "active":
        raise NotFound("User not found")
    return user


def _capacities(context: Context) -> list[str]:
    return [name for name in CAPACITIES if name != "admin" or context.settings.allow_admin_collaborators]


def _of_capacity(context: Context, params: Params, statement: Any) -> Any:
    wanted = optional_text(params, "capacity")
    if wanted and wanted not in _capacities(context):
        raise ValidationError({"capacity": [f"Must be one of {', '.join(_capacities(context))}"]})
    if wanted:
        statement = statement.where(Collaborator.capacity == wanted)
    return statement.order_by(Collaborator.modified.desc(), Collaborator.package_id, Collaborator.user_id)


def _to_dict(row: Collaborator) -> dict[str, Any]:
    return {
        "package_id": row.package_id,
        "user_id": row.user_id,
        "capacity": row.capacity,
        "modified": show_time(row.modified),
    }
