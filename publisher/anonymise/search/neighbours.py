"""What a policy would cost if it were a little different: other k, other limits, one field finer, coarser or dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from publisher.anonymise.search.cures import without
from publisher.anonymise.search.lattice import LatticeSearch, Node, Outcome
from publisher.anonymise.search.microdata import Counted

_LADDER = (2, 3, 5, 10, 15, 20, 30, 50, 100)
_NARROWEST = 0.01
"""The limit that stands beside one of 0, in the place of twice the limit."""


@dataclass(frozen=True)
class Neighbour:
    """One change of the policy and its outcome; null when no levels are acceptable then.

    A field is the change's own when `field` names it: at another level than the best (`level`), or dropped (no level), in which
    case it counts as lost in full. Otherwise the levels are the best ones under the changed demand.
    """

    change: str
    outcome: Outcome | None
    field: str | None = None
    level: int | None = None


def neighbours_of(counted: Counted, best: Outcome) -> Iterator[Neighbour]:
    """Yield the neighbours of a policy whose best levels are known: k, limit, then each field."""
    demand = counted.demand
    lower = [k for k in _LADDER if k < demand.k][-1:]
    higher = [k for k in _LADDER if k > demand.k][:1]
    for k in (*lower, *higher):
        yield Neighbour(f"k={k}", _best(replace(counted, demand=replace(demand, k=k))))
    for limit in _limits(demand.suppression_limit):
        changed = replace(counted, demand=replace(demand, suppression_limit=limit))
        yield Neighbour(f"suppression_limit={limit:g}", _best(changed))
    search = LatticeSearch(counted.axes, counted.groups, demand)
    for place, axis in enumerate(counted.axes):
        for step, word in ((-1, "finer"), (1, "coarser")):
            level = best.levels[place] + step
            if 0 <= level < len(axis.codes):
                outcome = search.judge(_stepped(best.levels, place, level))
                yield Neighbour(f"{axis.name} {word}", outcome, axis.name, level)
        yield Neighbour(f"{axis.name} dropped", _best(without(counted, [axis.name])), axis.name)


def _limits(limit: float) -> list[float]:
    others = [0.0, min(1.0, 2 * limit)] if limit else [_NARROWEST]
    return [other for other in others if other != limit]


def _best(counted: Counted) -> Outcome | None:
    return LatticeSearch(counted.axes, counted.groups, counted.demand).best()


def _stepped(levels: Node, place: int, level: int) -> Node:
    return (*levels[:place], level, *levels[place + 1 :])
