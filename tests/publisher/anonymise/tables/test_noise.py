from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from publisher.anonymise import AnonymisedTables
from publisher.definition import TableDefinition
from publisher.disclosure.budget import broken_chain, overspent, unpaid_noise
from publisher.errors import DescriptorError, DisclosureRisk
from publisher.ledger import Answer, Budget, Question, entries_of, rehearsal
from publisher.policy import EpsilonLedger
from publisher.published import published_tables
from publisher.store import EpsilonRow, Store

pytest.importorskip("opendp")
pytestmark = pytest.mark.slow

Make = Callable[..., TableDefinition]
Release = Callable[..., AnonymisedTables]

FIELDS = {"ma": "string", "phuong": "string", "nhom": "string", "nam": "boolean"}
LEDGER = {"name": "so-y-te", "period": "year", "epsilon_cap": 2.0}
TABLES: list[dict[str, Any]] = [{"id": "theo_phuong", "group_by": ["phuong", "nam"], "margins": "all"}]
GUARANTEE = {"max_rows_per_unit": 1, "epsilon": 1.0, "ledger": LEDGER}


def policy(tables: list[dict[str, Any]] = TABLES, **changes: Any) -> dict[str, Any]:
    kept = {name: {"action": "keep"} for name in ("phuong", "nhom", "nam")}
    dp = {**GUARANTEE, **changes}
    return {"subject": "person", "unit_key": ["ma"], "fields": kept, "tables": tables, "dp": dp}


def people(**districts: int) -> dict[str, list[Any]]:
    names = [name for name, number in districts.items() for _ in range(number)]
    return {
        "ma": [f"p{place}" for place in range(len(names))],
        "phuong": names,
        "nhom": ["x"] * len(names),
        "nam": [place % 2 == 0 for place in range(len(names))],
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'publisher.db'}")
    made.upgrade()
    yield made
    made.close()


@pytest.fixture
def budget(store: Store) -> Budget:
    return Budget(store, b"secret", "kham-benh", "2026-11-22.1", date(2026, 11, 22), frozenset({"so-y-te"}))


@pytest.fixture
def release(anonymise: Callable[..., AnonymisedTables]) -> Release:
    """Return a function that anonymises rows (columns of Python values) and pays from a budget."""
    return lambda table, columns, budget: anonymise(table, columns, budget=budget)


def rows_of(result: AnonymisedTables, name: str = "theo_phuong") -> list[dict[str, Any]]:
    return list(pq.read_table({table.name: path for table, path in result.tables}[name]).to_pylist())


def test_every_cell_is_listed_and_totals_are_sums(make_table: Make, release: Release, budget: Budget) -> None:
    rows = rows_of(release(make_table(FIELDS, policy(epsilon=2.0)), people(A=900, B=700), budget))
    counted = {(row["phuong"], row["nam"]): row["so_luong"] for row in rows}
    places = [(p, n) for p in ("*", "A", "B") for n in ("*", "false", "true", None)]
    assert Counter(counted.keys()) == Counter(places)
    for name, exact in (("A", 900), ("B", 700)):
        assert abs(counted[name, "*"] - exact) < 60
        assert abs(counted[name, "true"] + counted[name, "false"] + counted[name, None] - counted[name, "*"]) < 20


def test_noise_is_there_and_of_the_scale_that_the_budget_pays_for(
    make_table: Make, release: Release, budget: Budget
) -> None:
    columns = people(**{f"P{place:03}": 40 for place in range(200)})
    tables = [{"id": "theo_phuong", "group_by": ["phuong"]}]
    result = release(make_table(FIELDS, policy(tables, max_rows_per_unit=2, epsilon=0.5)), columns, budget)
    errors = np.abs([row["so_luong"] - 40 for row in rows_of(result)])
    assert 2.5 < errors.mean() < 5.6  # the mean of a Laplace distribution of scale 4, less what stops at zero
    told = result.report["theo_phuong"]["dp"]
    assert (told["scale"], told["spent_now"], told["cap"], told["ledger"]) == (4.0, 0.5, 2.0, "so-y-te")
    assert told["values"] == {"phuong": "seen"}


def test_one_person_with_many_rows_counts_no_more_than_is_allowed(
    make_table: Make, release: Release, budget: Budget
) -> None:
    columns = people(A=50)
    columns["ma"] = ["one"] * 45 + ["b", "c", "d", "e", "f"]
    tables = [{"id": "theo_phuong", "group_by": ["phuong"]}]
    [row] = rows_of(release(make_table(FIELDS, policy(tables, max_rows_per_unit=3, epsilon=2.0)), columns, budget))
    assert row["so_luong"] < 30


def test_the_same_data_gets_the_same_numbers_and_spends_once(
    make_table: Make, release: Release, budget: Budget
) -> None:
    table = make_table(FIELDS, policy())
    first = release(table, people(A=60, B=40), budget)
    again = [release(table, people(A=60, B=40), replace(budget, release=f"2026-11-22.{n}")) for n in range(2, 12)]
    assert all(rows_of(one) == rows_of(first) for one in again)
    assert len(entries_of(budget.store, ["so-y-te"])["so-y-te"]) == 1
    assert (again[-1].report["theo_phuong"]["dp"]["spent_now"], again[-1].report["theo_phuong"]["dp"]["spent"]) == (
        0,
        1,
    )


def test_a_release_beyond_the_cap_is_refused_and_the_next_period_is_free(
    make_table: Make, release: Release, budget: Budget
) -> None:
    table = make_table(FIELDS, policy())
    for number in (60, 61):
        release(table, people(A=number), budget)
    with pytest.raises(DisclosureRisk, match="0 left of 2 for this year"):
        release(table, people(A=62), budget)
    release(table, people(A=62), replace(budget, day=date(2027, 1, 1)))
    assert table.privacy.dp
    assert not overspent(budget.entries()["so-y-te"], table.privacy.dp)


def test_tables_share_the_budget_equally(make_table: Make, release: Release, budget: Budget) -> None:
    tables = [{"id": "theo_phuong", "group_by": ["phuong"]}, {"id": "theo_nhom", "group_by": ["nhom"]}]
    release(make_table(FIELDS, policy(tables)), people(A=60), budget)
    assert [(one["table"], one["epsilon"]) for one in budget.entries()["so-y-te"]] == [
        ("theo_phuong", 0.5),
        ("theo_nhom", 0.5),
    ]


def test_declared_values_stand_although_nobody_has_them_and_rare_ones_are_not_listed(
    make_table: Make, release: Release, budget: Budget
) -> None:
    described = [{"name": name, "type": kind, "title": name} for name, kind in FIELDS.items()]
    described[1]["constraints"] = {"enum": ["A", "B", "C"], "required": True}
    tables = [{"id": "theo_phuong", "group_by": ["phuong"]}, {"id": "theo_nhom", "group_by": ["nhom"]}]
    table = make_table(FIELDS, policy(tables), schema={"fields": described})
    columns = people(A=60)
    columns["nhom"] = ["thường"] * 58 + ["hiếm"] * 2
    result = release(table, columns, budget)
    assert [row["phuong"] for row in rows_of(result)] == ["A", "B", "C"]
    assert [row["nhom"] for row in rows_of(result, "theo_nhom")] == ["thường"]


def test_nothing_is_made_without_a_ledger(make_table: Make, release: Release) -> None:
    with pytest.raises(DescriptorError, match="no ledger"):
        release(make_table(FIELDS, policy()), people(A=60), None)


def test_a_rehearsal_spends_nothing(make_table: Make, release: Release, budget: Budget, tmp_path: Path) -> None:
    copy = rehearsal(budget.store, ["so-y-te"], tmp_path / "rehearsal.db")
    release(make_table(FIELDS, policy()), people(A=60), replace(budget, store=copy))
    assert len(entries_of(copy, ["so-y-te"])["so-y-te"]) == 1
    assert budget.entries() == {"so-y-te": []}
    copy.close()


def test_the_checker_wants_the_very_numbers_that_were_paid_for(
    make_table: Make, release: Release, budget: Budget, tmp_path: Path
) -> None:
    result = release(make_table(FIELDS, policy()), people(A=60, B=40), budget)
    [(table, path)] = result.tables
    entries = budget.entries()
    assert unpaid_noise(path, table, "kham-benh", entries) == []
    assert unpaid_noise(path, table, "kham-benh", None)
    stricter = make_table(FIELDS, policy(epsilon=0.5))
    assert "epsilon" in " ".join(unpaid_noise(path, published_tables(stricter)[0], "kham-benh", entries))
    assert unpaid_noise(path, table, "khac", entries)
    exact = tmp_path / "exact.parquet"
    content = pq.read_table(path)
    counts = pa.array([number + 1 for number in content["so_luong"].to_pylist()])
    pq.write_table(content.set_column(2, "so_luong", counts), exact)
    assert "paid" in " ".join(unpaid_noise(exact, table, "kham-benh", entries))
    pq.write_table(content.slice(1), exact)
    assert "every cell" in " ".join(unpaid_noise(exact, table, "kham-benh", entries))


def test_a_ledger_that_was_changed_is_seen(budget: Budget) -> None:
    ledger = EpsilonLedger(name="so-y-te", epsilon_cap=2.0)
    for number in range(3):
        budget.pay(ledger, [Question("t", 0.5, b"%d" % number)], lambda _: Answer(b"x", "d" * 64))
    entries = budget.entries()["so-y-te"]
    assert broken_chain(entries) == []
    assert broken_chain(entries[1:])
    assert broken_chain(entries[:1] + entries[2:])
    assert broken_chain([{**entries[0], "epsilon": 0.1}, *entries[1:]])
    with budget.store.session() as session:
        session.get_one(EpsilonRow, ("so-y-te", 2)).epsilon = 0.01
    assert broken_chain(budget.entries()["so-y-te"]) == ["the ledger's chain breaks at entry 2"]


@pytest.mark.parametrize(
    ("period", "same", "other"),
    [
        ("year", date(2026, 1, 1), date(2027, 1, 1)),
        ("quarter", date(2026, 10, 1), date(2026, 9, 30)),
        ("month", date(2026, 11, 1), date(2026, 12, 1)),
        ("ever", date(1999, 1, 1), None),
    ],
)
def test_a_budget_is_renewed_with_its_period(budget: Budget, period: Any, same: date, other: date | None) -> None:
    ledger = EpsilonLedger(name="so-y-te", period=period, epsilon_cap=1.0)
    draw = Answer(b"x", "d" * 64)
    budget.pay(ledger, [Question("t", 1.0, b"1")], lambda _: draw)
    with pytest.raises(DisclosureRisk):
        replace(budget, day=same).pay(ledger, [Question("t", 0.1, b"2")], lambda _: draw)
    if other:
        replace(budget, day=other).pay(ledger, [Question("t", 1.0, b"3")], lambda _: draw)


def test_two_questions_are_paid_for_together_or_not_at_all(budget: Budget) -> None:
    ledger = EpsilonLedger(name="so-y-te", epsilon_cap=1.0)
    questions = [Question("one", 0.6, b"1"), Question("two", 0.6, b"2")]
    with pytest.raises(DisclosureRisk):
        budget.pay(ledger, questions, lambda _: Answer(b"x", "d" * 64))
    assert budget.entries() == {"so-y-te": []}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tables": []}, "there are none"),
        (
            {
                "tables": [
                    {
                        "id": "t",
                        "group_by": ["phuong"],
                        "measures": [{"name": "m", "kind": "sum", "field": "tien", "title": "m"}],
                    }
                ]
            },
            "counts alone",
        ),
        ({"dp": {**GUARANTEE, "epsilon": 3.0}}, "epsilon_cap"),
    ],
)
def test_policies_that_noise_cannot_keep_are_refused(make_table: Make, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_table({**FIELDS, "tien": "number"}, {**policy(), "microdata": {"k": 5}, **changes})
