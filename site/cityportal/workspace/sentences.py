"""What a run did, in plain sentences: from the name, state and counts of each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cityportal import formatting
from cityportal.languages import Language, has_message, translate
from cityportal.workspace.facade import RunRecord, StepRecord

FILE_TAKEN = ": File taken: "
"""Begins the note of a source for each file, which says less than the list of files."""


@dataclass(frozen=True)
class ToldFile:
    """One file that a source gave; `size` is for people."""

    table: str
    name: str
    size: str
    sha256: str


@dataclass(frozen=True)
class Told:
    """One step as the timeline tells it; `mark` is its state as the style sheet knows it.

    `files` and `notes` are what sources told when they were read; notes are technical English.
    """

    title: str
    mark: str
    sentences: tuple[str, ...]
    started_at: datetime
    seconds: float
    files: tuple[ToldFile, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToldDrift:
    """One column of the source that drifted; the name is empty where it is withheld."""

    table: str
    column: str
    sentence: str


def tell_run(run: RunRecord, language: Language) -> list[Told]:
    """Tell every step of a run, in order."""
    return [_tell_step(step, language) for step in run.steps]


def tell_reason(run: RunRecord, language: Language) -> tuple[str, str] | None:
    """Return why a run stopped and what to do, in plain words; null for a run that did not stop."""
    if run.state not in {"held", "failed"}:
        return None
    code = run.reason_code if has_message(f"reasons.{run.reason_code}.why") else "unknown"
    return translate(language, f"reasons.{code}.why"), translate(language, f"reasons.{code}.cure")


def tell_drift(run: RunRecord, language: Language) -> list[ToldDrift]:
    """Tell every column of the source that drifted, none for a run whose columns are those of the definition."""
    return [
        ToldDrift(str(one.get("table", "")), str(one.get("column", "")), _drift_sentence(one, language))
        for step in run.steps
        for one in step.facts.get("drift") or ()
        if has_message(f"drift.happened.{one.get('kind')}")
    ]


def _drift_sentence(one: Mapping[str, str], language: Language) -> str:
    """Return what happened to the column; a name that may be somebody's data is empty and withheld."""
    kinds = one["kind"] == "retyped"
    words = {part: one.get(part, "") for part in ("before", "after")}
    told = {
        part: translate(language, f"drift.kinds.{word}") if kinds else word or translate(language, "drift.withheld")
        for part, word in words.items()
    }
    return translate(language, f"drift.happened.{one['kind']}", **told)


def seconds_of(run: RunRecord, now: datetime) -> float:
    """Return how long a run has been at work; waiting for a person is no work."""
    if run.state != "running":
        return sum(step.seconds for step in run.steps)
    start = run.started_at if run.started_at.tzinfo else run.started_at.replace(tzinfo=UTC)
    return max(0.0, (now - start).total_seconds())


def _tell_step(step: StepRecord, language: Language) -> Told:
    named = f"steps.{step.name}"
    title = translate(language, f"{named}.title") if has_message(f"{named}.title") else step.name
    keys = _done(step.name, step.facts) if step.state == "done" else [f"step_states.{step.state}"]
    sentences = tuple(translate(language, key, **_values(step.facts, language)) for key in keys if has_message(key))
    files = tuple(_told_file(file, language) for file in step.facts.get("sources") or ())
    notes = tuple(note for note in step.facts.get("notes") or () if not (files and FILE_TAKEN in note))
    return Told(title, step.state, sentences, step.started_at, step.seconds, files, notes)


def _told_file(file: Mapping[str, Any], language: Language) -> ToldFile:
    size = str(file.get("bytes", ""))
    return ToldFile(
        table=str(file.get("table", "")),
        name=str(file.get("name", "")),
        size=formatting.size(int(size), language) if size.isdecimal() else "",
        sha256=str(file.get("sha256", "")),
    )


def _done(name: str, facts: Mapping[str, Any]) -> list[str]:
    """Return the sentences that a finished step's counts allow; a count that is missing says nothing."""
    chosen = [f"steps.{name}.{condition}" for condition, holds in _conditions(name, facts) if holds]
    return chosen or [f"steps.{name}.done"]


def _conditions(name: str, facts: Mapping[str, Any]) -> list[tuple[str, bool]]:
    def some(fact: str) -> bool:
        return bool(facts.get(fact))

    told: dict[str, list[tuple[str, bool]]] = {
        "extract": [("rows", "rows" in facts)],
        "fingerprint": [("same", some("unchanged"))],
        "validate": [
            ("clean", "rows_out" in facts and not some("invalid")),
            ("invalid", {"rows_in", "rows_out"} <= facts.keys() and some("invalid")),
        ],
        "anonymise": [
            ("dropped", some("dropped")),
            ("suppressed", some("suppressed")),
            ("hidden_cells", some("hidden_cells")),
        ],
        "write": [("files", {"files", "bytes"} <= facts.keys())],
        "describe": [("changes", any(map(some, ("added", "removed", "changed"))))],
        "check": [("checks", some("checks"))],
        "stage": [("files", {"files", "bytes"} <= facts.keys())],
        "approve": [("standing", some("standing"))],
        "publish": [("rows", "rows" in facts)],
    }
    return told.get(name, [])


def _values(facts: Mapping[str, Any], language: Language) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(("added", "removed", "changed"), 0)
    values |= {name: value for name, value in facts.items() if isinstance(value, int | float | str)}
    if isinstance(facts.get("bytes"), int):
        values["bytes"] = formatting.size(facts["bytes"], language)
    return values
