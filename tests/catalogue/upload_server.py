"""A portal's API as a process of its own, whose memory a test can read; prints its port and a token, ends with its input."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import uvicorn

from catalogue.actions.context import utc_now
from catalogue.model import User
from catalogue.people.tokens import create_token
from catalogue.services import open_services
from catalogue.settings import CatalogueSettings
from catalogue.web.action_api import create_app
from cityportal.wsgi_bridge import WsgiBridge


def main() -> None:
    """Serve until the standard input ends."""
    services = open_services(CatalogueSettings(home=Path(sys.argv[1])))
    with services.store.write() as session:
        user = User(name="boss", sysadmin=True, email="boss@example.vn", created=utc_now())
        session.add(user)
        session.flush()
        token = create_token(session, user, name="test", now=utc_now())[1]
    app = WsgiBridge(create_app(services), threads=4)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none", lifespan="off"))
    threading.Thread(target=_end_with_input, args=[server], daemon=True).start()
    threading.Thread(target=_tell, args=[server, token], daemon=True).start()
    server.run()
    services.close()


def _tell(server: uvicorn.Server, token: str) -> None:
    while not server.started:
        threading.Event().wait(0.02)
    print(server.servers[0].sockets[0].getsockname()[1], token, flush=True)


def _end_with_input(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True


main()
