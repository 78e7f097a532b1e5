"""Which release the public gets in the place of one that was taken away: the last good one that still passes, or none."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from publisher.definition import DatasetDefinition
from publisher.errors import PublisherError
from publisher.facilities import Facilities
from publisher.publication import summary_from_dict
from publisher.retention.rules import Candidate
from publisher.store import ReleaseRow
from publisher.withdrawal.examination import examine_release

logger = logging.getLogger(__name__)


def publish_last_good(
    definition: DatasetDefinition, facilities: Facilities, *, gone: Collection[str], now: datetime
) -> None:
    """Point the public at the newest earlier release that passes what is asked today, where it sees none.

    Releases that a person went back from are not taken up again. Where none passes, the dataset stays without a release.

    Raises:
        EnvironmentFault: the catalogue did not answer.
    """
    name, store = definition.name, facilities.store
    if store.current(name) is not None:
        return
    earlier = [row for row in store.releases(name) if row.state == "superseded" and row.release not in gone]
    for row in sorted(earlier, key=_age, reverse=True):
        if not _still_passes(definition, facilities, row, now=now):
            continue
        summary = summary_from_dict(row.summary)
        summary = replace(summary, majors=[one for one in summary.majors if one["release"] not in gone])
        facilities.register.publish(definition, summary)
        store.point_at(name, row.release)
        logger.warning("dataset=%s: the public sees %s again", name, row.release)
        return


def _still_passes(definition: DatasetDefinition, facilities: Facilities, row: ReleaseRow, *, now: datetime) -> bool:
    try:
        return not examine_release(definition, facilities, row, now=now)
    except PublisherError as error:
        logger.warning("%s: %s cannot take its place: %s", definition.name, row.release, error)
        return False


def _age(row: ReleaseRow) -> tuple[object, int]:
    return Candidate(row.release, datetime.fromisoformat(row.summary["as_of"]).date()).age
