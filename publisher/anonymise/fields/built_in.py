"""Built-in hierarchies applied: how a table's codes or names find their leaf, and what they become at each level.

A list of units (wards, ethnic groups) is the domain whatever of it is seen. Codes whose digits are their levels (ICD-10, ISCO-08, VSIC) have
the codes that are seen as their domain.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.fields.hierarchy import HIDDEN, POPULATIONS, Sheet, choose
from publisher.anonymise.fields.treatments import CodeClimb
from publisher.errors import DescriptorError, ReleaseRefused
from publisher.hierarchies import BUILT_IN, BuiltIn
from publisher.policy import GeneraliseHierarchy

_KINDS = re.compile(r"^(phuong|xa|thitran|dackhu|dantoc)")
Labels = Callable[[str], tuple[str, ...] | None]
"""From a code to its labels at all levels, the leaf first; null for what is no such code."""


@dataclass(frozen=True)
class BuiltInClimb:
    """Action `generalise` with a built-in hierarchy; it becomes a climb once the table's codes are known."""

    field: str
    name: str
    levels: tuple[str, ...]
    floor: int | None

    def apply(self, values: pa.Array, level: int) -> pa.Array:
        return self.settle(values.unique()).apply(values, level)

    def settle(self, seen: pa.Array) -> CodeClimb:
        """Return the climb over the codes of the whole table.

        Raises:
            ReleaseRefused: codes that the hierarchy does not know; their number, not the codes.
            DescriptorError: the floor cannot be held.
        """
        texts = [text for text in pc.cast(seen, pa.string()).to_pylist() if text is not None]
        built_in = BUILT_IN[self.name]
        sheet, unknown = _listed(self.name, texts) if built_in.written else _by_rule(self.name, texts)
        if unknown:
            raise ReleaseRefused(
                f"The built-in hierarchy `{self.name}` of the field `{self.field}` does not know {unknown} of its codes.",
                step="anonymise",
                cure="mend the codes at the source, or give a hierarchy of your own as a CSV file",
            )
        return CodeClimb(self.field, choose(sheet, self.levels, self.floor))


def built_in_of(field: str, action: GeneraliseHierarchy) -> BuiltInClimb:
    """Return the treatment of an action that names a built-in hierarchy; absent levels are all, and `*`.

    Raises:
        DescriptorError: it has no such level, or knows no populations.
    """
    name = str(action.hierarchy).removeprefix("builtin:")
    built_in = BUILT_IN[name]  # a policy names no other
    levels = tuple(_level(level, built_in) for level in action.levels or (*built_in.levels, HIDDEN))
    if unknown := [level for level in levels if level not in (*built_in.levels, HIDDEN)]:
        raise DescriptorError(
            f"The field `{field}` asks `{name}` for the level `{unknown[0]}`, which it does not have.",
            step="anonymise",
            cure=f"its levels are {', '.join(built_in.levels)} and `*`",
        )
    if action.min_population is not None and (not built_in.written or _populations(_facts(built_in)) is None):
        raise DescriptorError(
            f"The field `{field}` asks for min_population, and `{name}` knows no populations.",
            step="anonymise",
            cure="give a CSV file with a column `population`, or leave min_population out",
        )
    return BuiltInClimb(field, name, levels, action.min_population)


def _level(level: str, built_in: BuiltIn) -> str:
    return built_in.levels[int(level)] if level.isdigit() and int(level) < len(built_in.levels) else level


def _facts(built_in: BuiltIn) -> list[dict[str, str]]:
    with built_in.path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _populations(facts: Sequence[dict[str, str]]) -> tuple[int, ...] | None:
    column = next((name for name in POPULATIONS if name in facts[0]), None)
    return tuple(int(row[column]) for row in facts) if column else None


def _listed(name: str, texts: Sequence[str]) -> tuple[Sheet, int]:
    """Return a leaf for each unit as the table names them, and for each other way of writing one; and how many texts name none."""
    built_in = BUILT_IN[name]
    facts = _facts(built_in)
    found, leaf = max(
        ((_places(facts, column, built_in.written, texts), column) for column in built_in.written if column != "also"),
        key=lambda one: len(one[0]),
    )
    rows = [(row[leaf], *(row[level] for level in built_in.levels[1:])) for row in facts]
    people = _populations(facts)
    known = {row[0] for row in rows}
    others = [(text, place) for text, place in sorted(found.items()) if text not in known]
    return Sheet(
        f"The built-in hierarchy `{name}`",
        built_in.levels,
        (*rows, *(rows[place] for _, place in others)),
        None if people is None else (*people, *(0 for _ in others)),
        leaves=(*(row[0] for row in rows), *(text for text, _ in others)),
    ), len(set(texts) - found.keys())


def _places(
    facts: Sequence[dict[str, str]], column: str, written: Sequence[str], texts: Sequence[str]
) -> dict[str, int]:
    """Return the place of the unit that each text names, exactly or but for case, marks and the kind of unit."""
    exact = {row[column]: place for place, row in enumerate(facts)}
    folded: dict[str, int] = {}
    for place, row in enumerate(facts):
        names = [row[column], *(row["also"].split(";") if "also" in written else ())]
        for name in names:
            folded.setdefault(fold(name), place)
            folded.setdefault(_KINDS.sub("", fold(name)), place)
    width = len(facts[0][column])
    found = {}
    for text in texts:
        short = text.zfill(width) if text.isdigit() else text
        at = exact.get(short, folded.get(fold(text), folded.get(_KINDS.sub("", fold(text)))))
        if at is not None and fold(text):
            found[text] = at
    return found


def fold(text: str) -> str:
    """Return the letters and digits of a text in lower case without marks."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in plain if letter.isalnum())


def _by_rule(name: str, texts: Sequence[str]) -> tuple[Sheet, int]:
    rule = {"icd10": _icd10, "isco08": _isco08, "vsic": _vsic}[name]()
    labels = [rule(text) for text in texts]
    rows = tuple(found for found in labels if found is not None)
    return Sheet(f"The built-in hierarchy `{name}`", BUILT_IN[name].levels, rows), len(labels) - len(rows)


def _icd10() -> Labels:
    facts = _facts(BUILT_IN["icd10"])
    blocks = sorted(
        (row["block"].split("-")[0], row["block"].split("-")[-1], row["block"], row["chapter"]) for row in facts
    )
    firsts = [block[0] for block in blocks]
    shape = re.compile(r"([A-Z]\d\d)(?:\.?([0-9A-Z]{1,4}))?[*†+]?")

    def labels(text: str) -> tuple[str, ...] | None:
        match = shape.fullmatch(text.strip().upper())
        if not match:
            return None
        category = match.group(1)
        _, last, block, chapter = blocks[max(0, bisect_right(firsts, category) - 1)]
        return (text, category, block, chapter) if firsts[0] <= category <= last else None

    return labels


def _isco08() -> Labels:
    shape = re.compile(r"\d{4}")
    return lambda text: (text, text[:3], text[:2], text[:1]) if shape.fullmatch(text) else None


def _vsic() -> Labels:
    sections = {row["division"]: row["section"] for row in _facts(BUILT_IN["vsic"])}
    shape = re.compile(r"[A-U]?(\d{2,5})")

    def labels(text: str) -> tuple[str, ...] | None:
        match = shape.fullmatch(text.strip().upper().replace(".", ""))
        if not match or match.group(1)[:2] not in sections:
            return None
        digits = match.group(1)
        return (text, digits[:4], digits[:3], digits[:2], sections[digits[:2]])

    return labels
