"""The cells of all aggregated tables of one source as one system: equal cells are one, and every total is the sum of its parts.

Two tables are linked wherever both group by some field, also when neither publishes the totals by that field: such totals stand
here as cells that nobody sees. Where one field follows from another (a ward's name from its code, a sector from its trade),
grouping by the one is grouping by both, so that tables are linked through either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.search.groups import Codes, weigh
from publisher.anonymise.tables.cells import ALL, Cells, different, patterns_of
from publisher.formats.rows import column_to_text

Pairs = Mapping[tuple[str, str], pa.Table]
"""For pairs of fields that no table groups by together: the values that occur together, as columns of texts."""


@dataclass(frozen=True)
class Together:
    """What is asked of the rows themselves: pairs of values, and the counts `n` by all fields of tables that link in a ring.

    Three tables of two fields each, a by b, b by c and c by a, tell more together than any two of them: that they are totals of one
    table of three fields, in which nobody is counted less than not at all. Null where tables form no ring.
    """

    pairs: Pairs
    joint: pa.Table | None = None


_MOST_JOINT = 20_000
_MOST_GROUPINGS = 256


@dataclass(frozen=True)
class Linked:
    """Cells by number, and relations between them.

    Attributes:
        codes: for each cell and field its code, -1 where it sums over the field.
        rows: source rows in each cell.
        places: for each table the number of each of its cells.
        published: whether some table publishes the cell's grouping.
        dead: whether everybody can see that the cell is empty, since it or all its parts are not listed somewhere.
        parents: the total of each relation; `members` holds its parts, those of relation r from `starts[r]` to `starts[r + 1]`.
        find: gives the number of the cells with some codes, -1 where there is none.
    """

    codes: npt.NDArray[np.int64]
    rows: Codes
    places: tuple[Codes, ...]
    published: npt.NDArray[np.bool_]
    dead: npt.NDArray[np.bool_]
    parents: Codes
    members: Codes
    starts: Codes
    find: Callable[[npt.NDArray[np.int64]], Codes]

    def __len__(self) -> int:
        return len(self.rows)

    def parts(self, relation: int) -> Codes:
        """Return the parts of a total."""
        return self.members[self.starts[relation] : self.starts[relation + 1]]


class Fields:
    """The fields that tables group by: their codes over all tables, and which follow from which."""

    def __init__(self, tables: Sequence[Cells], pairs: Pairs) -> None:
        self.names = sorted({name for cells in tables for name in cells.aggregate.group_by})
        self._texts: dict[str, pa.Array] = {}
        for name in self.names:
            found = [
                column_to_text(cells.domains[cells.aggregate.group_by.index(name)])
                for cells in tables
                if name in cells.aggregate.group_by
            ]
            self._texts[name] = pa.concat_arrays(found).unique()
        self._follow = self._determined(tables, pairs)

    def codes(self, cells: Cells) -> npt.NDArray[np.int64]:
        """Return the codes of a table's cells over all fields, those that follow filled in."""
        by = cells.aggregate.group_by
        codes = np.full((len(cells.rows), len(self.names)), ALL, np.int64)
        for place, name in enumerate(by):
            over_all = np.append(self._find(name, column_to_text(cells.domains[place])), ALL)
            codes[:, self.names.index(name)] = over_all[cells.codes[:, place]]
        return self._filled(codes)

    def codes_of(self, texts: pa.Table) -> npt.NDArray[np.int64]:
        """Return the codes of combinations of texts over all fields, those that follow filled in."""
        codes = np.full((texts.num_rows, len(self.names)), ALL, np.int64)
        for name in texts.column_names:
            codes[:, self.names.index(name)] = self._find(name, texts[name].combine_chunks())
        return self._filled(codes)

    def _find(self, name: str, texts: pa.Array) -> Codes:
        return np.asarray(pc.index_in(texts, value_set=self._texts[name]).to_numpy(zero_copy_only=False), np.int64)

    def _filled(self, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        for _ in self.names:  # what follows may be followed by more
            for (one, other), following in self._follow.items():
                here, there = self.names.index(one), self.names.index(other)
                open_ = (codes[:, here] != ALL) & (codes[:, there] == ALL)
                codes[open_, there] = following[codes[open_, here]]
        return codes

    def _determined(self, tables: Sequence[Cells], pairs: Pairs) -> dict[tuple[str, str], Codes]:
        follow = {}
        for one, other in permutations(self.names, 2):
            together = self._together(one, other, tables, pairs)
            action = tables[0].published.source.privacy.action_of(other)
            if together is None or "sensitive" in {action.role, action.class_}:
                continue  # what is sensitive is never taken for known
            seen = together[different(together)[0]]
            if len(seen) == len(np.unique(seen[:, 0])):
                following = np.full(len(self._texts[one]), ALL, np.int64)
                following[seen[:, 0]] = seen[:, 1]
                follow[one, other] = following
        return follow

    def _together(self, one: str, other: str, tables: Sequence[Cells], pairs: Pairs) -> npt.NDArray[np.int64] | None:
        """Return the codes of two fields wherever both occur in one row of the source."""
        for cells in tables:
            by = cells.aggregate.group_by
            if one in by and other in by:
                stand = (
                    (cells.rows > 0) & (cells.codes[:, by.index(one)] != ALL) & (cells.codes[:, by.index(other)] != ALL)
                )
                return np.asarray(self._plain(cells, [one, other])[stand])
        table = pairs.get((one, other), pairs.get((other, one)))
        if table is None:
            return None
        return np.stack([self._find(name, table[name].combine_chunks()) for name in (one, other)], axis=1)

    def _plain(self, cells: Cells, names: list[str]) -> npt.NDArray[np.int64]:
        by = cells.aggregate.group_by
        found = [
            np.append(self._find(name, column_to_text(cells.domains[by.index(name)])), ALL)[
                cells.codes[:, by.index(name)]
            ]
            for name in names
        ]
        return np.stack(found, axis=1)


def apart(tables: Sequence[Cells]) -> list[tuple[str, str]]:
    """Return the pairs of fields that tables group by, but no table by both."""
    grouped = [set(cells.aggregate.group_by) for cells in tables]
    names = sorted(set().union(*grouped))
    return [pair for pair in combinations(names, 2) if not any(set(pair) <= by for by in grouped)]


def ring(tables: Sequence[Cells]) -> list[str]:
    """Return the fields of tables that link in a ring, nothing where none do.

    (The reduction of Graham, Yu and Özsoyoğlu: what is left of an acyclic hypergraph is nothing.)
    """
    edges = {frozenset(cells.aggregate.group_by) for cells in tables}
    before: set[frozenset[str]] = set()
    while edges != before:
        before = edges
        shared = {name for name in set().union(*edges) if sum(name in edge for edge in edges) > 1}
        reduced = {edge & shared for edge in edges}
        edges = {edge for edge in reduced if edge and not any(edge < other for other in reduced)}
    return sorted(set().union(*edges))


def link(tables: Sequence[Cells], together: Together) -> Linked:
    """Return the cells of some tables of one source, and how they add up."""
    fields = Fields(tables, together.pairs)
    codes = [fields.codes(cells) for cells in tables]
    known, rows = np.concatenate(codes), np.concatenate([cells.rows for cells in tables])
    published = set(patterns_of(known))
    joint = _joint(fields, known, together.joint)
    patterns = _with_common(published | set(patterns_of(joint[0])))
    system = _System(np.concatenate([known, joint[0]]), np.concatenate([rows, joint[1]]))
    for fine, coarse in _steps(patterns):
        system.add_totals(np.array(fine), np.array(coarse), listed=coarse in published)
    steps = [(np.array(fine), np.array(coarse)) for fine, coarse in _steps(patterns)]
    relations = [system.relation(fine, coarse) for fine, coarse in steps]
    places = tuple(system.find(one) for one in codes)
    sizes = np.concatenate([np.zeros(1, np.int64), *(counts for _, _, counts in relations)])
    return Linked(
        codes=system.codes,
        rows=system.rows,
        places=places,
        published=np.array([tuple(row) in published for row in (system.codes != ALL).tolist()], np.bool_),
        dead=system.dead(steps, relations, np.concatenate(places)),
        parents=np.concatenate([np.zeros(0, np.int64), *(parents for parents, _, _ in relations)]),
        members=np.concatenate([np.zeros(0, np.int64), *(members for _, members, _ in relations)]),
        starts=np.cumsum(sizes),
        find=system.find,
    )


Pattern = tuple[bool, ...]


def _joint(
    fields: Fields, known: npt.NDArray[np.int64], counted: pa.Table | None
) -> tuple[npt.NDArray[np.int64], Codes]:
    """Return the cells that nobody sees of which all tables of a ring are totals: those that their lists allow, with their rows.

    Nothing where there is no ring, or where they are too many to be reckoned with.
    """
    nothing = np.zeros((0, known.shape[1]), np.int64), np.zeros(0, np.int64)
    if counted is None:
        return nothing
    names = [name for name in counted.column_names if name != "n"]
    true = fields.codes_of(counted.select(names))
    inside = (true != ALL).all(axis=0)
    patterns = [np.array(one) & inside for one in patterns_of(known)]
    cells = np.full((1, known.shape[1]), ALL, np.int64)
    for pattern in sorted(patterns, key=lambda one: -int(one.sum())):
        listed = known[((known != ALL) & inside == pattern).all(axis=1)]
        listed = np.where(pattern, listed, ALL)
        cells = _joined(cells, listed[different(listed)[0]])
        if len(cells) > _MOST_JOINT:
            return nothing
    system = _System(cells, np.zeros(len(cells), np.int64))
    number = np.zeros(len(system.codes), np.int64)
    np.add.at(number, system.find(true), np.asarray(counted["n"].to_numpy(), np.int64))
    return system.codes, number


def _joined(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return all combinations of two lists of cells that agree wherever both say something."""
    found = []
    for codes in other:
        agrees = ((one == codes) | (one == ALL) | (codes == ALL)).all(axis=1)
        found.append(np.where(codes == ALL, one[agrees], codes))
        if sum(map(len, found)) > _MOST_JOINT:
            break
    return np.concatenate(found) if found else one[:0]


def _with_common(published: set[Pattern]) -> list[Pattern]:
    """Return the groupings with those that two of them have in common, fine before coarse."""
    patterns = set(published)
    fresh = patterns
    while fresh and len(patterns) < _MOST_GROUPINGS:
        common = {tuple(a and b for a, b in zip(one, other, strict=True)) for one in fresh for other in patterns}
        fresh = common - patterns
        patterns |= fresh
    return sorted(patterns, key=lambda pattern: (-sum(pattern), pattern))


def _steps(patterns: Sequence[Pattern]) -> Iterator[tuple[Pattern, Pattern]]:
    """Yield each grouping with the next coarser ones that it is summed up to, from fine to coarse."""
    for fine in patterns:
        below = [one for one in patterns if one != fine and _within(one, fine)]
        for coarse in below:
            if not any(other != coarse and _within(coarse, other) for other in below):
                yield fine, coarse


def _within(coarse: Pattern, fine: Pattern) -> bool:
    return all(f or not c for c, f in zip(coarse, fine, strict=True))


class _System:
    """Cells by number, found by their codes."""

    def __init__(self, codes: npt.NDArray[np.int64], rows: Codes) -> None:
        self._factors = _factors(codes.shape[1])
        first, _ = different(codes)
        self.codes, self.rows = codes[first], rows[first]
        self._index()

    def _index(self) -> None:
        keys = self._keys(self.codes)
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def _keys(self, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        with np.errstate(over="ignore"):
            return np.asarray(((codes + 2).astype(np.uint64) * self._factors).sum(axis=1, dtype=np.uint64))

    def find(self, codes: npt.NDArray[np.int64]) -> Codes:
        """Return the number of each cell, -1 where there is none."""
        keys = self._keys(codes)
        place = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        found = self._order[place]
        return np.asarray(np.where((self.codes[found] == codes).all(axis=1), found, -1), np.int64)

    def add_totals(self, fine: npt.NDArray[np.bool_], coarse: npt.NDArray[np.bool_], *, listed: bool) -> None:
        """Add the totals of a grouping that are not there yet: unseen ones, and those of which nobody is listed (they are zero)."""
        children = self._of(fine)
        above = np.where(coarse, self.codes[children], ALL)
        first, members = different(above)
        totals, sums = above[first], weigh(members, self.rows[children], len(first))
        absent = self.find(totals) < 0
        if absent.any():
            self.codes = np.concatenate([self.codes, totals[absent]])
            self.rows = np.concatenate([self.rows, np.zeros(int(absent.sum()), np.int64) if listed else sums[absent]])
            self._index()

    def relation(self, fine: npt.NDArray[np.bool_], coarse: npt.NDArray[np.bool_]) -> tuple[Codes, Codes, Codes]:
        """Return the totals of a grouping that have parts in a finer one, their parts, and how many each has."""
        children = self._of(fine)
        above = self.find(np.where(coarse, self.codes[children], ALL))
        order = np.argsort(above, kind="stable")
        parents, counts = np.unique(above, return_counts=True)
        return parents, children[order], counts

    def dead(
        self,
        steps: Sequence[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]],
        relations: Sequence[tuple[Codes, Codes, Codes]],
        listed: Codes,
    ) -> npt.NDArray[np.bool_]:
        """Return the cells that are visibly empty: totals that no table lists, and those that lack parts in a finer grouping."""
        dead = self.rows == 0
        dead[listed] = False
        for (_, coarse), (parents, _, _) in zip(steps, relations, strict=True):
            dead[np.setdiff1d(self._of(coarse), parents)] = True
        return np.asarray(dead)

    def _of(self, pattern: npt.NDArray[np.bool_]) -> Codes:
        return np.flatnonzero(((self.codes != ALL) == pattern).all(axis=1))


def _factors(number: int) -> npt.NDArray[np.uint64]:
    """Return odd factors that spread codes over 64 bits (the steps of a Weyl sequence, mixed as in SplitMix64)."""
    with np.errstate(over="ignore"):
        z = (np.arange(1, number + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))) | np.uint64(1)
