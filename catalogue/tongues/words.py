"""The few texts that the catalogue itself adds to descriptions; they lie in `words.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from catalogue.tongues.described import Words


def words_of(key: str, locale: str, /, **values: object) -> Words:
    """Return a text with its values filled in; a value that is `Words` is taken in the language of the text.

    A portal in a language that we do not write gets English.
    """
    texts = _texts()[key]
    return Words(_filled(texts.get(locale, texts["en"]), values, locale), _filled(texts["en"], values, "en"))


@cache
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text("utf-8"))
    return texts


def _filled(text: str, values: Mapping[str, object], language: str) -> str:
    return text.format(**{k: v.written_in(language) if isinstance(v, Words) else v for k, v in values.items()})
