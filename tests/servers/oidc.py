"""A real, certified OpenID Connect provider on loopback, and a browser's way through its forms."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from servers.needs import free_port, need_program

SCRIPT = Path(__file__).parent / "oidc_provider.mjs"
CLIENT_ID, CLIENT_SECRET = "phusa", "a secret that the portal and the provider share"
OTHER_CLIENT_ID = "another-application"
PORTAL = "http://portal.test"
ACCOUNTS: dict[str, dict[str, Any]] = {
    "sub-hoa": {
        "name": "Lê Thị Hoà",
        "preferred_username": "Hoà.Lê",
        "email": "hoa@tphcm.example",
        "email_verified": True,
    },
    "sub-doubtful": {"name": "Somebody", "email": "mai@tphcm.example", "email_verified": False},
    "sub-mai": {"name": "Mai", "email": "mai@tphcm.example", "email_verified": True},
    "sub-elsewhere": {"name": "Elsewhere", "email": "x@elsewhere.example", "email_verified": True},
    "sub-nothing": {},
}


@dataclass
class RunningProvider:
    """A provider that answers at `issuer`; people sign in to it with `person`."""

    issuer: str
    process: subprocess.Popen[str]

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return what the portal must be told of it."""
        return {"issuer": self.issuer, "client_id": CLIENT_ID, **more}

    def sign_in(self, address: str, account: str) -> str:
        """Follow the address through the forms as the account and return where the browser is sent back to."""
        with requests.Session() as browser:
            answer = browser.get(address, allow_redirects=False, timeout=20)
            for _ in range(12):
                if answer.is_redirect:
                    goal = urljoin(answer.url, answer.headers["Location"])
                    if not goal.startswith(self.issuer):
                        return goal
                    answer = browser.get(goal, allow_redirects=False, timeout=20)
                    continue
                form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
                assert form, answer.text
                fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
                if 'name="login"' in answer.text:
                    fields |= {"login": account, "password": "any"}
                answer = browser.post(urljoin(answer.url, form[1]), data=fields, allow_redirects=False, timeout=20)
        raise AssertionError("the provider never sent the browser back")


def _client(client_id: str) -> Mapping[str, Any]:
    return {
        "client_id": client_id,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [f"{PORTAL}/user/oidc/back"],
        "grant_types": ["authorization_code"],
    }


@contextmanager
def running_provider() -> Iterator[RunningProvider]:
    """Start a provider of its own; ended with the context."""
    node = need_program("node", "nodejs")
    if not (SCRIPT.parent.parent.parent / "node_modules" / "oidc-provider").exists():
        pytest.skip("the provider is not here; `make setup` brings it when npm is there")
    port = free_port()
    told = {"port": port, "clients": [_client(CLIENT_ID), _client(OTHER_CLIENT_ID)], "accounts": ACCOUNTS}
    process = subprocess.Popen(
        [node, str(SCRIPT), json.dumps(told)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        said = ""
        while not said.endswith("ready\n"):
            line = process.stdout.readline()
            assert line, f"the provider ended: {said}"
            said += line
        yield RunningProvider(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(timeout=20)
        if process.stdout:
            process.stdout.close()
