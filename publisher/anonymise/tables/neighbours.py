"""Which cells stand near a cell: under the same totals, crosswise, and through hidden cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from publisher.anonymise.search.groups import Codes
from publisher.anonymise.tables.demand import Bools, Floats
from publisher.anonymise.tables.linked import Linked

_MOST_TRIED = 20_000


class Neighbours:
    """The surroundings of cells, as far as these are hidden now.

    Attributes:
        up, down: for each cell the relations of which it is a part, and those of which it is the total, filled up with -1.
    """

    def __init__(self, linked: Linked, hidden: Bools, room: Floats, price: Floats) -> None:
        self._linked, self._hidden, self._room, self._price = linked, hidden, room, price
        sizes = np.diff(linked.starts)
        self.up = _padded(linked.members, np.repeat(np.arange(len(sizes)), sizes), len(linked))
        self.down = _padded(linked.parents, np.arange(len(sizes)), len(linked))

    def around(self, node: int, siblings: int, hidden: int) -> Codes:
        """Return cells that may balance a move of the given one: its siblings in all totals, theirs crosswise, and linked hidden cells."""
        codes = self._linked.codes[node][None, :]
        own = codes[0]
        for relation, is_part in self._relations(node):
            parts = self._linked.parts(relation)
            chosen = self._promising(parts[parts != node], siblings)
            others = self._linked.codes[np.append(chosen, self._linked.parents[relation]) if is_part else chosen]
            if len(codes) * (len(others) + 1) > _MOST_TRIED:
                others = others[: max(_MOST_TRIED // len(codes) - 1, 1)]
            changed = others != own
            codes = np.concatenate([codes, *(np.where(c, o, codes) for c, o in zip(changed, others, strict=True))])
        found = self._linked.find(codes)
        return np.unique(np.concatenate([found[found >= 0], self._nearby(node, hidden)]))

    def _relations(self, node: int) -> Iterator[tuple[int, bool]]:
        yield from ((int(r), True) for r in self.up[node] if r >= 0)
        yield from ((int(r), False) for r in self.down[node] if r >= 0)

    def _promising(self, cells: Codes, number: int) -> Codes:
        """Return the hidden cells with the most room and the cheapest visible ones, so many of each."""
        hidden, visible = cells[self._hidden[cells]], cells[~self._hidden[cells]]
        return np.concatenate(
            [_least(hidden, -self._room[hidden], number), _least(visible, self._price[visible], number)]
        )

    def _nearby(self, node: int, number: int) -> Codes:
        """Return hidden cells linked to the given one through hidden cells, the nearest first."""
        found = {node: None}
        waiting = [node]
        for one in waiting:
            for relation, _ in self._relations(one):
                parts = self._linked.parts(relation)
                members = np.append(parts, self._linked.parents[relation])
                near = members[self._hidden[members]]
                for other in _least(near, -self._room[near], 12).tolist():
                    if other not in found:
                        found[other] = None
                        waiting.append(other)
                if len(found) >= number:
                    return np.array(list(found), np.int64)
        return np.array(list(found), np.int64)

    def hidden_with(self, node: int) -> Codes:
        """Return all hidden cells that are linked to the given one through hidden cells."""
        found = {node: None}
        waiting = [node]
        asked: set[int] = set()
        for one in waiting:
            for relation, _ in self._relations(one):
                if relation not in asked:
                    asked.add(relation)
                    members = np.append(self._linked.parts(relation), self._linked.parents[relation])
                    fresh = [other for other in members[self._hidden[members]].tolist() if other not in found]
                    found.update(dict.fromkeys(fresh))
                    waiting.extend(fresh)
        return np.unique(np.array(list(found), np.int64))

    def all_linked(self, node: int) -> Codes:
        seen = np.zeros(len(self._linked), np.bool_)
        seen[node] = True
        sizes = np.diff(self._linked.starts)
        of = np.repeat(np.arange(len(sizes)), sizes)
        number = 0
        while number < (number := int(seen.sum())):
            touched = seen[self._linked.parents].copy()
            touched[of[seen[self._linked.members]]] = True
            seen[self._linked.parents[touched]] = True
            seen[self._linked.members[touched[of]]] = True
        return np.flatnonzero(seen)


def _padded(nodes: Codes, relations: Codes, length: int) -> Codes:
    """Return for each cell the relations it stands in, as one row of a matrix, filled up with -1."""
    order = np.argsort(nodes, kind="stable")
    counts = np.bincount(nodes, minlength=length)
    table = np.full((length, max(int(counts.max(initial=0)), 1)), -1, np.int64)
    place = np.arange(len(nodes)) - np.repeat(np.cumsum(counts) - counts, counts)
    table[nodes[order], place] = relations[order]
    return table


def _least(cells: Codes, by: Floats, number: int) -> Codes:
    """Return so many cells with the least values, by their numbers where these are equal."""
    if len(cells) > number:
        cells = cells[np.lexsort([cells, by])[:number]]
    return cells
