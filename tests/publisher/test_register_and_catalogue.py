"""The register against the real catalogue, over HTTP with ckanapi: what is written once may be written again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ckanapi
import pytest
from ckanapi import RemoteCKAN
from sample_release import make_release, sample_definition
from werkzeug.serving import make_server

from catalogue.model import DatasetRelease, User
from catalogue.people.tokens import create_token
from catalogue.services import open_services
from catalogue.settings import CatalogueSettings
from catalogue.store import Store
from catalogue.web.action_api import create_app
from publisher.errors import CatalogueRejected
from publisher.published import ReleaseSummary
from publisher.register import Register
from publisher.signing import signing_key

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 22, 3, 0)


@dataclass
class Catalogue:
    url: str
    store: Store
    token: str

    def reader(self) -> RemoteCKAN:
        return RemoteCKAN(self.url, get_only=True)

    def show(self, name: str = "requests") -> dict[str, Any]:
        with self.reader() as remote:
            return dict(remote.action.package_show(id=name))

    def releases(self) -> dict[str, str]:
        with self.store.read() as session:
            return {row.release: row.state for row in session.query(DatasetRelease)}


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    settings = CatalogueSettings(home=tmp_path / "home")
    services = open_services(settings)
    store = services.store
    with store.write() as session:
        user = User(name="publisher", sysadmin=True, created=NOW)
        session.add(user)
        session.flush()
        _, token = create_token(session, user, name="test", now=NOW)
    with served(create_app(services)) as url:
        yield Catalogue(url, store, token)
    services.close()


@pytest.fixture
def register(catalogue: Catalogue) -> Iterator[Register]:
    with Register(catalogue.url, catalogue.token) as register:
        definition = sample_definition()
        register.ensure_organization(definition.organization)
        register.ensure_theme("society", "Xã hội")
        yield register


@pytest.fixture
def summary(tmp_path: Path) -> ReleaseSummary:
    return make_release(tmp_path / "r", signing_key(tmp_path / "key.pem"))


def later(summary: ReleaseSummary, release: str, days: int) -> ReleaseSummary:
    return replace(
        summary, release=release, parent=summary.release, published_at=summary.published_at + timedelta(days)
    )


def test_what_is_published_is_what_readers_get(
    catalogue: Catalogue, register: Register, summary: ReleaseSummary
) -> None:
    definition = sample_definition()
    register.publish(definition, summary)
    shown = catalogue.show()
    assert (shown["id"], shown["title"], shown["license_id"]) == (definition.id, "Phản ánh", "cc-by")
    assert shown["organization"]["title"] == "Tổng đài"
    assert [group["title"] for group in shown["groups"]] == ["Xã hội"]
    assert sorted(tag["name"] for tag in shown["tags"]) == ["1022", "phản ánh"]
    csv, _, parquet, sqlite = shown["resources"]
    assert [r["format"] for r in shown["resources"]] == ["CSV", "XLSX", "Parquet", "SQLite"]
    files = {file["path"]: file for file in summary.files}
    assert (csv["hash"], csv["size"], csv["rows"]) == (
        files["tickets.csv.gz"]["sha256"],
        files["tickets.csv.gz"]["bytes"],
        3,
    )
    assert csv["datastore_active"] is True
    assert not parquet["datastore_active"]
    assert sqlite["id"] == definition.resource_id("requests.sqlite")
    said = {extra["key"]: extra["value"] for extra in shown["extras"]}
    assert json.loads(said["release_summary"])["rows"] == {"tickets": 3}
    assert register.current_release("requests") == "2026-11-22.1"
    assert catalogue.releases() == {"2026-11-22.1": "published"}


def test_publishing_again_changes_nothing(catalogue: Catalogue, register: Register, summary: ReleaseSummary) -> None:
    register.publish(sample_definition(), summary)
    before = catalogue.show()
    register.ensure_organization(sample_definition().organization)
    register.ensure_theme("society", "Xã hội")
    register.publish(sample_definition(), summary)
    assert catalogue.show() == before


def test_the_next_release_moves_the_pointer_and_keeps_the_ids(
    catalogue: Catalogue, register: Register, summary: ReleaseSummary
) -> None:
    register.publish(sample_definition(), summary)
    before = [resource["id"] for resource in catalogue.show()["resources"]]
    register.publish(sample_definition(), later(summary, "2026-11-23.1", 1))
    shown = catalogue.show()
    assert [resource["id"] for resource in shown["resources"]] == before
    assert all("/2026-11-23.1/" in resource["url"] for resource in shown["resources"])
    assert catalogue.releases() == {"2026-11-22.1": "superseded", "2026-11-23.1": "published"}


def test_an_older_summary_rolls_back(catalogue: Catalogue, register: Register, summary: ReleaseSummary) -> None:
    register.publish(sample_definition(), summary)
    register.publish(sample_definition(), later(summary, "2026-11-23.1", 1))
    register.publish(sample_definition(), summary)
    assert register.current_release("requests") == "2026-11-22.1"
    assert catalogue.releases() == {"2026-11-22.1": "published", "2026-11-23.1": "rolled_back"}


def test_checked_moves_one_clock(catalogue: Catalogue, register: Register, summary: ReleaseSummary) -> None:
    definition = sample_definition()
    register.publish(definition, summary)
    before = catalogue.show()
    register.checked(definition, datetime(2026, 11, 25, 3, tzinfo=UTC), summary.release)
    after = catalogue.show()
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {"extras", "metadata_modified"}
    said = {extra["key"]: extra["value"] for extra in after["extras"]}
    assert json.loads(said["release_summary"])["checked_at"] == "2026-11-25T03:00:00Z"


def test_organizations_follow_their_definition(catalogue: Catalogue, register: Register) -> None:
    organization = sample_definition().organization
    register.ensure_organization(organization.model_copy(update={"title": "Tổng đài 1022"}))
    with catalogue.reader() as remote:
        shown = remote.action.organization_show(id="call-centre")
    assert shown["title"] == "Tổng đài 1022"
    assert [(extra["key"], extra["value"]) for extra in shown["extras"]] == [("title_en", "Call centre")]


def test_a_wrong_token_is_refused_and_nothing_is_published(
    catalogue: Catalogue, register: Register, summary: ReleaseSummary
) -> None:
    with Register(catalogue.url, "phusa_wrong") as stranger, pytest.raises(CatalogueRejected, match="token") as refused:
        stranger.publish(sample_definition(), summary)
    assert "phusa_wrong" not in str(refused.value)
    assert register.current_release("requests") is None


def test_a_missing_organization_is_named_as_the_wrong_field(catalogue: Catalogue, summary: ReleaseSummary) -> None:
    with Register(catalogue.url, catalogue.token) as register, pytest.raises(CatalogueRejected) as refused:
        register.publish(sample_definition(theme=None), summary)
    assert "owner_org" in str(refused.value)
    assert refused.value.dataset == "requests"


def test_a_release_leaves_what_people_added_to_the_dataset(
    catalogue: Catalogue, register: Register, summary: ReleaseSummary
) -> None:
    definition = sample_definition()
    register.publish(definition, summary)
    portal = ckanapi.RemoteCKAN(catalogue.url, apikey=catalogue.token)
    table = {"package_id": definition.id, "name": "pushed"}
    added = portal.action.datastore_create(resource=table, fields=[{"id": "a", "type": "text"}], records=[{"a": "x"}])
    register.publish(definition, later(summary, "2026-11-23.1", 1))
    resources = catalogue.show()["resources"]
    assert [resource["name"] for resource in resources][-1] == "pushed"
    assert portal.action.datastore_search(resource_id=added["resource_id"])["total"] == 1
    portal.close()
