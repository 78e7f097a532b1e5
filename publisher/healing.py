"""Makes the publisher's memory and the object storage agree with the catalogue, which alone says what is public.

Called with the dataset's lease held, so that no other run is at work on it. What a killed or failed run left behind is either
recorded as public, because the catalogue points at it, or removed; while the catalogue cannot be asked, nothing is removed.
"""

from __future__ import annotations

import logging

from sqlalchemy import select

from publisher.errors import PublisherError
from publisher.facilities import Facilities
from publisher.store import ReleaseRow, Run

logger = logging.getLogger(__name__)

_WAITING = ("awaiting_approval", "embargoed")


def heal(dataset: str, facilities: Facilities, *, at_work: str | None = None) -> None:
    """Record what became public without being recorded, end dead runs, remove staged releases that nobody waits for.

    Args:
        dataset: its name.
        facilities: the publisher's.
        at_work: the id of the run that asks, null when none does.

    Raises:
        CatalogueRejected: the catalogue could not be asked; nothing was removed.
        StorageError: the storage could not be asked; some staged files may be left for the next time.
    """
    record_pointer(dataset, facilities)
    for run in _runs(dataset, facilities, "running"):
        if run.id != at_work:
            _end_dead(run, facilities)
    waiting = {run.id for run in _runs(dataset, facilities, *_WAITING)} | {at_work}
    for row in _staged(dataset, facilities):
        if row.run_id not in waiting:
            for info in list(facilities.storage.list(f"releases/{dataset}/{row.release}/")):
                facilities.storage.delete(info.key)
            facilities.store.forget(dataset, row.release)


def heal_if_possible(dataset: str, facilities: Facilities) -> None:
    """Heal now, or leave it to the next run when something around us does not answer."""
    try:
        heal(dataset, facilities)
    except PublisherError as error:
        logger.warning("%s: left for the next run: %s", dataset, error)


def record_pointer(dataset: str, facilities: Facilities) -> None:
    """Record a staged release that the catalogue already points at as published, and its run with it.

    Raises:
        CatalogueRejected: the catalogue could not be asked.
    """
    staged = _staged(dataset, facilities)
    pointer = facilities.register.current_release(dataset) if staged else None
    for row in staged:
        if row.release == pointer:
            facilities.store.point_at(dataset, row.release)
            if facilities.store.run(row.run_id).state in {"running", *_WAITING}:
                message = "The catalogue had the release before its answer was lost."
                facilities.store.move(row.run_id, "published", message=message)
                facilities.remove_work(dataset, row.run_id)


def _end_dead(run: Run, facilities: Facilities) -> None:
    row = facilities.store.release(run.dataset, run.release) if run.release else None
    if row is not None and row.run_id == run.id and row.state != "staged":
        facilities.store.move(run.id, "published", message="The process ended after the release was public.")
    else:
        message, cure = "The process ended in the middle of the run.", "nothing to do: the next run started anew"
        facilities.store.move(run.id, "failed", reason_code="unknown", message=message, cure=cure)
    facilities.remove_work(run.dataset, run.id)


def _staged(dataset: str, facilities: Facilities) -> list[ReleaseRow]:
    with facilities.store.reading() as session:
        query = select(ReleaseRow).where(ReleaseRow.dataset == dataset, ReleaseRow.state == "staged")
        return list(session.scalars(query))


def _runs(dataset: str, facilities: Facilities, *states: str) -> list[Run]:
    with facilities.store.reading() as session:
        return list(session.scalars(select(Run).where(Run.dataset == dataset, Run.state.in_(states))))
