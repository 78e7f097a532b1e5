"""The two languages of the portal: which one a page speaks, and its texts.

Texts lie in `translations/vi.yaml` and `translations/en.yaml` under the same keys; no text for people stands in Python
or in a template. A text is a string, or a mapping of `one` and `other` chosen by the value `count`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from markupsafe import Markup, escape

from cityportal import formatting

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, Language] = ("vi", "en")
DEFAULT: Language = "vi"
TRANSLATIONS = Path(__file__).parent / "translations"


@dataclass(frozen=True)
class Text:
    """A title or sentence that comes from data, in the languages it was written in; empty means not written."""

    vi: str = ""
    en: str = ""

    def written_in(self, language: Language) -> tuple[str, Language]:
        """Return the text in this language, else in the other one, and the language it is really in."""
        other: Language = "en" if language == "vi" else "vi"
        own = self.vi if language == "vi" else self.en
        return (own, language) if own else (self.vi or self.en, other)

    def __bool__(self) -> bool:
        return bool(self.vi or self.en)


NO_TEXT = Text()


def language_of_path(path: str) -> Language:
    """Return the language a path speaks: English under `/en`, Vietnamese elsewhere."""
    return "en" if path == "/en" or path.startswith("/en/") else DEFAULT


@cache
def messages(language: Language) -> Mapping[str, str | Mapping[str, str]]:
    """Return the texts of one language by dotted key."""
    tree = yaml.safe_load((TRANSLATIONS / f"{language}.yaml").read_text(encoding="utf-8"))
    return dict(_flatten(tree, ""))


def has_message(key: str) -> bool:
    """Tell whether the texts hold this key."""
    return key in messages(DEFAULT)


def translate(language: Language, key: str, /, **values: Any) -> str:
    """Return one text with its values filled in; numbers and dates are written as the language writes them.

    Values that are `Markup` stay markup, and the text around them is escaped.

    Raises:
        KeyError: the key stands in no translation.
    """
    entry = messages(language)[key]
    if not isinstance(entry, str):
        entry = entry["one" if values.get("count") == 1 else "other"]
    written = {name: _written(language, value) for name, value in values.items()}
    if any(isinstance(value, Markup) for value in values.values()):
        return escape(entry).format(**written)
    return entry.format(**written) if written else entry


def _written(language: Language, value: Any) -> Any:
    if isinstance(value, bool | Markup):
        return value
    if isinstance(value, int | float):
        return formatting.number(value, language)
    if isinstance(value, datetime):
        return formatting.moment(value, language)
    if isinstance(value, date):
        return formatting.day(value, language)
    return value


def _flatten(tree: Mapping[str, Any], prefix: str) -> list[tuple[str, str | Mapping[str, str]]]:
    found: list[tuple[str, str | Mapping[str, str]]] = []
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and set(value) != {"one", "other"}:
            found += _flatten(value, f"{key}.")
        else:
            found.append((key, value))
    return found
