"""Actions on API tokens. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from catalogue.actions.authorize import require, require_account
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import optional_text, required_text
from catalogue.errors import ValidationError
from catalogue.model import ApiToken
from catalogue.people.accounts import get_user
from catalogue.people.tokens import SCOPES, create_token, token_sha256
from catalogue.register.validation import as_integer
from catalogue.times import show_time

MAX_TOKEN_SECONDS = 100 * 366 * 24 * 3600


def api_token_create(context: Context, params: Params) -> dict[str, Any]:
    """Create an API token called `name` for `user`; its text is in this answer and never again.

    `expires_in` (times `unit` seconds, 1 by default) lets it end. With the `scope` "read" it can call no writing action.
    """
    user = get_user(context.session, required_text(params, "user", "user_id"))
    require_account(context, user)
    name = required_text(params, "name")
    scope = optional_text(params, "scope") or "all"
    if scope not in SCOPES:
        raise ValidationError({"scope": [f"Must be one of {', '.join(SCOPES)}"]})
    row, text = create_token(
        context.session, user, name=name, now=context.now(), expires_at=_expiry(context, params), scope=scope
    )
    return {"token": text, "id": row.id}


def api_token_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return the API tokens of the user `user_id`, without their texts, which nobody has but their owners."""
    user = get_user(context.session, required_text(params, "user_id", "user"))
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


def _token_to_dict(row: ApiToken) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": row.id,
        "name": row.name,
        "user_id": row.user_id,
        "created_at": show_time(row.created_at),
        "last_access": show_time(row.last_access),
    }
    if row.expires_at:
        shown["expires_at"] = show_time(row.expires_at)
    return shown if row.scope == "all" else {**shown, "scope": row.scope}


def _expiry(context: Context, params: Params) -> datetime | None:
    if params.get("expires_in") in (None, ""):
        return None
    count, unit = as_integer(params["expires_in"]), as_integer(params.get("unit") or 1)
    if count is None or unit is None or not 0 < count * unit <= MAX_TOKEN_SECONDS:
        raise ValidationError({"expires_in": ["Must be a positive number of seconds, up to a hundred years"]})
    return context.now() + timedelta(seconds=count * unit)
