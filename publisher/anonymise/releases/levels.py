"""The levels of a table whose rows are public already: those of the newest release, for only classes of equal levels can be compared."""

from __future__ import annotations

from publisher.anonymise.plan import Plan
from publisher.anonymise.search.counting import CombinationCounter
from publisher.anonymise.search.lattice import LatticeSearch
from publisher.anonymise.search.microdata import Choice, choice_at, choose_levels, counted_groups
from publisher.earlier import Earlier
from publisher.errors import DisclosureRisk
from publisher.policy import Microdata


def choose_levels_beside(
    counter: CombinationCounter, plan: Plan, microdata: Microdata, earlier: Earlier | None
) -> Choice:
    """Return the levels of the newest release, or the best ones where there is none of today's quasi-identifiers and levels.

    Raises:
        DisclosureRisk: no levels are acceptable, or those of the newest release no longer are.
    """
    levels = _earlier_levels(plan, earlier) if earlier else None
    if levels is None:
        return choose_levels(counter, plan, microdata)
    counted = counted_groups(counter, plan, microdata)
    search = LatticeSearch(counted.axes, counted.groups, counted.demand)
    outcome = search.judge(levels)
    if not outcome.passes:
        share = outcome.suppressed_rows / outcome.rows if outcome.rows else 0.0
        raise DisclosureRisk(
            f"At the levels of its earlier releases the table `{plan.table.name}` is not acceptable any more: {share:.1%} of the rows "
            f"stand in classes that may not leave, {microdata.suppression_limit:.1%} may be left out.",
            step="anonymise",
            cure="raise `suppression_limit` knowingly; or withdraw the earlier releases with `phusa withdraw` and begin anew, for "
            "classes of other levels could be subtracted from those that are public",
        )
    return choice_at(outcome, search, counted, plan)


def _earlier_levels(plan: Plan, earlier: Earlier) -> tuple[int, ...] | None:
    """Return the level of each quasi-identifier in the newest release; null when one of them is not told or not one of today's."""
    told = earlier.report_of(plan.table.name).get("levels") or {}
    names = [plan.treatments[name].levels for name in plan.quasi]
    known = [told.get(name) in levels for name, levels in zip(plan.quasi, names, strict=True)]
    if not plan.quasi or not all(known) or set(told) != set(plan.quasi):
        return None
    return tuple(levels.index(told[name]) for name, levels in zip(plan.quasi, names, strict=True))
