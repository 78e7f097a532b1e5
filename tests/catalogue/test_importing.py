"""Taking over other portals: CKAN dumps and CKAN over HTTP, DCAT-US and DCAT in RDF."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from samples.served_catalogue import ServedCatalogue, catalogue_on, served

from catalogue import command_settings
from catalogue.importing.commands import import_portal
from catalogue.importing.dcat_us import package_of

pytestmark = pytest.mark.slow

ORGANIZATION = {
    "id": "11111111-aaaa-4bbb-8ccc-000000000001",
    "name": "so-cong-thuong",
    "title": "Sở Công Thương",
    "is_organization": True,
    "created": "2019-11-01T03:27:21.341618",
    "description": "",
    "image_url": "",
}
THEME = {"id": "11111111-aaaa-4bbb-8ccc-000000000002", "name": "kinh-te", "title": "Kinh tế"}


def package(number: int, **given: Any) -> dict[str, Any]:
    """Return a dataset dict as a CKAN shows it."""
    return {
        "id": f"22222222-aaaa-4bbb-8ccc-{number:012d}",
        "name": f"cho-{number}",
        "title": f"Chợ {number}",
        "notes": "Các chợ",
        "license_id": "CC-BY-4.0",
        "owner_org": ORGANIZATION["id"],
        "organization": ORGANIZATION,
        "groups": [THEME],
        "tags": [{"name": "chợ"}],
        "extras": [{"key": "更新頻度", "value": "年"}],
        "resources": [
            {"id": f"33333333-aaaa-4bbb-8ccc-{number:012d}", "url": "https://a.example/a.csv", "format": "csv"}
        ],
        "private": False,
        "state": "active",
        "type": "dataset",
        "metadata_created": "2019-11-01T04:54:45.142823",
        "metadata_modified": "2020-01-02T06:22:47.851518",
        **given,
    }


class Importer:
    """The commands over one catalogue."""

    def __init__(self, portal: ServedCatalogue, folder: Path) -> None:
        self.portal = portal
        self.folder = folder
        portal.add_user("boss", sysadmin=True)

    def run(self, *arguments: str) -> Any:
        """Run `phusa import …`."""

        @click.group()
        @click.pass_context
        def main(ctx: click.Context) -> None:
            ctx.meta[command_settings.SETTINGS] = lambda: self.portal.settings

        main.add_command(import_portal)
        return CliRunner().invoke(main, ["import", *arguments], catch_exceptions=False)

    def take(self, *records: dict[str, Any], options: tuple[str, ...] = ()) -> Any:
        """Import the records as a dump, one a line."""
        path = self.folder / "dump.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return self.run("ckan", str(path), *options)

    def show(self, name: str) -> dict[str, Any]:
        """Return a dataset."""
        found: dict[str, Any] = self.portal.call("package_show", {"id": name})
        return found

    def report(self) -> list[dict[str, Any]]:
        """Return what became of each record of the last source."""
        (path,) = self.portal.settings.home.glob("imports/*/report.jsonl")
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def importer(tmp_path):
    with catalogue_on(tmp_path / "home") as portal:
        yield Importer(portal, tmp_path)


def test_ids_names_times_and_parts_are_kept(importer):
    result = importer.take(package(1))
    assert result.exit_code == 0, result.output
    shown = importer.show("cho-1")
    assert shown["id"] == package(1)["id"]
    assert (shown["metadata_created"], shown["metadata_modified"]) == (
        "2019-11-01T04:54:45.142823",
        "2020-01-02T06:22:47.851518",
    )
    assert shown["organization"]["id"] == ORGANIZATION["id"]
    assert shown["organization"]["created"] == ORGANIZATION["created"]
    assert [group["id"] for group in shown["groups"]] == [THEME["id"]]
    assert shown["extras"] == [{"key": "更新頻度", "value": "年"}]
    assert shown["resources"][0]["id"] == package(1)["resources"][0]["id"]
    assert (shown["license_id"], shown["isopen"]) == ("CC-BY-4.0", True)


def test_a_repeated_run_changes_nothing_and_a_changed_record_is_updated(importer):
    records = [package(number) for number in (1, 2, 3)]
    importer.take(*records)
    before = importer.show("cho-2")
    assert "dataset unchanged: 3" in importer.take(*records).output
    assert importer.show("cho-2") == before
    records[1] = package(2, title="Chợ mới", metadata_modified="2026-02-03T00:00:00")
    result = importer.take(*records)
    assert "dataset unchanged: 2" in result.output
    assert "dataset updated: 1" in result.output
    shown = importer.show("cho-2")
    assert (shown["title"], shown["metadata_modified"]) == ("Chợ mới", "2026-02-03T00:00:00.000000")


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_two_datasets_with_one_name_the_newest_keeps_it(importer, newest_first):
    older = package(1, name="cho")
    newer = package(2, name="cho", metadata_modified="2024-01-01T00:00:00")
    importer.take(*([newer, older] if newest_first else [older, newer]))
    assert importer.show("cho")["id"] == newer["id"]
    assert importer.show(older["id"])["name"].startswith("cho-")
    told = {line["id"]: line["changes"] for line in importer.report() if line["kind"] == "dataset"}
    assert told[newer["id"]] == []
    assert "another dataset has its name" in told[older["id"]][0]


def test_a_name_that_is_not_allowed_leads_on_only_where_it_can(importer):
    importer.take(package(1, name="Chợ Đông Ba"), package(2))
    assert importer.show("cho-dong-ba")["id"] == package(1)["id"]


def test_what_does_not_fit_is_kept_elsewhere_and_told(importer):
    odd = package(
        1,
        url="Birmingham City Council",
        author_email="nobody",
        maintainer_email="a@example.org ",
        tags=[{"name": "GIS & maps"}, {"name": "x"}],
        extras=[{"key": "title", "value": "t"}, {"key": "a", "value": {"b": 1}}],
        resources=[{"id": "!!", "url": "https://a.example/a.csv", "size": "a lot", "url_type": "upload"}],
        theme_code="12",
    )
    result = importer.take(odd)
    assert result.exit_code == 0, result.output
    shown = importer.show("cho-1")
    extras = {extra["key"]: extra["value"] for extra in shown["extras"]}
    assert extras == {
        "imported_title": "t",
        "a": '{"b": 1}',
        "theme_code": "12",
        "imported_url": "Birmingham City Council",
        "imported_author_email": "nobody",
        "imported_tags": "x",
    }
    assert shown["maintainer_email"] == "a@example.org"
    assert [tag["name"] for tag in shown["tags"]] == ["GIS maps"]
    (resource,) = shown["resources"]
    assert (resource["imported_size"], resource["imported_id"], resource["url_type"]) == ("a lot", "!!", None)
    (line,) = [line for line in importer.report() if line["kind"] == "dataset"]
    assert len(line["changes"]) == len(set(line["changes"])) >= 6
    assert "Birmingham" not in " ".join(line["changes"])


def test_one_bad_record_does_not_stop_the_others(importer):
    result = importer.take(package(1, organization=None, owner_org=None), package(2), package(3, state="deleted"))
    assert result.exit_code == 1
    assert Counter(line["outcome"] for line in importer.report() if line["kind"] == "dataset") == {
        "failed": 1,
        "created": 1,
        "skipped": 1,
    }
    again = importer.take(
        package(1, organization=None, owner_org=None), package(2), options=("--organization", "so-cong-thuong")
    )
    assert again.exit_code == 0
    assert importer.show("cho-1")["organization"]["name"] == "so-cong-thuong"


def test_organizations_of_a_dump_keep_their_tree(importer):
    centre = {
        **ORGANIZATION,
        "id": "44444444-aaaa-4bbb-8ccc-000000000004",
        "name": "trung-tam",
        "groups": [{"name": "so-cong-thuong"}],
    }
    importer.take(centre, ORGANIZATION, package(1))
    shown = importer.portal.call("organization_show", {"id": "trung-tam"})
    assert [parent["name"] for parent in shown["groups"]] == ["so-cong-thuong"]


def test_an_organization_that_is_here_already_takes_the_datasets(importer):
    here = importer.portal.call("organization_create", {"name": "so-cong-thuong", "title": "Ở đây"}, user="boss")
    importer.take(package(1))
    assert importer.show("cho-1")["owner_org"] == here["id"]


@pytest.mark.parametrize("form", ["list", "answer", "gzip", "lines"])
def test_every_form_of_dump_is_read(importer, form):
    records = [package(1), package(2)]
    documents = {
        "list": json.dumps(records),
        "answer": json.dumps({"success": True, "result": {"count": 2, "results": records}}, indent=1),
        "gzip": json.dumps(records),
        "lines": "\n".join(json.dumps({"success": True, "result": record}) for record in records),
    }
    path = importer.folder / "dump"
    opener = gzip.open if form == "gzip" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(documents[form])
    assert "dataset created: 2" in importer.run("ckan", str(path)).output


@pytest.mark.parametrize("text", ["", "{", "no json", '{"id": 1}\n{"half'])
def test_a_file_that_is_no_dump_is_refused_in_words(importer, text):
    path = importer.folder / "dump"
    path.write_text(text)
    result = importer.run("ckan", str(path))
    assert result.exit_code == 2
    assert "no JSON" in result.output


@pytest.mark.slow
def test_a_portal_is_taken_over_page_by_page_and_a_stopped_run_goes_on(importer, tmp_path, monkeypatch):
    monkeypatch.setattr("catalogue.importing.fetching.PAGE", 3)
    monkeypatch.setattr("catalogue.importing.fetching.ATTEMPTS", 1)
    with catalogue_on(tmp_path / "old") as old:
        before = Importer(old, tmp_path)
        before.take(*(package(number) for number in range(8)))
        with served(old):
            url = old.url
            pages = _stop_after(monkeypatch, calls=4)
            stopped = importer.run("ckan", url)
            assert stopped.exit_code == 1
            assert "goes on where it stopped" in stopped.output
            monkeypatch.undo()
            monkeypatch.setattr("catalogue.importing.fetching.PAGE", 3)
            assert importer.run("ckan", url).exit_code == 0
            assert pages
        for number in range(8):
            shown, source = importer.show(f"cho-{number}"), before.show(f"cho-{number}")
            assert {**shown, "creator_user_id": None} == {**source, "creator_user_id": None}


def _stop_after(monkeypatch, *, calls: int) -> list[str]:
    """Let the portal vanish after some calls."""
    import requests

    made: list[str] = []
    real = requests.Session.get

    def get(self: Any, url: str, **options: Any) -> Any:
        made.append(url)
        if len(made) > calls:
            raise requests.ConnectionError
        return real(self, url, **options)

    monkeypatch.setattr(requests.Session, "get", get)
    return made


def test_an_address_where_no_ckan_answers_is_told(importer):
    with served(importer.portal):
        result = importer.run("ckan", f"{importer.portal.url}/nowhere")
    assert result.exit_code == 1
    assert "organization_list was answered with status 404" in result.output or "organization_list:" in result.output


DCAT_US = {
    "conformsTo": "https://project-open-data.cio.gov/v1.1/schema",
    "dataset": [
        {
            "identifier": "https://data.example.org/datasets/b7f6_0",
            "title": "Bus stops",
            "description": "All of them",
            "keyword": ["bus & tram", "gtfs"],
            "issued": "2018-02-20T20:07:53.000Z",
            "modified": "2018-02-21T18:23:13.000Z",
            "publisher": {"name": "City  of Huế "},
            "contactPoint": {"fn": "Desk", "hasEmail": "mailto:desk@example.org?subject=Hi"},
            "accessLevel": "public",
            "license": "http://creativecommons.org/licenses/by/3.0/deed.en",
            "temporal": "2017-01-01/2017-12-31",
            "theme": ["transport"],
            "distribution": [
                {
                    "title": "CSV",
                    "mediaType": "text/csv",
                    "format": "CSV",
                    "downloadURL": "https://data.example.org/a.csv",
                }
            ],
        }
    ],
}


def test_dcat_us_is_taken_over_with_its_former_address(importer):
    path = importer.folder / "data.json"
    path.write_text(json.dumps(DCAT_US), encoding="utf-8")
    result = importer.run("dcat", str(path))
    assert result.exit_code == 0, result.output
    shown = importer.show("b7f6_0")
    assert shown["title"] == "Bus stops"
    assert shown["organization"]["title"] == "City of Huế"
    assert (shown["license_id"], shown["maintainer_email"]) == ("cc-by", "desk@example.org")
    assert shown["metadata_modified"] == "2018-02-21T18:23:13.000000"
    assert [tag["name"] for tag in shown["tags"]] == ["bus tram", "gtfs"]
    extras = {extra["key"]: extra["value"] for extra in shown["extras"]}
    assert extras["identifier"] == DCAT_US["dataset"][0]["identifier"]
    assert (extras["temporal_start"], extras["temporal_end"]) == ("2017-01-01", "2017-12-31")
    assert shown["resources"][0]["url"] == "https://data.example.org/a.csv"
    assert "dataset unchanged: 1" in importer.run("dcat", str(path)).output


def test_ids_of_dcat_follow_from_identifiers_alone():
    first, second = package_of(DCAT_US["dataset"][0]), package_of({**DCAT_US["dataset"][0], "title": "Stops"})
    assert first["id"] == second["id"]
    assert first["resources"][0]["id"] == second["resources"][0]["id"]


def test_dcat_that_hides_its_data_stays_private(importer):
    hidden = {**DCAT_US["dataset"][0], "accessLevel": "non-public"}
    assert package_of(hidden)["private"] is True


@pytest.mark.slow
def test_our_own_dcat_comes_back_as_it_was(importer, tmp_path):
    from flask import Flask

    from catalogue.web.open_formats import open_formats_blueprint

    with catalogue_on(tmp_path / "old") as old:
        before = Importer(old, tmp_path)
        before.take(package(1), package(2, extras=[{"key": "title_en", "value": "Markets"}]))
        app = Flask("old")
        app.register_blueprint(open_formats_blueprint(old.services))
        for extension in ("ttl", "jsonld", "xml"):
            answer = app.test_client().get(f"/catalog.{extension}")
            path = tmp_path / f"catalog.{extension}"
            path.write_bytes(answer.data)
            result = importer.run("dcat", str(path))
            assert result.exit_code == 0, result.output
        for number in (1, 2):
            shown, source = importer.show(package(number)["id"]), before.show(f"cho-{number}")
            for field in ("id", "title", "notes", "metadata_created", "metadata_modified"):
                assert shown[field] == source[field], field
            assert [tag["name"] for tag in shown["tags"]] == [tag["name"] for tag in source["tags"]]
            assert [(r["id"], r["url"]) for r in shown["resources"]] == [
                (r["id"], r["url"]) for r in source["resources"]
            ]
        extras = {extra["key"]: extra["value"] for extra in importer.show(package(2)["id"])["extras"]}
        assert extras["title_en"] == "Markets"


def test_rdf_that_is_none_is_refused_in_words(importer):
    path = importer.folder / "catalog.ttl"
    path.write_text("<html>", encoding="utf-8")
    result = importer.run("dcat", str(path))
    assert result.exit_code == 2
    assert "not RDF" in result.output
