"""What is remembered of a source between runs, so that one that did not change costs next to nothing."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from publisher.sources.surroundings import Surroundings

Revision = list[dict[str, str]]
"""The requests of a reading in order, each with the `etag` or `last_modified` of its answer."""

FILE = "revision.json"


def recall(surroundings: Surroundings) -> tuple[Revision, dict[str, Any]] | None:
    """Return the last reading's revision and what it extracted; null when there is none, or another recipe made it."""
    if surroundings.memory is None:
        return None
    try:
        content = json.loads((surroundings.memory / FILE).read_bytes())
        if content["recipe"] != surroundings.recipe:
            return None
        return content["revision"], content["extracted"]
    except (OSError, ValueError, KeyError, TypeError):  # absent or broken: the source is simply read
        return None


def remember(surroundings: Surroundings, revision: Revision | None, extracted: dict[str, Any]) -> None:
    """Keep a reading's revision and what it extracted; without a revision, forget the one before."""
    if surroundings.memory is None:
        return
    path = surroundings.memory / FILE
    if not revision:
        path.unlink(missing_ok=True)
        return
    surroundings.memory.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = {"recipe": surroundings.recipe, "revision": revision, "extracted": extracted}
    half_written = path.with_suffix(f".{os.getpid()}")
    half_written.write_text(json.dumps(content), encoding="utf-8")
    half_written.replace(path)


def forget(folder: Path) -> bool:
    """Delete what is remembered in the folder; return whether there was anything."""
    existed = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    return existed
