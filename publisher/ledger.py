"""The ledger of budgets of differential privacy: what was spent of each, for which answer, in a chain that cannot be changed unseen.

Entries are only ever added. Each holds the digest of the one before it, and every privacy report names the digest of the newest, so that
whoever keeps a report can tell whether the entries before it are still those of that day. An answer is stored with the entry that paid
for it: the same question to the same data gets the same noisy numbers again and spends nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from publisher.definition import DatasetDefinition
from publisher.errors import DisclosureRisk, EnvironmentFault
from publisher.facilities import Facilities
from publisher.policy import EpsilonLedger
from publisher.store import AnswerRow, EpsilonRow, Store

FIRST = "0" * 64
"""What the first entry of a ledger holds in place of the digest before it."""

Entries = Mapping[str, Sequence[Mapping[str, Any]]]
"""The entries of ledgers by their names, oldest first, as plain values."""

_FIELDS = ("ledger", "number", "day", "dataset", "release", "table", "epsilon", "cap", "answer", "previous", "digest")
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Question:
    """One noisy table that is asked for: what it costs, and everything that decides its answer, the exact counts among it."""

    table: str
    epsilon: float
    content: bytes


@dataclass(frozen=True)
class Answer:
    """A noisy table in the bytes that were stored, and the digest of its published values."""

    content: bytes
    digest: str


@dataclass(frozen=True)
class Paid:
    """The answers to the questions in their order, and the state of the ledger after them; epsilons of the current period."""

    answers: list[Answer]
    spent_now: float
    spent: float
    cap: float
    head: str


@dataclass(frozen=True)
class Budget:
    """What a release may spend from: the ledgers of a store.

    `names` are the ledgers, `day` decides the period; the secret keeps the digests of questions from telling anything of the data.
    """

    store: Store
    secret: bytes
    dataset: str
    release: str
    day: date
    names: frozenset[str]

    def entries(self) -> Entries:
        """Return all entries of the ledgers, as the checker replays them."""
        return entries_of(self.store, self.names)

    def pay(self, ledger: EpsilonLedger, questions: Sequence[Question], draw: Callable[[Question], Answer]) -> Paid:
        """Return an answer to each question: the stored one, or one that is drawn, paid for and stored, all of them or none.

        Raises:
            DisclosureRisk: the budget of the period does not suffice.
            EnvironmentFault: another process spent from the ledger at the same moment.
        """
        try:
            with self.store.session() as session:
                return self._pay(session, ledger, questions, draw)
        except IntegrityError:
            message = f"Another run spent from the privacy budget `{ledger.name}` at the same moment."
            raise EnvironmentFault(message, dataset=self.dataset, step="anonymise", cure="run again") from None

    def _pay(
        self,
        session: Session,
        ledger: EpsilonLedger,
        questions: Sequence[Question],
        draw: Callable[[Question], Answer],
    ) -> Paid:
        keys = [self._key(ledger, question) for question in questions]
        known = {key: answer for key in keys if (answer := _stored(session, ledger.name, key))}
        entries = _entries(session, ledger.name)
        spent = spent_in(ledger, entries, self.day)
        wanted = {key: question for key, question in zip(keys, questions, strict=True) if key not in known}
        now = sum(question.epsilon for question in wanted.values())
        if spent + now > ledger.epsilon_cap + _TOLERANCE:
            message = (
                f"The privacy budget `{ledger.name}` has {max(0.0, ledger.epsilon_cap - spent):g} left of "
                f"{ledger.epsilon_cap:g} for this {ledger.period}, and this release needs {now:g}."
            )
            cure = "wait for the next period, release less often, or decide anew on epsilon and epsilon_cap"
            raise DisclosureRisk(message, dataset=self.dataset, step="anonymise", cure=cure)
        head, number = (entries[-1]["digest"], int(entries[-1]["number"])) if entries else (FIRST, 0)
        for key, question in wanted.items():
            number += 1
            known[key] = draw(question)
            head = self._append(session, ledger, question, known[key], number=number, previous=head)
            session.add(AnswerRow(ledger=ledger.name, question=key, number=number, content=known[key].content))
        return Paid([known[key] for key in keys], now, spent + now, ledger.epsilon_cap, head)

    def _append(
        self, session: Session, ledger: EpsilonLedger, question: Question, answer: Answer, *, number: int, previous: str
    ) -> str:
        entry = {
            "ledger": ledger.name,
            "number": number,
            "day": self.day.isoformat(),
            "dataset": self.dataset,
            "release": self.release,
            "table": question.table,
            "epsilon": question.epsilon,
            "cap": ledger.epsilon_cap,
            "answer": answer.digest,
            "previous": previous,
        }
        digest = hashlib.sha256(json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        session.add(EpsilonRow(**entry, digest=digest))
        return digest

    def _key(self, ledger: EpsilonLedger, question: Question) -> str:
        said = json.dumps([ledger.name, self.dataset, question.table, question.epsilon]).encode()
        return hmac.digest(self.secret, b"question " + said + question.content, "sha256").hex()


def ledgers_of(definition: DatasetDefinition) -> set[str]:
    """Return the ledgers that a dataset's noise is paid from."""
    return {table.privacy.dp.ledger.name for table in definition.resources if table.privacy.dp}


def budget_of(
    definition: DatasetDefinition, facilities: Facilities, day: date, release: str, *, rehearse_in: Path | None
) -> Budget | None:
    """Return what a release may spend from, null when nothing in it needs noise.

    Args:
        definition: the dataset.
        facilities: the publisher's.
        day: of the run, which decides the period.
        release: its id, for the entries.
        rehearse_in: a folder for a copy of the ledgers, when nothing is to be spent in truth.
    """
    names = ledgers_of(definition)
    if not names:
        return None
    store = facilities.store
    if rehearse_in is not None:
        store = rehearsal(store, names, rehearse_in / "ledger.db")
    return Budget(store, facilities.signing_key.private_bytes_raw(), definition.name, release, day, frozenset(names))


def spent_in(ledger: EpsilonLedger, entries: Iterable[Mapping[str, Any]], day: date) -> float:
    """Return the epsilon that was spent from a ledger in the period of a day, whatever period others count in."""
    period = period_of(ledger, day.isoformat())
    return float(sum(entry["epsilon"] for entry in entries if period_of(ledger, str(entry["day"])) == period))


def period_of(ledger: EpsilonLedger, day: str) -> str:
    """Return the name of the period that an ISO date falls in: `2026`, `2026-Q4`, `2026-11` or `ever`."""
    quarter = (int(day[5:7]) + 2) // 3
    return {"year": day[:4], "quarter": f"{day[:4]}-Q{quarter}", "month": day[:7], "ever": "ever"}[ledger.period]


def entries_of(store: Store, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return all entries of some ledgers."""
    with store.reading() as session:
        return {name: _entries(session, name) for name in sorted(set(names))}


def rehearsal(store: Store, names: Iterable[str], path: Path) -> Store:
    """Return a store in a file of its own with the entries and answers of some ledgers: to try a release without spending.

    A file that is there already is a rehearsal that goes on.
    """
    is_begun = path.exists()
    copy = Store(f"sqlite:///{path}")
    if is_begun:
        return copy
    copy.upgrade()
    with store.reading() as session, copy.session() as other:
        for name in sorted(set(names)):
            other.add_all(EpsilonRow(**entry) for entry in _entries(session, name))
            for row in session.scalars(select(AnswerRow).where(AnswerRow.ledger == name)):
                other.add(AnswerRow(ledger=name, question=row.question, number=row.number, content=row.content))
    return copy


def _entries(session: Session, name: str) -> list[dict[str, Any]]:
    rows = session.scalars(select(EpsilonRow).where(EpsilonRow.ledger == name).order_by(EpsilonRow.number))
    return [{field: getattr(row, field) for field in _FIELDS} for row in rows]


def _stored(session: Session, ledger: str, key: str) -> Answer | None:
    row = session.get(AnswerRow, (ledger, key))
    if row is None:
        return None
    return Answer(row.content, session.get_one(EpsilonRow, (ledger, row.number)).answer)
