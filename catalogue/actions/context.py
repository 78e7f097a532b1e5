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

if TYPE_CHECKING:  # all import this module
    from catalogue.released_files import ReleasedFiles
    from catalogue.search_index import SearchIndex
    from catalogue.services import Services

Params = dict[str, Any]


def utc_now() -> datetime:
    """Return the time in the only form that the catalogue uses: naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass
class Context:
    """One call: the session of its transaction, its caller (null: anonymous), its clock and its surroundings."""

    session: Session
    user: User | None
    services: Services
    now: Callable[[], datetime] = field(default=utc_now)

    @property
    def settings(self) -> CatalogueSettings:
        """Return the settings of the catalogue."""
        return self.services.settings

    @property
    def search(self) -> SearchIndex:
        """Return the search index of this process."""
        return self.services.search

    @property
    def files(self) -> ReleasedFiles:
        """Return the released files."""
        return self.services.files

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Return the caller's role per organization and group id; the admin of a parent is admin of its children."""
        return roles_of(self.session, self.user)

    @property
    def is_sysadmin(self) -> bool:
        """Tell whether every check is passed."""
        return self.user is not None and self.user.sysadmin
