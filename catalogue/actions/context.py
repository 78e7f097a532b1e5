"""What an action knows about its caller and its surroundings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from catalogue.actions.authorize import Role, roles_of
from catalogue.model import User
from catalogue.settings import CatalogueSettings

if TYPE_CHECKING:  # both import this module
    from catalogue.released_files import ReleasedFiles
    from catalogue.search import SearchIndex

Params = dict[str, Any]


def utc_now() -> datetime:
    """Return the time in the only form that the catalogue uses: naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass
class Context:
    """One call: the session of its transaction, its caller (null: anonymous), its clock and its surroundings."""

    session: Session
    user: User | None
    settings: CatalogueSettings
    search: SearchIndex
    files: ReleasedFiles
    now: Callable[[], datetime] = field(default=utc_now)

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Return the caller's role per organization and group id; the admin of a parent is admin of its children."""
        return roles_of(self.session, self.user)

    @property
    def is_sysadmin(self) -> bool:
        """Tell whether every check is passed."""
        return self.user is not None and self.user.sysadmin
