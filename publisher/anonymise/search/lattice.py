"""Optimal global recoding: the levels of least loss under which enough units share every combination of quasi-identifiers.

A node is one level for each quasi-identifier. Rows in classes that are too small never grow in number when a level is raised, with or
without a suppression limit, units or distinct l-diversity; so a node that fails fails everything below it, and one that passes passes
everything above it. Nodes are visited by a lower bound of their loss (marginal NCP; a suppressed row costs 1, which is never less), paths
of untagged nodes are bisected, and class tables are rolled up from a finer node's table. Complete enumeration must find the same optimum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from publisher.anonymise.search.groups import Classes, Codes, Groups, classes_of, merge
from publisher.errors import DescriptorError

Node = tuple[int, ...]

LARGEST_LATTICE = 2_000_000
_CACHED_GROUPS = 40_000_000
_SAME = 1e-12


@dataclass(frozen=True)
class Axis:
    """One quasi-identifier: for each level, fine to coarse, the code of every leaf of its domain."""

    name: str
    codes: tuple[Codes, ...]

    @cached_property
    def ncp(self) -> tuple[npt.NDArray[np.float64], ...]:
        """Return for each level what one cell of each code loses: 0 for a leaf of its own, 1 for the whole domain."""
        others = max(1, len(self.codes[0]) - 1)
        return tuple((np.bincount(codes) - 1) / others for codes in self.codes)

    def climb(self, start: int, end: int) -> Codes:
        """Return the code at the level `end` of each code at the level `start`."""
        step = np.zeros(int(self.codes[start].max(initial=0)) + 1, np.int64)
        step[self.codes[start]] = self.codes[end]
        return step


@dataclass(frozen=True)
class Demand:
    """What every class must have, and the share of rows that may be left out for it."""

    k: int
    suppression_limit: float
    diversity: int = 1


@dataclass(frozen=True)
class Outcome:
    """One node judged: its loss is the mean NCP over quasi-identifier cells, a suppressed row counting 1."""

    levels: Node
    passes: bool
    loss: float
    suppressed_rows: int
    classes: int
    smallest_class: int
    discernibility: int
    rows: int

    @property
    def average_class_size(self) -> float:
        """Return rows left for each class left; 0 when none is left."""
        return (self.rows - self.suppressed_rows) / self.classes if self.classes else 0.0

    @property
    def rank(self) -> tuple[float, int, Node]:
        """Return the order of preference: loss, then discernibility, then the levels themselves."""
        return (round(self.loss, 12), self.discernibility, self.levels)


def too_small(classes: Classes, demand: Demand) -> npt.NDArray[np.bool_]:
    """Return which classes miss the demand."""
    small = classes.units < demand.k
    return small if classes.diversity is None else small | (classes.diversity < demand.diversity)


class LatticeSearch:
    """The search over one table's group counts; `nodes_checked` tells how many nodes were counted."""

    def __init__(self, axes: tuple[Axis, ...], groups: Groups, demand: Demand) -> None:
        self._axes = axes
        self._demand = demand
        self.shape = tuple(len(axis.codes) for axis in axes)
        if np.prod(self.shape, dtype=float) > LARGEST_LATTICE:
            raise DescriptorError(
                f"The quasi-identifiers span {np.prod(self.shape, dtype=float):.0f} combinations of levels, "
                f"{LARGEST_LATTICE} are the most.",
                cure="name fewer levels or fewer quasi-identifiers",
            )
        self._tables: dict[Node, Groups] = {(0,) * len(axes): groups}
        self._judged: dict[Node, Outcome] = {}
        self._fails = np.zeros(self.shape, bool)
        self._passes = np.zeros(self.shape, bool)
        self._bound = self._lower_bounds(groups)
        self._best: Outcome | None = None

    @property
    def nodes_checked(self) -> int:
        """Return the number of nodes whose classes were counted."""
        return len(self._judged)

    @property
    def top(self) -> Node:
        """Return the node of the coarsest levels."""
        return tuple(size - 1 for size in self.shape)

    def best(self) -> Outcome | None:
        """Return the acceptable node of least loss; null when even the coarsest levels are not acceptable."""
        self._visit((0,) * len(self.shape))
        for place in np.argsort(self._bound, axis=None, kind="stable"):
            node = tuple(int(level) for level in np.unravel_index(place, self.shape))
            if self._best and self._bound[node] > self._best.loss + _SAME:
                break
            if self._fails[node]:
                continue
            if not self._passes[node]:
                self._bisect(self._path_from(node))
            if not self._fails[node]:
                self._visit(node)
        return self._best

    def judge(self, node: Node) -> Outcome:
        """Return whether the node is acceptable and what it loses."""
        if node not in self._judged:
            self._judged[node] = self._count(node)
        return self._judged[node]

    def table(self, node: Node) -> Groups:
        """Return the group counts at a node, rolled up from the smallest table kept of a finer node."""
        if node not in self._tables:
            below = (known for known in self._tables if all(a <= b for a, b in zip(known, node, strict=True)))
            start = min(below, key=lambda known: len(self._tables[known]))
            source = self._tables[start]
            steps = zip(self._axes, source.columns, start, node, strict=True)
            columns = [codes if a == b else axis.climb(a, b)[codes] for axis, codes, a, b in steps]
            self._tables[node] = merge(columns, source)
            self._forget()
        return self._tables[node]

    def _visit(self, node: Node) -> bool:
        outcome = self.judge(node)
        if not outcome.passes:
            self._fails[tuple(slice(0, level + 1) for level in node)] = True
            return False
        self._passes[tuple(slice(level, None) for level in node)] = True
        if self._best is None or outcome.rank < self._best.rank:
            self._best = outcome
        return True

    def _bisect(self, path: list[Node]) -> None:
        low, high = 0, len(path) - 1
        while low <= high:
            middle = (low + high) // 2
            if self._visit(path[middle]):
                high = middle - 1
            else:
                low = middle + 1

    def _path_from(self, node: Node) -> list[Node]:
        """Return a way up through nodes not yet known to pass or fail, the cheapest step first."""
        path = [node]
        while open_steps := [step for step in self._raised(path[-1]) if not (self._passes[step] or self._fails[step])]:
            path.append(min(open_steps, key=lambda step: float(self._bound[step])))
        return path

    def _raised(self, node: Node) -> Iterable[Node]:
        for place, level in enumerate(node):
            if level + 1 < self.shape[place]:
                yield (*node[:place], level + 1, *node[place + 1 :])

    def _count(self, node: Node) -> Outcome:
        groups = self.table(node)
        classes = classes_of(groups)
        small = too_small(classes, self._demand)
        rows = groups.total_rows
        suppressed = int(classes.rows[small].sum())
        kept = np.where(small, 0, classes.rows)
        cells = zip(self._axes, groups.columns, node, strict=True)
        lost = sum(float(kept @ axis.ncp[level][codes[classes.representative]]) for axis, codes, level in cells)
        good = classes.rows[~small]
        return Outcome(
            levels=node,
            passes=suppressed <= self._demand.suppression_limit * rows,
            loss=(lost / max(1, len(node)) + suppressed) / max(1, rows),
            suppressed_rows=suppressed,
            classes=len(good),
            smallest_class=int(classes.units[~small].min(initial=2**62)) if len(good) else 0,
            discernibility=int(good @ good) + suppressed * rows,
            rows=rows,
        )

    def _lower_bounds(self, groups: Groups) -> npt.NDArray[np.float64]:
        bound = np.zeros(self.shape)
        total = max(1, groups.total_rows) * max(1, len(self._axes))
        for place, (axis, leaves) in enumerate(zip(self._axes, groups.columns, strict=True)):
            share = [float(groups.rows @ axis.ncp[n][axis.climb(0, n)[leaves]]) / total for n in range(len(axis.codes))]
            bound += np.reshape(share, [-1 if place == other else 1 for other in range(len(self.shape))])
        return bound

    def _forget(self) -> None:
        """Drop the largest tables beyond the budget; the finest one is the source of all others and stays."""
        while len(self._tables) > 2 and sum(map(len, self._tables.values())) > _CACHED_GROUPS:
            *_, newest = self._tables
            spare = [node for node in self._tables if any(node) and node != newest]
            del self._tables[max(spare, key=lambda node: len(self._tables[node]))]
