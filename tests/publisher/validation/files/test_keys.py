"""Keys are remembered across chunks; whoever shares one is told with the rows that had it before."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from publisher.validation.files import keys as module
from publisher.validation.files.keys import KeyIndex, KeySpec, combined


@pytest.mark.parametrize("seed", range(6))
def test_the_index_tells_what_a_dictionary_would(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_BITS", 64)
    chance = Random(seed)
    index, seen = KeyIndex(), {}
    number = 1
    highest = chance.choice([50, 3000, 2**62])
    for _ in range(60):
        size = chance.randint(0, 80)
        values = [chance.randint(-highest, highest) for _ in range(size)]
        if chance.random() < 0.4:
            values = sorted({value + number * chance.choice([0, 2 * highest]) % 2**62 for value in values})
        numbers = list(range(number, number + len(values)))
        shared, earlier = index.add(np.array(values, np.int64), np.array(numbers, np.int64))
        before = {n for value in values for n in seen.get(value, [])}
        now = {n for value, n in zip(values, numbers, strict=True) if value in seen or values.count(value) > 1}
        assert set(shared.tolist()) == now
        assert set(earlier.tolist()) == before
        for value, n in zip(values, numbers, strict=True):
            seen.setdefault(value, []).append(n)
        number += len(values)


def test_null_is_a_value_in_a_primary_key_and_none_in_a_unique_key() -> None:
    columns = [
        (np.array([1, 1, 0, 0]), np.array([False, False, True, True])),
        (np.array([5, 5, 5, 0]), np.array([False, False, False, True])),
    ]
    keys, counts = combined(columns, KeySpec("primary", (0, 1)))
    assert counts is not None
    assert counts.tolist() == [True, True, True, False]
    assert keys[0] == keys[1] != keys[2]
    assert combined(columns, KeySpec("unique", (0, 1)))[1].tolist() == [True, True, False, False]  # type: ignore[union-attr]
