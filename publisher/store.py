"""What the publisher remembers: runs and their steps, releases, decisions, leases, fired schedule slots.

SQLAlchemy on SQLite or PostgreSQL. All times are UTC without a zone. No cell value is ever stored here but those of noisy tables, which are
made to be public.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, create_engine, delete, event, func, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload, sessionmaker

from publisher.errors import EnvironmentFault

RUN_TRANSITIONS: dict[str, frozenset[str]] = {
    "running": frozenset({"published", "unchanged", "checked", "held", "awaiting_approval", "embargoed", "failed"}),
    "held": frozenset({"cancelled"}),
    "awaiting_approval": frozenset({"embargoed", "published", "cancelled", "failed"}),
    "embargoed": frozenset({"published", "cancelled", "failed"}),
    "published": frozenset(),
    "unchanged": frozenset(),
    "checked": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
"""The life of a run: every state that may follow another; what has ended stays as it ended."""


def utc_now() -> datetime:
    """Return the present moment in UTC, without a zone, as the database keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def new_id() -> str:
    """Return a fresh id of a run."""
    return str(uuid.uuid4())


class Row(DeclarativeBase):
    """Base of the publisher's tables."""

    type_annotation_map = {dict[str, Any]: JSON}  # noqa: RUF012  SQLAlchemy reads it from the class


class Run(Row):
    """One try to make a release."""

    __tablename__ = "run"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    dataset: Mapped[str] = mapped_column(String(100), index=True)
    trigger: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(20), index=True)
    reason_code: Mapped[str] = mapped_column(String(20), default="")
    message: Mapped[str] = mapped_column(default="")
    cure: Mapped[str] = mapped_column(default="")
    drift: Mapped[str] = mapped_column(default="")
    release: Mapped[str | None] = mapped_column(String(20))
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
    steps: Mapped[list[Step]] = relationship(order_by="Step.position", cascade="all, delete-orphan")


class Step(Row):
    """One step of a run: when, how long, and counts; never data."""

    __tablename__ = "step"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime]
    seconds: Mapped[float] = mapped_column(default=0.0)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ReleaseRow(Row):
    """One release: `staged` until the catalogue points at it; `rows` and `summary` are what the catalogue is told.

    Then `published` and `superseded` or `rolled_back`, and `deleted` when its data files are past their retention. Out of any of them
    `quarantining` and `quarantined` (hidden, its bytes kept) or `withdrawing` and `withdrawn` (hidden, its bytes gone): see
    `publisher/withdrawal/`.
    """

    __tablename__ = "release"

    dataset: Mapped[str] = mapped_column(String(100), primary_key=True)
    release: Mapped[str] = mapped_column(String(20), primary_key=True)
    state: Mapped[str] = mapped_column(String(20), index=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id"))
    fingerprint: Mapped[str] = mapped_column(String(64))
    source_rows: Mapped[dict[str, Any]] = mapped_column(default=dict)
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    published_at: Mapped[datetime | None]


class Decision(Row):
    """What a person decided, append-only: hold, resume, approve, reject, accept drift, roll back."""

    __tablename__ = "decision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    actor: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(20))
    dataset: Mapped[str] = mapped_column(String(100), index=True)
    run_id: Mapped[str | None] = mapped_column(String(36))
    subject: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")


class Hold(Row):
    """A dataset whose runs wait until a person resumes it."""

    __tablename__ = "hold"

    dataset: Mapped[str] = mapped_column(String(100), primary_key=True)
    actor: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str]
    since: Mapped[datetime] = mapped_column(default=utc_now)


class LeaseRow(Row):
    """Who works on a dataset, and until when without a heartbeat."""

    __tablename__ = "lease"

    dataset: Mapped[str] = mapped_column(String(100), primary_key=True)
    holder: Mapped[str] = mapped_column(String(36))
    expires_at: Mapped[datetime]


class Slot(Row):
    """A due time that was taken; unique, so that two schedulers never start one due run twice."""

    __tablename__ = "slot"

    dataset: Mapped[str] = mapped_column(String(100), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(String(100))


class EpsilonRow(Row):
    """One spending of a budget of differential privacy, append-only; each carries the digest of the one before (`publisher/ledger.py`)."""

    __tablename__ = "epsilon"

    ledger: Mapped[str] = mapped_column(String(100), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(String(10))
    dataset: Mapped[str] = mapped_column(String(100), index=True)
    release: Mapped[str] = mapped_column(String(20))
    table: Mapped[str] = mapped_column(String(100))
    epsilon: Mapped[float]
    cap: Mapped[float]
    answer: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class AnswerRow(Row):
    """A noisy table as it was published, kept so that the same question to the same data is never answered twice.

    `question` is a keyed digest: it tells nothing of the data to who has not the publisher's secret.
    """

    __tablename__ = "answer"

    ledger: Mapped[str] = mapped_column(String(100), primary_key=True)
    question: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int]
    content: Mapped[bytes]


class Store:
    """Sessions on the publisher's database, and the few questions that are asked of it everywhere."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a writing transaction that commits at the end and rolls back on any error."""
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a transaction that only reads; on SQLite it waits for no writer and none waits for it."""
        with Session(self.engine.execution_options(reading=True), expire_on_commit=False) as session:
            yield session

    def upgrade(self) -> None:
        """Bring the tables to the newest version (Alembic)."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

    # Runs

    def run(self, run_id: str) -> Run:
        """Return a run with its steps.

        Raises:
            EnvironmentFault: there is none of that id.
        """
        with self.reading() as session:
            run = session.get(Run, run_id, options=[selectinload(Run.steps)])
        if run is None:
            raise EnvironmentFault("There is no such run.", cure="open it from the list of runs")
        return run

    def runs(self, dataset: str | None = None, limit: int = 50) -> list[Run]:
        """Return the newest runs first, with their steps."""
        query = select(Run).order_by(Run.started_at.desc(), Run.id).limit(limit).options(selectinload(Run.steps))
        with self.reading() as session:
            return list(session.scalars(query if dataset is None else query.where(Run.dataset == dataset)))

    def datasets_with(self, state: str) -> set[str]:
        """Return the datasets that have a run in this state."""
        with self.reading() as session:
            return set(session.scalars(select(Run.dataset).where(Run.state == state).distinct()))

    def move(self, run_id: str, state: str, **changes: object) -> None:
        """Take a run to its next state, forward only.

        Raises:
            EnvironmentFault: the state may not follow the present one.
        """
        with self.session() as session:
            run = session.get_one(Run, run_id, with_for_update=True)
            if state not in RUN_TRANSITIONS[run.state]:
                cure = "reload the page; somebody else decided meanwhile"
                raise EnvironmentFault(
                    f"A run that is {run.state} cannot become {state}.", dataset=run.dataset, cure=cure
                )
            run.state = state
            run.finished_at = utc_now()
            for name, value in changes.items():
                setattr(run, name, value)

    # Releases

    def releases(self, dataset: str) -> list[ReleaseRow]:
        """Return a dataset's releases that were ever public, newest first."""
        query = select(ReleaseRow).where(ReleaseRow.dataset == dataset, ReleaseRow.state != "staged")
        with self.reading() as session:
            return list(session.scalars(query.order_by(ReleaseRow.created_at.desc())))

    def datasets_released(self, states: Collection[str]) -> set[str]:
        """Return the datasets that have a release in one of these states."""
        with self.reading() as session:
            return set(session.scalars(select(ReleaseRow.dataset).where(ReleaseRow.state.in_(states)).distinct()))

    def staged_releases(self, dataset: str) -> set[str]:
        """Return the ids of a dataset's releases that the public does not see yet."""
        query = select(ReleaseRow.release).where(ReleaseRow.dataset == dataset, ReleaseRow.state == "staged")
        with self.reading() as session:
            return set(session.scalars(query))

    def release(self, dataset: str, release: str) -> ReleaseRow | None:
        """Return one release, staged ones too."""
        with self.reading() as session:
            return session.get(ReleaseRow, (dataset, release))

    def current(self, dataset: str) -> ReleaseRow | None:
        """Return the release that the public sees."""
        query = select(ReleaseRow).where(ReleaseRow.dataset == dataset, ReleaseRow.state == "published")
        with self.reading() as session:
            return session.scalars(query).one_or_none()

    def point_at(self, dataset: str, release: str, *, rolled_back: bool = False) -> None:
        """Record that the public now sees this release; the one before is superseded or rolled back."""
        with self.session() as session:
            session.execute(
                update(ReleaseRow)
                .where(ReleaseRow.dataset == dataset, ReleaseRow.state == "published", ReleaseRow.release != release)
                .values(state="rolled_back" if rolled_back else "superseded")
            )
            row = session.get_one(ReleaseRow, (dataset, release))
            row.state, row.published_at = "published", row.published_at or utc_now()

    def waits_with(self, dataset: str, fingerprint: str) -> bool:
        """Tell whether a release of the same input waits for approval or for the end of its embargo."""
        waiting = Run.state.in_(("awaiting_approval", "embargoed"))
        query = (
            select(func.count())
            .select_from(ReleaseRow)
            .join(Run, Run.id == ReleaseRow.run_id)
            .where(
                ReleaseRow.dataset == dataset,
                ReleaseRow.fingerprint == fingerprint,
                ReleaseRow.state == "staged",
                waiting,
            )
        )
        with self.reading() as session:
            return bool(session.scalar(query))

    def note_fingerprint(self, dataset: str, release: str, fingerprint: str) -> None:
        """Record that this input too makes the release."""
        with self.session() as session:
            session.get_one(ReleaseRow, (dataset, release)).fingerprint = fingerprint

    def note_summary(self, dataset: str, release: str, summary: dict[str, Any]) -> None:
        """Keep what the catalogue was told."""
        with self.session() as session:
            session.get_one(ReleaseRow, (dataset, release)).summary = summary

    def forget(self, dataset: str, release: str) -> None:
        """Remove a staged release's row."""
        with self.session() as session:
            session.execute(delete(ReleaseRow).where(ReleaseRow.dataset == dataset, ReleaseRow.release == release))

    def note_deleted(self, dataset: str, release: str) -> None:
        """Record that a release's data files are gone."""
        with self.session() as session:
            row = session.get_one(ReleaseRow, (dataset, release))
            row.summary = {**row.summary, "was_rolled_back": row.state == "rolled_back"}
            row.state = "deleted"

    def take_down(self, dataset: str, releases: Collection[str], state: str, said: dict[str, Any]) -> None:
        """Record in one step that releases are being taken from the public, and why; what they were before is kept."""
        with self.session() as session:
            for release in releases:
                row = session.get_one(ReleaseRow, (dataset, release))
                before = row.summary.get("withdrawal") or {"was": row.state}
                row.summary = {**row.summary, "withdrawal": {**said, "was": before["was"]}}
                row.state = state

    def settle(self, dataset: str, release: str, state: str) -> None:
        """Record that the taking down of a release, or its return, has ended."""
        with self.session() as session:
            session.get_one(ReleaseRow, (dataset, release)).state = state

    # Decisions

    def decide(self, action: str, dataset: str, actor: str, **said: str | None) -> None:
        """Append a decision."""
        with self.session() as session:
            session.add(Decision(action=action, dataset=dataset, actor=actor, **said))

    def has_decided(self, action: str, dataset: str, subject: str) -> bool:
        """Tell whether somebody decided this before about the same subject."""
        query = select(func.count()).where(
            Decision.action == action, Decision.dataset == dataset, Decision.subject == subject
        )
        with self.reading() as session:
            return bool(session.scalar(query))

    def last_decision(self, action: str, dataset: str) -> datetime | None:
        """Return when this was last decided about a dataset, null for never."""
        query = select(func.max(Decision.at)).where(Decision.action == action, Decision.dataset == dataset)
        with self.reading() as session:
            return session.scalar(query)

    def hold(self, dataset: str, actor: str, reason: str) -> None:
        """Put a dataset on hold, and record who did and why; a hold that there is gets the new reason."""
        with self.session() as session:
            session.merge(Hold(dataset=dataset, actor=actor, reason=reason))
        self.decide("hold", dataset, actor, reason=reason)

    def hold_of(self, dataset: str) -> Hold | None:
        """Return why a dataset is on hold, or null."""
        with self.reading() as session:
            return session.get(Hold, dataset)

    # Schedules

    def take_slot(self, dataset: str, due_at: datetime, holder: str) -> bool:
        """Claim a due time; False when another scheduler has it already."""
        try:
            with self.session() as session:
                session.add(Slot(dataset=dataset, due_at=due_at, holder=holder))
        except IntegrityError:
            return False
        return True

    def last_slot(self, dataset: str) -> datetime | None:
        """Return the newest due time that was ever taken."""
        with self.reading() as session:
            return session.scalar(select(func.max(Slot.due_at)).where(Slot.dataset == dataset))

    # Leases

    def take_lease(self, dataset: str, holder: str, seconds: int) -> bool:
        """Take or renew the lease; False when another holder's has not run out."""
        now = utc_now()
        expires = now + timedelta(seconds=seconds)
        mine_or_over = (LeaseRow.holder == holder) | (LeaseRow.expires_at < now)
        try:
            with self.session() as session:
                query = update(LeaseRow).where(LeaseRow.dataset == dataset, mine_or_over)
                if session.execute(query.values(holder=holder, expires_at=expires)).rowcount:  # type: ignore[attr-defined]
                    return True
                session.add(LeaseRow(dataset=dataset, holder=holder, expires_at=expires))
        except IntegrityError:
            return False
        return True

    def renew_lease(self, dataset: str, holder: str, seconds: int) -> bool:
        """Prolong a lease that is still ours; False when another took it meanwhile."""
        expires = utc_now() + timedelta(seconds=seconds)
        query = update(LeaseRow).where(LeaseRow.dataset == dataset, LeaseRow.holder == holder)
        with self.session() as session:
            return bool(session.execute(query.values(expires_at=expires)).rowcount)  # type: ignore[attr-defined]

    def drop_lease(self, dataset: str, holder: str) -> None:
        """Give the lease back; nothing happens when it is another's."""
        with self.session() as session:
            session.execute(delete(LeaseRow).where(LeaseRow.dataset == dataset, LeaseRow.holder == holder))


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _tune(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # IMMEDIATE: a writer waits its turn at the start instead of failing in the middle.
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
