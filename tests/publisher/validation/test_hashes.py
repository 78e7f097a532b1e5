"""Hashes of keys: equal keys always meet, others practically never, with few hashes in memory or many."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from publisher.validation.hashes import RepeatedHashes, hash_rows

TEXTS = ["", "a", "b", "ab", "đường", "12345678", "123456789", "12345678\x00", "x" * 100, "x" * 99 + "y", None]


def test_equal_texts_meet_wherever_they_stand() -> None:
    alone = [hash_rows([pa.array([text], pa.string())])[0] for text in TEXTS]
    together = hash_rows([pa.array(TEXTS, pa.string())])
    behind = hash_rows([pa.array(["other ones", None, *TEXTS], pa.string()).slice(2)])
    assert together.tolist() == behind.tolist() == alone
    assert len(set(alone)) == len(TEXTS)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([0, 1, -1, 2**62, None]),
        pa.array([0.0, 1.0, 0.5, 1e300, None]),
        pa.array([True, False, None]),
        pa.array([date(2026, 11, 22), date(1970, 1, 1), None]),
        pa.array([datetime(2026, 11, 22), datetime(1970, 1, 1), None], pa.timestamp("us")),
        pa.array([f"SR{number:010}" for number in range(100_000)]),
    ],
)
def test_different_values_do_not_meet(values: pa.Array) -> None:
    assert len(np.unique(hash_rows([values]))) == len(values)
    assert hash_rows([values]).tolist() == hash_rows([pa.concat_arrays([values, values]).slice(len(values))]).tolist()


def test_the_columns_of_a_key_do_not_change_places() -> None:
    left, right = pa.array(["a", "b", None]), pa.array(["b", "a", "a"])
    hashes, other = hash_rows([left, right]).tolist(), hash_rows([right, left]).tolist()
    assert len({*hashes, *other}) == 4  # (a, b), (b, a), (null, a), (a, null)
    assert (hashes[0], hashes[1]) == (other[1], other[0])


@pytest.mark.parametrize("held", [300, 2_000, 10_000_000])
def test_repeats_are_found_however_few_hashes_are_held(tmp_path: Path, held: int) -> None:
    draw = np.random.default_rng(7)
    hashes = draw.integers(0, 2**64, 20_000, np.uint64, endpoint=False)
    hashes[::100] = hashes[50]
    hashes[7::1000] = hashes[8::1000]
    hashes[[1, 2]] = [2**64 - 1, 2**64 - 1]
    values, counts = np.unique(hashes, return_counts=True)
    seen = RepeatedHashes(tmp_path, max_held=held)
    for part in np.array_split(hashes, 137):
        seen.add(part)
    assert seen.found().tolist() == values[counts > 1].tolist()


def test_nothing_repeats_in_nothing(tmp_path: Path) -> None:
    assert len(RepeatedHashes(tmp_path).found()) == 0
