"""Counting combinations over batches is counting them in one go."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from publisher.anonymise.search import counting
from publisher.anonymise.search.counting import CombinationCounter, DistinctValues
from publisher.anonymise.search.groups import Groups, JointKey, SmallGroups


@pytest.mark.parametrize("waiting", [0, 50, 100_000])
def test_every_combination_is_counted_whatever_waits(waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_WAITING", waiting)
    draw = random.Random(3)
    rows = [(draw.choice(["a", "b", None]), draw.choice([None, *range(40)])) for _ in range(5_000)]
    counter = CombinationCounter(2)
    for start in range(0, len(rows), 700):
        part = rows[start : start + 700]
        counter.add([pa.array([row[0] for row in part], pa.string()), pa.array([row[1] for row in part], pa.int64())])
    counter.settle()
    columns = zip(counter.numbers, counter.columns, strict=True)
    values = [numbers.values.take(pa.array(codes)).to_pylist() for numbers, codes in columns]
    found = dict(zip(zip(*values, strict=True), counter.rows.tolist(), strict=True))
    assert found == Counter(rows)


def test_nothing_counted_is_no_combination() -> None:
    counter = CombinationCounter(1)
    counter.settle()
    assert len(counter.rows) == 0
    assert len(counter.numbers[0].values) == 0


@pytest.mark.parametrize("waiting", [0, 100_000])
def test_distinct_values_come_in_order_with_null_last(waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_WAITING", waiting)
    seen, other = DistinctValues(), DistinctValues()
    for values in (["b", None], ["a", "b"], []):
        seen.add(pa.array(values, pa.string()))
    other.add(pa.array(["c", "a"]))
    seen.join(other)
    seen.join(DistinctValues())
    assert seen.sorted(pa.string()).to_pylist() == ["a", "b", "c", None]
    assert DistinctValues().sorted(pa.date32()).equals(pa.array([], pa.date32()))


def test_a_key_beyond_62_bits_still_tells_combinations_apart() -> None:
    draw = np.random.default_rng(5)
    columns = [draw.integers(0, 2**20, 300) for _ in range(8)]
    keys = JointKey(columns, 300)
    assert len(np.unique(keys.keys)) == 300
    some = draw.permutation(300)[:50]
    assert keys.of([column[some] for column in columns], 50).tolist() == keys.keys[some].tolist()


@pytest.mark.parametrize("largest", [5, 2**40])
def test_rows_of_small_groups_are_found(largest: int) -> None:
    draw = np.random.default_rng(6)
    columns = tuple(draw.integers(0, largest, 100) for _ in range(3))
    columns[0][:] = np.arange(100)
    small = draw.random(100) < 0.3
    asked = draw.integers(0, 100, 1_000)
    found = SmallGroups(Groups(columns, np.ones(100, np.int64)), small)
    assert found.hold([column[asked] for column in columns], 1_000).tolist() == small[asked].tolist()
    none = SmallGroups(Groups(columns, np.ones(100, np.int64)), small & False)
    assert not none.hold([column[asked] for column in columns], 1_000).any()
