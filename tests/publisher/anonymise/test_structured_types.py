"""Types with an inner form are kept or dropped; every other treatment is refused when the plan is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from publisher.anonymise.plan import plan_table
from publisher.definition import TableDefinition
from publisher.errors import DescriptorError
from publisher.secrets import Secrets

ACTIONS: list[dict[str, Any]] = [
    {"action": "pseudonymise", "key": "env:KEY"},
    {"action": "generalise", "hierarchy": "codes.csv", "levels": ["code"]},
    {"action": "generalise_date", "levels": ["year"]},
    {"action": "generalise_number", "widths": [10]},
    {"action": "round", "base": 10},
    {"action": "top_code", "at": 10},
]


def table(kind: str, action: dict[str, Any]) -> TableDefinition:
    return TableDefinition.model_validate(
        {
            "name": "readings",
            "title": "Readings",
            "row": "One reading.",
            "schema": {"fields": [{"name": "v", "type": kind, "title": "V"}]},
            "source": {"kind": "sql", "url": "env:SOURCE", "query": "SELECT 1"},
            "privacy": {"subject": "none", "fields": {"v": action}},
        }
    )


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: str(action["action"]))
@pytest.mark.parametrize("kind", ["duration", "object", "array", "list", "geopoint", "geojson"])
def test_a_treatment_that_does_not_fit_is_refused(kind: str, action: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DescriptorError, match=f"`v` is {kind}.*keep it or drop it"):
        plan_table(table(kind, action), folder=tmp_path, secrets=Secrets({"KEY": "k" * 40}), release="2026-11-22.1")


@pytest.mark.parametrize("kind", ["duration", "object", "list", "geopoint", "any"])
def test_keeping_is_always_possible(kind: str, tmp_path: Path) -> None:
    plan = plan_table(table(kind, {"action": "keep"}), folder=tmp_path, secrets=Secrets({}), release="2026-11-22.1")
    assert list(plan.treatments) == ["v"]
