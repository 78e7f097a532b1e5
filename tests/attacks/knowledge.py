"""What somebody who knows a person knows of the released forms of that person's quasi-identifiers.

A policy and its hierarchies are public, so an attacker turns a true value into every form that it may have left in. Written from the policy
language alone.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from attacks.attacker import Forms
from attacks.road import PSEUDONYM_KEY, Made

from publisher.anonymise.fields.pseudonyms import pseudonym, separate_key

Hierarchies = Mapping[str, str]
"""Texts of CSV files by their names without the ending."""


def forms_of(actions: Mapping[str, Any], hierarchies: Hierarchies, person: Mapping[str, str]) -> Forms:
    """Return the forms of each quasi-identifier of a policy for a person; an empty text is what the register does not know."""
    quasi = {name: action for name, action in actions.items() if action.get("role") == "quasi"}
    return tuple(_forms(action, hierarchies, person[name]) for name, action in quasi.items())


def true_units(made: Made, ids: Iterable[str], *, table: str = "kham_benh", field: str = "so_cccd") -> list[str]:
    """Return the pseudonyms that a release gave to people, which only the publisher's key tells."""
    release = made.document("datapackage.json")["release"]
    key = separate_key(PSEUDONYM_KEY, made.definition.folder.name, table, field, release)
    return [pseudonym(key, one, 16) for one in ids]


def _forms(action: Mapping[str, Any], hierarchies: Hierarchies, text: str) -> tuple[Any, ...]:
    if not text:
        return (None, "*")
    if action["action"] == "generalise_date":
        return _periods(date.fromisoformat(text[:10]))
    if action["action"] == "generalise_number":
        return _bands(float(text), action)
    if action["action"] == "generalise":
        lines = csv.reader(io.StringIO(hierarchies[action["hierarchy"].removesuffix(".csv")]))
        return (*next(line for line in lines if line[0] == text), "*")
    return (text,)


def _periods(day: date) -> tuple[Any, ...]:
    spans = [f"{day.year - day.year % width}-{day.year - day.year % width + width - 1}" for width in (5, 10)]
    quarter = f"{day.year}-Q{(day.month + 2) // 3}"
    return (day, f"{day:%Y-%m}", quarter, str(day.year), *spans, "*")


def _bands(value: float, action: Mapping[str, Any]) -> tuple[Any, ...]:
    top = action.get("top", math.inf)
    if value >= top:
        return (f"{top}+",)
    lows = [(int(value // width * width), width) for width in action["widths"]]
    ends = [(low, int(min(low + width, top))) for low, width in lows]
    return tuple(form for low, end in ends for form in (f"{low}-{end - 1}", f"{low}-<{end}"))
