"""Composes one process from the parts: public pages and CKAN API, Datasette, agency workspace, scheduler.

It knows both halves, as the other modules beside it do; the folders `public/` and `workspace/` know one each. Flask runs in threads, Datasette beside it under /query.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from catalogue.files.released_files import FilesUnavailable
from catalogue.files.uploads import sweep_uploads
from catalogue.files.withdrawn import forget_withdrawn
from catalogue.services import open_services
from catalogue.web.action_api import action_api_blueprint
from catalogue.web.open_formats import open_formats_blueprint
from cityportal.chrome import init_site
from cityportal.languages import Text
from cityportal.public import public_blueprint
from cityportal.settings import PortalSettings
from cityportal.wsgi_bridge import WsgiBridge
from publisher.errors import EnvironmentFault
from publisher.secrets import Secrets

if TYPE_CHECKING:  # a process loads the libraries of the parts that it has, no others: they take seconds and megabytes
    from catalogue.files.query_service import QueryService
    from publisher.facilities import Facilities
    from publisher.schedule import Scheduler
    from publisher.workflow import Workspace

PARTS = ("public", "query", "workspace", "scheduler")
QUERY = "/query"
_FLASK_THREADS = 12
_STARTS_WITHIN_SECONDS = 60

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


class Portal:
    """The parts of one process, opened; `asgi` serves them, `start` and `stop` are for the scheduler and the databases."""

    def __init__(
        self,
        settings: PortalSettings,
        *,
        parts: frozenset[str] = frozenset(PARTS),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.parts = parts
        self.secrets = Secrets(environment)
        self.catalogue_settings = settings.for_catalogue(self.secrets)
        self.catalogue = open_services(self.catalogue_settings)
        self.facilities: Facilities | None = None
        if parts & {"workspace", "scheduler"}:
            from publisher.facilities import open_facilities

            self.facilities = open_facilities(settings.for_publisher(), environment)
        self.workspace: Workspace | None = None
        self.flask = self._flask() if parts & {"public", "workspace"} else None
        self.query_service = self._query_service() if "query" in parts else None
        self.scheduler: Scheduler | None = None
        self.asgi: AsgiApp = _Mount(self.flask, self.query_service)

    def start_scheduler(self) -> None:
        """Start the clock of due runs, when this process has that part."""
        if "scheduler" in self.parts and self.facilities is not None:
            from publisher.schedule import Scheduler

            self.scheduler = Scheduler(self.facilities)
            self.scheduler.start()

    def finish_runs(self) -> None:
        """Start no further run and wait for those at work; the HTTP server must still answer, for they register with it."""
        if self.scheduler is not None:
            self.scheduler.stop()
            self.scheduler = None
        if self.workspace is not None:
            self.workspace.wait()

    def keep_house(self) -> None:
        """Remove uploaded files that nothing names, and copies of withdrawn releases; what cannot be done now is tried again the next time."""
        if "public" in self.parts:
            try:
                sweep_uploads(self.catalogue)
                forget_withdrawn(self.catalogue.store, self.catalogue.files)
            except (FilesUnavailable, SQLAlchemyError, OSError) as error:
                logger.warning("uploads could not be swept now: %s", type(error).__name__)

    def close(self) -> None:
        """Let go of the databases and the search index."""
        if self.query_service is not None:
            self.query_service.close()
        self.catalogue.close()
        if self.facilities is not None:
            self.facilities.store.close()

    def _flask(self) -> Flask:
        app = Flask("cityportal")
        city = self.settings.city
        key = self.catalogue_settings.secret_key.get_secret_value()
        app.config["SIGNING_KEYS"] = self._signing_keys
        init_site(app, site_url=self.settings.site_url, city=Text(vi=city.vi, en=city.en), secret_key=key)
        if "public" in self.parts:
            app.register_blueprint(action_api_blueprint(self.catalogue))
            app.register_blueprint(open_formats_blueprint(self.catalogue))
        # The workspace needs them too: people sign in there.
        app.register_blueprint(public_blueprint(self.catalogue))
        if "workspace" in self.parts and self.facilities is not None:
            from cityportal.workspace import workspace_blueprint
            from publisher.workflow import Workspace

            self.workspace = Workspace(self.facilities)
            app.register_blueprint(workspace_blueprint(self.workspace))
        return app

    def _query_service(self) -> QueryService:
        from catalogue.files.query_service import QueryService

        return QueryService(
            self.catalogue,
            config=query_configuration(),
            stylesheet_url=f"{self.settings.site_url}/static/query.css",
        )

    def _signing_keys(self) -> list[dict[str, str]]:
        """Return the public keys that may sign releases, as the portal lists them for `phusa verify`."""
        from publisher.signing import public_key_text, signing_key
        from publisher.verify import key_fingerprint

        path = self.settings.home / "keys" / "signing.pem"
        if not path.exists():
            return []
        key = public_key_text(signing_key(path))
        return [{"algorithm": "Ed25519", "public_key": key, "fingerprint": key_fingerprint(key)}]


class _Mount:
    """Sends /query to Datasette, without the prefix, and everything else to Flask."""

    def __init__(self, flask: Flask | None, query_service: QueryService | None) -> None:
        # The libraries spell the same WSGI and ASGI types differently.
        wsgi = WsgiBridge(cast("Any", flask), threads=_FLASK_THREADS) if flask else _health_alone
        self._flask = cast("AsgiApp", wsgi)
        self._query: AsgiApp | None = query_service.asgi if query_service else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one connection."""
        if scope["type"] == "lifespan":
            await (self._query or _nothing_to_start)(scope, receive, send)
        elif self._query is not None and (scope["path"] == QUERY or scope["path"].startswith(f"{QUERY}/")):
            await self._query(_without_prefix(scope), receive, send)
        elif scope["type"] == "http":
            await self._flask(scope, receive, send)


def _without_prefix(scope: Scope) -> Scope:
    raw = scope.get("raw_path") or scope["path"].encode()
    return {**scope, "path": scope["path"][len(QUERY) :] or "/", "raw_path": raw[len(QUERY) :] or b"/"}


async def _health_alone(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer for a process without pages: it lives."""
    status = 200 if scope["path"] == "/health" else 404
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"ok" if status == 200 else b"not here"})


async def _nothing_to_start(_scope: Scope, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def query_configuration() -> Path:
    """Return `datasette.yaml`: the working folder's, or the one that came with the installation."""
    here = Path("datasette.yaml")
    return here if here.exists() else installed_file("datasette.yaml")


def installed_file(name: str) -> Path:
    """Return a file or folder of the project's top level, from the checkout or from the installed wheel."""
    checkout = Path(__file__).resolve().parent.parent.parent / name
    return checkout if checkout.exists() else Path(__file__).resolve().parent / "installed" / name


@contextmanager
def serving(portal: Portal, *, host: str, port: int) -> Iterator[None]:
    """Serve the portal from a thread of its own while the context lasts; at its end runs are waited for and all is closed.

    Raises:
        EnvironmentFault: the server did not start.
    """
    config = uvicorn.Config(
        portal.asgi, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=5, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), name="server", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                cure = f"see whether port {port} is free; `phusa --verbose …` says more"
                raise EnvironmentFault("The server did not start.", cure=cure)
            time.sleep(0.02)
        yield
    finally:
        portal.finish_runs()
        server.should_exit = True
        thread.join(timeout=30)
        portal.close()


def wait_for_signal(*, every_seconds: float = 3600, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait in the main thread for SIGINT or SIGTERM, doing something at intervals."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    while not ended.wait(every_seconds):
        meanwhile()
