"""The search against complete enumeration written another way: rows in Python dictionaries, no tags, no bounds, no roll-up."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.anonymise.search.groups import Groups, merge
from publisher.anonymise.search.lattice import Axis, Demand, LatticeSearch, Outcome

pytestmark = pytest.mark.slow


@st.composite
def axes(draw: st.DrawFn) -> tuple[Axis, ...]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        leaves = draw(st.integers(1, 6))
        levels = [np.arange(leaves)]
        for _ in range(draw(st.integers(0, 3))):
            width = int(levels[-1].max()) + 1
            parents = np.array(draw(st.lists(st.integers(0, max(0, width - 2)), min_size=width, max_size=width)))
            levels.append(np.unique(parents[levels[-1]], return_inverse=True)[1])
        found.append(Axis(f"q{number}", tuple(level.astype(np.int64) for level in levels)))
    return tuple(found)


def groups_of(rows: list[tuple[int, ...]], axes: tuple[Axis, ...], *, extras: bool = False) -> Groups:
    table = np.array(rows, np.int64).reshape(len(rows), -1)
    columns = tuple(axis.codes[0][table[:, place]] for place, axis in enumerate(axes))
    more = {"units": table[:, -2], "sensitive": table[:, -1]} if extras else {}
    groups = Groups(columns, np.ones(len(rows), np.int64), **more)
    return merge(groups.columns, groups)


def enumerate_all(
    rows: list[tuple[int, ...]], axes: tuple[Axis, ...], demand: Demand, *, extras: bool = False
) -> float | None:
    best = None
    for node in itertools.product(*(range(len(axis.codes)) for axis in axes)):
        classes = defaultdict(list)
        for row in rows:
            classes[
                tuple(int(a.codes[level][row[i]]) for i, (a, level) in enumerate(zip(axes, node, strict=True)))
            ].append(row)
        loss, suppressed = 0.0, 0
        for key, members in classes.items():
            units = len({row[-2] for row in members}) if extras else len(members)
            if units < demand.k or (extras and len({row[-1] for row in members}) < demand.diversity):
                suppressed += len(members)
                continue
            for axis, level, code in zip(axes, node, key, strict=True):
                covered = sum(1 for leaf in axis.codes[level] if leaf == code)
                loss += len(members) * (covered - 1) / max(1, len(axis.codes[0]) - 1) / len(axes)
        if suppressed <= demand.suppression_limit * len(rows):
            total = (loss + suppressed) / len(rows)
            best = total if best is None else min(best, total)
    return best


@settings(max_examples=150, deadline=None)
@given(data=st.data(), lattice=axes(), k=st.integers(2, 6), limit=st.sampled_from([0.0, 0.05, 0.2, 0.5]))
def test_the_search_finds_the_optimum_of_complete_enumeration(
    data: st.DataObject, lattice: tuple[Axis, ...], k: int, limit: float
) -> None:
    row = st.tuples(*(st.integers(0, len(axis.codes[0]) - 1) for axis in lattice))
    rows = data.draw(st.lists(row, min_size=1, max_size=60))
    demand = Demand(k, limit)
    found = LatticeSearch(lattice, groups_of(rows, lattice), demand).best()
    expected = enumerate_all(rows, lattice, demand)
    assert (found is None) == (expected is None)
    assert found is None or found.loss == pytest.approx(expected, abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), lattice=axes(), diversity=st.integers(1, 3))
def test_units_and_diversity_do_not_break_optimality(
    data: st.DataObject, lattice: tuple[Axis, ...], diversity: int
) -> None:
    row = st.tuples(*(st.integers(0, len(a.codes[0]) - 1) for a in lattice), st.integers(0, 12), st.integers(0, 3))
    rows = data.draw(st.lists(row, min_size=1, max_size=50))
    demand = Demand(3, 0.1, diversity)
    found = LatticeSearch(lattice, groups_of(rows, lattice, extras=True), demand).best()
    expected = enumerate_all(rows, lattice, demand, extras=True)
    assert (found is None) == (expected is None)
    assert found is None or found.loss == pytest.approx(expected, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), lattice=axes())
def test_a_coarser_level_never_lowers_k(data: st.DataObject, lattice: tuple[Axis, ...]) -> None:
    row = st.tuples(*(st.integers(0, len(axis.codes[0]) - 1) for axis in lattice))
    rows = data.draw(st.lists(row, min_size=1, max_size=40))
    search = LatticeSearch(lattice, groups_of(rows, lattice), Demand(2, 1.0))
    for node in itertools.product(*(range(size) for size in search.shape)):
        for place in range(len(node)):
            if node[place] + 1 < search.shape[place]:
                above = (*node[:place], node[place] + 1, *node[place + 1 :])
                assert _k(search, node) <= _k(search, above)


def _k(search: LatticeSearch, node: tuple[int, ...]) -> int:
    return int(
        Counter(zip(*(c.tolist() for c in search.table(node).columns), strict=True)).total()
        and search.table(node).rows.min()
    )


def test_keys_wider_than_62_bits_still_tell_combinations_apart() -> None:
    wide = tuple(Axis(f"q{n}", (np.arange(5000), np.zeros(5000, np.int64))) for n in range(8))
    random = np.random.default_rng(1)
    rows = [tuple(random.integers(0, 5000, 8).tolist()) for _ in range(500)]
    search = LatticeSearch(wide, groups_of(rows * 2, wide), Demand(2, 0.0))
    found = search.best()
    assert found is not None
    assert (found.levels, found.classes) == ((0,) * 8, len(set(rows)))


@pytest.mark.parametrize("limit", [0.0, 0.02, 0.05])
def test_the_optimum_on_the_census_table_is_that_of_complete_enumeration(shared_data: Path, limit: float) -> None:
    lattice, groups = _census(shared_data)
    demand = Demand(5, limit)
    search = LatticeSearch(lattice, groups, demand)
    found = search.best()
    everything = LatticeSearch(lattice, groups, demand)
    nodes = [everything.judge(node) for node in itertools.product(*(range(size) for size in everything.shape))]
    best = min((outcome for outcome in nodes if outcome.passes), key=lambda outcome: outcome.rank)
    assert isinstance(found, Outcome)
    assert found.rank == best.rank
    assert search.nodes_checked < len(nodes) / 2


def _census(shared_data: Path) -> tuple[tuple[Axis, ...], Groups]:
    with gzip.open(shared_data / "persons" / "adult_train.csv.gz", "rt", encoding="utf-8") as file:
        rows = [[cell.strip() for cell in line.split(",")] for line in file if line.strip()]
    ages: Any = np.array([int(row[0]) for row in rows])
    coarser = {"age": [5, 10, 20, 40], "other": []}
    axes, columns = [], []
    for name, column in {"age": 0, "education": 3, "marital": 5, "race": 8, "sex": 9, "country": 13}.items():
        values = ages if name == "age" else np.array([row[column] for row in rows])
        leaves, codes = np.unique(values, return_inverse=True)
        bands = [np.unique(leaves // width, return_inverse=True)[1] for width in coarser.get(name, [])]
        halves = [np.arange(len(leaves)) // 4] if name in {"education", "country"} else []
        levels = [np.arange(len(leaves)), *bands, *halves, np.zeros(len(leaves))]
        axes.append(Axis(name, tuple(np.asarray(level, np.int64) for level in levels)))
        columns.append(codes.astype(np.int64))
    groups = Groups(tuple(columns), np.ones(len(rows), np.int64))
    return tuple(axes), merge(groups.columns, groups)
