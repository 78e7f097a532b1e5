"""package_revise: the one write that cannot lose another writer's change. Its docstring is `help_show`'s text.

The order is match, filter, update, update__, validate, save, all while the dataset is locked.
"""

from __future__ import annotations

from typing import Any

from catalogue.actions.authorize import require_on
from catalogue.actions.context import Context, Params
from catalogue.actions.flattened import FlatPathError, apply_filter, matches, set_at, unmatched
from catalogue.actions.parameters import json_of, words
from catalogue.actions.update import replace_package
from catalogue.errors import ValidationError
from catalogue.register.packages import get_package, package_to_dict
from catalogue.register.translations import ENDING
from catalogue.register.validation import MISSING, as_text


def package_revise(context: Context, params: Params) -> dict[str, Any]:
    """Change parts of the dataset that `match` names, if it still is as `match` says.

    `filter` drops (-pattern) and keeps (+pattern) parts, `update` replaces fields, `update__PATH` sets the value at a
    path such as resources__0__name, `update__resources__extend` appends to a list; `include` narrows the answer down.
    """
    match, flat_match = _dict_param(params, "match"), _flat_params(params, "match__")
    package = get_package(context.session, _name_or_id(match, flat_match), lock=True)
    require_on(context, "package_update", package)
    stored = package_to_dict(package)
    _require_match(stored, match, flat_match)
    revised = apply_filter(stored, words(params, "filter"))
    for field in stored.keys() - revised.keys():  # a text that the filter dropped must not come back from its languages
        revised.pop(f"{field}{ENDING}", None)
    revised.update(_dict_param(params, "update"))
    paths = _flat_params(params, "update__")
    # What is appended first can be named by the other paths: `update__resources__-1__upload`.
    for path in sorted(paths, key=lambda path: (not path.endswith("__extend"), path)):
        _set_value(revised, path, paths[path])
    # What the filter dropped is gone, so it must not count as left out, which would keep it.
    shown = replace_package(context, package, {"resources": [], "groups": [], **revised})
    return apply_filter({"package": shown}, words(params, "include"))


def _name_or_id(match: dict[str, Any], flat_match: dict[str, Any]) -> str:
    """Take the id or name out of what must match: what finds the dataset matches it, a former name too."""
    for given in (match, flat_match):
        for key in ("id", "name"):
            if given.get(key):
                return as_text(given.pop(key))
    raise ValidationError({"match__id": MISSING})


def _dict_param(params: Params, name: str) -> dict[str, Any]:
    value = json_of(params.get(name) or {}, name)
    if not isinstance(value, dict):
        raise ValidationError({name: ["Must be a dict"]})
    return dict(value)


def _flat_params(params: Params, prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): params[key] for key in sorted(params) if key.startswith(prefix)}


def _require_match(stored: dict[str, Any], match: dict[str, Any], flat_match: dict[str, Any]) -> None:
    paths = unmatched(stored, match)
    paths += [path for path, value in flat_match.items() if not matches(stored, path.split("__"), value)]
    if paths:
        raise ValidationError({"match": paths})


def _set_value(revised: dict[str, Any], path: str, value: Any) -> None:
    parts = path.split("__")
    if parts[-1] == "extend":
        value = json_of(value, f"update__{path}")
        if not isinstance(value, list):
            raise ValidationError({path: ["Must be a list"]})
    try:
        set_at(revised, parts, value)
    except FlatPathError as error:
        raise ValidationError({path: [f"Unmatched key {error.part}"]}) from error
