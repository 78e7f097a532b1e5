"""What agencies see and decide: running now, holding, approving, rejecting, accepting drift, rolling back, withdrawing, reviewing."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete

from publisher.cron import next_run_at
from publisher.definition import DatasetDefinition, dataset_paths, load_dataset
from publisher.errors import DescriptorError, EnvironmentFault, PublisherError
from publisher.facilities import Facilities
from publisher.healing import heal_if_possible
from publisher.lease import Lease
from publisher.review import REVIEW, next_audit
from publisher.rollback import roll_back_to
from publisher.runs import publish_waiting, refuse_held, run_dataset
from publisher.store import Hold, ReleaseRow, Run, new_id, utc_now
from publisher.withdrawal.takedown import Why, known_as, withdraw

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepRecord:
    """One step of a run, for people."""

    name: str
    state: str
    started_at: datetime
    seconds: float
    facts: dict[str, Any]


@dataclass(frozen=True)
class RunRecord:
    """One run, for people; `message` is technical English without any value."""

    id: str
    dataset: str
    trigger: str
    actor: str
    state: str
    reason_code: str
    message: str
    cure: str
    release: str | None
    started_at: datetime
    finished_at: datetime | None
    steps: list[StepRecord] = field(default_factory=list)


@dataclass(frozen=True)
class ReleaseRecord:
    """One release that was ever public; `failed` holds what an audit found, each as guarantee, table and detail without values."""

    dataset: str
    release: str
    as_of: str
    published_at: datetime | None
    state: str
    rows: dict[str, int]
    manifest_sha256: str
    run_id: str
    version: str
    score: dict[str, float | None]
    failed: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class DatasetOverview:
    """One dataset as its stewards see it.

    `next_audit` is the day by which people look at its policy again; `quarantined`: releases that an audit hid, which wait for a person.
    """

    name: str
    title: str
    title_translated: dict[str, str]
    organization: str
    organization_title: str
    cadence: str
    schedule: str | None
    time_zone: str
    approval: str
    next_run_at: datetime | None
    held: bool
    hold_reason: str
    current_release: str | None
    checked_at: datetime | None
    last_run: RunRecord | None
    next_audit: date | None = None
    audit_is_due: bool = False
    quarantined: tuple[str, ...] = ()


class Workspace:
    """What agencies see and do; every refusal is a PublisherError with a cure."""

    def __init__(self, facilities: Facilities) -> None:
        self._facilities = facilities
        self._store = facilities.store
        self._threads: list[threading.Thread] = []

    def definition(self, name: str) -> DatasetDefinition:
        """Return a dataset's definition, read anew.

        Raises:
            DescriptorError: there is none of that name, or it has mistakes.
        """
        paths = dataset_paths(self._facilities.settings.definitions)
        if name not in paths:
            cure = f"choose one of: {', '.join(paths) or 'none are defined'}"
            raise DescriptorError(f"There is no dataset `{name}`.", cure=cure)
        return load_dataset(paths[name])

    def datasets(self) -> list[DatasetOverview]:
        """Return every dataset, by name."""
        return [self.dataset(name) for name in dataset_paths(self._facilities.settings.definitions)]

    def dataset(self, name: str) -> DatasetOverview:
        """Return one dataset with its schedule, hold, current release and last run."""
        definition = self.definition(name)
        hold, current = self._store.hold_of(name), self._store.current(name)
        runs = self.runs(name, limit=20)
        releases = self._store.releases(name)
        today = datetime.now(ZoneInfo(definition.release.time_zone)).date()
        audit = next_audit(definition, self._store, today) if releases else None
        good = (r.finished_at for r in runs if r.state in {"published", "unchanged"} and r.finished_at)
        return DatasetOverview(
            name=name,
            title=definition.title,
            title_translated={"vi": definition.title, **definition.title_translated},
            organization=definition.organization.name,
            organization_title=definition.organization.title,
            cadence=definition.release.cadence,
            schedule=definition.release.schedule,
            time_zone=definition.release.time_zone,
            approval=definition.release.approval,
            next_run_at=None if hold else next_run_at(definition.release, utc_now()),
            held=hold is not None,
            hold_reason=hold.reason if hold else "",
            current_release=current.release if current else None,
            checked_at=next(good, None),
            last_run=runs[0] if runs else None,
            next_audit=audit,
            audit_is_due=audit is not None and audit <= today,
            quarantined=tuple(row.release for row in releases if row.state == "quarantined"),
        )

    def runs(self, dataset: str | None = None, limit: int = 50) -> list[RunRecord]:
        """Return runs, newest first."""
        return [_run_record(run) for run in self._store.runs(dataset, limit)]

    def run(self, run_id: str) -> RunRecord:
        """Return one run with its steps."""
        return _run_record(self._store.run(run_id))

    def releases(self, dataset: str) -> list[ReleaseRecord]:
        """Return the releases that were ever public, newest first."""
        return [_release_record(row) for row in self._store.releases(dataset)]

    def run_now(self, dataset: str, actor: str) -> str:
        """Start a run in the background and return its id; it may be refused a moment later when another is at work."""
        definition = self.definition(dataset)
        refuse_held(dataset, self._facilities)
        run_id = new_id()
        thread = threading.Thread(target=self._run_quietly, args=(definition, actor, run_id), name=f"run {dataset}")
        self._threads = [*(other for other in self._threads if other.is_alive()), thread]
        thread.start()
        return run_id

    def wait(self) -> None:
        """Wait until the runs that were started here have ended."""
        for thread in self._threads:
            thread.join()

    def _run_quietly(self, definition: DatasetDefinition, actor: str, run_id: str) -> None:
        try:
            run_dataset(definition, self._facilities, trigger="manual", actor=actor, run_id=run_id)
        except PublisherError as error:
            logger.warning("%s", error)
            refused = Run(id=run_id, dataset=definition.name, trigger="manual", actor=actor, state="failed")
            refused.reason_code, refused.message, refused.cure = error.reason_code, error.message, error.cure
            refused.finished_at = utc_now()
            with self._store.session() as session:
                session.add(refused)

    def hold(self, dataset: str, actor: str, reason: str) -> None:
        """Let no further run start until somebody resumes the dataset; a reason is needed, for it is shown."""
        if not reason.strip():
            raise EnvironmentFault("A hold needs a reason.", dataset=dataset, cure="say why in one sentence")
        self._store.hold(dataset, actor, reason.strip())

    def resume(self, dataset: str, actor: str) -> None:
        """End a hold."""
        with self._store.session() as session:
            session.execute(delete(Hold).where(Hold.dataset == dataset))
        self._store.decide("resume", dataset, actor)

    def approve(self, run_id: str, actor: str) -> None:
        """Publish a waiting release; nobody approves a run they started (four eyes)."""
        run = self._store.run(run_id)
        if run.state != "awaiting_approval":
            raise EnvironmentFault(
                f"The run is {run.state}; there is nothing to approve.", dataset=run.dataset, cure="reload the page"
            )
        if run.actor == actor:
            raise EnvironmentFault(
                "Nobody approves a run they started.", dataset=run.dataset, cure="ask another approver"
            )
        self._store.decide("approve", run.dataset, actor, run_id=run_id, subject=run.release)
        publish_waiting(self.definition(run.dataset), self._facilities, run_id)

    def reject(self, run_id: str, actor: str, reason: str) -> None:
        """Cancel a held or waiting run; its staged files are removed."""
        run = self._store.run(run_id)
        with Lease(self._store, run.dataset, seconds=self._facilities.settings.lease_seconds):
            self._store.move(run_id, "cancelled", message=f"Returned by {actor}: {reason.strip()}")
            self._store.decide("reject", run.dataset, actor, run_id=run_id, reason=reason.strip())
            heal_if_possible(run.dataset, self._facilities)

    def accept_drift(self, run_id: str, actor: str) -> None:
        """Accept the change of columns that held a run, for this and later runs, and start anew."""
        run = self._store.run(run_id)
        if run.state != "held" or run.reason_code != "drift":
            raise EnvironmentFault(
                "The run is not held for a change of columns.", dataset=run.dataset, cure="reload the page"
            )
        self._store.decide("accept_drift", run.dataset, actor, run_id=run_id, subject=run.drift)
        self.run_now(run.dataset, actor)

    def roll_back(self, dataset: str, release: str, actor: str, reason: str) -> None:
        """Point the public at an earlier release again, after it passed today's checks.

        The dataset is put on hold, so that the next due run does not bring back what was taken away.
        """
        if not reason.strip():
            raise EnvironmentFault("A roll-back needs a reason.", dataset=dataset, cure="say why in one sentence")
        definition = self.definition(dataset)
        roll_back_to(definition, self._facilities, release)
        self._store.decide("roll_back", dataset, actor, subject=release, reason=reason.strip())
        self.hold(dataset, actor, f"{release}: {reason.strip()}")

    def withdraw(self, dataset: str, release: str, actor: str, *, reason: str, reason_en: str = "") -> None:
        """Take a release from the public for ever; nobody else has to agree, and the reason is shown to everybody."""
        why = Why(reason, actor, {"en": reason_en.strip()} if reason_en.strip() else {})
        known = known_as(self._facilities.settings.definitions, dataset)
        withdraw(known, self._facilities, [release], why=why, now=datetime.now(UTC))

    def review(self, dataset: str, actor: str, note: str) -> None:
        """Record that a person looked at a dataset's policy and at what became of it; the next review is counted from here."""
        if not note.strip():
            raise EnvironmentFault(
                "A review needs a note.", dataset=dataset, cure="say in one sentence what was looked at"
            )
        self.definition(dataset)
        self._store.decide(REVIEW, dataset, actor, reason=note.strip())


def _run_record(run: Run) -> RunRecord:
    steps = [StepRecord(s.name, s.state, s.started_at, s.seconds, s.facts) for s in run.steps]
    return RunRecord(
        id=run.id,
        dataset=run.dataset,
        trigger=run.trigger,
        actor=run.actor,
        state=run.state,
        reason_code=run.reason_code,
        message=run.message,
        cure=run.cure,
        release=run.release,
        started_at=run.started_at,
        finished_at=run.finished_at,
        steps=steps,
    )


def _release_record(row: ReleaseRow) -> ReleaseRecord:
    return ReleaseRecord(
        dataset=row.dataset,
        release=row.release,
        as_of=row.summary["as_of"],
        published_at=row.published_at,
        state=row.state,
        rows=row.summary["rows"],
        manifest_sha256=row.summary["manifest_sha256"],
        run_id=row.run_id,
        version=row.summary.get("version") or "",
        score=row.summary.get("score") or {},
        failed=tuple(tuple(one) for one in (row.summary.get("audit") or {}).get("failed") or ()),
    )
