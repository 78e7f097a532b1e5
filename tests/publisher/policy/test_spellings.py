"""Short ways of writing an action mean what the long ones say, and what is not understood is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from publisher.policy import ACTIONS, Action, Closeness, DifferentialPrivacy, Diversity, Microdata

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
            {"action": "generalise", "widths": [5, "10y", "*"], "role": "quasi-identifier"},
            {"action": "generalise_number", "widths": [5, 10, "*"], "role": "quasi"},
        ),
        ({"action": "generalise_number", "widths": "5y"}, {"action": "generalise_number", "widths": [5]}),
        ({"action": "generalise_date", "levels": "month"}, {"action": "generalise_date", "levels": ["month"]}),
        ({"hierarchy": "age", "levels": 5}, {"action": "generalise_number", "widths": [5]}),
        (
            {"action": [{"top_code": {"p": 0.9}}, {"action": "round", "base": 5}], "role": "sensitive"},
            {
                "action": "steps",
                "role": "sensitive",
                "steps": [{"action": "top_code", "p": 0.9}, {"action": "round", "base": 5}],
            },
        ),
        (
            {"action": "recode", "values": {0: "nam", True: 2, 2.5: "x"}},
            {"action": "recode", "values": {"0": "nam", "true": "2", "2.5": "x"}},
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
        {"action": "recode", "values": {1: "nam", "1": "nữ"}},
        {"action": "recode", "values": ["nam"]},
        {"action": 5},
        {"action": {"round": {"base": 5}}},
        {"action": ["top_code", {}], "at": 3},
        {"action": [{"round": {"base": 5}}, {"round": {"base": 5}}], "base": 5},
        {"action": "generalise", "hierarchy": {1: ["x"], "1": ["y"]}},
        {"action": "generalise", "hierarchy": "age", "levels": [5], "widths": [10]},
        {"action": "generalise", "hierarchy": "age", "levels": []},
        {"action": "generalise", "hierarchy": "date", "levels": []},
        {"action": "generalise_number", "widths": [float("nan")]},
        {"action": "round", "base": float("inf")},
        {"action": "top_code", "at": float("nan")},
        {"action": "keep", "role": "identifying"},
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


def test_the_actions_that_errors_name_are_those_of_the_language() -> None:
    schema = READ.json_schema()
    known = {
        one["properties"]["action"].get("const") or one["properties"]["action"]["default"] for one in _models(schema)
    }
    assert known == {*ACTIONS, "steps"}


def _models(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in schema["$defs"].values() if "action" in one.get("properties", {})]


def test_a_limit_may_be_written_in_per_cent() -> None:
    assert Microdata.model_validate({"suppression_limit": "2.5 %"}).suppression_limit == 0.025
    for wrong in ("2", 2, "200%", "-1%", "%", "2% of all"):
        with pytest.raises(ValidationError):
            Microdata.model_validate({"suppression_limit": wrong})


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_promise_without_bound_is_none(number: float) -> None:
    ledger = {"name": "a", "epsilon_cap": number}
    for model, said in (
        (Diversity, {"field": "a", "kind": "entropy", "l": number}),
        (Diversity, {"field": "a", "kind": "recursive", "l": 2, "c": number}),
        (Closeness, {"field": "a", "t": number}),
        (DifferentialPrivacy, {"max_rows_per_unit": 1, "epsilon": number, "ledger": ledger}),
    ):
        with pytest.raises(ValidationError, match="finite"):
            model.model_validate(said)
