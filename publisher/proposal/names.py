"""Names for fields, tables and datasets out of the words of a header or a file name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from publisher.disclosure.personal.words import fold

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
LONGEST = 60


def field_names(headers: Sequence[str]) -> list[str]:
    """Return one name for each header: ASCII words with underscores, đ as d, none twice."""
    taken: set[str] = set()
    names = []
    for place, header in enumerate(headers, 1):
        name = _words(header, "_")[:LONGEST].strip("_") or f"cot_{place}"
        if not name[0].isalpha():
            name = f"cot_{name}"
        number = 2
        unique = name
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique)
        names.append(unique)
    return names


def table_name(stem: str) -> str:
    """Return a table's name out of a file's or a database table's."""
    return field_names([stem])[0] if _words(stem, "_") else "bang"


def dataset_name(stem: str) -> str:
    """Return a dataset's name, as the catalogue takes it."""
    name = _words(stem, "-")[:LONGEST].strip("-")
    return name if len(name) >= 3 and name not in {"new", "edit", "search"} else f"bo-du-lieu-{name}".rstrip("-")


def title_of(header: str) -> str:
    """Return what people read above a column: the header itself, or the words of a technical name."""
    plain = " ".join(header.split())
    if re.fullmatch(r"[A-Za-z0-9_.]+", plain) and ("_" in plain or _CAMEL.search(plain)):
        plain = _CAMEL.sub(" ", plain.replace("_", " ")).strip()
    return plain[:1].upper() + plain[1:]


def words_of(header: str) -> str:
    """Return the folded words of a header with a blank around each, to look words up in."""
    return f" {_words(header, ' ')} "


def _words(text: str, between: str) -> str:
    return re.sub(r"[^a-z0-9]+", between, fold(_CAMEL.sub(" ", text))).strip(between)
