"""The difference of two contracts, each part with the level of the version that it asks for.

MAJOR: a reader's program may break or get less. MINOR: there is more than before. PATCH: only words or order changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any, get_args

from publisher.policy import DateLevel
from publisher.versions.contract import Contract

LEVELS = {
    "table_removed": "major",
    "field_removed": "major",
    "field_renamed": "major",
    "field_retyped": "major",
    "unit_changed": "major",
    "meaning_changed": "major",
    "key_changed": "major",
    "grain_changed": "major",
    "codes_removed": "major",
    "bounds_narrowed": "major",
    "less_precise": "major",
    "suppresses_more": "major",
    "form_removed": "major",
    "table_added": "minor",
    "field_added": "minor",
    "codes_added": "minor",
    "bounds_widened": "minor",
    "more_precise": "minor",
    "suppresses_less": "minor",
    "form_added": "minor",
    "labels_changed": "patch",
    "order_changed": "patch",
}
"""Every kind of difference and the part of the version that it raises."""
RANKS = ("patch", "minor", "major")

_LOOKS_RENAMED = 0.6
_DATE_LEVELS = get_args(DateLevel)
_UPPER = ("maximum", "exclusiveMaximum", "maxLength")
_LOWER = ("minimum", "exclusiveMinimum", "minLength")
_Part = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One difference; `before` and `after` are words of the definition (names, types, units, numbers), never data."""

    kind: str
    table: str = ""
    field: str = ""
    before: str = ""
    after: str = ""

    @property
    def level(self) -> str:
        """The part of the version that it raises: major, minor or patch."""
        return LEVELS[self.kind]

    def to_dict(self) -> dict[str, str]:
        """Return the difference as plain values, without what is empty."""
        return {"level": self.level, **{name: value for name, value in asdict(self).items() if value}}


def differences(before: Contract, after: Contract) -> list[Difference]:
    """Return how a contract differs from an earlier one, the gravest differences first."""
    found = [*_of_dataset(before, after)]
    for name, table in after["tables"].items():
        if earlier := before["tables"].get(name):
            found += _of_table(name, earlier, table)
    return sorted(found, key=lambda one: -RANKS.index(one.level))


def gravest(found: Sequence[Difference]) -> str | None:
    """Return the highest level of all differences, null when there are none."""
    return max((one.level for one in found), key=RANKS.index, default=None)


def _of_dataset(before: Contract, after: Contract) -> Iterator[Difference]:
    for kind, one, other in (("table_removed", before, after), ("table_added", after, before)):
        yield from (Difference(kind, name) for name in one["tables"] if name not in other["tables"])
    for kind, one, other in (("form_removed", before, after), ("form_added", after, before)):
        yield from (Difference(kind, after=form) for form in one["forms"] if form not in other["forms"])
    if before["labels"] != after["labels"]:
        yield Difference("labels_changed")


def _of_table(name: str, before: _Part, after: _Part) -> Iterator[Difference]:
    for part, kind in (("key", "key_changed"), ("grain", "grain_changed"), ("order", "order_changed")):
        if before[part] != after[part]:
            yield Difference(kind, name, before=", ".join(before[part]), after=", ".join(after[part]))
    yield from _of_suppression(name, before["suppression"], after["suppression"])
    yield from _of_columns(name, before["fields"], after["fields"])
    if before["labels"] != after["labels"]:
        yield Difference("labels_changed", name)
    shared = [field for field in after["fields"] if field in before["fields"]]
    if shared != [field for field in before["fields"] if field in after["fields"]]:
        yield Difference("order_changed", name)


def _of_suppression(table: str, before: _Part, after: _Part) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        old, new = before.get(name, 0), after.get(name, 0)
        old, new = (set(old or ()), set(new or ())) if isinstance(old or new, list) else (old, new)
        if old == new:
            continue
        told = [", ".join(sorted(value)) if isinstance(value, set) else f"{value:g}" for value in (old, new)]
        # Other quasi-identifiers are not comparable unless one set holds the other: then somebody gets less.
        kind = "suppresses_less" if new < old else "suppresses_more"
        yield Difference(kind, table, before=f"{name}: {told[0]}", after=f"{name}: {told[1]}")


def _of_columns(table: str, before: _Part, after: _Part) -> Iterator[Difference]:
    removed = [name for name in before if name not in after]
    added = [name for name in after if name not in before]
    pairs = pair_renamed(removed, added, alike=lambda old, new: before[old]["type"] == after[new]["type"])
    for old, new in pairs.items():
        yield Difference("field_renamed", table, new, before=old, after=new)
    yield from (Difference("field_removed", table, name) for name in removed if name not in pairs)
    yield from (Difference("field_added", table, name) for name in added if name not in pairs.values())
    for name in after:
        if name in before:
            yield from _of_field(table, name, before[name], after[name])


def pair_renamed(
    removed: Sequence[str], added: Sequence[str], *, alike: Callable[[str, str], bool] = lambda _old, _new: True
) -> dict[str, str]:
    """Return which removed column probably became which added one, by names that resemble each other; each at most once."""
    scored = [
        (SequenceMatcher(None, old, new).ratio(), old, new) for old in removed for new in added if alike(old, new)
    ]
    pairs: dict[str, str] = {}
    for score, old, new in sorted(scored, key=lambda one: (-one[0], one[1], one[2])):
        if score >= _LOOKS_RENAMED and old not in pairs and new not in pairs.values():
            pairs[old] = new
    return pairs


def _of_field(table: str, name: str, before: _Part, after: _Part) -> Iterator[Difference]:
    if before["type"] != after["type"]:
        yield Difference("field_retyped", table, name, before["type"], after["type"])
    if before["unit"] != after["unit"]:
        yield Difference("unit_changed", table, name, before["unit"], after["unit"])
    if kind := _precision_kind(before["precision"], after["precision"]):
        yield Difference(kind, table, name, _told(before["precision"]), _told(after["precision"]))
    yield from _of_codes(table, name, before, after)
    yield from _of_bounds(table, name, before.get("bounds", {}), after.get("bounds", {}))
    if before["labels"] != after["labels"]:
        yield Difference("labels_changed", table, name)


def _of_codes(table: str, name: str, before: _Part, after: _Part) -> Iterator[Difference]:
    old, new = set(before["codes"]), set(after["codes"])
    # A list of codes where any value was allowed narrows the column, and the other way round.
    gone, come = (old - new, new - old) if old and new else (new, old)
    if gone:
        yield Difference("codes_removed", table, name, after=str(len(gone)))
    if come:
        yield Difference("codes_added", table, name, after=str(len(come)))


def _of_bounds(table: str, name: str, before: _Part, after: _Part) -> Iterator[Difference]:
    for bound in sorted({*before, *after}):
        old, new = before.get(bound), after.get(bound)
        if old != new:
            kind = "bounds_widened" if _is_wider(bound, old, new) else "bounds_narrowed"
            told = ["" if value is None else f"{bound}: {value}" for value in (old, new)]
            yield Difference(kind, table, name, *told)


def _is_wider(bound: str, old: Any, new: Any) -> bool:
    if new is None or old is None:
        return new is None
    try:
        return bool((bound in _UPPER and new > old) or (bound in _LOWER and new < old))
    except TypeError:
        return False  # a number became a text: not comparable, so it counts as narrower


def _precision_kind(before: _Part, after: _Part) -> str | None:
    """Return whether values leave more or less precise than before, or mean something else; null when nothing changed."""
    if before == after:
        return None
    if "action" not in before or "action" not in after:
        return _measure_kind(before, after)
    if before["action"] != after["action"]:
        return "more_precise" if after["action"] == "keep" else "less_precise"
    old, new = _coarseness(before, after), _coarseness(after, before)
    return "more_precise" if all(b <= a for a, b in zip(old, new, strict=True)) else "less_precise"


def _measure_kind(before: _Part, after: _Part) -> str:
    same = all(before.get(name) == after.get(name) for name in ("kind", "field"))
    if not same:
        return "meaning_changed"
    return "more_precise" if after["decimals"] > before["decimals"] else "less_precise"


def _coarseness(said: _Part, other: _Part) -> list[float]:
    """Return numbers that grow as values get coarser, one for each setting of either action."""
    return [_how_coarse(name, said.get(name), other.get(name)) for name in sorted({*said, *other} - {"action"})]


def _how_coarse(name: str, value: Any, other: Any) -> float:
    if name == "levels":
        return _level_rank(value or ["*"], other or ["*"])
    if name == "widths":
        return float(max(value or [0])) + float(min(value or [0])) / 1e9
    if name in {"at", "top"}:
        return -float("inf") if value is None else -float(value)
    if name in {"base", "bottom"}:
        return -float("inf") if value is None else float(value)
    # The length of a pseudonym, the name of a hierarchy: any other is another code, so less than before to whoever joined on it.
    return 0.0 if value == other else 1.0


def _level_rank(levels: Sequence[str], other: Sequence[str]) -> float:
    if all(level in _DATE_LEVELS for level in (*levels, *other)):
        return float(sum(_DATE_LEVELS.index(level) for level in (levels[0], levels[-1])))
    if levels == other:
        return 0.0
    # Finer when the other's finest level comes later in ours.
    return 0.0 if other[0] in levels[1:] else 1.0


def _told(precision: _Part) -> str:
    return "; ".join(f"{name}: {value}" for name, value in precision.items())
