"""The actions of a served catalogue as programs call them: over HTTP, each call by one of four people or by nobody."""

from __future__ import annotations

import uuid
from typing import Any

import requests
from samples.served_catalogue import ServedCatalogue

CITY = "so-gtvt"


class Api:
    """Calls actions over HTTP as `boss` (sysadmin), `lan` (editor), `an` (member), `binh` (nobody's) or nobody."""

    def __init__(self, portal: ServedCatalogue) -> None:
        self.url = portal.url
        self.tokens = {name: portal.add_user(name, sysadmin=name == "boss") for name in ("boss", "lan", "an", "binh")}

    def post(self, action: str, params: Any = None, *, user: str | None = "lan", **more: Any) -> requests.Response:
        headers = {"Authorization": self.tokens[user]} if user else {}
        body = more or {"json": params or {}}
        return requests.post(f"{self.url}/api/3/action/{action}", headers=headers, timeout=30, **body)

    def __call__(self, action: str, params: Any = None, **more: Any) -> Any:
        answer = self.post(action, params, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def refusal(self, action: str, params: Any = None, *, status: int = 409, **more: Any) -> Any:
        """Return the error of a refused call without its type, which must fit the status."""
        answer = self.post(action, params, **more)
        assert answer.status_code == status, answer.text
        error = answer.json()["error"]
        kinds = {
            400: "Integrity Error",
            403: "Authorization Error",
            404: "Not Found Error",
            409: "Validation Error",
        }
        assert error.pop("__type") == kinds[status]
        return error

    def new(self, **fields: Any) -> dict[str, Any]:
        """Create a dataset with a name of its own."""
        name = f"d-{uuid.uuid4().hex[:8]}"
        return self("package_create", {"name": name, "owner_org": CITY, **fields})
