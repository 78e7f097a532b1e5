"""The guide to policies: its examples are read as they stand, and it explains every key of the language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

import publisher.policy as language
from publisher.hierarchies import BUILT_IN
from publisher.policy import Action, Privacy

GUIDE = (Path(__file__).parents[3] / "docs" / "policies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)
CELLS = [
    cell.replace("\\|", "|")
    for line in GUIDE.splitlines()
    if line.startswith("| ")
    for cell in re.findall(r"`(\w+: (?:\{.*?\}|drop))`", line)
]
READ: TypeAdapter[Any] = TypeAdapter(Action)


def _section(name: str) -> Any:
    for block in BLOCKS:
        if block.startswith(f"{name}:"):
            return yaml.safe_load(block)[name]
    raise AssertionError(name)


def test_the_sections_together_are_a_policy() -> None:
    table = yaml.safe_load(re.sub(r"[{\[]…[}\]]", "null", BLOCKS[0]))["privacy"]
    names = ("fields", "microdata", "tables", "releases")
    policy = Privacy.model_validate(table | {"dp": None} | {name: _section(name) for name in names})
    assert policy.microdata is not None
    assert policy.tables[0].group_by == ["phuong", "nhom_benh"]
    assert language.DifferentialPrivacy.model_validate(_section("dp")).ledger.epsilon_cap == 2.0


@pytest.mark.parametrize("cell", CELLS)
def test_every_example_of_an_action_is_read(cell: str) -> None:
    [action] = yaml.safe_load(cell).values()
    READ.validate_python(action)


def test_the_guide_has_an_example_of_every_action_and_names_every_key() -> None:
    shown = {READ.validate_python(next(iter(yaml.safe_load(cell).values()))).action for cell in CELLS}
    assert len(CELLS) >= 13
    models = [one for one in vars(language).values() if isinstance(one, type) and issubclass(one, BaseModel)]
    actions = {model.model_fields["action"].default for model in models if "action" in model.model_fields}
    assert {"drop", "grid", "recode", "shift_group", "perturb", "steps"} <= shown
    assert actions
    for model in models:
        for key, field in model.model_fields.items():
            if key != "steps":
                assert re.search(rf"\b{field.alias or key}\b", GUIDE), (
                    f"{model.__name__}.{key} is not in docs/policies.md"
                )


def test_the_guide_names_the_built_in_hierarchies() -> None:
    for name in BUILT_IN:
        assert f"`{name}`" in GUIDE
