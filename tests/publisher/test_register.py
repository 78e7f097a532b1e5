"""The register: a package as agreed, every foreign exception translated, and the real catalogue at the other end."""

from __future__ import annotations

import inspect
import json
import pickle
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ckanapi.errors
import pytest
import requests
from sample_release import make_release, sample_definition
from servers.http import HttpServer, Reply, Request

from publisher.errors import CatalogueRejected
from publisher.package_mapping import dataset_to_package
from publisher.published import ReleaseSummary
from publisher.register import TRANSLATED, Register
from publisher.signing import signing_key

ACTION = "/api/action/"
SITE = "https://data.example.vn"


@pytest.fixture
def summary(tmp_path: Path) -> ReleaseSummary:
    made = make_release(tmp_path / "r", signing_key(tmp_path / "key.pem"))
    changes = {"since": None, "tables": [], "added": 3, "removed": 0, "changed": 1}
    return replace(made, changes=changes, privacy={"k": 5, "suppressed_share": 0.01, "suppressed_rows": 2})


def extras(package: dict[str, Any]) -> dict[str, str]:
    return {extra["key"]: extra["value"] for extra in package["extras"]}


class ScriptedCatalogue:
    """Answers in CKAN's envelope over real HTTP; what it is told to answer, and a record of what was asked."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def answers(self, action: str, result: object, *, status: int = 200) -> None:
        def route(request: Request) -> Reply:
            self.calls.append((action, json.loads(request.body or b"{}")))
            body = {"success": True, "result": result} if status == 200 else {"success": False, "error": result}
            return Reply(body, status)

        self.server.routes[ACTION + action] = route


@pytest.fixture
def catalogue(http_server: HttpServer) -> ScriptedCatalogue:
    return ScriptedCatalogue(http_server)


NOT_FOUND = {"__type": "Not Found Error", "message": "Not found"}


def test_the_package_says_what_the_definition_says(summary: ReleaseSummary) -> None:
    definition = sample_definition()
    package = dataset_to_package(definition, summary, site_url=f"{SITE}/")
    plain = {key: value for key, value in package.items() if key not in {"extras", "resources"}}
    assert plain == {
        "id": definition.id,
        "name": "requests",
        "type": "dataset",
        "title": "Phản ánh",
        "notes": "Phản ánh của người dân.",
        "owner_org": "call-centre",
        "license_id": "cc-by",
        "maintainer": "Sở Khoa học và Công nghệ",
        "maintainer_email": "opendata@example.vn",
        "version": "1.0.0",
        "private": False,
        "tags": [{"name": "phản ánh"}, {"name": "1022"}],
        "groups": [{"name": "society"}],
    }
    said = extras(package)
    assert all(isinstance(value, str) for value in said.values())
    assert (said["title_en"], said["notes_en"]) == ("Requests", "Requests by residents.")
    assert (said["frequency"], said["release"]) == ("daily", "2026-11-22.1")


def test_the_summary_is_json_in_an_extra(summary: ReleaseSummary) -> None:
    said = json.loads(extras(dataset_to_package(sample_definition(), summary, site_url=SITE))["release_summary"])
    assert said == {
        "release": "2026-11-22.1",
        "as_of": "2026-11-22",
        "published_at": "2026-11-22T03:00:00Z",
        "checked_at": "2026-11-22T03:00:00Z",
        "parent": None,
        "rows": {"tickets": 3},
        "columns": {"tickets": 8},
        "manifest_sha256": summary.manifest_sha256,
        "definition_sha256": summary.definition_sha256,
        "row": {"vi": "Mỗi dòng là một phiếu.", "en": "One row is one ticket."},
        "row_en": "One row is one ticket.",
        "changes": {"added": 3, "removed": 0, "changed": 1},
        "k": 5,
        "suppressed_share": 0.01,
        "dropped_fields": 1,
    }


def test_resources_are_the_data_files_with_ids_for_ever(summary: ReleaseSummary) -> None:
    definition = sample_definition()
    resources = dataset_to_package(definition, summary, site_url=SITE)["resources"]
    assert [(r["format"], r["url"].removeprefix(SITE)) for r in resources] == [
        ("CSV", "/r/requests/2026-11-22.1/tickets.csv.gz"),
        ("XLSX", "/r/requests/2026-11-22.1/tickets.xlsx"),
        ("Parquet", "/r/requests/2026-11-22.1/tickets.parquet"),
        ("SQLite", "/r/requests/2026-11-22.1/requests.sqlite"),
    ]
    files = {file["path"]: file for file in summary.files}
    csv = resources[0]
    assert csv == {
        "id": definition.resource_id("tickets.csv.gz"),
        "name": "Phiếu (CSV)",
        "name_en": "Tickets (CSV)",
        "description": "Mỗi dòng là một phiếu.",
        "format": "CSV",
        "url": f"{SITE}/r/requests/2026-11-22.1/tickets.csv.gz",
        "mimetype": "text/csv",
        "size": files["tickets.csv.gz"]["bytes"],
        "hash": files["tickets.csv.gz"]["sha256"],
        "hash_algorithm": "sha256",
        "last_modified": "2026-11-22T03:00:00",
        "table": "tickets",
        "rows": 3,
        "release": "2026-11-22.1",
        "compression": "gzip",
        "datastore_active": True,
    }
    later = replace(summary, release="2026-11-23.1")
    assert [r["id"] for r in dataset_to_package(definition, later, site_url=SITE)["resources"]] == [
        r["id"] for r in resources
    ]


def test_neither_the_source_nor_dropped_fields_are_told(summary: ReleaseSummary) -> None:
    text = json.dumps(dataset_to_package(sample_definition(), summary, site_url=SITE))
    assert "SAMPLE_URL" not in text
    assert "owner" not in text.replace("owner_org", "")


def test_without_a_release_there_are_no_resources() -> None:
    package = dataset_to_package(sample_definition(), None, site_url=SITE)
    assert package["resources"] == []
    assert not {"release", "release_summary"} & set(extras(package))


def test_the_package_survives_json_unchanged(summary: ReleaseSummary) -> None:
    package = dataset_to_package(sample_definition(), summary, site_url=SITE)
    assert json.loads(json.dumps(package)) == package


def test_the_first_release_creates_and_the_next_patches(catalogue: ScriptedCatalogue, summary: ReleaseSummary) -> None:
    register, definition = Register(catalogue.server.url, "token"), sample_definition()
    catalogue.answers("package_show", NOT_FOUND, status=404)
    catalogue.answers("package_create", {})
    catalogue.answers("package_patch", {})
    register.publish(definition, summary)
    catalogue.answers("package_show", {"id": definition.id})
    register.publish(definition, summary)
    register.close()
    assert [action for action, _ in catalogue.calls] == [
        "package_show",
        "package_create",
        "package_show",
        "package_patch",
    ]
    sent = [data for action, data in catalogue.calls if action != "package_show"]
    assert sent[0] == sent[1] == dataset_to_package(definition, summary, site_url=catalogue.server.url)
    headers = catalogue.server.requests[1].headers
    assert headers["authorization"] == "token"
    assert headers["user-agent"].startswith("phusa-publisher/")


def test_organizations_and_themes_that_are_right_are_left_alone(catalogue: ScriptedCatalogue) -> None:
    definition = sample_definition()
    shown = {"id": "1", "name": "call-centre", "title": "Tổng đài", "description": None, "users": []}
    shown["extras"] = [{"key": "title_en", "value": "Call centre", "state": "active"}]
    catalogue.answers("organization_show", shown)
    catalogue.answers("group_show", {"id": "2", "name": "society", "title": "Xã hội"})
    catalogue.answers("organization_patch", {})
    with Register(catalogue.server.url, "token") as register:
        register.ensure_organization(definition.organization)
        register.ensure_theme("society")
        register.ensure_theme("society", "Xã hội")
        assert {action for action, _ in catalogue.calls} == {"organization_show", "group_show"}
        register.ensure_organization(definition.organization.model_copy(update={"title": "Tổng đài 1022"}))
    assert catalogue.calls[-1][0] == "organization_patch"
    assert catalogue.calls[-1][1]["title"] == "Tổng đài 1022"


def test_checked_moves_one_clock_and_nothing_else(catalogue: ScriptedCatalogue, summary: ReleaseSummary) -> None:
    definition = sample_definition()
    package = dataset_to_package(definition, summary, site_url=SITE)
    catalogue.answers("package_show", package)
    catalogue.answers("package_patch", {})
    with Register(catalogue.server.url, "token") as register:
        register.checked(definition, summary.checked_at, summary.release)
        assert [action for action, _ in catalogue.calls] == ["package_show"]
        register.checked(definition, datetime(2026, 11, 23, 3, tzinfo=UTC), summary.release)
    action, sent = catalogue.calls[-1]
    assert action == "package_patch"
    assert set(sent) == {"id", "extras"}
    before, after = extras(package), extras(sent)
    old, new = json.loads(before.pop("release_summary")), json.loads(after.pop("release_summary"))
    assert before == after
    assert new == old | {"checked_at": "2026-11-23T03:00:00Z"}


def test_checked_refuses_when_the_public_sees_another_release(catalogue: ScriptedCatalogue) -> None:
    catalogue.answers("package_show", {"id": "x", "extras": [{"key": "release", "value": "2026-11-21.1"}]})
    with Register(catalogue.server.url, "token") as register, pytest.raises(CatalogueRejected, match="current release"):
        register.checked(sample_definition(), datetime.now(UTC), "2026-11-22.1")


def test_the_current_release_is_asked_for(catalogue: ScriptedCatalogue) -> None:
    with Register(catalogue.server.url, "token") as register:
        catalogue.answers("package_show", {"extras": [{"key": "release", "value": "2026-11-22.1"}]})
        assert register.current_release("requests") == "2026-11-22.1"
        catalogue.answers("package_show", {"extras": []})
        assert register.current_release("requests") is None
        catalogue.answers("package_show", NOT_FOUND, status=404)
        assert register.current_release("requests") is None


def test_every_exception_of_ckanapi_is_translated() -> None:
    theirs = {kind for _, kind in inspect.getmembers(ckanapi.errors, inspect.isclass) if issubclass(kind, Exception)}
    assert theirs <= set(TRANSLATED)
    assert len(theirs) == 9


def test_no_base_class_hides_the_words_of_its_subclass() -> None:
    kinds = list(TRANSLATED)
    for position, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:position]), kind
    assert issubclass(requests.exceptions.InvalidHeader, requests.RequestException)


@pytest.mark.parametrize(
    ("error", "status", "said", "cure"),
    [
        ({"__type": "Authorization Error", "message": "Access denied"}, 403, "refused the publisher's token", "token"),
        ({"__type": "Validation Error", "name": ["“secret” taken"], "tags": [{}]}, 409, "wrong (package_create): name, tags", "mend"),
        ({"__type": "Search Error", "message": "x"}, 409, "search failed", "reindex"),
        ({"__type": "Search Query Error", "message": "x"}, 400, "did not understand", "report"),
        ({"__type": "Search Index Error", "message": "x"}, 500, "search index", "reindex"),
        ({"__type": "Not Found Error", "message": "x"}, 404, "does not know", "publish"),
        ("text", 500, "no CKAN catalogue", "catalogue_url"),
        ({"__type": "Internal Server Error", "message": "x"}, 500, "failed with status 500", "log"),
        ({"__type": "Odd", "message": "x"}, 418, "none of CKAN's", "catalogue_url"),
    ],
)  # fmt: skip
def test_refusals_name_dataset_and_cure_and_no_value(
    catalogue: ScriptedCatalogue, summary: ReleaseSummary, error: object, status: int, said: str, cure: str
) -> None:
    catalogue.answers("package_show", NOT_FOUND, status=404)
    catalogue.answers("package_create", error, status=status)
    with Register(catalogue.server.url, "token") as register, pytest.raises(CatalogueRejected) as refused:
        register.publish(sample_definition(), summary)
    assert said in str(refused.value)
    assert cure in refused.value.cure
    assert refused.value.dataset == "requests"
    assert "secret" not in str(refused.value)
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)  # noqa: S301


def test_an_address_that_serves_something_else_is_named(http_server: HttpServer) -> None:
    http_server.routes[ACTION + "package_show"] = lambda _: Reply(b"<html>moved</html>", 301, {"Location": "/x"})
    with Register(http_server.url, "token") as register, pytest.raises(CatalogueRejected, match="none of CKAN's"):
        register.current_release("requests")


def test_an_absent_catalogue_is_an_environment_fault() -> None:
    with Register("http://127.0.0.1:9", "token") as register, pytest.raises(CatalogueRejected) as gone:
        register.current_release("requests")
    assert "cannot be reached" in str(gone.value)
    assert gone.value.exit_code == 3


def test_a_token_that_is_no_header_is_not_quoted() -> None:
    with Register("http://127.0.0.1:9", "bad\ntoken") as register, pytest.raises(CatalogueRejected) as gone:
        register.current_release("requests")
    assert "bad" not in str(gone.value)


def test_days_are_plain_iso(summary: ReleaseSummary) -> None:
    early = replace(summary, as_of=date(2026, 1, 5))
    said = json.loads(extras(dataset_to_package(sample_definition(), early, site_url=SITE))["release_summary"])
    assert said["as_of"] == "2026-01-05"
