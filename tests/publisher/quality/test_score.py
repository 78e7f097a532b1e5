"""The formulas of the score, part by part."""

from __future__ import annotations

import math

import pytest

from publisher.quality import score
from publisher.quality.score import WEIGHTS, Score


def test_the_weights_are_those_of_the_method_and_add_up() -> None:
    assert list(WEIGHTS.values()) == [0.25, 0.20, 0.15, 0.15, 0.10, 0.15]
    assert math.isclose(sum(WEIGHTS.values()), 1)


def test_q_is_the_weighted_sum() -> None:
    values = [0.9, 0.8, 1.0, 0.5, 0.7, 0.6]
    expected = 0.25 * 0.9 + 0.20 * 0.8 + 0.15 * 1.0 + 0.15 * 0.5 + 0.10 * 0.7 + 0.15 * 0.6
    assert Score(dict(zip(WEIGHTS, values, strict=True))).q == pytest.approx(expected)


def test_a_part_that_was_not_measured_leaves_its_weight_to_the_others() -> None:
    parts: dict[str, float | None] = dict.fromkeys(WEIGHTS, None)
    assert Score(parts).q is None
    found = Score({**parts, "validity": 1.0, "documentation": 0.0})
    assert found.q == pytest.approx(0.25 / 0.40)
    assert found.to_dict()["stability"] is None


def test_the_parts() -> None:
    assert score.validity(200, 3) == pytest.approx(0.985)
    assert score.validity(0, 0) is None
    assert score.completeness([1.0, 0.5]) == 0.75
    assert score.uniqueness(100, 4) == 0.96
    assert score.uniqueness(0, 0) is None
    assert score.consistency([True, False, True, True]) == 0.75
    assert score.consistency([]) is None
    assert score.documentation(3, 4) == 0.75


def test_stability_falls_with_the_largest_outlier() -> None:
    history = [100.0, 101, 99, 100, 102, 98]
    assert score.stability([(103.0, history)]) == 1
    spread = 1.4826 * 1  # of 0, 1, 1, 0, 2, 2 off the median the middle is 1
    z = (150 - 100) / spread
    assert score.stability([(100.0, history), (150.0, history)]) == pytest.approx(3.5 / z)


def test_short_histories_tell_nothing() -> None:
    assert score.stability([(9000.0, [1.0, 2, 3, 4])]) is None


def test_a_series_that_never_moved_may_move_a_little() -> None:
    assert score.stability([(1030.0, [1000.0] * 6)]) == 1
    assert score.stability([(1100.0, [1000.0] * 6)]) == pytest.approx(0.35)
    assert score.stability([(0.0, [0.0] * 6)]) == 1
    assert score.stability([(1.0, [0.0] * 6)]) == 0


def test_steady_growth_is_stable() -> None:
    assert score.stability([(3100.0, [100.0 * number for number in range(1, 31)])]) == 1
