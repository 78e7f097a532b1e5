"""Every page has two addresses: Vietnamese at `/…`, English at `/en/…`; links stay in the language of the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, current_app, request, url_for
from werkzeug.exceptions import HTTPException, NotFound

from cityportal.languages import DEFAULT, Language, language_of_path

View = Callable[..., Any]


def page(blueprint: Blueprint, rule: str, *, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """Register a view under both addresses of a page; the view itself learns the language from `language()`."""

    def register(view: View) -> View:
        name, allowed = view.__name__, list(methods)
        blueprint.add_url_rule(rule, name, view, methods=allowed, defaults={"language": DEFAULT})
        blueprint.add_url_rule(f"/<any(en):language>{rule}", name, view, methods=allowed)
        return view

    return register


def follow_language(blueprint: Blueprint) -> None:
    """Take the language out of the arguments of the blueprint's views; the path alone decides it."""

    @blueprint.url_value_preprocessor
    def _take(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values:
            values.pop("language", None)


def accept_language_prefixes(app: Flask) -> None:
    """Answer addresses that carry a language although ours do not, as CKAN's do: `/vi/dataset`, `/en/api/3/action/…`.

    They are answered at once and not redirected, because CKAN's clients do not follow a redirect of a POST.
    """
    inner = app.wsgi_app

    def without_prefix(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "")
        rest = path[3:]
        if path.startswith("/vi/") or (path.startswith("/en/") and not _is_known(app, path) and _is_known(app, rest)):
            environ = {**environ, "PATH_INFO": rest}
        return inner(environ, start_response)

    app.wsgi_app = without_prefix  # type: ignore[method-assign]  # the way that Flask's manual tells


def _is_known(app: Flask, path: str) -> bool:
    try:
        app.url_map.bind("").match(path)
    except NotFound:
        return False
    except HTTPException:  # known for another method, or with another slash
        return True
    return True


def language() -> Language:
    """Return the language of the page that is asked for."""
    return language_of_path(request.path)


def keep_language(endpoint: str, values: dict[str, Any]) -> None:
    """Give links that do not name a language the one of the page they stand on."""
    if "language" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "language"):
        values["language"] = language()


def address_in(target: Language) -> str | None:
    """Return the path of this very page in a language, its question included; null for addresses without languages."""
    if request.endpoint is None or isinstance(request.routing_exception, HTTPException):
        return None
    if not current_app.url_map.is_endpoint_expecting(request.endpoint, "language"):
        return None
    values = {**request.args.to_dict(flat=False), **(request.view_args or {}), "language": target}
    return url_for(request.endpoint, **values)
