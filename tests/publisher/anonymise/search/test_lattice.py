"""The search against complete enumeration written another way: rows in Python dictionaries, no tags, no bounds, no roll-up."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.anonymise.search.counting import Tally
from publisher.anonymise.search.demands import Demand
from publisher.anonymise.search.groups import Groups
from publisher.anonymise.search.lattice import Axis, LatticeSearch
from publisher.anonymise.search.packing import combine, layout_for
from publisher.policy.microdata import Closeness, Diversity

pytestmark = pytest.mark.slow

Row = tuple[int, ...]
"""A leaf for each quasi-identifier, then a unit, then a sensitive value."""


@st.composite
def axes(draw: st.DrawFn, most: int = 4) -> tuple[Axis, ...]:
    found = []
    for number in range(draw(st.integers(1, most))):
        leaves = draw(st.integers(1, 6))
        levels = [np.arange(leaves)]
        for _ in range(draw(st.integers(0, 3))):
            width = int(levels[-1].max()) + 1
            parents = np.array(draw(st.lists(st.integers(0, max(0, width - 2)), min_size=width, max_size=width)))
            levels.append(np.unique(parents[levels[-1]], return_inverse=True)[1])
        found.append(Axis(f"q{number}", tuple(level.astype(np.int64) for level in levels)))
    return tuple(found)


@st.composite
def tables(draw: st.DrawFn, most: int = 4) -> tuple[tuple[Axis, ...], list[Row]]:
    lattice = draw(axes(most))
    row = st.tuples(*(st.integers(0, len(a.codes[0]) - 1) for a in lattice), st.integers(0, 12), st.integers(0, 3))
    return lattice, draw(st.lists(row, min_size=1, max_size=50))


def groups_of(rows: Sequence[Row], lattice: tuple[Axis, ...], *, units: bool) -> Groups:
    table = np.array(rows, np.int64).reshape(len(rows), -1)
    columns = [axis.codes[0][table[:, place]] for place, axis in enumerate(lattice)]
    sizes = [axis.sizes[0] for axis in lattice]

    def tally(*more: int) -> Tally:
        layout = layout_for([*sizes, *(int(table[:, place].max()) + 1 for place in more)])
        words = layout.pack([*columns, *(table[:, place] for place in more)], len(rows))
        return Tally(layout, *combine(words, None))

    return Groups(tally(), tally(-2) if units else None, (tally(-1),))


def judged_by_hand(
    rows: Sequence[Row], lattice: tuple[Axis, ...], node: Row, demand: Demand, *, units: bool
) -> float | None:
    """Return the loss of a node, null when too many rows are left out."""
    classes = defaultdict(list)
    for row in rows:
        classes[tuple(int(a.codes[level][row[i]]) for i, (a, level) in enumerate(zip(lattice, node, strict=True)))] += [
            row
        ]
    stay = {}
    for key, members in classes.items():
        number = len({row[-2] for row in members}) if units else len(members)
        if number >= demand.k and varied(Counter(row[-1] for row in members), demand.diversity):
            stay[key] = members
    while demand.closeness:
        whole = Counter(row[-1] for members in stay.values() for row in members)
        near = {key: members for key, members in stay.items() if distance(members, whole, demand.closeness) <= 1e-9}
        if len(near) == len(stay):
            break
        stay = near
    left_out = len(rows) - sum(map(len, stay.values()))
    if left_out > demand.suppression_limit * len(rows):
        return None
    loss = 0.0
    for key, members in stay.items():
        for axis, level, code in zip(lattice, node, key, strict=True):
            covered = sum(1 for leaf in axis.codes[level] if leaf == code)
            loss += len(members) * (covered - 1) / max(1, len(axis.codes[0]) - 1) / len(lattice)
    return (loss + left_out) / len(rows)


def varied(counts: Counter[int], diversity: Diversity | None) -> bool:
    if diversity is None:
        return True
    sizes = sorted(counts.values(), reverse=True)
    if diversity.kind == "distinct":
        return len(sizes) >= diversity.l
    if diversity.kind == "recursive":
        return sizes[0] < float(diversity.c or 0) * sum(sizes[int(diversity.l) - 1 :])
    parts = [size / sum(sizes) for size in sizes]
    return len(sizes) >= diversity.l and -sum(p * math.log(p) for p in parts) >= math.log(diversity.l) - 1e-9


def distance(members: Sequence[Row], whole: Counter[int], closeness: Closeness) -> float:
    """Return how far beyond t a class is from the whole."""
    counts = Counter(row[-1] for row in members)
    gaps = [counts[value] / len(members) - whole[value] / whole.total() for value in sorted(whole)]
    if closeness.distance == "equal":
        return sum(map(abs, gaps)) / 2 - closeness.t
    steps = [abs(sum(gaps[: place + 1])) for place in range(len(gaps))]
    return sum(steps) / max(1, len(gaps) - 1) - closeness.t


def least_loss_by_hand(
    rows: Sequence[Row], lattice: tuple[Axis, ...], demand: Demand, *, units: bool = False
) -> float | None:
    nodes = itertools.product(*(range(len(axis.codes)) for axis in lattice))
    losses = [judged_by_hand(rows, lattice, node, demand, units=units) for node in nodes]
    return min((loss for loss in losses if loss is not None), default=None)


def assert_optimal(rows: Sequence[Row], lattice: tuple[Axis, ...], demand: Demand, *, units: bool = False) -> None:
    found = LatticeSearch(lattice, groups_of(rows, lattice, units=units), demand).best()
    expected = least_loss_by_hand(rows, lattice, demand, units=units)
    assert (found is None) == (expected is None)
    assert found is None or found.loss == pytest.approx(expected, abs=1e-9)


LIMITS = st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0])


@settings(max_examples=150, deadline=None)
@given(table=tables(), k=st.integers(2, 6), limit=LIMITS, units=st.booleans())
def test_the_search_finds_the_optimum_of_complete_enumeration(
    table: tuple[tuple[Axis, ...], list[Row]], k: int, limit: float, *, units: bool
) -> None:
    assert_optimal(table[1], table[0], Demand(k, limit), units=units)


DIVERSITIES = st.one_of(
    st.builds(Diversity, field=st.just("s"), kind=st.just("distinct"), l=st.integers(2, 4)),
    st.builds(Diversity, field=st.just("s"), kind=st.just("entropy"), l=st.floats(1.1, 3.5)),
    st.builds(
        Diversity,
        field=st.just("s"),
        kind=st.just("recursive"),
        l=st.integers(2, 3),
        c=st.sampled_from([0.5, 1, 2, 3.5]),
    ),
)


@settings(max_examples=150, deadline=None)
@given(table=tables(3), diversity=DIVERSITIES, limit=LIMITS, units=st.booleans())
def test_every_kind_of_diversity_is_optimal_monotone_or_not(
    table: tuple[tuple[Axis, ...], list[Row]], diversity: Diversity, limit: float, *, units: bool
) -> None:
    assert_optimal(table[1], table[0], Demand(2, limit, diversity), units=units)


CLOSENESS = st.builds(
    Closeness, field=st.just("s"), t=st.floats(0.05, 0.6), distance=st.sampled_from(["equal", "ordered"])
)


@settings(max_examples=150, deadline=None)
@given(table=tables(3), closeness=CLOSENESS, limit=LIMITS, diversity=st.none() | DIVERSITIES)
def test_both_distances_of_closeness_are_optimal(
    table: tuple[tuple[Axis, ...], list[Row]], closeness: Closeness, limit: float, diversity: Diversity | None
) -> None:
    assert_optimal(table[1], table[0], Demand(2, limit, diversity, closeness))


@settings(max_examples=60, deadline=None)
@given(table=tables())
def test_a_coarser_level_never_lowers_k(table: tuple[tuple[Axis, ...], list[Row]]) -> None:
    lattice, rows = table
    search = LatticeSearch(lattice, groups_of(rows, lattice, units=True), Demand(2, 1.0))
    for node in itertools.product(*(range(size) for size in search.shape)):
        for place in range(len(node)):
            if node[place] + 1 < search.shape[place]:
                above = (*node[:place], node[place] + 1, *node[place + 1 :])
                assert search.table(node).units().min() <= search.table(above).units().min()


def test_keys_wider_than_62_bits_still_tell_combinations_apart() -> None:
    wide = tuple(Axis(f"q{n}", (np.arange(5000), np.zeros(5000, np.int64))) for n in range(8))
    random = np.random.default_rng(1)
    rows = [(*random.integers(0, 5000, 8).tolist(), 0, 0) for _ in range(500)]
    search = LatticeSearch(wide, groups_of(rows * 2, wide, units=False), Demand(2, 0.0))
    found = search.best()
    assert found is not None
    assert (found.levels, found.classes) == ((0,) * 8, len(set(rows)))
    assert search.judge((0, 1) * 4).classes == len({row[::2] for row in rows})
