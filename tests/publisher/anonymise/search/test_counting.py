"""Counting combinations over batches is counting them in one go."""

from __future__ import annotations

import pickle
import random
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from publisher.anonymise.search import counting
from publisher.anonymise.search.counting import CombinationCounter, Tally, ValueNumbers, sorted_values
from publisher.anonymise.search.groups import SmallGroups
from publisher.anonymise.search.packing import combine, layout_for

Row = tuple[Any, ...]


def some_rows(number: int) -> list[Row]:
    draw = random.Random(3)
    return [(draw.choice(["a", "b", None]), draw.choice([None, *range(40)])) for _ in range(number)]


def count(counter: CombinationCounter, rows: list[Row]) -> None:
    for start in range(0, len(rows), 700):
        part = rows[start : start + 700]
        columns = [pa.array([row[0] for row in part], pa.string()), pa.array([row[1] for row in part], pa.int64())]
        counter.add(columns, len(part))
    counter.settle()


def counted(counter: CombinationCounter, facet: int, fields: list[int]) -> dict[Row, int]:
    tally = counter.tallies[facet]
    codes = [tally.layout.unpack(tally.words, place) for place in range(len(fields))]
    values = [
        counter.numbers[field].values.take(pa.array(code)).to_pylist()
        for field, code in zip(fields, codes, strict=True)
    ]
    return dict(zip(zip(*values, strict=True), tally.rows.tolist(), strict=True))


@pytest.mark.parametrize("waiting", [0, 50, 100_000])
def test_every_combination_is_counted_whatever_waits(waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_WAITING", waiting)
    rows = some_rows(5_000)
    counter = CombinationCounter([None, None], [[0, 1], [1]])
    count(counter, rows)
    assert counter.total_rows == 5_000
    assert counted(counter, 0, [0, 1]) == Counter(rows)
    assert counted(counter, 1, [1]) == Counter((row[1],) for row in rows)


def test_values_count_as_their_finest_level_and_leaves_are_remembered() -> None:
    rows = some_rows(900)
    counter = CombinationCounter([None, lambda values: pc.divide(values, 10)], [[0, 1]])
    count(counter, rows)
    expected = Counter((row[0], None if row[1] is None else row[1] // 10) for row in rows)
    assert counted(counter, 0, [0, 1]) == expected
    assert sorted_values(counter.leaves[1], pa.int64()).to_pylist() == [*range(40), None]


def test_dictionaries_count_like_their_values() -> None:
    rows = some_rows(500)
    counter = CombinationCounter([None, None], [[0, 1]])
    texts = pa.array([row[0] for row in rows], pa.string()).dictionary_encode()
    numbers = pa.array([row[1] for row in rows], pa.int64()).dictionary_encode(null_encoding="encode")
    counter.add([texts, numbers], 500)
    whole = [row for row in some_rows(900) if row[0] is not None]
    plain = pa.array([row[0] for row in whole]).dictionary_encode()
    counter.add([plain, pa.array([row[1] for row in whole], pa.int64())], len(whole))
    counter.settle()
    assert counted(counter, 0, [0, 1]) == Counter([*rows, *whole])


def test_what_two_count_apart_is_what_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_WAITING", 0)
    rows = some_rows(3_000)
    parts = [CombinationCounter([None, None], [[0, 1]]) for _ in range(3)]
    count(parts[0], rows[:2_000])
    count(parts[1], [])
    count(parts[2], rows[2_000:])
    first, *others = [pickle.loads(pickle.dumps(part)) for part in parts]  # noqa: S301  our own
    for other in others:
        first.join(other)
    assert counted(first, 0, [0, 1]) == Counter(rows)
    assert first.total_rows == 3_000


def test_nothing_counted_is_no_combination() -> None:
    counter = CombinationCounter([None], [[0]])
    counter.settle()
    assert len(counter.tallies[0]) == 0
    assert len(counter.numbers[0].values) == 0


def test_values_come_in_order_with_null_last() -> None:
    numbers = ValueNumbers()
    numbers.add([pa.array(["b", None]), pa.array(["a", "b"]), pa.array([], pa.string())])
    assert sorted_values(numbers, pa.string()).to_pylist() == ["a", "b", None]
    assert sorted_values(ValueNumbers(), pa.date32()).equals(pa.array([], pa.date32()))


@pytest.mark.parametrize("largest", [3, 90, 2**12, 2**40])
def test_combinations_are_found_in_one_word_and_in_several(largest: int) -> None:
    draw = np.random.default_rng(5)
    columns = [draw.integers(0, largest, 400) for _ in range(5)]
    weights = draw.integers(1, 9, 400)
    layout = layout_for([largest] * 5)
    words, rows = combine(layout.pack(columns, 400), weights)
    found = zip(*(layout.unpack(words, place).tolist() for place in range(5)), strict=True)
    expected: Counter[Row] = Counter()
    for row, weight in zip(zip(*(column.tolist() for column in columns), strict=True), weights.tolist(), strict=True):
        expected[row] += weight
    assert list(zip(found, rows.tolist(), strict=True)) == sorted(expected.items())


def test_another_layout_holds_the_same_codes() -> None:
    draw = np.random.default_rng(7)
    sizes = [1, 7, 2**20, 3, 2**30, 2, 5000]
    columns = [draw.integers(0, size, 100) for size in sizes]
    layout = layout_for(sizes)
    words = layout.pack(columns, 100)
    halves = [np.arange(size) // 2 if size < 100 else None for size in sizes]
    target = layout_for([1, 4, 2**21, 2, 2**30, 1])
    moved = layout.translate(words, halves, target)
    for place, (column, own) in enumerate(zip(columns[:-1], halves, strict=False)):
        expected = column if own is None else own[column]
        assert target.unpack(moved, place).tolist() == expected.tolist()
    weights = [draw.random(size) for size in (1, 7)]
    assert layout.weigh(words, weights) == pytest.approx(weights[0][columns[0]] + weights[1][columns[1]])


def test_a_field_of_one_code_may_have_another_code_in_another_layout() -> None:
    layout, target = layout_for([1, 3, 1]), layout_for([6, 3, 40])
    words = layout.pack([np.zeros(3, np.int64), np.arange(3), np.zeros(3, np.int64)], 3)
    moved = layout.translate(words, [np.array([5]), None, np.array([33])], target)
    assert [target.unpack(moved, place).tolist() for place in range(3)] == [[5] * 3, [0, 1, 2], [33] * 3]


@pytest.mark.parametrize("largest", [100, 2**12, 2**40])
def test_rows_of_small_groups_are_found(largest: int) -> None:
    draw = np.random.default_rng(6)
    columns = [draw.integers(0, largest, 100) for _ in range(3)]
    columns[0] = np.arange(100)
    small = draw.random(100) < 0.3
    asked = draw.integers(0, 100, 1_000)
    layout = layout_for([largest] * 3)
    classes = Tally(layout, *combine(layout.pack(columns, 100), None))  # in the order of the first column
    found = SmallGroups(classes, small)
    assert found.hold([column[asked] for column in columns], 1_000).tolist() == small[asked].tolist()
    none = SmallGroups(classes, small & False)
    assert not none.hold([column[asked] for column in columns], 1_000).any()
