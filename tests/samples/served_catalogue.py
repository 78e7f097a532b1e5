"""A catalogue behind its action API on a real HTTP server in a thread, on SQLite or on PostgreSQL."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ckanapi
from samples.migrated import copied_store, migrated_store
from werkzeug.serving import make_server

from catalogue.actions.context import utc_now
from catalogue.actions.registry import call_action
from catalogue.files.released_files import ReleasedFiles
from catalogue.model import User
from catalogue.people.tokens import create_token
from catalogue.search.package_search import SearchIndex
from catalogue.services import Services
from catalogue.settings import CatalogueSettings
from catalogue.store import Store
from catalogue.web.action_api import create_app


@dataclass
class ServedCatalogue:
    """A running catalogue; `url` is where it listens."""

    settings: CatalogueSettings
    store: Store
    search: SearchIndex
    files: ReleasedFiles
    url: str = ""

    @property
    def services(self) -> Services:
        """Return the parts as one."""
        return Services(self.settings, self.store, self.search, self.files)

    def add_user(self, name: str, *, sysadmin: bool = False) -> str:
        """Add a user and return a token of theirs."""
        with self.store.write() as session:
            user = User(name=name, sysadmin=sysadmin, email=f"{name}@example.vn", created=utc_now())
            session.add(user)
            session.flush()
            return create_token(session, user, name="test", now=utc_now())[1]

    def as_user(self, token: str | None = None, **options: Any) -> ckanapi.RemoteCKAN:
        """Return a client with this token; null: anonymous."""
        return ckanapi.RemoteCKAN(self.url, apikey=token, **options)

    def call(self, name: str, params: dict[str, Any] | None = None, *, user: str | None = None) -> Any:
        """Call an action without HTTP, in a transaction of its own."""
        with self.store.write() as session:
            found = session.query(User).filter_by(name=user).one() if user else None
            return call_action(self.services.context(session, found), name, params)


@contextmanager
def catalogue_on(home: Path, *, template: Path | None = None, **settings: Any) -> Iterator[ServedCatalogue]:
    """Open a catalogue without a server; with a template, its database starts as a copy of that one."""
    chosen = CatalogueSettings(home=home, site_url="http://portal.example", **settings)
    store = copied_store(chosen, template) if template else migrated_store(chosen)
    search = SearchIndex(chosen, store)
    try:
        yield ServedCatalogue(chosen, store, search, ReleasedFiles(chosen))
    finally:
        search.close()
        store.close()


@contextmanager
def served(portal: ServedCatalogue) -> Iterator[ServedCatalogue]:
    """Serve the catalogue on a free port of 127.0.0.1."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = create_app(portal.services)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    portal.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield portal
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
