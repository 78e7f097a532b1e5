"""Reading what is written into an account, all faults at once, for a new one and for one that is there."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.exc import IntegrityError

from catalogue.actions.context import Context, Params
from catalogue.errors import ValidationError
from catalogue.model import User
from catalogue.people.account_keys import forget_key
from catalogue.people.accounts import find_user, find_user_by_email, user_to_dict
from catalogue.people.browser_sessions import end_browser_sessions
from catalogue.people.passwords import hash_password, password_faults
from catalogue.register.activities import record_user_activity
from catalogue.register.validation import MISSING, FieldReader, name_faults

STATES = ("active", "pending", "deleted")
KEPT_BY_PATCH = ("email", "fullname", "about", "image_url")
NAME_TAKEN = "That login name is not available."
EMAIL_TAKEN = "That email address belongs to a registered user."

_LINK = re.compile(r"https?:|www\.|<\s*a\b|\[url", re.IGNORECASE)


def add_user(context: Context, params: Params, *, with_password: bool = True) -> User:
    """Add a user without asking whether the caller may; `with_password` false leaves them without a way to sign in.

    Raises:
        ValidationError: with the faults of all fields.
    """
    reader = FieldReader(params)
    name = reader.name()
    if name and find_user(context.session, name):
        reader.fault("name", NAME_TAKEN)
    password = _password(reader, required=with_password)
    user = User(name=name or "", created=context.now())
    _read_profile(context, reader, user, email_required=with_password)
    reader.finish()
    user.password_hash = hash_password(password) if password else None
    context.session.add(user)
    _flush(context)
    record_user_activity(context, user, None)
    return user


def change_user(context: Context, user: User, given: Params, *, keep: bool) -> None:
    """Write the given fields into the account; `keep` keeps the fields that are not given.

    Raises:
        ValidationError: with the faults of all fields.
    """
    shown_before = user_to_dict(user)
    stored = {field: getattr(user, field) for field in KEPT_BY_PATCH} if keep else {}
    reader = FieldReader({**stored, **given})
    _read_name(context, reader, user)
    password = _password(reader, required=False)
    before = user.email
    _read_profile(context, reader, user, email_required=not keep or "email" in given)
    if context.is_sysadmin:
        _read_standing(reader, user)
    reader.finish()
    if user.email != before:
        forget_key(user)
    if password:
        user.password_hash = hash_password(password)
        user.failed_sign_ins, user.locked_until = 0, None
        forget_key(user)
        end_browser_sessions(context.session, user)
    _flush(context)
    record_user_activity(context, user, shown_before)


def _read_name(context: Context, reader: FieldReader, user: User) -> None:
    """Take a new name only while nobody has signed in under the old one; later it stands in the history."""
    name = reader.text("name")
    if name is None or name == user.name:
        return
    if user.state != "pending":
        reader.fault("name", "That login name can not be changed.")
        return
    for fault in name_faults(name):
        reader.fault("name", fault)
    if find_user(context.session, name):
        reader.fault("name", NAME_TAKEN)
    user.name = name


def _read_profile(context: Context, reader: FieldReader, user: User, *, email_required: bool) -> None:
    email = reader.email("email")
    if email_required and not email:
        reader.fault("email", MISSING)
    owner = find_user_by_email(context.session, email) if email else None
    if owner is not None and owner is not user:
        reader.fault("email", f"The email address '{email}' belongs to a registered user.")
    about = reader.text("about")
    if about and about != user.about and not context.is_sysadmin and _LINK.search(about):
        reader.fault("about", "Links are not allowed here")
    profile: dict[str, Any] = {
        "email": email or None,
        "fullname": reader.text("fullname"),
        "about": about,
        "image_url": reader.web_address("image_url"),
    }
    for field, value in profile.items():
        setattr(user, field, value)


def _read_standing(reader: FieldReader, user: User) -> None:
    """Take what sysadmins alone may set; the same words from others change nothing, for they come from user_show."""
    sysadmin, state = (
        reader.boolean("sysadmin"),
        reader.one_of("state", STATES, message="Value must be one of: active, pending, deleted"),
    )
    user.sysadmin = user.sysadmin if sysadmin is None else sysadmin
    user.state = state or user.state


def _password(reader: FieldReader, *, required: bool) -> str | None:
    password = reader.text("password", required=required)
    for fault in password_faults(password) if password else []:
        reader.fault("password", fault)
    return password


def _flush(context: Context) -> None:
    try:
        context.session.flush()
    except IntegrityError as error:  # another transaction took it at the same moment
        if "email" in str(error.orig):
            raise ValidationError({"email": [EMAIL_TAKEN]}) from error
        raise ValidationError({"name": [NAME_TAKEN]}) from error
