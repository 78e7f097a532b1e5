"""Texts in several languages: `title` and the extra `title_en` are the truth, `title_translated` follows from them.

A stock CKAN keeps both plain keys and extras, so nothing is lost on the way through one. The plain key is in the portal's
own language. Pure functions, but for `portal_language`, which knows what the session was told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import object_session

from catalogue.json_input import read_json_parameter
from catalogue.register.validation import as_text

DEFAULT_LANGUAGE = "vi"
ENDING = "_translated"
_LANGUAGE = re.compile(r"[a-z]{2}\Z")


@dataclass(frozen=True)
class StoredTexts:
    """What is stored of a thing: its plain fields and its extras; both empty for a new one."""

    plain: Mapping[str, str | None]
    extras: Mapping[str, Any]


NOTHING_STORED = StoredTexts({}, {})


def portal_language(stored: object) -> str:
    """Return the language of the plain keys of something that was read from the database."""
    session = object_session(stored)
    return str(session.info.get("language", DEFAULT_LANGUAGE)) if session else DEFAULT_LANGUAGE


def translated(field: str, text: str | None, extras: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return the texts of a field by language, the portal's first; empty ones are left out."""
    found = {language: text} if text else {}
    prefix = f"{field}_"
    for key in sorted(key for key in extras if key.startswith(prefix) and len(key) == len(prefix) + 2):
        if extras[key] and _LANGUAGE.match(code := key.removeprefix(prefix)):
            found.setdefault(code, extras[key])
    return found


def read_translations(
    raw: Mapping[str, Any], fields: Iterable[str], stored: StoredTexts, language: str
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Write the given `…_translated` back into the plain keys and extras; return these and the faults by field.

    A text that differs from the stored one is what the client wants. One that does not says nothing against a plain key or
    an extra that was given beside it. A language left out is taken away, except the portal's own.
    """
    changed = dict(raw)
    faults: dict[str, list[str]] = {}
    for field in fields:
        given = _read_texts(raw.get(field + ENDING))
        if given is None:
            faults[field + ENDING] = ['Must be an object of two-letter languages and texts, as {"vi": "…", "en": "…"}']
            continue
        if field + ENDING not in raw or raw[field + ENDING] is None:
            continue
        before = translated(field, stored.plain.get(field), stored.extras, language)
        if language in given and (given[language] != before.get(language, "") or field not in raw):
            changed[field] = given[language]
        for code in sorted({*given, *before} - {language}):
            if given.get(code, "") != before.get(code, "") or "extras" not in raw:
                _set_extra(changed, f"{field}_{code}", given.get(code, ""))
    return changed, faults


def _read_texts(written: Any) -> dict[str, str] | None:
    """Return the texts by language, nothing given being none; null when it is something else."""
    if isinstance(written, str) and written.strip():
        try:
            written = read_json_parameter(written)
        except ValueError:
            return None
    if written in (None, ""):
        return {}
    if not isinstance(written, dict) or not all(_LANGUAGE.match(str(code)) for code in written):
        return None
    if any(isinstance(text, dict | list) for text in written.values()):
        return None
    return {code: as_text(text) if text is not None else "" for code, text in written.items()}


def _set_extra(raw: dict[str, Any], key: str, text: str) -> None:
    """Put one extra into the list of them, or take it out; a list that is none is left for its own reader to refuse."""
    extras = raw.get("extras") or []
    if not isinstance(extras, list) or not all(isinstance(extra, dict) for extra in extras):
        return
    kept = [extra for extra in extras if extra.get("key") != key]
    raw["extras"] = [*kept, {"key": key, "value": text}] if text else kept
