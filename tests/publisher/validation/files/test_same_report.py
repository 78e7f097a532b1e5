"""Our report on a file is Frictionless' own: every error, in order, and every count. The clean rows never reach it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from publisher.errors import DescriptorError
from publisher.validation.files import blocks, lanes
from publisher.validation.files.report import prove_file
from publisher.validation.files.summary import ProofSummary

sys.path.insert(0, str(Path(__file__).parent))
import hostile

SHARES = 4
CASES = 600
ENOUGH_ERRORS = 20_000 // SHARES
ENOUGH_PROVEN = 5_000


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plain_report(case: hostile.Case) -> dict[str, Any] | None:
    """Null when Frictionless raises."""
    from frictionless import Dialect, Resource, Schema

    options: dict[str, Any] = {"path": case.name, "schema": Schema.from_descriptor(case.schema)}
    if case.dialect is not None:
        options["dialect"] = Dialect.from_descriptor(case.dialect)
    try:
        return without_seconds(Resource(**options).validate(limit_errors=case.limit_errors))
    except Exception:  # noqa: BLE001
        return None


def our_report(case: hostile.Case) -> tuple[dict[str, Any] | None, ProofSummary]:
    try:
        report, summary = prove_file(case.name, case.schema, dialect=case.dialect, limit_errors=case.limit_errors)
    except DescriptorError:
        return None, ProofSummary()
    return without_seconds(report), summary


def without_seconds(report: Any) -> dict[str, Any]:
    plain: dict[str, Any] = report.to_descriptor()
    del plain["stats"]["seconds"]
    for task in plain["tasks"]:
        del task["stats"]["seconds"]
    return plain


def first_difference(ours: dict[str, Any] | None, theirs: dict[str, Any] | None) -> str:
    if ours is None or theirs is None:
        return (
            f"ours {'raises' if ours is None else 'reports'}, Frictionless {'raises' if theirs is None else 'reports'}"
        )
    mine, other = ours["tasks"][0], theirs["tasks"][0]
    for place, (error, expected) in enumerate(zip(mine["errors"], other["errors"], strict=False)):
        if error != expected:
            return f"error {place}:\n{error}\n{expected}"
    return "\n".join(str({**task, "errors": len(task["errors"])}) for task in (mine, other))


def small_blocks(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut files of a few kilobytes into many blocks, so that keys meet across them."""
    chance = Random(number)
    smallest = chance.choice([64, 300, 2000, 1 << 16])
    monkeypatch.setattr(blocks, "FIRST_BLOCK", smallest)
    monkeypatch.setattr(blocks, "LARGEST_BLOCK", smallest * chance.choice([1, 8]))
    monkeypatch.setattr(lanes, "_LEARNING_BLOCK", chance.choice([1, 2000, 1 << 20]))
    monkeypatch.setattr(lanes, "_FIRST_ROWS", chance.choice([3, 64]))
    monkeypatch.setattr(lanes, "_MOST_ROWS", chance.choice([7, 100]))


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.filterwarnings("ignore")  # dateutil and others warn about the texts that they are given
def test_hostile_files_get_frictionless_own_report(share: int, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = proven = 0
    lanes_taken: Counter[str] = Counter()
    for number in range(share, CASES, SHARES):
        case = hostile.case(number)
        Path(case.name).write_bytes(case.content)
        small_blocks(number, monkeypatch)
        ours, summary = our_report(case)
        theirs = plain_report(case)
        if theirs is None and ours is not None:
            # Frictionless reads all keys of the table first; we stop at the limit of errors before the row
            assert ours["tasks"][0]["warnings"], (case.name, "Frictionless raises, we do not")
            continue
        assert ours == theirs, f"{case.name} {case.dialect} {summary}\n{first_difference(ours, theirs)}"
        assert "while proving" not in (summary.fallback or ""), summary
        errors += len(theirs["tasks"][0]["errors"]) if theirs else 0
        proven += summary.proven
        lanes_taken.update(summary.lanes)
    assert errors >= ENOUGH_ERRORS
    assert proven >= ENOUGH_PROVEN
    assert lanes_taken["arrow"] > lanes_taken["cells"] > 0


@pytest.mark.parametrize("number", range(40))
@pytest.mark.filterwarnings("ignore")
def test_random_bytes_get_frictionless_own_report(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Random(number)
    small_blocks(number, monkeypatch)
    letters = chance.choice([bytes(range(256)), b'a1,"\n\r ;\t\x00\xc3\xa9', b'12,\n"x'])
    content = b"a,b\n" * chance.randint(0, 1) + bytes(
        chance.choice(letters) for _ in range(chance.choice([0, 1, 40, 900]))
    )
    fields = [{"name": "a", "type": "integer"}, {"name": "b", "type": "string", "constraints": {"maxLength": 3}}]
    schema = {"fields": fields, **({"primaryKey": ["a"]} if number % 2 else {})}
    case = hostile.Case("random.csv", content, schema, chance.choice([None, {"csv": {"delimiter": ","}}]), 10**6)
    Path(case.name).write_bytes(content)
    ours, _ = our_report(case)
    theirs = plain_report(case)
    assert ours == theirs, first_difference(ours, theirs)
