from __future__ import annotations

import pytest

from publisher.validation.files import report


@pytest.fixture(autouse=True)
def small_files_are_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files go to Frictionless as they are; here they show what happens to large ones."""
    monkeypatch.setattr(report, "SMALL_FILE", 0)
