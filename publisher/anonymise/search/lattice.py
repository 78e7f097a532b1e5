"""Optimal global recoding: the levels of least loss under which every class of rows has what is demanded of it.

A node is one level for each quasi-identifier. Rows in classes that miss the monotone part of the demand never grow in number when a
level is raised; so a node that fails it fails everything below, and one that passes passes everything above. Nodes are visited by a
lower bound of their loss (marginal NCP; a row that is left out costs 1, which is never less, and at least as many are left out as at
any coarser node), paths of untagged nodes are bisected, and class tables are rolled up from a finer node's table. What is not monotone is
judged node by node within what the tags leave. Complete enumeration must find the same optimum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from publisher.anonymise.search.demands import Demand, Missed, missed
from publisher.anonymise.search.groups import Codes, Groups
from publisher.errors import DescriptorError

Node = tuple[int, ...]

LARGEST_LATTICE = 2_000_000
_LARGEST_WITHOUT_ORDER = 100_000
"""Nodes that are judged one by one when what is demanded is not monotone."""
_STAGES = (0.02, 0.1, 0.3)
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
        return tuple(np.maximum(np.bincount(codes, minlength=1) - 1, 0) / others for codes in self.codes)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Return for each level the number of its codes."""
        return tuple(int(codes.max(initial=0)) + 1 for codes in self.codes)

    def climb(self, start: int, end: int) -> Codes:
        """Return the code at the level `end` of each code at the level `start`."""
        step = np.zeros(self.sizes[start], np.int64)
        step[self.codes[start]] = self.codes[end]
        return step


@dataclass(frozen=True)
class Outcome:
    """One node judged: its loss is the mean NCP over quasi-identifier cells, a suppressed row counting 1.

    `smallest_class` is in units and of the classes that stay; `smallest_before` of all, those that are left out included.
    """

    levels: Node
    passes: bool
    loss: float
    suppressed_rows: int
    classes: int
    smallest_class: int
    smallest_before: int
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
        if not demand.is_monotone and np.prod(self.shape, dtype=float) > _LARGEST_WITHOUT_ORDER:
            raise DescriptorError(
                f"Entropy, recursive l-diversity or t-closeness with a suppression limit above 0 over more than "
                f"{_LARGEST_WITHOUT_ORDER} combinations of levels cannot be searched.",
                cure="name fewer levels, set suppression_limit to 0, or ask for distinct l-diversity",
            )
        self._tables: dict[Node, Groups] = {(0,) * len(axes): groups}
        self._judged: dict[Node, Outcome] = {}
        self._fails = np.zeros(self.shape, bool)
        self._passes = np.zeros(self.shape, bool)
        self._bound = self._lower_bounds(groups)
        self._left_out = np.zeros(self.shape)
        self._rows = groups.total_rows
        self._spared = self._least_cost_of_leaving_out()
        self._best: Outcome | None = None
        self._certainly_out: dict[Node, int] = {}
        self._allowed = demand.suppression_limit * self._rows

    @property
    def nodes_checked(self) -> int:
        """Return the number of nodes whose classes were counted."""
        return len(self._judged)

    @property
    def top(self) -> Node:
        """Return the node of the coarsest levels."""
        return tuple(size - 1 for size in self.shape)

    def best(self) -> Outcome | None:
        """Return the acceptable node of least loss; null when even the coarsest levels are not acceptable.

        A wide limit is approached in stages: what is found within a narrow one bounds the loss, and most fine nodes, whose tables
        are large, are then known to be worse without being counted.
        """
        limit = self._demand.suppression_limit
        for stage in [*(share for share in _STAGES if share < limit), limit]:
            self._allowed = stage * self._rows
            self._fails.fill(False)
            self._passes.fill(False)
            for node, certainly_out in self._certainly_out.items():
                self._tag(node, certainly_out)
            self._visit_by_bound()
        return self._best

    def _visit_by_bound(self) -> None:
        self._visit((0,) * len(self.shape))
        for place in np.argsort(self._bound, axis=None, kind="stable"):
            node = tuple(int(level) for level in np.unravel_index(place, self.shape))
            if self._best and self._bound[node] > self._best.loss + _SAME:
                break
            if self._fails[node] or self._is_beaten(node):
                continue
            if not self._passes[node]:
                self._bisect(self._path_from(node))
            if not (self._fails[node] or self._is_beaten(node)):
                self._visit(node)

    def judge(self, node: Node) -> Outcome:
        """Return whether the node is acceptable and what it loses."""
        if node not in self._judged:
            self._judged[node], self._certainly_out[node] = self._count(node)
            self._tag(node, self._certainly_out[node])
        return self._judged[node]

    def table(self, node: Node) -> Groups:
        """Return the group counts at a node, rolled up from the smallest table kept of a finer node."""
        if node not in self._tables:
            below = (known for known in self._tables if all(a <= b for a, b in zip(known, node, strict=True)))
            start = min(below, key=lambda known: len(self._tables[known]))
            steps = zip(self._axes, start, node, strict=True)
            maps = [None if a == b else axis.climb(a, b) for axis, a, b in steps]
            sizes = [axis.sizes[level] for axis, level in zip(self._axes, node, strict=True)]
            self._tables[node] = self._tables[start].rolled_up(maps, sizes)
            self._forget()
        return self._tables[node]

    def missed(self, node: Node) -> Missed:
        """Return which classes of a node's table are left out."""
        return missed(self.table(node), self._demand)

    def _tag(self, node: Node, certainly_out: int) -> None:
        """Note what a node tells of all nodes below it, or above it."""
        below = tuple(slice(0, level + 1) for level in node)
        self._left_out[below] = np.maximum(self._left_out[below], certainly_out)
        if certainly_out > self._allowed:
            self._fails[below] = True
        else:
            self._passes[tuple(slice(level, None) for level in node)] = True

    def _visit(self, node: Node) -> bool:
        """Judge a node, keep it when it is the best so far, and return whether it passes the monotone part of the demand."""
        outcome = self.judge(node)
        if outcome.passes and (self._best is None or outcome.rank < self._best.rank):
            self._best = outcome
        return bool(self._passes[node])

    def _is_beaten(self, node: Node) -> bool:
        """Tell whether the rows that are certainly left out make a node worse than the best one."""
        if self._best is None:
            return False
        return bool(self._bound[node] + self._left_out[node] * self._spared[node] > self._best.loss + _SAME)

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

    def _count(self, node: Node) -> tuple[Outcome, int]:
        """Return what a node is like, and how many rows miss the monotone part of the demand."""
        groups = self.table(node)
        classes = groups.classes
        out = missed(groups, self._demand)
        rows = groups.total_rows
        suppressed = int(classes.rows[out.demand].sum())
        certainly_out = suppressed if self._demand.is_monotone else int(classes.rows[out.monotone_part].sum())
        stays = ~out.demand
        good, units = classes.rows[stays], groups.units()
        weights = [axis.ncp[level] for axis, level in zip(self._axes, node, strict=True)]
        lost = float(np.where(stays, classes.rows, 0) @ classes.layout.weigh(classes.words, weights))
        outcome = Outcome(
            levels=node,
            passes=suppressed <= self._demand.suppression_limit * rows,
            loss=(lost / max(1, len(node)) + suppressed) / max(1, rows),
            suppressed_rows=suppressed,
            classes=len(good),
            smallest_class=int(units[stays].min()) if len(good) else 0,
            smallest_before=int(units.min()) if len(units) else 0,
            discernibility=int(good @ good) + suppressed * rows,
            rows=rows,
        )
        return outcome, certainly_out

    def _lower_bounds(self, groups: Groups) -> npt.NDArray[np.float64]:
        """Return for each node the loss of its levels when no row is left out."""
        classes = groups.classes
        total = max(1, groups.total_rows) * max(1, len(self._axes))
        shares = []
        for place, axis in enumerate(self._axes):
            size = axis.sizes[0]
            rows = np.bincount(classes.layout.unpack(classes.words, place), weights=classes.rows, minlength=size)
            shares.append([float(rows @ axis.ncp[n][axis.climb(0, n)]) / total for n in range(len(axis.codes))])
        return self._added_up(shares)

    def _least_cost_of_leaving_out(self) -> npt.NDArray[np.float64]:
        """Return for each node what leaving one row out adds to the loss at least: 1, less the most that a row can lose."""
        most = [[float(ncp.max(initial=0)) / max(1, len(self._axes)) for ncp in axis.ncp] for axis in self._axes]
        return (1 - self._added_up(most)) / max(1, self._rows)

    def _added_up(self, parts: list[list[float]]) -> npt.NDArray[np.float64]:
        """Return for each node the sum of what its level of each axis adds."""
        total = np.zeros(self.shape)
        for place, part in enumerate(parts):
            total += np.reshape(part, [-1 if place == other else 1 for other in range(len(self.shape))])
        return total

    def _forget(self) -> None:
        """Drop the largest tables beyond the budget; the finest one is the source of all others and stays."""
        while len(self._tables) > 2 and sum(map(len, self._tables.values())) > _CACHED_GROUPS:
            *_, newest = self._tables
            spare = [node for node in self._tables if any(node) and node != newest]
            del self._tables[max(spare, key=lambda node: len(self._tables[node]))]
