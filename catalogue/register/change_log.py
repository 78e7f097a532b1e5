"""The change log: one line per dataset, that of its last change; every search index follows it by number.

Whoever changes anything that a dataset dict shows calls `log_change` or `log_changes` in the same transaction. Both also take
away the stored texts of these datasets, see `shown_packages.py`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, text
from sqlalchemy.orm import Session

from catalogue.model import ChangeLog, Group, Package, ShownPackage
from catalogue.register.groups import packages_of

CHANGE_LOG_LOCK = 7_404_101  # PostgreSQL: lines of the change log become visible in the order of their numbers


def newest_change(session: Session) -> int:
    """Return the number of the last line; 0 without any."""
    return session.connection().scalar(_NEWEST) or 0


def log_change(session: Session, package_id: str, now: datetime, *, is_new: bool = False) -> None:
    """Tell all readers that the dataset changed, appeared or vanished; its older line goes, so the log does not grow.

    Args:
        session: of the write; the lock of the log is held until its transaction ends.
        package_id: of the dataset.
        now: when.
        is_new: it was never seen before, so there is nothing to take away.
    """
    take_log_lock(session)
    if not is_new:
        session.execute(delete(ChangeLog).where(ChangeLog.package_id == package_id), execution_options=_BLIND)
        session.execute(delete(ShownPackage).where(ShownPackage.package_id == package_id), execution_options=_BLIND)
    session.execute(insert(ChangeLog), {"package_id": package_id, "at": now})


def log_changes(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    """Tell all readers that the datasets of this condition on `Package` show something else now."""
    take_log_lock(session)
    of_these = select(Package.id).where(which)
    session.execute(delete(ChangeLog).where(ChangeLog.package_id.in_(of_these)), execution_options=_BLIND)
    session.execute(delete(ShownPackage).where(ShownPackage.package_id.in_(of_these)), execution_options=_BLIND)
    changed = select(Package.id, literal(now, ChangeLog.at.type)).where(which)
    session.execute(insert(ChangeLog).from_select(["package_id", "at"], changed))


def log_change_of_group(session: Session, group: Group, now: datetime) -> None:
    """Tell all readers that the datasets of an organization or group show other words now."""
    log_changes(session, packages_of(group), now)


def take_log_lock(session: Session, *, wait: bool = True) -> bool:
    """Take the lock of the log until the transaction ends; on SQLite whoever writes has it. Tell whether it was got."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    return session.scalar(text(f"SELECT {function}(:key)"), {"key": CHANGE_LOG_LOCK}) is not False


_BLIND = {"synchronize_session": False}  # no object of the session stands for these rows
_NEWEST = select(func.max(ChangeLog.seq))
