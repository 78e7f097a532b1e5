"""Text without accents and case, for people who type without them."""

from __future__ import annotations

import unicodedata


def folded(text: object) -> str:
    """Return text in lower case without accents, `đ` as `d`."""
    decomposed = unicodedata.normalize("NFD", str(text).casefold().replace("đ", "d"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
