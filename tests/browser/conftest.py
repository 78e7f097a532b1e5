"""A real Chromium before a real HTTP server; both end with the session."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from samples.sample_city import City
from samples.sample_workspace import START, Dataset, MemoryWorkspace, Release, Run, Step
from servers.needs import need_program
from werkzeug.serving import make_server

if TYPE_CHECKING:  # read with the first browser: the fast tests never start one
    from playwright.sync_api import Browser, Page

REQUESTS = "phan-anh-1022"
FIRST, SECOND = "2026-11-20.1", "2026-11-21.1"


def _workspace() -> MemoryWorkspace:
    steps = [
        Step("extract", facts={"rows": 100_000}),
        Step("validate", facts={"rows_in": 9, "rows_out": 8, "invalid": 1}),
    ]
    waiting = Run("waiting", REQUESTS, trigger="manual", actor="steward", state="awaiting_approval", steps=steps)
    drift = Run(
        "drift", "doanh-nghiep", state="held", reason_code="drift", message="x", steps=[Step("extract", "held")]
    )
    return MemoryWorkspace(
        {
            REQUESTS: Dataset(REQUESTS, "1022", "tong-dai-1022", "1022", current_release=SECOND),
            "doanh-nghiep": Dataset("doanh-nghiep", "B", "tong-dai-1022", "1022", held=True, hold_reason="x"),
        },
        {"waiting": waiting, "drift": drift},
        [Release(REQUESTS, SECOND), Release(REQUESTS, FIRST, state="superseded", published_at=START)],
    )


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a served city with a workspace; `approver` may sign in."""
    home = tmp_path_factory.mktemp("browser")
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    city = City(home, site_url=address)
    city.add_user("approver", roles={"tong-dai-1022": "admin"})
    city.publish("doanh-nghiep", FIRST)
    city.publish("quan-trac-khong-khi", FIRST)
    city.publish(REQUESTS, FIRST)
    city.publish(REQUESTS, SECOND, parent=FIRST, changes={"added": 2377, "removed": 0, "changed": 12})
    server.app = city.app(_workspace())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()
    city.search.close()
    city.store.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return a browser."""
    from playwright.sync_api import sync_playwright

    program = need_program("chromium", "chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, portal: str) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page of the portal; what it asked for and complained of hangs on the page."""
    contexts = []

    def open_(path: str, *, width: int = 1280, scheme: str = "light", javascript: bool = True) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=javascript
        )
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(f"{portal}{path}")
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def axe(root: Path) -> str:
    """Return the source of the accessibility checker that npm brings."""
    path = root / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        reason = "axe-core is not here; run `npm ci`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path.read_text(encoding="utf-8")
