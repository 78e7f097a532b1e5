"""What became of each record, one JSON line each; the next run reads it to skip what is done."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DONE = {"created", "updated", "matched", "unchanged"}


@dataclass(frozen=True)
class Outcome:
    """What became of one record: created, updated, matched (was here under its name), unchanged, skipped or failed.

    `changes` tells in words what had to be changed to take the record in; never a value of it.
    """

    kind: str
    id: str
    name: str
    outcome: str
    changes: tuple[str, ...] = ()


@dataclass
class Report:
    """The lines of all runs over one source, in a file that grows."""

    path: Path
    counts: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    failed: list[Outcome] = field(default_factory=list)
    _done: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                told = json.loads(line)
            except ValueError:  # the last line of a run that was killed
                continue
            if told["outcome"] in DONE:
                self._done[told["kind"], told["id"]] = told["record_sha256"]

    def is_done(self, kind: str, record: Mapping[str, Any]) -> bool:
        """Tell whether a former run took in this very record."""
        return self._done.get((kind, str(record["id"]))) == _digest(record)

    def add(self, outcomes: Iterable[tuple[Mapping[str, Any], Outcome]]) -> None:
        """Write down what became of records, after their transaction is committed."""
        lines = []
        for record, outcome in outcomes:
            self.counts[f"{outcome.kind} {outcome.outcome}"] += 1
            self.changed += bool(outcome.changes)
            if outcome.outcome == "failed":
                self.failed.append(outcome)
            told = {
                "kind": outcome.kind,
                "id": outcome.id,
                "name": outcome.name,
                "outcome": outcome.outcome,
                "changes": outcome.changes,
                "record_sha256": _digest(record),
            }
            lines.append(json.dumps(told, ensure_ascii=False) + "\n")
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(lines)


def _digest(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()
