"""The parts of an opened catalogue, which every face of it takes as one: action API, open formats, pages, commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from catalogue.actions.context import Context, utc_now
from catalogue.files.released_files import ReleasedFiles
from catalogue.model import User
from catalogue.rows.pushed_files import close_pushed_rows
from catalogue.search.index import SearchIndex
from catalogue.settings import CatalogueSettings
from catalogue.store import Store, open_store

if TYPE_CHECKING:  # read when a file is uploaded or downloaded
    from catalogue.files.upload_storage import UploadStorage


@dataclass(frozen=True)
class Services:
    """Settings, database, search index and released files of one process, and its clock."""

    settings: CatalogueSettings
    store: Store
    search: SearchIndex
    files: ReleasedFiles
    now: Callable[[], datetime] = utc_now

    @cached_property
    def uploads(self) -> UploadStorage:
        """Return the storage of uploaded files."""
        from catalogue.files.upload_storage import open_upload_storage

        return open_upload_storage(self.settings)

    def context(
        self, session: Session, user: User | None = None, *, now: Callable[[], datetime] | None = None
    ) -> Context:
        """Return the context of one call in this session; `user` null: anonymous."""
        return Context(session, user, self, now=now or self.now)

    def close(self) -> None:
        """Let go of the search index, of the files of tables and of the database."""
        self.search.close()
        self.files.tables.close()
        close_pushed_rows(self.settings)
        self.store.close()


def open_services(settings: CatalogueSettings, *, now: Callable[[], datetime] = utc_now) -> Services:
    """Open the catalogue of these settings; its tables are brought to the newest version."""
    store = open_store(settings)
    return Services(settings, store, SearchIndex(settings, store), ReleasedFiles(settings), now=now)
