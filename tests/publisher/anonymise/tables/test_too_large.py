"""Tables with too many linked small cells: both sides refuse what they cannot finish."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from publisher.anonymise import AnonymisedTables
from publisher.anonymise.tables import protection
from publisher.definition import TableDefinition
from publisher.disclosure.cells import attack, subtractions
from publisher.errors import DescriptorError

Make = Callable[..., TableDefinition]
Run = Callable[..., AnonymisedTables]

FIELDS = ["a", "b", "c"]
POLICY: dict[str, Any] = {
    "subject": "business",
    "fields": {name: {"action": "keep"} for name in FIELDS},
    "tables": [{"id": "t", "group_by": FIELDS, "margins": "all"}],
}


def rows() -> dict[str, list[str]]:
    draw = random.Random(4)
    return {name: [str(min(int(draw.expovariate(0.6)), 3)) for _ in range(200)] for name in FIELDS}


def test_too_many_cells_are_refused_with_a_cure(
    make_table: Make, anonymise: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protection, "_MOST_ALONE", 0)
    with pytest.raises(DescriptorError, match=r"`t`.*too many small cells") as refused:
        anonymise(make_table(dict.fromkeys(FIELDS, "string"), POLICY), rows())
    assert "fewer fields" in str(refused.value.cure)


def test_what_the_audit_cannot_finish_does_not_hold(
    make_table: Make, anonymise: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = anonymise(make_table(dict.fromkeys(FIELDS, "string"), POLICY), rows())
    assert subtractions(result.tables) == []
    monkeypatch.setattr(attack, "_MOST_STEPS", 1)
    [fault] = subtractions(result.tables)
    assert "too many linked cells to be checked" in fault
