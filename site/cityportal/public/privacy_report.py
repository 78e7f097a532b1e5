"""What was done so that nobody is recognised, read from a release's `privacy.json`: names of columns and counts, never a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cityportal.public.dictionary import Table

_KEPT = "keep"
_COUNTED = "count"


@dataclass(frozen=True)
class TreatedColumn:
    """A column of the source and what happened to it; `level` is how coarse it became, empty where that says nothing."""

    name: str
    treatment: str
    role: str = ""
    level: str = ""


@dataclass(frozen=True)
class Waiver:
    """A named person's word that a column which looks personal is not, for one kind and until a day."""

    field: str
    kind: str
    reason: str
    by: str
    until: date


@dataclass(frozen=True)
class Budget:
    """What was spent of a budget of differential privacy in a period; numbers are epsilon, null where nothing is told."""

    ledger: str
    period: str
    epsilon: float
    spent: float | None
    cap: float | None


@dataclass(frozen=True)
class TablePrivacy:
    """What the policy did to one table; null where the question does not arise."""

    table: str
    is_aggregate: bool
    subject: str
    k: int | None
    l: float | None  # noqa: E741  the field's standard name
    smallest_class: int | None
    suppressed_rows: int
    suppressed_share: float
    cells: int | None
    hidden_cells: int
    hidden_complementary: int
    min_units: int | None
    columns: tuple[TreatedColumn, ...]
    dropped_fields: tuple[str, ...]
    waivers: tuple[Waiver, ...]
    budget: Budget | None
    rounded_to: int | None

    @property
    def method(self) -> str:
        """How the numbers of an aggregate are protected: `noisy`, `rounded` or `hidden`."""
        return "noisy" if self.budget else "rounded" if self.rounded_to else "hidden"

    @property
    def changed(self) -> tuple[TreatedColumn, ...]:
        """The columns that left less exact than they came."""
        return tuple(column for column in self.columns if column.treatment not in {_KEPT, _COUNTED})

    @property
    def kept(self) -> tuple[TreatedColumn, ...]:
        """The columns that left as they came."""
        return tuple(column for column in self.columns if column.treatment == _KEPT)


@dataclass(frozen=True)
class Check:
    """One guarantee that was verified again on the released bytes."""

    id: str
    table: str
    passed: bool


@dataclass(frozen=True)
class Attack:
    """An attack that the software is tested with, the guarantees against it that were verified on this release, and what it may still learn."""

    name: str
    verified: tuple[str, ...]
    remains: str = ""


@dataclass(frozen=True)
class Ground:
    """On what grounds a table is public."""

    table: str
    basis: str
    procedure: str
    approved_by: str


@dataclass(frozen=True)
class Review:
    """Who answers for the policy, and when people look at it again; empty or null where a report does not tell."""

    grounds: tuple[Ground, ...] = ()
    approval: str = ""
    reviewed_on: date | None = None
    next_audit: date | None = None
    rulebook: str = ""


@dataclass(frozen=True)
class Privacy:
    """The privacy report of a release; `passed` tells whether every check on the released bytes held."""

    tables: tuple[TablePrivacy, ...]
    checks: tuple[Check, ...]
    passed: bool
    attacks: tuple[Attack, ...] = ()
    review: Review = Review()

    @property
    def is_about_people(self) -> bool:
        """Tell whether any table says something of persons, households or businesses."""
        return any(table.subject != "none" for table in self.tables)

    @property
    def stays_inside(self) -> tuple[str, ...]:
        """Return the columns of the sources that leave in no table."""
        leaving = {column.name for table in self.tables for column in table.columns}
        dropped = dict.fromkeys(name for table in self.tables for name in table.dropped_fields)
        return tuple(name for name in dropped if name not in leaving)

    @property
    def guarantees(self) -> Mapping[str, bool]:
        """Return each guarantee that was verified, and whether it held for all tables."""
        return {
            name: all(check.passed for check in self.checks if check.id == name)
            for name in sorted({check.id for check in self.checks}, key=lambda name: (len(name), name))
        }


def privacy_from_report(report: Mapping[str, Any] | None) -> Privacy | None:
    """Read a privacy report, null where there is none; what an older one does not tell stays empty."""
    if report is None:
        return None
    verdict = report.get("verdict") or {}
    return Privacy(
        tables=tuple(_table(name, table) for name, table in (report.get("tables") or {}).items()),
        checks=tuple(
            Check(str(check["id"]), str(check.get("table") or ""), bool(check["passed"]))
            for check in verdict.get("checks") or []
        ),
        passed=bool(verdict.get("passed")),
        attacks=tuple(
            Attack(
                str(one["name"]), tuple(str(name) for name in one.get("verified") or ()), str(one.get("remains") or "")
            )
            for one in report.get("attacks") or ()
        ),
        review=_review(report.get("review") or {}, report.get("tables") or {}),
    )


def titles_of(tables: Sequence[Table]) -> dict[tuple[str, str], Any]:
    """Return the titles of released columns by table and name."""
    return {(table.name, column.name): column.title for table in tables for column in table.columns}


def _table(name: str, told: Mapping[str, Any]) -> TablePrivacy:
    roles, levels = told.get("roles") or {}, told.get("levels") or {}
    return TablePrivacy(
        table=name,
        is_aggregate=told.get("kind") == "aggregate",
        subject=str(told.get("subject") or "none"),
        k=told.get("k") or None,
        l=told.get("l") or None,
        smallest_class=told.get("smallest_class") or None,
        suppressed_rows=int(told.get("suppressed_rows") or 0),
        suppressed_share=float(told.get("suppressed_share") or 0),
        cells=told.get("cells"),
        hidden_cells=int(told.get("hidden_cells") or 0),
        hidden_complementary=int(told.get("hidden_complementary") or 0),
        min_units=told.get("min_units") or None,
        columns=tuple(
            TreatedColumn(str(field), str(action), str(roles.get(field) or ""), str(levels.get(field) or ""))
            for field, action in (told.get("treatments") or {}).items()
        ),
        dropped_fields=tuple(str(field) for field in told.get("dropped") or ()),
        waivers=tuple(
            Waiver(str(w["field"]), str(w["kind"]), str(w["reason"]), str(w["by"]), date.fromisoformat(w["until"]))
            for w in told.get("waivers") or ()
        ),
        budget=_budget(told.get("dp")),
        rounded_to=told.get("rounded_to") or None,
    )


def _budget(told: object) -> Budget | None:
    if not isinstance(told, Mapping) or not isinstance(told.get("epsilon"), int | float):
        return None
    return Budget(
        ledger=str(told.get("ledger") or ""),
        period=str(told.get("period") or "ever"),
        epsilon=float(told["epsilon"]),
        spent=_number(told.get("spent")),
        cap=_number(told.get("cap")),
    )


def _review(told: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Review:
    legal = told.get("legal") or {name: table.get("legal") or {} for name, table in tables.items()}
    grounds = [
        Ground(str(table), *(str(said.get(key) or "") for key in ("basis", "procedure", "approved_by")))
        for table, said in legal.items()
        if said
    ]
    distinct = {(one.basis, one.procedure, one.approved_by): one for one in reversed(grounds)}
    return Review(
        grounds=tuple(reversed(distinct.values())),
        approval=str(told.get("approval") or ""),
        reviewed_on=_day(told.get("reviewed_on")),
        next_audit=_day(told.get("next_audit")),
        rulebook=str((told.get("rulebook") or {}).get("version") or ""),
    )


def _day(told: object) -> date | None:
    return date.fromisoformat(str(told)) if told else None


def _number(told: object) -> float | None:
    return float(told) if isinstance(told, int | float) else None
