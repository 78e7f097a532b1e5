"""The scheduler: starts due runs, each due time once, and publishes what an embargo held back."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from publisher.cron import cron_trigger, last_due_at
from publisher.definition import DatasetDefinition, dataset_paths, load_dataset
from publisher.errors import DescriptorError, LeaseHeld, PublisherError
from publisher.facilities import Facilities
from publisher.runs import publish_due, run_dataset
from publisher.store import utc_now
from publisher.withdrawal.audit import audit_quietly

logger = logging.getLogger(__name__)

_AUDITS_AT_HOUR = 19
_AUDITS_AFTER_START = timedelta(minutes=10)
"""Everything public is looked at again at this hour of UTC, two in the night in Viet Nam, and soon after a start: the code may be new."""
_FOLLOW_SECONDS = 15
"""How soon a changed definition or an ended embargo is noticed."""
_WAITS_FOR_OTHERS = 1800
_ASKS_EVERY_SECONDS = 2
"""How long, in seconds, a due run waits for one that somebody started by hand, and how often it asks."""


_Stamps = tuple[Hashable, Hashable]
"""When the files of a definition were written, and their sizes."""


class Scheduler:
    """Starts due runs of every definition; safe to run in several processes at once.

    Each due time is claimed in the database before anything starts, so of two schedulers one runs and the other goes on.
    """

    def __init__(self, facilities: Facilities, *, workers: int = 2) -> None:
        self._facilities = facilities
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={
                "default": ThreadPoolExecutor(workers),
                "follow": ThreadPoolExecutor(1),
                "audit": ThreadPoolExecutor(1),
            },
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._known: dict[str, str] = {}
        self._paths: dict[str, Path] = {}
        self._seen: dict[str, _Stamps] = {}

    def start(self) -> None:
        """Start the clock; due times missed while no scheduler ran are made up for once."""
        self.follow_definitions()
        self._scheduler.add_job(self.follow_definitions, "interval", seconds=_FOLLOW_SECONDS, executor="follow")
        self._scheduler.add_job(self.sweep, "interval", hours=24, next_run_time=datetime.now(UTC), executor="follow")
        soon = datetime.now(UTC) + _AUDITS_AFTER_START
        self._scheduler.add_job(self.audit, "cron", hour=_AUDITS_AT_HOUR, executor="audit")
        self._scheduler.add_job(self.audit, "date", run_date=soon, executor="audit")
        self._scheduler.start()

    def audit(self) -> None:
        """Finish withdrawals that were interrupted, and look again at everything public that is asked more today than before."""
        for name, path in sorted(self._paths.items()):
            try:
                audit_quietly(load_dataset(path, to_judge=True), self._facilities, datetime.now(UTC))
            except Exception as error:  # noqa: BLE001  one dataset must not keep the others from being looked at
                logger.error("%s: not audited, unforeseen %s", name, type(error).__name__)  # noqa: TRY400  its text may quote data

    def sweep(self) -> None:
        """Let go of quarantine and working files that were kept long enough."""
        self._facilities.sweep(utc_now())

    def stop(self) -> None:
        """Stop starting runs and wait for those at work."""
        self._scheduler.shutdown(wait=True)

    def follow_definitions(self) -> None:
        """Schedule new and changed definitions, forget removed ones, publish what an embargo held back.

        A look at definitions that did not change costs little, however many there are.
        """
        try:
            paths = self._paths = dataset_paths(self._facilities.settings.definitions)
        except DescriptorError as error:
            logger.error("%s", error)  # noqa: TRY400  the message says it all
            return
        for name in self._known.keys() - paths.keys():
            self._scheduler.remove_job(name)
            del self._known[name]
        self._seen = {name: stamps for name, stamps in self._seen.items() if name in paths}
        embargoed = self._embargoed()
        for name, path in paths.items():
            stamps = _stamps_of(path), _stamps_of(path.parent.parent / "organization.yaml")
            if self._seen.get(name) == stamps and name not in embargoed:
                continue
            try:
                definition = load_dataset(path)
                self._schedule(definition)
                publish_due(definition, self._facilities)
                self._seen[name] = stamps
            except PublisherError as error:
                logger.error("%s: %s", name, error)  # noqa: TRY400  the message says it all
            except Exception as error:  # noqa: BLE001  one dataset must not stop the clock of the others
                logger.error("%s: unforeseen %s", name, type(error).__name__)  # noqa: TRY400  its text may quote data

    def _embargoed(self) -> set[str]:
        """Return the datasets of which a release waits for its time; none while the database does not answer."""
        try:
            return self._facilities.store.datasets_with("embargoed")
        except SQLAlchemyError as error:
            logger.error("embargoed releases wait on: %s", type(error).__name__)  # noqa: TRY400  its text may quote data
            return set()

    def _schedule(self, definition: DatasetDefinition) -> None:
        wanted = f"{definition.release.schedule} {definition.release.time_zone}"
        if self._known.get(definition.name) == wanted or definition.release.schedule is None:
            return
        trigger = cron_trigger(definition.release.schedule, definition.release.time_zone)
        self._scheduler.add_job(
            self.run_due,
            trigger,
            args=[definition.name],
            id=definition.name,
            name=definition.name,
            replace_existing=True,
        )
        self._known[definition.name] = wanted
        last = self._facilities.store.last_slot(definition.name)
        now = utc_now()
        if last is not None and last_due_at(definition.release, after=last, now=now) is not None:
            self._scheduler.add_job(self.run_due, args=[definition.name])

    def run_due(self, name: str) -> None:
        """Run one dataset for its newest due time, unless it is on hold or another scheduler has taken it."""
        store = self._facilities.store
        try:
            definition = load_dataset(self._paths[name])
            now = utc_now()
            after = store.last_slot(name) or now - timedelta(days=1)
            due = last_due_at(definition.release, after=after, now=now)
            if due is None or store.hold_of(name) or not store.take_slot(name, due, self._holder):
                return
            self._run_after_others(definition)
        except PublisherError as error:
            logger.warning("%s: %s", name, error)

    def _run_after_others(self, definition: DatasetDefinition) -> None:
        """Run now, or as soon as the run that is at work has ended; the due time is taken and must not be lost."""
        for _ in range(_WAITS_FOR_OTHERS // _ASKS_EVERY_SECONDS):
            try:
                run_dataset(definition, self._facilities, trigger="schedule", actor="schedule")
            except LeaseHeld:
                time.sleep(_ASKS_EVERY_SECONDS)
            else:
                return
        logger.warning(
            "%s: another run took longer than %s s; this due time is left out", definition.name, _WAITS_FOR_OTHERS
        )


def _stamps_of(path: Path) -> Hashable:
    """Return what changes when a file is written; null when there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
