"""Companions for hidden cells, until what is published leaves each of them an interval as wide as the policy asks.

Two steps, both deterministic. First every total that covers hidden cells gets enough of them, the cheapest first. Then each hidden cell is
proven safe by a counter-example: other whole numbers in the hidden cells that add up to the same published ones, found by a small
linear program around the cell. A program may also use visible cells at their price; those it uses are hidden too. One counter-example
proves many cells at once, and stays valid whatever is hidden later. (The programs are those of Fischetti and Salazar 2000, the
attacker's feasibility interval that of the Handbook on Statistical Disclosure Control, 4.4.)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from publisher.anonymise.search.groups import Codes
from publisher.anonymise.tables.demand import Bools, Demand, Floats, Totals
from publisher.anonymise.tables.linked import Linked
from publisher.anonymise.tables.neighbours import Neighbours
from publisher.anonymise.tables.programs import Program, Solver

_LEVELS = ((2, 30), (6, 120), (20, 600))
"""How many siblings for each total, and how many hidden cells beside them, a program looks at; then all that is linked."""
_MOST_ALONE = 12_000
"""How many cells may need a program of their own (some 8 ms each): in tables of four fields and more these grow too many."""
_FEW_TOGETHER, _MOST_TOGETHER = 50, 30_000
"""Linked hidden cells that are worth one program for all, and those that are too many for it."""
_WORTHWHILE, _MOST_TRIES = 0.01, 5
_REACH = 8
"""How many widths a cell may move in a counter-example."""


class TooManyCells(Exception):  # noqa: N818  it is what is wrong
    """More cells need a counter-example of their own than can be found in good time."""


class Protection:
    """Hides further cells of a linked system, in place, until its demand is met."""

    def __init__(self, linked: Linked, demand: Demand, hidden: Bools, solver: Solver) -> None:
        self._linked, self._demand, self._solver = linked, demand, solver
        self.hidden = hidden
        self._room = np.where(linked.dead, 0, np.maximum(demand.values - demand.floor, 0))
        self._price = 1 + np.log2(1 + np.abs(demand.values))
        nothing = np.zeros(len(linked))
        self._below = nothing if demand.below is None else np.minimum(demand.below, self._room)
        self._above = nothing if demand.above is None else np.where(linked.dead, 0, demand.above)
        self._near = Neighbours(linked, hidden, self._room, self._price)
        self._up, self._down = self._near.up, self._near.down
        self._totals = Totals(len(linked.parents))
        alone = (self._up[:, 0] < 0) & (self._down[:, 0] < 0)
        self._low, self._high = np.zeros(len(linked)), np.where(alone, demand.width, 0.0)
        self._dirty: dict[int, None] = {}
        self._alone = 0
        for node in np.flatnonzero(hidden):
            self._account(int(node))

    def run(self) -> None:
        """Hide what is needed.

        Raises:
            TooManyCells: it would take too long.
        """
        while True:
            if self._demand.above is None:
                self._give_company()
                self._prove_together()
            if self._alone + int(self._is_open().sum()) > _MOST_ALONE:
                raise TooManyCells
            for node in self._unproven():
                self._prove(node)
                self._alone += 1
                if self._alone > _MOST_ALONE:
                    raise TooManyCells
            if self._demand.above is not None or not self._dirty:
                return

    def reach_of(self, node: int) -> float:
        """Return how far a hidden cell may rise, at most its width, when hidden cells may all be zero."""
        around = self._near.hidden_with(node)
        width = self._demand.width.max()
        room = np.where(self._linked.dead[around], 0, self._demand.values[around])
        upper = np.where(self._linked.dead[around], 0.0, _REACH * width)
        place = int(np.flatnonzero(around == node)[0])
        cost = np.zeros(len(around))
        cost[place], upper[place] = -1.0, width
        starts, members, factors = self._rows(around, np.zeros(0, np.int64))
        program = Program(cost, -np.minimum(room, _REACH * width), upper, starts, members, factors)
        found = self._solver.solve(program, whole=False)
        return float(found[place]) if found is not None else float(width)

    def demand_of(self, node: int, width: float) -> None:
        """Ask for an interval for one more cell; `run` gives it."""
        self._demand.width[node] = width
        self._account_again(node)

    @property
    def is_done(self) -> bool:
        """Tell whether nothing was hidden since the last run."""
        return not self._dirty

    def hide(self, node: int) -> None:
        """Hide one more cell; `run` gives it companions."""
        self.hidden[node] = True
        self._account(node)

    def _account(self, node: int) -> None:
        demand, above = self._demand, self._up[node]
        above = above[above >= 0]
        self._totals.add(above, room=self._room[node], width=demand.width[node], rest=demand.values[node])
        self._totals.add_units(above, units=int(demand.units[node]), least=int(demand.least[node]))
        below = self._down[node]
        self._dirty.update(dict.fromkeys([*above.tolist(), *below[below >= 0].tolist()]))

    def _account_again(self, node: int) -> None:
        above = self._up[node][self._up[node] >= 0]
        self._totals.need[above] = np.maximum(self._totals.need[above], self._demand.width[node])
        self._dirty.update(dict.fromkeys(above.tolist()))

    # first: enough hidden cells under every total

    def _give_company(self) -> None:
        while self._dirty:
            relation = next(iter(self._dirty))
            if self._is_short(relation):
                self.hide(self._cheapest(relation))
            else:
                del self._dirty[relation]

    def _is_short(self, relation: int) -> bool:
        parent, totals = self._linked.parents[relation], self._totals
        if self.hidden[parent]:
            return bool(totals.number[relation] == 0 and self._demand.width[parent] > 0)
        if totals.need[relation] == 0:
            return False
        together = totals.rest[relation] if self._demand.additive else totals.largest[relation]
        few = totals.rest[relation] > 0 and together < totals.least[relation]
        return bool(few or totals.room[relation] < totals.need[relation])

    def _cheapest(self, relation: int) -> int:
        parts = self._linked.parts(relation)
        parent = self._linked.parents[relation]
        choice = np.append(parts, parent)
        choice = choice[~self.hidden[choice] & ~self._linked.dead[choice]]
        room, width = self._room[choice], self._demand.width[choice]
        above = self._up[choice]
        after = self._totals.room[above] + room[:, None]
        needed = np.maximum(self._totals.need[above], width[:, None])
        is_open = (above >= 0) & (above != relation) & ~self.hidden[self._linked.parents[above]]
        below = self._down[choice]
        missing = ((after < needed) & is_open).sum(axis=1) + ((below >= 0) & (self._totals.number[below] == 0)).sum(
            axis=1
        )
        missing += (self._totals.room[relation] + room < self._totals.need[relation]) & (choice != parent)
        return int(choice[np.argmin(self._price[choice] * (1 + missing))])

    # then: a counter-example for every hidden cell

    def _unproven(self) -> Iterator[int]:
        """Yield the cells that are not proven yet, also those that are hidden meanwhile."""
        while len(open_ := np.flatnonzero(self._is_open())):
            for node in open_:
                if self._high[node] - self._low[node] < self._demand.width[node] - 1e-6:
                    yield int(node)

    def _is_open(self) -> Bools:
        """Tell of which cells an interval is asked that is not proven yet."""
        asked = self.hidden if self._demand.above is None else self.hidden | (self._demand.width > 0)
        return np.asarray(asked & (self._high - self._low < self._demand.width - 1e-6))

    def _prove_together(self) -> None:
        """Prove as many hidden cells as possible by few large programs over what is hidden already: many rise, the others give way."""
        seen = np.zeros(len(self.hidden), np.bool_)
        for node in np.flatnonzero(self.hidden & (self._demand.width > 0)).tolist():
            if seen[node]:
                continue
            around = self._near.hidden_with(node)
            seen[around] = True
            if not _FEW_TOGETHER <= len(around) <= _MOST_TOGETHER:
                continue
            tries = 0
            while tries < _MOST_TRIES:
                if self._rise(around, tries) <= len(around) * _WORTHWHILE:
                    tries += 1

    def _rise(self, around: Codes, part: int) -> int:
        """Let as many open cells rise as the others allow; return how many are proven by it, none when they move by fractions.

        The first part is all of them, each other part about half of them, since another program may well end in whole numbers.
        """
        demand = self._demand
        goal = self._low[around] + demand.width[around]
        open_ = self._high[around] < goal
        if part:
            open_ &= (around * 2654435761 >> (part + 6)) & 1 == 1
        reach = _REACH * demand.width.max()
        upper = np.where(open_, goal, reach)
        starts, members, factors = self._rows(around, np.zeros(0, np.int64))
        lower = -np.minimum(self._room[around], reach)
        found = self._solver.solve(
            Program(-open_.astype(np.float64), lower, upper, starts, members, factors), whole=False
        )
        if found is None or (demand.whole and (np.abs(found - np.round(found)) > 1e-6).any()):
            return 0
        moved = np.round(found) if demand.whole else found
        self._low[around] = np.minimum(self._low[around], moved)
        self._high[around] = np.maximum(self._high[around], moved)
        return int((open_ & (self._high[around] - self._low[around] >= demand.width[around] - 1e-6)).sum())

    def _prove(self, node: int) -> None:
        for siblings, hidden in _LEVELS:
            if self._move(node, self._near.around(node, siblings, hidden)):
                return
        everything = self._near.all_linked(node)
        if self._move(node, everything):
            return
        for other in everything[
            ~self.hidden[everything] & ~self._linked.dead[everything]
        ]:  # nothing but silence is left
            self.hide(int(other))
        if not self._move(node, everything):
            raise AssertionError("a system without published cells leaves every cell open")

    def _move(self, node: int, around: Codes) -> bool:
        """Find counter-examples that move a cell as far as it must, hide the visible cells they use; tell whether there are."""
        width = self._demand.width[node]
        aims = [self._low[node] + width]
        if self._high[node] - width >= -self._room[node]:
            aims.append(self._high[node] - width)
        best: tuple[float, Floats] | None = None
        for aim in aims:
            moved = self._solution(node, around, aim)
            if moved is None:
                continue
            used = self._shown(around, moved)
            price = float(self._price[around[used]].sum())
            if best is None or price < best[0]:
                best = price, moved
            if price == 0:
                break
        if best is None:
            return False
        moved = best[1]
        for other in around[self._shown(around, moved)]:
            self.hide(int(other))
        self._low[around] = np.minimum(self._low[around], moved)
        self._high[around] = np.maximum(self._high[around], moved)
        return True

    def _shown(self, around: Codes, moved: Floats) -> Bools:
        """Return the cells that what is published of them does not let move so far."""
        beyond = (moved > self._above[around] + 1e-6) | (moved < -self._below[around] - 1e-6)
        return np.asarray(beyond & ~self.hidden[around])

    def _solution(self, node: int, around: Codes, aim: float) -> Floats | None:
        """Return how far each cell moves in the cheapest counter-example that moves the given one as far as the aim."""
        seen = self.hidden[around]
        reach = _REACH * self._demand.width[node]
        room = np.minimum(self._room[around], reach)
        visible = np.flatnonzero(~seen & ~self._linked.dead[around] & (around != node))
        goal = self._low[around] + self._demand.width[around]
        open_ = self._high[around] < goal
        lower = np.where(seen, -room, -self._below[around])
        upper = np.where(seen, np.where(open_, np.minimum(goal, reach), reach), self._above[around])
        place = int(np.flatnonzero(around == node)[0])
        lower[place] = upper[place] = aim
        starts, members, factors = self._rows(around, visible)
        price = self._price[around][visible]
        program = Program(
            cost=np.concatenate([open_ * -0.2 / len(around), price, price]),
            lower=np.concatenate([lower, np.zeros(2 * len(visible))]),
            upper=np.concatenate([upper, np.full(len(visible), reach), room[visible]]),
            starts=starts,
            members=members,
            factors=factors,
        )
        found = self._solver.solve(program, whole=self._demand.whole)
        if found is None:
            return None
        moved = found[: len(around)].copy()
        moved[visible] += found[len(around) :][: len(visible)] - found[len(around) + len(visible) :]
        return moved

    def _rows(self, around: Codes, visible: Codes) -> tuple[Codes, Codes, Floats]:
        """Return the totals that the cells have a part in; beyond what is published a visible one goes up and down in columns of its own."""
        pieces = []
        behind = len(around) + len(visible)
        for columns, first, factor in (
            (np.arange(len(around)), 0, 1.0),
            (visible, len(around), 1.0),
            (visible, behind, -1.0),
        ):
            for table, sign in ((self._up, 1.0), (self._down, -1.0)):
                rows = table[around[columns]]
                here, _ = np.nonzero(rows >= 0)
                pieces.append((rows[rows >= 0], here + first, np.full(len(here), sign * factor)))
        rows, members, factors = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        order = np.argsort(rows, kind="stable")
        starts = np.append(np.flatnonzero(np.diff(rows[order], prepend=-1)), len(rows))
        return starts, members[order], factors[order]
