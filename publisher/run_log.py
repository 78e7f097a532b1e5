"""The log of one run: its steps with times and counts, written as they happen."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from publisher.errors import ReleaseRefused
from publisher.lease import Lease
from publisher.store import Run, Step, Store, utc_now

STEPS = ("extract", "fingerprint", "validate", "anonymise", "write", "describe", "check", "stage", "approve", "publish")
"""Every step of a release, in order."""

Facts = dict[str, Any]
Listener = Callable[[str, str, str], None]
"""Told (dataset, step, state) at the start and end of each step."""

logger = logging.getLogger(__name__)


def ignore_progress(dataset: str, step: str, state: str) -> None:
    """Listen to nothing; for callers that show no progress."""


class RunLog:
    """Writes the steps of one run; the run's row exists from the start, so that a killed run is seen."""

    def __init__(self, store: Store, run: Run, lease: Lease, listener: Listener = ignore_progress) -> None:
        self.id = run.id
        self.dataset = run.dataset
        self.started_at = run.started_at
        self._store = store
        self._lease = lease
        self._listener = listener
        with store.reading() as session:  # an approved run goes on where it stopped
            self._position = session.scalar(select(func.max(Step.position)).where(Step.run_id == run.id)) or 0

    @contextmanager
    def step(self, name: str) -> Iterator[Facts]:
        """Record one step; the caller fills in the facts (counts only, never data).

        Raises:
            LeaseHeld: the dataset's lease was lost; nothing of the step was done.
        """
        self._lease.check()
        facts: Facts = {}
        started_at, began = utc_now(), time.perf_counter()
        position = self._begin(name, started_at)
        state = "failed"
        try:
            yield facts
            state = "done"
        except ReleaseRefused:
            state = "held"
            raise
        finally:
            seconds = round(time.perf_counter() - began, 3)
            try:
                self._end(position, state, seconds, facts)
            except SQLAlchemyError as error:  # a full disk hits this too; what stopped the step matters more
                logger.error("run=%s step=%s was not recorded: %s", self.id, name, type(error).__name__)  # noqa: TRY400
            self._listener(self.dataset, name, state)
            logger.info(
                "run=%s dataset=%s step=%s state=%s seconds=%.3f %s", self.id, self.dataset, name, state, seconds, facts
            )

    def name_release(self, release: str) -> None:
        """Record which release the run makes."""
        with self._store.session() as session:
            session.get_one(Run, self.id).release = release

    def note_drift(self, drift: str) -> None:
        """Record how the columns drifted, so that an approver can accept exactly that."""
        with self._store.session() as session:
            session.get_one(Run, self.id).drift = drift

    def _begin(self, name: str, started_at: datetime) -> int:
        self._listener(self.dataset, name, "running")
        with self._store.session() as session:
            self._position += 1
            session.add(
                Step(run_id=self.id, position=self._position, name=name, state="running", started_at=started_at)
            )
        return self._position

    def _end(self, position: int, state: str, seconds: float, facts: Facts) -> None:
        with self._store.session() as session:
            step = session.get_one(Step, (self.id, position))
            step.state, step.seconds, step.facts = state, seconds, facts
