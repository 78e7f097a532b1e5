"""Fetches a CKAN portal page by page into a folder, so that an interrupted import goes on where it stopped."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from catalogue.importing.dumps import Record, records_in

PAGE = 100
ATTEMPTS = 5
SECONDS = 60
_WAIT_SECONDS = 2.0
_PASSING = {429, 500, 502, 503, 504}

log = logging.getLogger(__name__)


class PortalUnavailable(Exception):  # noqa: N818  the other side is unavailable, nothing of ours is wrong
    """The portal does not answer as a CKAN does; the message says to which call."""


class CkanPortal:
    """A CKAN portal as its API shows it to the owner of the token (empty: to everybody)."""

    def __init__(self, url: str, folder: Path, *, token: str = "") -> None:
        self._api = f"{url.rstrip('/')}/api/3/action"
        self._folder = folder
        self._session = requests.Session()
        if token:
            self._session.headers.update({"Authorization": token, "X-CKAN-API-Key": token})
        self._sees_private = bool(token)

    def fetch(self) -> None:
        """Bring all pages into the folder; pages that are there already are not fetched again.

        Raises:
            PortalUnavailable: the portal stopped answering; what was fetched stays.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._groups("organization_list")
        self._groups("group_list")
        self._packages()

    def records(self) -> Iterator[Record]:
        """Yield what was fetched: organizations and groups first, each dataset once."""
        seen: set[str] = set()
        for path in sorted(self._folder.glob("[123]-*.json")):
            for record in records_in(json.loads(path.read_text(encoding="utf-8"))):
                if record["id"] not in seen:
                    seen.add(record["id"])
                    yield record

    def forget(self) -> None:
        """Remove the pages: the next import fetches the portal's state of that day."""
        for path in self._folder.glob("[123]-*.json"):
            path.unlink()

    def _groups(self, action: str) -> None:
        prefix = "1-organizations" if action == "organization_list" else "2-groups"
        wanted = {"all_fields": True, "include_extras": True, "include_groups": True, "limit": PAGE}
        offset = 0
        while found := self._page(f"{prefix}-{offset:08d}", action, {**wanted, "offset": offset}):
            offset += len(found)  # a portal may give fewer than it was asked for

    def _packages(self) -> None:
        wanted: dict[str, Any] = {"sort": "id asc", "rows": PAGE}
        if self._sees_private:
            wanted |= {"include_private": True, "include_drafts": True}
        start = 0
        while found := self._page(f"3-packages-{start:08d}", "package_search", {**wanted, "start": start}):
            start += len(found)
            log.info("%s datasets fetched", start)

    def _page(self, name: str, action: str, params: dict[str, Any]) -> list[Any]:
        path = self._folder / f"{name}.json"
        if path.exists():
            kept: list[Any] = json.loads(path.read_text(encoding="utf-8"))
            return kept
        result = self._call(action, params)
        found = result.get("results") if isinstance(result, dict) else result
        if not isinstance(found, list):
            raise PortalUnavailable(f"{action} did not answer as CKAN does")
        if found:
            part = path.with_suffix(".part")
            part.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
            part.replace(path)
        return found

    def _call(self, action: str, params: dict[str, Any]) -> Any:
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(_WAIT_SECONDS * 2 ** (attempt - 1))
            try:
                answer = self._session.get(f"{self._api}/{action}", params=params, timeout=SECONDS)
                if answer.status_code in _PASSING:
                    continue
                body = answer.json()
            except (requests.ConnectionError, requests.Timeout):
                continue
            except requests.RequestException as error:
                raise PortalUnavailable(f"{action}: {type(error).__name__}") from error
            if answer.status_code == requests.codes.ok and isinstance(body, dict) and body.get("success"):
                return body["result"]
            raise PortalUnavailable(f"{action} was answered with status {answer.status_code}")
        raise PortalUnavailable(f"{action} was not answered in {ATTEMPTS} attempts")
