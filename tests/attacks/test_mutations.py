"""Every protection is needed: with it the attack fails, and as soon as that one is switched off the attack succeeds."""

from __future__ import annotations

from pathlib import Path

import pytest
from attacks.mutations import MUTATIONS, Mutation

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.protection)
def test_an_attack_succeeds_only_without_the_protection(
    mutation: Mutation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not mutation.succeeds(tmp_path / "with")
    mutation.disable(monkeypatch)
    assert mutation.succeeds(tmp_path / "without")


def test_every_attack_has_a_protection_that_stops_it() -> None:
    """Attack 6 is on the search as a whole; nothing stands between it and the levels that could be switched off."""
    assert {mutation.attack for mutation in MUTATIONS} == {1, 2, 3, 4, 5, 7, 8, 9, 10}
    names = [mutation.protection for mutation in MUTATIONS]
    assert len(set(names)) == len(names)
