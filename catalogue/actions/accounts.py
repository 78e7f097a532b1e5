"""Actions on users. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select

from catalogue.actions.authorize import CAPACITIES, may_read, require, require_account
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import boolean, contains, natural, optional_text, required_text
from catalogue.actions.user_input import add_user, change_user
from catalogue.errors import ValidationError
from catalogue.model import ApiToken, Collaborator, Follow, Member, Package, User
from catalogue.people.account_keys import forget_key, send_invitation
from catalogue.people.accounts import find_user_by_email, free_name, get_user, package_counts, user_to_dict
from catalogue.people.browser_sessions import end_browser_sessions
from catalogue.people.tokens import create_token
from catalogue.register.activities import record_user_activity
from catalogue.register.groups import get_group
from catalogue.register.shown_packages import shown_list
from catalogue.register.validation import FieldReader

MAX_PAGE = 1000
MAX_DATASETS = 50
ORDERS: dict[str, ColumnElement[Any]] = {
    "name": User.name.expression,
    "fullname": User.fullname.expression,
    "display_name": func.lower(func.coalesce(func.nullif(User.fullname, ""), User.name)),
    "created": User.created.expression,
    "about": User.about.expression,
    "sysadmin": User.sysadmin.expression,
    "id": User.id.expression,
}


def user_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the user whose id or name is `id`; the e-mail address only to the user and to sysadmins.

    With `include_datasets` come datasets the user created, as far as the caller may see them, the newest 50; with
    `include_num_followers` the number of followers, which is 0, for nobody follows people here.
    """
    require(context, "user_details")
    user = get_user(context.session, optional_text(params, "id") or (context.user.id if context.user else ""))
    shown = _shown(context, user, package_counts(context.session, [user.id]).get(user.id, 0))
    if boolean(params, "include_num_followers", default=False):
        shown["num_followers"] = 0
    if boolean(params, "include_datasets", default=False):
        statement = select(Package).where(Package.creator_user_id == user.id, Package.state != "deleted")
        newest = context.session.scalars(statement.order_by(Package.metadata_modified.desc(), Package.id))
        ids = [package.id for package in newest if may_read(context, package)][:MAX_DATASETS]
        shown["datasets"] = shown_list(context, ids)
    return shown


def user_list(context: Context, params: Params) -> list[Any]:
    """Return the users that are not deleted, as dicts, or as names with `all_fields` false.

    `q` narrows them down by name and full name, `email` (for sysadmins) by address. `order_by` is name, fullname,
    display_name (by default), created, about, sysadmin, id or number_created_packages. `include_site_user` changes
    nothing: there is no such user here.
    """
    require(context, "user_details")
    statement = select(User).where(User.state != "deleted")
    if query := optional_text(params, "q"):
        statement = statement.where(_matches(query, with_email=context.is_sysadmin))
    if email := optional_text(params, "email"):
        require(context, "own_account")
        statement = statement.where(func.lower(User.email) == email.strip().lower())
    by = optional_text(params, "order_by") or "display_name"
    if by not in {*ORDERS, "number_created_packages"}:
        raise ValidationError({"order_by": [f"Must be one of {', '.join(ORDERS)}, number_created_packages"]})
    users = list(context.session.scalars(statement.order_by(ORDERS.get(by, User.name.expression), User.name)))
    counts = package_counts(context.session, [user.id for user in users])
    if by == "number_created_packages":
        users.sort(key=lambda user: counts.get(user.id, 0))
    if not boolean(params, "all_fields", default=True):
        return [user.name for user in users]
    return [_shown(context, user, counts.get(user.id, 0)) for user in users]


def user_autocomplete(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return users whose name or full name contains `q`, to signed-in callers."""
    require(context, "user_details")
    query = required_text(params, "q")
    limit = natural(params, "limit", default=20, maximum=MAX_PAGE)
    statement = select(User).where(User.state == "active", _matches(query)).order_by(User.name).limit(limit)
    return [
        {"id": user.id, "name": user.name, "fullname": user.fullname} for user in context.session.scalars(statement)
    ]


def user_create(context: Context, params: Params) -> dict[str, Any]:
    """Create a user from `name`, `email` and `password`; with `with_apitoken` the answer carries a token, this once."""
    require(context, "user_create")
    user = add_user(context, params)
    shown = _shown(context, user, 0)
    if boolean(params, "with_apitoken", default=False):
        _, shown["token"] = create_token(context.session, user, name="default", now=context.now())
    return shown


def user_update(context: Context, params: Params) -> dict[str, Any]:
    """Replace the account `id`: `email` is needed; fullname, about and image_url are emptied when they are left out.

    The password stays when none is given, and the name cannot change. For the person themself and for sysadmins, who may
    also set `sysadmin` and `state` (active, pending, deleted).
    """
    return _change(context, params, keep=False)


def user_patch(context: Context, params: Params) -> dict[str, Any]:
    """Change the given fields of the account `id` and keep the others; for the person themself and for sysadmins."""
    return _change(context, params, keep=True)


def user_delete(context: Context, params: Params) -> None:
    """Delete the user `id` softly: their tokens, sessions and roles end, what they did keeps their name. For sysadmins."""
    require(context, "portal")
    user = get_user(context.session, required_text(params, "id"), lock=True)
    before = user_to_dict(user)
    user.state = "deleted"
    record_user_activity(context, user, before)
    _end_access(context, user)


def user_invite(context: Context, params: Params) -> dict[str, Any]:
    """Invite the owner of the address `email` to the organization or group `group_id` with `role`; for its admins.

    They get an account that waits until they have chosen a password, and a letter with a link for that. An address that
    was invited before gets a new letter; one of an active account is refused: make that person a member.
    """
    group = get_group(context.session, required_text(params, "group_id"))
    require(context, "group_members", group.id, subject=group.id)
    reader = FieldReader(params)
    email, role = reader.email("email"), reader.text("role", required=True)
    if not email:
        reader.text("email", required=True)
    if role and role not in CAPACITIES:
        reader.fault("role", "role does not exist.")
    user = find_user_by_email(context.session, email) if email else None
    if user is not None and user.state != "pending":
        reader.fault("email", f"The email address '{email}' belongs to a registered user.")
    reader.finish()
    if user is None:
        name = free_name(context.session, str(email))
        user = add_user(context, {"name": name, "email": email}, with_password=False)
        user.state = "pending"
    context.session.merge(Member(group_id=group.id, user_id=user.id, capacity=role))
    inviter = (context.user.fullname or context.user.name) if context.user else ""
    title = group.title or group.name
    send_invitation(context.session, context.settings, user, now=context.now(), group=title, inviter=inviter)
    context.session.flush()
    return _shown(context, user, 0)


def _change(context: Context, params: Params, *, keep: bool) -> dict[str, Any]:
    user = get_user(context.session, required_text(params, "id"), lock=True)
    require_account(context, user)
    change_user(context, user, params, keep=keep)
    if user.state == "deleted":
        _end_access(context, user)
    context.session.flush()
    return _shown(context, user, package_counts(context.session, [user.id]).get(user.id, 0))


def _end_access(context: Context, user: User) -> None:
    """Take away all that lets the user in or gives them rights; should the account come back, it has none."""
    forget_key(user)
    end_browser_sessions(context.session, user)
    owned = (ApiToken.user_id, Member.user_id, Collaborator.user_id, Follow.follower_id)
    for column in owned:
        context.session.execute(delete(column.class_).where(column == user.id))


def _matches(query: str, *, with_email: bool = False) -> ColumnElement[bool]:
    columns = (User.name, User.fullname, User.email) if with_email else (User.name, User.fullname)
    return or_(*(contains(column, query) for column in columns))


def _shown(context: Context, user: User, packages: int) -> dict[str, Any]:
    own = context.user is not None and context.user.id == user.id
    return user_to_dict(user, packages=packages, private=own or context.is_sysadmin)
