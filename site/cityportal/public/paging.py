"""The page that a list is asked for."""

from __future__ import annotations

from flask import abort, request

_LAST_PAGE = 500


def page_number() -> int:
    """Return the `page` of the address, 1 without one; anything that is no page is not found."""
    given = request.args.get("page", "1")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else 0
    if not 1 <= number <= _LAST_PAGE:
        abort(404)
    return number
