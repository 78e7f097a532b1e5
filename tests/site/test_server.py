"""One process from its parts: each part answers its own addresses and no other's."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from servers.portal import free_port

from cityportal.server import Portal, serving
from cityportal.settings import read_settings

PAGES = ("/", "/api/3/action/status_show", "/query/", "/workspace", "/health")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parts", "answers"),
    [
        ({"public"}, [200, 200, 404, 404, 200]),
        ({"query"}, [404, 404, 200, 404, 200]),
        ({"workspace"}, [200, 404, 404, 302, 200]),
        ({"public", "query", "workspace", "scheduler"}, [200, 200, 200, 302, 200]),
    ],
    ids=lambda value: ",".join(sorted(value)) if isinstance(value, set) else "",
)
def test_a_process_serves_the_parts_it_was_given(tmp_path: Path, parts: set[str], answers: list[int]) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    portal = Portal(read_settings(home=tmp_path, site_url=url), parts=frozenset(parts), environment={})
    with serving(portal, host="127.0.0.1", port=port):
        seen = [requests.get(url + page, allow_redirects=False, timeout=30).status_code for page in PAGES]
    assert seen == answers
