"""Short ways of writing an action mean what the long ones say, and what is not understood is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from publisher.policy import Action

READ: TypeAdapter[Any] = TypeAdapter(Action)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("drop", {"action": "drop"}),
        (
            {"action": "generalise", "hierarchy": "birth_date", "levels": ["year", "5y", "*"], "role": "quasi"},
            {"action": "generalise_date", "levels": ["year", "5y", "*"], "role": "quasi"},
        ),
        (
            {"action": "generalise", "hierarchy": "birth_date"},
            {"action": "generalise_date", "levels": ["year", "5y", "10y", "*"]},
        ),
        (
            {"action": "generalize", "hierarchy": "age", "levels": ["exact", "5y", 10, "*"]},
            {"action": "generalise_number", "widths": [1, 5, 10, "*"]},
        ),
        (
            {"action": ["top_code", "round"], "p": 0.995, "min_contributors": 20, "base": 100},
            {
                "action": "steps",
                "steps": [
                    {"action": "top_code", "p": 0.995, "min_contributors": 20},
                    {"action": "round", "base": 100},
                ],
            },
        ),
        ({"action": ["round"], "base": 5}, {"action": "round", "base": 5}),
        (
            {"hierarchy": {39: ["30-39", "*"], True: ["no number", "*"]}},
            {"action": "generalise", "hierarchy": {"leaves": {"39": ["30-39", "*"], "true": ["no number", "*"]}}},
        ),
        (
            {"action": "generalise", "hierarchy": [["a", "x"], ["b", "x"]], "levels": [0, 1]},
            {"action": "generalise", "hierarchy": {"leaves": {"a": ["x"], "b": ["x"]}}, "levels": ["0", "1"]},
        ),
        (
            {"action": "generalise", "hierarchy": {"path": "age.csv", "delimiter": ";"}},
            {"action": "generalise", "hierarchy": {"file": "age.csv", "delimiter": ";"}},
        ),
        (
            {"action": "generalise", "hierarchy": {"Male": "*", "Female": "*"}},
            {"action": "generalise", "hierarchy": {"leaves": {"Male": ["*"], "Female": ["*"]}}},
        ),
    ],
)
def test_a_short_form_means_its_long_form(short: Any, long: Any) -> None:
    assert READ.validate_python(short) == READ.validate_python(long)


@pytest.mark.parametrize(
    "wrong",
    [
        "vanish",
        {"role": "quasi"},
        {"action": "keep", "noise": 3},
        {"action": ["top_code", "grid"], "at": 3, "metres": 100},
        {"action": ["top_code", "round"], "at": 3, "base": 5, "colour": "red"},
        {"action": "top_code", "at": 3, "p": 0.9},
        {"action": "generalise", "hierarchy": "number"},
        {"action": "generalise", "hierarchy": [["a", "x"], ["a", "y"]]},
        {"action": "perturb", "key": "secret in the policy", "max": 3},
        {"action": "pseudonymise", "key": "env:KEY", "length": 8},
    ],
)
def test_what_is_not_understood_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python(wrong)
