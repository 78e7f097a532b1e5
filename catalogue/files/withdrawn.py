"""What a process keeps of releases that were taken from the public goes: local copies of tables, documents in memory."""

from __future__ import annotations

from sqlalchemy import select

from catalogue.files.released_files import ReleasedFiles
from catalogue.model import DatasetRelease, Package
from catalogue.register.releases import WITHDRAWN
from catalogue.store import Store

_ASKED_AT_ONCE = 500


def forget_withdrawn(store: Store, files: ReleasedFiles) -> None:
    """Remove what is kept here of withdrawn releases; pages and queries already lead to none of it.

    Only what is kept is asked for, so the cost does not grow with the number of releases there ever were.
    """
    kept = sorted(files.kept() | files.tables.kept())
    withdrawn = []
    with store.read() as session:
        for start in range(0, len(kept), _ASKED_AT_ONCE):
            asked = set(kept[start : start + _ASKED_AT_ONCE])
            statement = (
                select(Package.name, DatasetRelease.release)
                .join(DatasetRelease, DatasetRelease.dataset_id == Package.id)
                .where(Package.name.in_({name for name, _ in asked}), DatasetRelease.state == WITHDRAWN)
            )
            withdrawn += [pair for name, release in session.execute(statement) if (pair := (name, release)) in asked]
    for name, release in withdrawn:
        files.forget(name, release)
    files.tables.discard(withdrawn)
