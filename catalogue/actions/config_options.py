"""Actions on the settings that can be changed while the portal runs. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from catalogue.actions.authorize import require
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import required_text
from catalogue.config_options import OPTIONS, settings_in_force
from catalogue.errors import ValidationError
from catalogue.model import ConfigOption
from catalogue.register.validation import MISSING, FieldReader

MAX_LENGTHS = {"ckan.site_title": 200, "ckan.site_description": 2000, "ckan.site_about": 50_000}


def config_option_list(context: Context, _params: Params) -> list[str]:
    """Return the names of the settings that can be changed while the portal runs; for sysadmins."""
    require(context, "portal")
    return list(OPTIONS)


def config_option_show(context: Context, params: Params) -> str:
    """Return the value that the setting `key` has now; for sysadmins."""
    require(context, "portal")
    key = required_text(params, "key")
    if key not in OPTIONS:
        raise ValidationError({"key": [f"Configuration option '{key[:100]}' can not be shown"]})
    return _value(context, key)


def config_option_update(context: Context, params: Params) -> dict[str, str]:
    """Change settings while the portal runs, given as `{key: value}`, and return their new values; for sysadmins.

    What is set here stands before the settings file; null gives the word back to the settings file.
    """
    require(context, "portal")
    unknown = [key for key in params if key not in OPTIONS]
    if unknown or not params:
        names = " ".join(key[:100] for key in sorted(unknown))
        raise ValidationError(f"Configuration option(s) '{names}' can not be updated: use {', '.join(OPTIONS)}")
    reader = FieldReader(params)
    for key in params:
        text = reader.email(key) if key == "email_to" else reader.text(key, max_length=MAX_LENGTHS[key])
        if key == "ckan.site_title" and text is not None and not text.strip():
            reader.fault(key, MISSING)
    reader.finish()
    for key in params:
        stored = context.session.get(ConfigOption, key, with_for_update=True)
        text = reader.text(key)
        if text is None:
            if stored is not None:
                context.session.delete(stored)
        else:
            context.session.merge(ConfigOption(key=key, value=text, at=context.now()))
    try:
        context.session.flush()
    except IntegrityError as error:
        raise ValidationError("Somebody changed the same settings at this moment: try again") from error
    return {key: _value(context, key) for key in params}


def _value(context: Context, key: str) -> str:
    return str(getattr(settings_in_force(context.session, context.settings), OPTIONS[key]))
