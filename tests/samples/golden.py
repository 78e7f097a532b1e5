"""Outputs kept as files: compared in every run, rewritten by `make golden`, and their diff read by a person."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "golden"


def assert_golden(name: str, data: bytes) -> None:
    """Compare with the kept file, or rewrite it when PHUSA_GOLDEN=write."""
    path = FOLDER / name
    if os.environ.get("PHUSA_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    assert path.exists(), f"{path.name} is missing; run `make golden` and read the difference"
    assert data.decode() == path.read_text(encoding="utf-8"), (
        f"{name} changed; run `make golden` and read the difference"
    )
