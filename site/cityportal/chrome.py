"""What every page shares: language, texts and filters for the templates, session, error pages, security headers."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, render_template, request, url_for
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, InternalServerError

from cityportal import formatting
from cityportal.bilingual import accept_language_prefixes, address_in, keep_language, language
from cityportal.content_security import add_security_headers
from cityportal.identity import check_forms, form_token, signed_in
from cityportal.languages import LANGUAGES, Text, has_message, translate

_log = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"
_SESSION_LASTS = timedelta(hours=10)
_WITHOUT_PAGES = ("/api/", "/query/", "/health", "/metrics", "/.well-known/")


def utc_now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(UTC)


def init_site(
    app: Flask,
    *,
    site_url: str,
    city: Text,
    secret_key: str | bytes,
    now: Callable[[], datetime] = utc_now,
) -> None:
    """Make an application speak as the portal; the application is `Flask("cityportal")`, where templates lie.

    Args:
        app: the application that the blueprints are registered on.
        site_url: the address of the portal as readers type it, without a slash at the end.
        city: the name of the city or province, as shown beside the mark.
        secret_key: signs the session cookie; when empty, a random one is used and sessions end with the process.
        now: the clock, with zone.
    """
    app.config.update(
        SITE_URL=site_url.rstrip("/"),
        CITY=city,
        CLOCK=now,
        SECRET_KEY=secret_key or secrets.token_bytes(32),
        # The prefix lets no neighbour of our domain plant a cookie; browsers take it over https only.
        SESSION_COOKIE_NAME=f"{'__Host-' if site_url.startswith('https://') else ''}phusa_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=site_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=_SESSION_LASTS,
        MAX_FORM_MEMORY_SIZE=64 * 1024,
    )
    app.config.setdefault("SIGNING_KEYS", list)
    app.url_defaults(keep_language)
    accept_language_prefixes(app)
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    check_forms(app)
    _add_words(app)
    _add_error_pages(app)
    add_security_headers(app)
    app.after_request(_about_caching)


def t(key: str, /, **values: Any) -> str:
    """Return a text in the language of the page."""
    return translate(language(), key, **values)


def clock() -> datetime:
    """Return the time by the application's clock."""
    moment = current_app.config["CLOCK"]()
    assert isinstance(moment, datetime)  # noqa: S101  the configuration holds a clock
    return moment


def public_address(path: str) -> str:
    """Return a path of the portal as a full address."""
    return f"{current_app.config['SITE_URL']}{path}"


def _add_words(app: Flask) -> None:
    app.jinja_env.globals.update(
        t=t,
        t_in=translate,
        has_message=has_message,
        language=language,
        languages=LANGUAGES,
        address_in=address_in,
        signed_in=signed_in,
        has_workspace=lambda: "workspace" in app.blueprints,
        form_token=form_token,
        asset=_asset,
        city=lambda: app.config["CITY"],
        site_url=lambda: app.config["SITE_URL"],
        public_address=public_address,
        now=clock,
    )
    app.jinja_env.filters.update(
        written=_written,
        vietnamese=lambda text: _written(Text(vi=text)),
        words=lambda text: text.written_in(language())[0],
        number=lambda value, decimals=None: formatting.number(value, language(), decimals=decimals),
        percent=lambda value: formatting.percent(value, language()),
        size=lambda value: formatting.size(value, language()),
        day=lambda value: formatting.day(value, language()),
        moment=lambda value: formatting.moment(value, language()),
        iso=_iso,
        duration=_duration,
        short_hash=formatting.short_hash,
    )


def _written(text: Text) -> Markup | str:
    """Write a text from data, marked with its language where that is not the page's."""
    words, really = text.written_in(language())
    return words if really == language() or not words else Markup('<span lang="{}">{}</span>').format(really, words)


def _duration(seconds: float) -> str:
    """Write how long something took in its two largest units."""
    if seconds < 0.05:
        return t("durations.instant")
    if seconds < 60:
        return t("durations.seconds", count=round(seconds, 1) if seconds < 10 else round(seconds))
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [("hours", hours), ("minutes", minutes)] if hours else [("minutes", minutes), ("seconds", rest)]
    return " ".join(t(f"durations.{unit}", count=count) for unit, count in parts if count)


def _iso(value: date | datetime) -> str:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds")
    return value.isoformat()


def _asset(name: str) -> str:
    """Return the address of a static file; it changes with the file, so that browsers may keep it for ever."""
    return url_for("static", filename=name, v=_fingerprint(name))


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


def _about_caching(response: Response) -> Response:
    """Let static files be kept for ever, pages be asked for anew each time and kept by nobody else when signed in."""
    if request.endpoint == "static":
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    elif "Cache-Control" not in response.headers and response.mimetype == "text/html":
        response.headers["Cache-Control"] = "private, no-store" if signed_in() else "no-cache"
    return response


def _add_error_pages(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def _page_of_error(error: HTTPException) -> Any:
        if request.path.startswith(_WITHOUT_PAGES) or (error.code or 500) < 400:
            return error
        return _error_page(error.code or 500)

    @app.errorhandler(Exception)
    def _page_of_fault(error: Exception) -> Any:
        if app.config.get("PROPAGATE_EXCEPTIONS"):
            raise error
        _log.error("a page failed: %s %s", request.method, request.url_rule, exc_info=error)
        return InternalServerError() if request.path.startswith(_WITHOUT_PAGES) else _error_page(500)


def _error_page(code: int) -> tuple[str, int]:
    known = f"errors.{code}.title"
    return render_template("error.html", code=code if has_message(known) else (400 if code < 500 else 500)), code
