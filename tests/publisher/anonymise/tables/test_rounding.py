from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from publisher.anonymise import AnonymisedTables
from publisher.anonymise.tables.cell_key import cell_key_of
from publisher.definition import TableDefinition
from publisher.disclosure.cells import small_cells, subtractions
from publisher.errors import DescriptorError
from publisher.secrets import Secrets

pytestmark = pytest.mark.slow

Make = Callable[..., TableDefinition]
Run = Callable[..., AnonymisedTables]

FIELDS = {"a": "string", "b": "string"}
ROUND = {"or_round": {"base": 5, "key": "env:PSEUDO_KEY"}}
WHOLE = {"id": "t", "group_by": ["a", "b"], "margins": "all", **ROUND}


def policy(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    keep = {name: {"action": "keep"} for name in FIELDS}
    return {"subject": "person", "fields": keep, "tables": list(tables), **more}


def draw_rows(seed: int, number: int, size: int = 40) -> dict[str, list[Any]]:
    draw = random.Random(seed)
    return {name: [f"{name}{int(size * draw.random() ** 3)}" for _ in range(number)] for name in FIELDS}


def counts(result: AnonymisedTables, place: int = 0) -> dict[tuple[Any, ...], int | None]:
    table, path = result.tables[place]
    by = table.aggregate.group_by if table.aggregate else []
    return {tuple(row[name] for name in by): row["so_luong"] for row in pq.read_table(path).to_pylist()}


def true_counts(rows: dict[str, list[Any]]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for a, b in zip(rows["a"], rows["b"], strict=True):
        found.update([(a, b), (a, "*"), ("*", b), ("*", "*")])
    return found


@pytest.mark.parametrize(("least", "base"), [(5, 5), (10, 5), (10, 3)])
def test_counts_are_multiples_near_the_truth_and_none_is_small(
    make_table: Make, anonymise: Run, least: int, base: int
) -> None:
    rows = draw_rows(1, 4000)
    rounding = {"or_round": {"base": base, "key": "env:PSEUDO_KEY"}, "small_cell": {"min": least}}
    result = anonymise(make_table(FIELDS, policy({**WHOLE, **rounding})), rows)
    shown, true = counts(result), true_counts(rows)
    numbers = {key: number for key, number in shown.items() if number is not None}
    assert len(numbers) > 0.7 * len(shown)
    assert all(number % base == 0 and number >= least for number in numbers.values())
    first = -(-least // base) * base
    assert all(abs(number - true[key]) < (first if true[key] < least else base) for key, number in numbers.items())
    told = [key for key in true if shown.get(key, 0) is not None]  # rounded to 0 or shown
    assert abs(sum(numbers.get(key, 0) for key in told) / sum(true[key] for key in told) - 1) < 0.02
    assert subtractions(result.tables) == []
    assert small_cells(result.tables[0][1], result.tables[0][0]) == []


def test_asking_again_or_elsewhere_gives_the_same_number(make_table: Make, anonymise: Run) -> None:
    rows = draw_rows(2, 2000)
    alone = make_table(FIELDS, policy({"id": "u", "group_by": ["a"], **ROUND}))
    beside = make_table(FIELDS, policy(WHOLE, {"id": "u", "group_by": ["a"], **ROUND}))
    first = counts(anonymise(alone, rows, seed=1, release="2026-11-22.1"))
    again = counts(anonymise(beside, rows, seed=2, release="2026-11-23.1"), 1)
    assert first == again
    margins = counts(anonymise(beside, rows))
    assert all(margins[a, "*"] == number for (a,), number in first.items())


def test_a_cell_that_grows_never_shrinks(make_table: Make, anonymise: Run) -> None:
    table = make_table(FIELDS, policy({"id": "u", "group_by": ["a"], **ROUND}))
    shown = [
        counts(anonymise(table, {"a": ["x"] * n + ["y"] * 50, "b": ["b"] * (n + 50)})).get(("x",), 0)
        for n in range(1, 30)
    ]
    assert shown == sorted(shown, key=lambda number: number or 0)


def test_few_people_with_many_rows_are_hidden(make_table: Make, anonymise: Run) -> None:
    table = make_table(FIELDS | {"ma": "string"}, policy({"id": "u", "group_by": ["a"], **ROUND}, unit_key=["ma"]))
    rows = {"a": ["x"] * 40 + ["y"] * 40, "b": ["b"] * 80, "ma": ["one"] * 40 + [str(n) for n in range(40)]}
    shown = counts(anonymise(table, rows))
    assert shown["x",] is None
    assert shown["y",] is not None


def test_tables_of_one_source_are_rounded_alike(make_table: Make, anonymise: Run) -> None:
    table = make_table(FIELDS, policy(WHOLE, {"id": "u", "group_by": ["a"]}))
    with pytest.raises(DescriptorError, match="rounded in different ways"):
        anonymise(table, draw_rows(3, 50))


def test_without_a_key_the_publishers_own_secret_rounds(make_table: Make, tmp_path: Any) -> None:
    table = make_table(FIELDS, policy({"id": "u", "group_by": ["a"], "or_round": {"base": 5}}))
    own = [Secrets({}, own_key=lambda key=key: key) for key in (b"one", b"one", b"other")]  # type: ignore[misc]
    first, again, other = (cell_key_of(table.privacy, folder=tmp_path, secrets=secrets) for secrets in own)
    assert first == again != other
    with pytest.raises(DescriptorError, match="no key for rounding"):
        cell_key_of(table.privacy, folder=tmp_path, secrets=Secrets({}))
