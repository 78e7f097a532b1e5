"""Actions on users and their API tokens. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from catalogue.accounts import find_user, package_counts, user_to_dict
from catalogue.actions.authorize import require, require_account
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import boolean, natural, optional_text, required_text
from catalogue.errors import NotFound, ValidationError
from catalogue.model import ApiToken, Package, User
from catalogue.packages import package_to_dict, packages_by_ids
from catalogue.passwords import hash_password, password_faults
from catalogue.times import show_time
from catalogue.tokens import create_token, token_sha256
from catalogue.validation import MISSING, FieldReader, as_integer

MAX_PAGE = 1000
MAX_TOKEN_SECONDS = 100 * 366 * 24 * 3600


def user_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the user whose id or name is `id`; the e-mail address only to the user and to sysadmins."""
    require(context, "user_details")
    user = _get_user(context, optional_text(params, "id") or (context.user.id if context.user else ""))
    shown = _shown(context, user, package_counts(context.session, [user.id]).get(user.id, 0))
    shown["num_followers"] = 0
    if boolean(params, "include_datasets", default=False):
        statement = select(Package.id).where(Package.creator_user_id == user.id, Package.state == "active")
        ids = context.session.scalars(statement.where(Package.private.is_(False)).limit(50)).all()
        shown["datasets"] = [package_to_dict(package) for package in packages_by_ids(context.session, ids)]
    return shown


def user_list(context: Context, params: Params) -> list[Any]:
    """Return the active users, as dicts, or as names with `all_fields` false; `q` narrows them down."""
    require(context, "user_details")
    statement = select(User).where(User.state == "active")
    if query := optional_text(params, "q"):
        matches = User.name.icontains(query, autoescape=True) | User.fullname.icontains(query, autoescape=True)
        statement = statement.where(matches)
    if email := optional_text(params, "email"):
        require(context, "own_account")
        statement = statement.where(User.email == email)
    users = list(context.session.scalars(statement.order_by(User.name)))
    if not boolean(params, "all_fields", default=True):
        return [user.name for user in users]
    counts = package_counts(context.session, [user.id for user in users])
    return [_shown(context, user, counts.get(user.id, 0)) for user in users]


def user_autocomplete(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return users whose name or full name contains `q`, to signed-in callers."""
    require(context, "user_details")
    query = required_text(params, "q")
    limit = natural(params, "limit", default=20, maximum=MAX_PAGE)
    matches = User.name.icontains(query, autoescape=True) | User.fullname.icontains(query, autoescape=True)
    statement = select(User).where(User.state == "active", matches).order_by(User.name).limit(limit)
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


def add_user(context: Context, params: Params, *, with_password: bool = True) -> User:
    """Add a user without asking whether the caller may; `with_password` false leaves them without a way to sign in."""
    reader = FieldReader(params)
    name, email = reader.name(), reader.email("email")
    password = reader.text("password", required=with_password)
    if with_password and not email:
        reader.fault("email", MISSING)
    for fault in password_faults(password) if password else []:
        reader.fault("password", fault)
    if name and find_user(context.session, name):
        reader.fault("name", "That login name is not available.")
    if email and context.session.scalar(select(User.id).where(User.email == email)):
        reader.fault("email", f"The email address '{email}' belongs to a registered user.")
    user = User(
        name=name or "",
        email=email or None,
        fullname=reader.text("fullname"),
        about=reader.text("about"),
        image_url=reader.web_address("image_url"),
        created=context.now(),
    )
    reader.finish()
    user.password_hash = hash_password(password) if password else None
    context.session.add(user)
    try:
        context.session.flush()
    except IntegrityError as error:
        raise ValidationError({"name": ["That login name is not available."]}) from error
    return user


def api_token_create(context: Context, params: Params) -> dict[str, Any]:
    """Create an API token called `name` for `user`; its text is in this answer and never again.

    `expires_in` (times `unit` seconds, 1 by default) lets it end.
    """
    user = _get_user(context, required_text(params, "user", "user_id"))
    require_account(context, user)
    name = required_text(params, "name")
    expires_at = _expiry(context, params)
    row, text = create_token(context.session, user, name=name, now=context.now(), expires_at=expires_at)
    return {"token": text, "id": row.id}


def api_token_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return the API tokens of the user `user_id`, without their texts, which nobody has but their owners."""
    user = _get_user(context, required_text(params, "user_id", "user"))
    require_account(context, user)
    statement = select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.created_at.desc(), ApiToken.id)
    return [_token_to_dict(row) for row in context.session.scalars(statement)]


def api_token_revoke(context: Context, params: Params) -> None:
    """End the API token that is given as its text `token` or its id `jti`; an unknown one is no error."""
    written = required_text(params, "token", "jti", missing_as="jti")
    statement = select(ApiToken).where(or_(ApiToken.token_sha256 == token_sha256(written), ApiToken.id == written))
    row = context.session.scalars(statement).first()
    if row is None:
        require(context, "user_details")
        return
    require_account(context, row.user)
    context.session.delete(row)


def _get_user(context: Context, name_or_id: str) -> User:
    user = find_user(context.session, name_or_id)
    if user is None:
        raise NotFound("User not found")
    return user


def _shown(context: Context, user: User, packages: int) -> dict[str, Any]:
    own = context.user is not None and context.user.id == user.id
    return user_to_dict(user, packages=packages, private=own or context.is_sysadmin)


def _token_to_dict(row: ApiToken) -> dict[str, Any]:
    shown = {
        "id": row.id,
        "name": row.name,
        "user_id": row.user_id,
        "created_at": show_time(row.created_at),
        "last_access": show_time(row.last_access),
    }
    return {**shown, "expires_at": show_time(row.expires_at)} if row.expires_at else shown


def _expiry(context: Context, params: Params) -> datetime | None:
    if params.get("expires_in") in (None, ""):
        return None
    count, unit = as_integer(params["expires_in"]), as_integer(params.get("unit") or 1)
    if count is None or unit is None or not 0 < count * unit <= MAX_TOKEN_SECONDS:
        raise ValidationError({"expires_in": ["Must be a positive number of seconds, up to a hundred years"]})
    return context.now() + timedelta(seconds=count * unit)
