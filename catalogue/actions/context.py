"""What an action knows about its caller and its surroundings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from catalogue.actions.authorize import Role, collaborations_of, roles_of
from catalogue.model import User
from catalogue.settings import CatalogueSettings

if TYPE_CHECKING:  # all import this module
    from catalogue.files.released_files import ReleasedFiles
    from catalogue.search.index import SearchIndex
    from catalogue.services import Services

Params = dict[str, Any]


def utc_now() -> datetime:
    """Return the time in the only form that the catalogue uses: naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass
class Context:
    """One call: the session of its transaction, its caller (null: anonymous), its clock and its surroundings.

    Attributes:
        wants_texts: The result may hold `JsonText`, for a caller that sends it on as JSON.
        made_anew: Ids of the datasets whose stored text was missing, see `shown_packages.py`.
    """

    session: Session
    user: User | None
    services: Services
    now: Callable[[], datetime] = field(default=utc_now)
    wants_texts: bool = False
    made_anew: set[str] = field(default_factory=set)

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

    @cached_property
    def collaborations(self) -> dict[str, Role]:
        """Return the caller's role per id of a dataset they collaborate on; none while collaborators are switched off."""
        if not self.settings.allow_dataset_collaborators:
            return {}
        most = Role.ADMIN if self.settings.allow_admin_collaborators else Role.EDITOR
        return {id_: min(role, most) for id_, role in collaborations_of(self.session, self.user).items()}

    @property
    def is_sysadmin(self) -> bool:
        """Tell whether every check is passed."""
        return self.user is not None and self.user.sysadmin
