"""When no levels are acceptable: which fields to drop or to coarsen until `*`, and what each way would cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from publisher.anonymise.search.lattice import LatticeSearch, Outcome
from publisher.anonymise.search.microdata import Counted
from publisher.errors import DisclosureRisk

_NAMED = 3
"""Ways that an error tells; all are tried."""


@dataclass(frozen=True)
class Cure:
    """Fields that say nothing any more, and the best outcome then, in which each of them counts as lost in full."""

    hidden: tuple[str, ...]
    outcome: Outcome

    @property
    def fields(self) -> str:
        """Return the names for a sentence."""
        return " and ".join(f"`{name}`" for name in self.hidden)

    @property
    def cost(self) -> str:
        """Return what it costs, for a sentence."""
        share = self.outcome.suppressed_rows / max(1, self.outcome.rows)
        return f"loss {self.outcome.loss:.3f}, {share:.1%} of the rows left out"


def nothing_acceptable(table: str, counted: Counted, search: LatticeSearch) -> DisclosureRisk:
    """Return the error that names the ways out, the one of least loss first."""
    worst, demand = search.judge(search.top), counted.demand
    also = ""
    if demand.diversity:
        also += f" or with too little variety of `{demand.diversity.field}` (l={demand.diversity.l:g})"
    if demand.closeness:
        also += f" or too far from all rows in `{demand.closeness.field}` (t={demand.closeness.t:g})"
    message = (
        f"The table `{table}` has no acceptable levels: even at the coarsest {worst.suppressed_rows} of "
        f"{worst.rows} rows stand in groups below k={demand.k}{also}; {demand.suppression_limit:.1%} may be left out."
    )
    ways = find_cures(counted)
    if not ways:
        cure = "publish aggregates instead of rows, or demand less knowingly"
    else:
        first, *others = ways[:_NAMED]
        them = "it" if len(first.hidden) == 1 else "them"
        cure = f"give {first.fields} a coarser level (`*` hides a field) or drop {them}: {first.cost}"
        cure += "".join(f"; or {other.fields}: {other.cost}" for other in others)
        if worst.suppressed_rows < worst.rows:
            cure += f"; or leave out {_rounded_up(worst):.1%} of the rows knowingly (suppression_limit)"
    return DisclosureRisk(message, step="anonymise", cure=cure)


def find_cures(counted: Counted) -> list[Cure]:
    """Return the ways to acceptable levels, by loss: each field that is enough alone; if none is, fields one after the other."""
    open_axes = [axis.name for axis in counted.axes if axis.sizes[-1] > 1]
    alone = list(_found(counted, ([name] for name in open_axes)))
    if alone:
        return sorted(alone, key=lambda cure: cure.outcome.rank)
    hidden: list[str] = []
    while len(hidden) < len(open_axes):
        left = {name: _left_out(counted, [*hidden, name]) for name in open_axes if name not in hidden}
        hidden.append(min(left, key=lambda name: left[name]))
        if ways := list(_found(counted, [hidden])):
            return ways
    return []


def without(counted: Counted, names: Iterable[str]) -> Counted:
    """Return the same table with fields that say nothing: one level at which all their values are one."""
    hidden = set(names)
    axes = tuple(
        replace(axis, codes=(np.zeros_like(axis.codes[0]),)) if axis.name in hidden else axis for axis in counted.axes
    )
    maps = [np.zeros(axis.sizes[0], np.int64) if axis.name in hidden else None for axis in counted.axes]
    return replace(counted, axes=axes, groups=counted.groups.rolled_up(maps, [axis.sizes[0] for axis in axes]))


def _found(counted: Counted, choices: Iterable[list[str]]) -> Iterable[Cure]:
    for names in choices:
        changed = without(counted, names)
        outcome = LatticeSearch(changed.axes, changed.groups, counted.demand).best()
        if outcome is not None:
            yield Cure(tuple(names), outcome)


def _left_out(counted: Counted, names: list[str]) -> int:
    changed = without(counted, names)
    search = LatticeSearch(changed.axes, changed.groups, counted.demand)
    return search.judge(search.top).suppressed_rows


def _rounded_up(worst: Outcome) -> float:
    return float(np.ceil(1000 * worst.suppressed_rows / max(1, worst.rows)) / 1000)
