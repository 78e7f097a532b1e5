"""G11: everything public is looked at again, with today's policy, detectors and rulebook; what fails is hidden at once.

Each release remembers what it was last judged by, so that a night in which nothing changed costs next to nothing. A quarantined release
is looked at too: it comes back only when a person says so and it passes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from publisher.definition import DatasetDefinition
from publisher.disclosure.guarantees import Check
from publisher.errors import LeaseHeld, PublisherError
from publisher.facilities import Facilities
from publisher.healing import heal_if_possible
from publisher.lease import Lease
from publisher.retention.tombstone import utc_text
from publisher.store import ReleaseRow
from publisher.withdrawal.examination import asked_today, examine_release, told
from publisher.withdrawal.takedown import Why, finish_taking_down, quarantine

logger = logging.getLogger(__name__)

AUDITOR = "audit"
_WAITS_FOR_OTHERS_SECONDS = 1800
_ASKS_EVERY_SECONDS = 2
PUBLIC = ("published", "superseded", "rolled_back")


@dataclass(frozen=True)
class Audited:
    """What was found of one release; `failures` names guarantees, tables and columns, never a value.

    Attributes:
        release: its id.
        state: after the audit.
        failures: what it fails today; none when everything holds.
        looked_at: false when nothing changed since it last passed.
    """

    release: str
    state: str
    failures: tuple[Check, ...]
    looked_at: bool


def audit_dataset(
    definition: DatasetDefinition,
    facilities: Facilities,
    *,
    now: datetime,
    only_changed: bool = False,
    dry_run: bool = False,
    reinstate: bool = False,
) -> list[Audited]:
    """Look at every release of a dataset that the public can reach, newest first, and hide those that fail.

    Args:
        definition: the dataset as it is defined today.
        facilities: the publisher's.
        now: aware.
        only_changed: leave out releases that passed under the very same definition, rulebook, detectors and waivers.
        dry_run: only tell.
        reinstate: give quarantined releases back that pass.

    Raises:
        LeaseHeld: a run works on the dataset.
        EnvironmentFault: storage or catalogue did not answer; releases that could not be read are not taken for good.
    """
    name, store = definition.name, facilities.store
    asked = asked_today(definition, today=now.astimezone(ZoneInfo(definition.release.time_zone)).date())
    if not dry_run:
        with Lease(store, name, seconds=facilities.settings.lease_seconds):
            heal_if_possible(name, facilities)
            finish_taking_down(definition, facilities, now=now)
    # Releases never change, so runs may go on while they are looked at; only what follows needs the lease.
    rows = [row for row in store.releases(name) if row.state in {*PUBLIC, "quarantined"}]
    found = [_audited(definition, facilities, row, asked=asked, only_changed=only_changed, now=now) for row in rows]
    if not dry_run:
        _after_others(lambda: _carry_out(definition, facilities, found, asked=asked, now=now, reinstate=reinstate))
    states = {row.release: row.state for row in store.releases(name)}
    return [Audited(one.release, states[one.release], one.failures, one.looked_at) for one in found]


def _carry_out(
    definition: DatasetDefinition,
    facilities: Facilities,
    found: Sequence[Audited],
    *,
    asked: str,
    now: datetime,
    reinstate: bool,
) -> None:
    """Remember what was found, hide what failed, and give back what passes if that was asked for; can be done twice."""
    name, store = definition.name, facilities.store
    with Lease(store, name, seconds=facilities.settings.lease_seconds):
        for one in found:
            row = store.release(name, one.release)
            if one.looked_at and row is not None:
                store.note_summary(name, one.release, {**row.summary, "audit": _remembered(one, asked, now)})
        _hide(definition, facilities, found, now=now)
        if reinstate:
            _give_back(definition, facilities, found)


def _after_others(act: Callable[[], None]) -> None:
    """Do something that needs the lease now, or as soon as the run that is at work has ended.

    Raises:
        LeaseHeld: that run took too long.
    """
    deadline = time.monotonic() + _WAITS_FOR_OTHERS_SECONDS
    while True:
        try:
            return act()
        except LeaseHeld:
            if time.monotonic() > deadline:
                raise
            time.sleep(_ASKS_EVERY_SECONDS)


def audit_quietly(definition: DatasetDefinition, facilities: Facilities, now: datetime) -> None:
    """Audit what changed, as the nightly clock does; what cannot be asked now is left to the next night."""
    try:
        for one in audit_dataset(definition, facilities, now=now, only_changed=True):
            if one.failures:
                logger.warning("%s %s is %s: %s", definition.name, one.release, one.state, told(one.failures))
    except PublisherError as error:
        logger.warning("%s: not audited now: %s", definition.name, error)


def _audited(
    definition: DatasetDefinition,
    facilities: Facilities,
    row: ReleaseRow,
    *,
    asked: str,
    only_changed: bool,
    now: datetime,
) -> Audited:
    last = row.summary.get("audit") or {}
    if only_changed and last.get("asked") == asked and last.get("passed"):
        return Audited(row.release, row.state, (), looked_at=False)
    failures = examine_release(definition, facilities, row, now=now)
    return Audited(row.release, row.state, tuple(failures), looked_at=True)


def _remembered(one: Audited, asked: str, now: datetime) -> dict[str, Any]:
    failed = [[check.id, check.table, check.detail] for check in one.failures]
    return {"at": utc_text(now), "asked": asked, "passed": not one.failures, "failed": failed}


def _hide(definition: DatasetDefinition, facilities: Facilities, found: Sequence[Audited], *, now: datetime) -> None:
    """Quarantine what failed, all in one step, so that no release that failed takes the place of another."""
    failed = [one for one in found if one.failures and one.state in PUBLIC]
    if not failed:
        return
    guarantees = tuple(sorted({check.id for one in failed for check in one.failures}))
    reason = f"No longer passes what is asked today ({', '.join(guarantees)}); under review."
    why = Why(reason, AUDITOR, failed=guarantees)
    quarantine(definition, facilities, [one.release for one in failed], why=why, now=now)


def _give_back(definition: DatasetDefinition, facilities: Facilities, found: Sequence[Audited]) -> None:
    """Give quarantined releases back that passed; which one the public sees first does not change."""
    back = [one.release for one in found if one.state == "quarantined" and not one.failures]
    if not back:
        return
    facilities.register.note_withdrawn(definition.name, dict.fromkeys(back))
    for release in back:
        facilities.store.settle(definition.name, release, "superseded")
        facilities.store.decide("reinstate", definition.name, AUDITOR, subject=release)
