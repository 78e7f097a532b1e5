"""One run of a dataset, from the lease to how it ended; the only way in for the schedule, the command line and the pages."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from publisher.definition import DatasetDefinition
from publisher.errors import DiskFull, EnvironmentFault, PublisherError, ReleaseRefused, tells_of_full_disk
from publisher.facilities import Facilities
from publisher.healing import heal, heal_if_possible, record_pointer
from publisher.lease import Lease
from publisher.publication import is_embargoed, publish_when_due
from publisher.release import make_release
from publisher.run_log import Listener, RunLog, ignore_progress
from publisher.store import Run, utc_now
from publisher.versions.history import refuse_correction
from publisher.versions.release_changes import Correction
from publisher.withdrawal.takedown import finish_taking_down

logger = logging.getLogger(__name__)

DRY_RUN = "dry_run"
"""The trigger of a run that ends after the checks."""
TRIGGERS = ("schedule", "manual", "command", "demo", DRY_RUN)
"""Everything that may start a run."""

_TRIED_AGAIN_AFTER = timedelta(minutes=5)


def run_dataset(  # noqa: PLR0913  what starts a run, each by its name
    definition: DatasetDefinition,
    facilities: Facilities,
    *,
    trigger: str,
    actor: str,
    listener: Listener = ignore_progress,
    run_id: str | None = None,
    correction: Correction | None = None,
) -> Run:
    """Run a dataset once, from lease to outcome; faults end up in the returned run, not in an exception.

    Raises:
        DescriptorError: the dataset never had the release to correct; nothing was started.
        EnvironmentFault: the dataset is on hold; nothing was started.
        LeaseHeld: another run works on the dataset; nothing was started.
    """
    refuse_held(definition.name, facilities)
    if correction is not None:
        refuse_correction(definition.name, correction.release, facilities.store)
    with Lease(facilities.store, definition.name, seconds=facilities.settings.lease_seconds) as lease:
        run = Run(
            dataset=definition.name, trigger=trigger, actor=actor, state="running", **({"id": run_id} if run_id else {})
        )
        with facilities.store.session() as session:
            session.add(run)
        log = RunLog(facilities.store, run, lease, listener)
        try:
            heal(definition.name, facilities, at_work=run.id)
            finish_taking_down(definition, facilities, now=datetime.now(UTC))
            outcome = make_release(definition, facilities, log, dry_run=trigger == DRY_RUN, correction=correction)
        except Exception as error:  # noqa: BLE001  whatever happened, the run must say so
            facilities.remove_work(definition.name, run.id)  # first, for the disk may be full
            _end_badly(facilities, run, error)
        else:
            facilities.remove_work(definition.name, run.id)
            facilities.store.move(run.id, outcome.state, release=outcome.release)
            if trigger != DRY_RUN:
                _retire_older(facilities, definition.name, run.id)
        heal_if_possible(definition.name, facilities)
    return facilities.store.run(run.id)


def refuse_held(dataset: str, facilities: Facilities) -> None:
    """Refuse a run of a dataset that somebody put on hold.

    Raises:
        EnvironmentFault: says since when, and why.
    """
    if hold := facilities.store.hold_of(dataset):
        message = f"The dataset is on hold since {hold.since:%Y-%m-%d}: {hold.reason}"
        raise EnvironmentFault(message, dataset=dataset, cure="resume it in the workspace first")


def _end_badly(facilities: Facilities, run: Run, error: Exception) -> None:
    fault = _as_publisher_error(error, run.dataset)
    try:
        record_pointer(run.dataset, facilities)
    except PublisherError as unanswered:
        logger.warning("%s: %s", run.dataset, unanswered)
    if facilities.store.run(run.id).state != "running":
        return  # the catalogue had taken the release, or another run saw this one stalled and ended it
    state = "held" if isinstance(fault, ReleaseRefused) else "failed"
    logger.warning("run=%s dataset=%s state=%s: %s", run.id, run.dataset, state, fault)
    facilities.store.move(run.id, state, reason_code=fault.reason_code, message=fault.message, cure=fault.cure)


def _as_publisher_error(error: Exception, dataset: str) -> PublisherError:
    """Translate what nobody foresaw; its text stays out, for it may quote a cell."""
    if isinstance(error, PublisherError):
        error.dataset = error.dataset or dataset
        return error
    if tells_of_full_disk(error):
        cure = "free space on this machine's disk, then run again"
        return DiskFull("There is no space left for the working files.", dataset=dataset, cure=cure)
    logger.error("unforeseen %s at %s", type(error).__name__, _place(error))
    cure = "run again; if it happens again, tell the operator this line"
    return EnvironmentFault(f"Unforeseen {type(error).__name__} at {_place(error)}.", dataset=dataset, cure=cure)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown place"


def _retire_older(facilities: Facilities, dataset: str, run_id: str) -> None:
    """Cancel what a good run makes pointless: earlier held runs, and earlier releases that still wait."""
    waiting = Run.state.in_(("held", "awaiting_approval", "embargoed"))
    with facilities.store.session() as session:
        newest = session.get_one(Run, run_id)
        query = select(Run).where(Run.dataset == dataset, Run.id != run_id, waiting)
        if newest.state == "unchanged":
            query = query.where(Run.state == "held")
        for run in session.scalars(query):
            run.state, run.finished_at = "cancelled", utc_now()


def publish_due(definition: DatasetDefinition, facilities: Facilities) -> None:
    """Publish the embargoed releases of a dataset whose time has come; one that failed is tried again after a while."""
    if is_embargoed(definition, utc_now()) or facilities.store.hold_of(definition.name):
        return
    for run in facilities.store.runs(definition.name, limit=20):
        failed = (
            run.steps and run.steps[-1].state != "done" and utc_now() - run.steps[-1].started_at < _TRIED_AGAIN_AFTER
        )
        if run.state == "embargoed" and not failed:
            publish_waiting(definition, facilities, run.id)


def publish_waiting(definition: DatasetDefinition, facilities: Facilities, run_id: str) -> None:
    """Publish the staged release of a waiting run, or leave it embargoed until its time.

    Raises:
        ReleaseRefused: the definition changed since the release was made.
        EnvironmentFault: the run waits no longer, or something around us failed; it waits on.
    """
    with Lease(facilities.store, definition.name, seconds=facilities.settings.lease_seconds) as lease:
        heal(definition.name, facilities)
        run = facilities.store.run(run_id)
        if run.state not in {"awaiting_approval", "embargoed"}:
            message = f"The run is {run.state}; there is nothing to publish."
            raise EnvironmentFault(message, dataset=run.dataset, cure="reload the page")
        state = publish_when_due(definition, facilities, RunLog(facilities.store, run, lease), str(run.release))
        if state != run.state:
            facilities.store.move(run.id, state)
