"""The catalogue, asked over the CKAN API; the only module that imports ckanapi.

Every write may be repeated: it finds things as it would leave them and changes nothing.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, Self

import requests
from ckanapi import RemoteCKAN
from ckanapi.errors import (
    CKANAPIError,
    CLIError,
    NotAuthorized,
    NotFound,
    SearchError,
    SearchIndexError,
    SearchQueryError,
    ServerIncompatibleError,
    ValidationError,
)

from publisher.definition import DatasetDefinition, OrganizationDefinition
from publisher.errors import CatalogueRejected
from publisher.package_mapping import dataset_to_package, organization_to_group, utc_text
from publisher.published import ReleaseSummary

__all__ = ["TRANSLATED", "Register", "dataset_to_package"]

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60

_RUNS = "see that the catalogue at `catalogue_url` runs and answers, then run the release again"
_CKAN = "see that `catalogue_url` is the address of a CKAN API, without a redirect, then run the release again"
_FAILED = "look at the catalogue's log, then run the release again"
# The first class that fits speaks, so subclasses stand before their base.
TRANSLATED: dict[type[Exception], tuple[str, str]] = {
    NotAuthorized: (
        "The catalogue refused the publisher's token",
        "see that `catalogue_token` names a valid token of a user who may edit this organization",
    ),
    ValidationError: (
        "The catalogue found the metadata wrong",
        "mend these keys in dataset.yaml; if they come from nowhere in it, report this",
    ),
    NotFound: ("The catalogue does not know what was asked for", "publish the dataset first, or see `catalogue_url`"),
    SearchQueryError: ("The catalogue did not understand a search", "report this"),
    SearchIndexError: ("The catalogue's search index failed", "rebuild it with `phusa reindex`"),
    SearchError: ("The catalogue's search failed", "rebuild its index with `phusa reindex`"),
    ServerIncompatibleError: ("What answered is no CKAN catalogue", _CKAN),
    CLIError: ("The catalogue's client failed", "report this"),
    CKANAPIError: ("The catalogue gave an answer that is none of CKAN's", _CKAN),
    requests.Timeout: ("The catalogue did not answer in time", _RUNS),
    requests.RequestException: ("The catalogue cannot be reached", _RUNS),
}
"""Every foreign exception and what we say in its place."""

_OF_PEOPLE = {"upload", "datastore"}  # CKAN's word for what a resource is when its bytes lie in the catalogue


class Register:
    """The catalogue at an address, with the rights of a token."""

    def __init__(self, url: str, token: str, *, site_url: str | None = None) -> None:
        self._site_url = site_url or url
        self._remote = RemoteCKAN(url, apikey=token, user_agent=f"phusa-publisher/{_own_version()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._remote.close()

    def ensure_organization(self, organization: OrganizationDefinition) -> None:
        """Make the organization, or bring its title and description up to date.

        Raises:
            CatalogueRejected: as every method here, when the catalogue cannot be reached or refuses.
        """
        self._ensure_group("organization", organization_to_group(organization))

    def ensure_theme(self, name: str, title: str = "") -> None:
        """Make the group of a theme; one that exists keeps the title it has unless another is given."""
        self._ensure_group("group", {"name": name, "title": title} if title else {"name": name})

    def publish(self, definition: DatasetDefinition, summary: ReleaseSummary) -> None:
        """Give the catalogue the dataset as of a release in one call, which moves the public's pointer.

        An older summary rolls back. Ids are ours and stay, so that the same call again changes nothing. Files that people
        uploaded into the dataset, and tables of rows that they pushed, stay behind ours.
        """
        package = dataset_to_package(definition, summary, site_url=self._site_url)
        present = self._show("package", definition.id)
        if present is None:
            self._call("package_create", package, dataset=definition.name)
            return
        ours = {resource["id"] for resource in package["resources"]}
        others = [resource for resource in present.get("resources", []) if resource["id"] not in ours]
        package["resources"] += [resource for resource in others if resource.get("url_type") in _OF_PEOPLE]
        self._call("package_patch", package, dataset=definition.name)

    def checked(self, definition: DatasetDefinition, checked_at: datetime, release: str) -> None:
        """Say that the source was looked at and the current release still holds; nothing else changes.

        Raises:
            CatalogueRejected: also when the catalogue's current release is another one.
        """
        package = self._show("package", definition.id) or {}
        extras = _extras_of(package)
        if extras.get("release") != release:
            raise CatalogueRejected(
                f"The catalogue's current release is not {release}.",
                dataset=definition.name,
                step="publish",
                cure="look at the dataset's runs; publish or roll back to the release that the public should see",
            )
        summary = _parsed(extras.get("release_summary", ""))
        moment = utc_text(checked_at)
        if summary.get("checked_at") == moment:
            return
        extras["release_summary"] = json.dumps({**summary, "checked_at": moment}, ensure_ascii=False, sort_keys=True)
        changed = {"id": definition.id, "extras": [{"key": key, "value": value} for key, value in extras.items()]}
        self._call("package_patch", changed, dataset=definition.name)

    def current_release(self, name: str) -> str | None:
        """Return the release that the public sees, null when the catalogue has none of this dataset."""
        return _extras_of(self._show("package", name) or {}).get("release")

    def note_deleted(self, definition: DatasetDefinition, deleted: Mapping[str, Mapping[str, str]]) -> None:
        """Say which older releases lose their data files, so that their addresses explain it; nothing else changes.

        A dataset that the catalogue does not hold has no such addresses.
        """
        package = self._show("package", definition.id)
        if package is None:
            return
        extras = _extras_of(package) | {"releases_deleted": json.dumps(deleted, ensure_ascii=False, sort_keys=True)}
        changed = {"id": definition.id, "extras": [{"key": key, "value": value} for key, value in extras.items()]}
        self._call("package_patch", changed, dataset=definition.name)

    def note_withdrawn(self, dataset: str, withdrawn: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Take releases of a dataset, by its name, from the public in one call, with the reasons; null gives one back.

        When the catalogue points at one of them it points at none afterwards and leads to no released file: what people uploaded
        into the dataset stays. A dataset that the catalogue does not hold shows nothing to take away.
        """
        package = self._show("package", dataset)
        if package is None:
            return
        extras = _extras_of(package)
        known = _parsed(extras.get("releases_withdrawn", "")) | dict(withdrawn)
        extras["releases_withdrawn"] = json.dumps(known, ensure_ascii=False, sort_keys=True)
        changed: dict[str, Any] = {"id": package["id"]}
        if withdrawn.get(extras.get("release", "")):
            del extras["release"]
            extras.pop("release_summary", None)
            resources = package.get("resources", [])
            changed["resources"] = [one for one in resources if one.get("url_type") in _OF_PEOPLE]
        changed["extras"] = [{"key": key, "value": value} for key, value in extras.items()]
        self._call("package_patch", changed, dataset=dataset)

    def linked_releases(self, definition: DatasetDefinition) -> set[str]:
        """Return the releases to whose files anything in the catalogue's package of the dataset leads."""
        package = self._show("package", definition.id) or {}
        said = json.dumps([package.get("resources"), package.get("notes"), package.get("url")], ensure_ascii=False)
        return set(re.findall(rf"/r/{re.escape(definition.name)}/([^/\"\s]+)/", said))

    def _ensure_group(self, kind: str, wanted: Mapping[str, Any]) -> None:
        shown = self._show(kind, wanted["name"])
        if shown is None:
            self._call(f"{kind}_create", wanted)
        elif any(_comparable(shown.get(key)) != _comparable(value) for key, value in wanted.items()):
            self._call(f"{kind}_patch", {"id": shown["id"], **wanted})

    def _show(self, kind: str, identifier: str) -> dict[str, Any] | None:
        try:
            found = self._answer(f"{kind}_show", {"id": identifier})
        except NotFound:
            return None
        except tuple(TRANSLATED) as error:
            raise _rejection(error, action=f"{kind}_show", dataset="") from None
        return found if isinstance(found, dict) else None

    def _call(self, action: str, data: Mapping[str, Any], *, dataset: str = "") -> None:
        try:
            self._answer(action, data)
        except tuple(TRANSLATED) as error:
            raise _rejection(error, action=action, dataset=dataset) from None

    def _answer(self, action: str, data: Mapping[str, Any]) -> Any:
        timeout = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
        return self._remote.call_action(action, dict(data), requests_kwargs={"timeout": timeout})


def _rejection(error: Exception, *, action: str, dataset: str) -> CatalogueRejected:
    what, cure = next(said for kind, said in TRANSLATED.items() if isinstance(error, kind))
    if type(error) is CKANAPIError and (status := _status_of(error)) >= 500:
        what, cure = f"The catalogue failed with status {status}", _FAILED
    detail = f": {_wrong_fields(error.error_dict)}" if isinstance(error, ValidationError) else ""
    return CatalogueRejected(f"{what} ({action}){detail}.", dataset=dataset, step="publish", cure=cure)


def _status_of(error: CKANAPIError) -> int:
    """Return the HTTP status of an answer without an error that CKAN knows, 0 when ckanapi did not tell.

    ckanapi tells it in the text of a list: address, status, body.
    """
    try:
        return int(ast.literal_eval(str(error.extra_msg))[1])
    except (ValueError, TypeError, SyntaxError, LookupError, MemoryError, RecursionError):
        return 0


def _wrong_fields(errors: object) -> str:
    """Return the names of the fields found wrong; the catalogue's sentences may quote what was sent."""
    names = [str(name) for name in errors if name not in {"__type", "message"}] if isinstance(errors, dict) else []
    return ", ".join(sorted(names)) or "no field named"


def _extras_of(package: Mapping[str, Any]) -> dict[str, str]:
    return {extra["key"]: extra["value"] for extra in package.get("extras") or []}


def _parsed(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _comparable(value: object) -> object:
    """Return a value as it compares: a list of extras as a dictionary, null as the empty text."""
    if isinstance(value, list):
        return {extra["key"]: extra["value"] for extra in value if isinstance(extra, dict) and "key" in extra}
    return value or ""


def _own_version() -> str:
    try:
        return version("phusa")
    except PackageNotFoundError:
        return "unknown"
