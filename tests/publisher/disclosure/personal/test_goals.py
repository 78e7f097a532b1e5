"""The goals of the column detectors, on made-up columns: those for tuning, and those with other words, headers and seeds."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from made.cases import FORMS, WORLDS, Case, cases

from publisher.disclosure.personal.detectors import detect_column

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[("tuning", 1), ("held out", 21)], ids=str)
def judged(request: pytest.FixtureRequest) -> list[tuple[Case, list[str]]]:
    world, seed = request.param
    return [
        (case, [found.kind for found in detect_column(case.header, pa.array(case.cells, pa.string()))])
        for case in cases(WORLDS[world], seed)
    ]


def recall(judged: list[tuple[Case, list[str]]]) -> float:
    return sum(bool(kinds) for _, kinds in judged) / len(judged)


def test_half_of_the_columns_are_public_and_every_kind_is_among_the_others(judged) -> None:
    kinds = Counter(case.kind for case, _ in judged)
    assert kinds[None] * 2 == len(judged)
    assert set(kinds) == {None, *FORMS}


def test_columns_whose_name_says_something_are_found(judged) -> None:
    assert recall([one for one in judged if one[0].kind and one[0].named]) >= 0.97


def test_columns_are_found_with_and_without_a_name(judged) -> None:
    assert recall([one for one in judged if one[0].kind]) >= 0.9


def test_public_columns_that_look_alike_are_left_alone(judged) -> None:
    assert recall([one for one in judged if not one[0].kind]) <= 0.03


def test_the_kind_is_the_right_one(judged) -> None:
    found = [one for one in judged if one[0].kind and one[1]]
    assert sum(case.kind in kinds for case, kinds in found) >= 0.97 * len(found)
