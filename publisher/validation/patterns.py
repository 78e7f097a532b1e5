"""Which Python patterns RE2 may prove: those whose RE2 language lies inside Python's."""

from __future__ import annotations

import re

# Python's classes know all of Unicode and RE2's only ASCII, so positive classes shrink (safe) and negated ones grow (unsafe).
# Groups with `(?`, possessive quantifiers, `{,n}`, set operations, back references and anchors by letter are left to Python.
_ESCAPE = r"\\(?:[dwsntrfv]|[^A-Za-z0-9])"
_QUANTIFIER = r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??(?![*+?{])"
_MEMBER = rf"(?:{_ESCAPE}|[^\\\[\]^&|~])"
_SAFE = re.compile(
    rf"(?:(?:{_ESCAPE}|\[{_MEMBER}+\]|\((?:\?:|(?!\?))|[).|^$]|[^\\\[\](){{}}*+?.|^$])(?:{_QUANTIFIER})?)*"
)


def re2_pattern(pattern: str) -> str | None:
    """Return an RE2 pattern that accepts only what Frictionless accepts for this constraint, null when none is known.

    Frictionless matches `^pattern$` from the start of the cell, without a group around the alternatives.
    """
    if "--" in pattern or not _SAFE.fullmatch(pattern):
        return None
    return rf"\A(?:^{pattern}$)"
