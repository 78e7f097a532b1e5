"""`datapackage.json`: valid for Frictionless, true for the bytes, silent about what is not published."""

from __future__ import annotations

import json
from pathlib import Path

import frictionless
import pytest
from sample_release import make_release, sample_definition, sample_table

from publisher.formats.datapackage import published_key, table_to_schema
from publisher.signing import signing_key


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_release(tmp_path / "r", signing_key(tmp_path / "key.pem"), count=40)
    monkeypatch.chdir(tmp_path / "r")  # Frictionless reads relative paths only
    return tmp_path / "r"


def test_frictionless_finds_the_metadata_valid(folder: Path) -> None:
    descriptor = json.loads((folder / "datapackage.json").read_bytes())
    assert list(frictionless.Package.metadata_validate(descriptor)) == []


# Frictionless leaves the compressed file open when it has read it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_frictionless_reads_the_csv_with_its_schema_and_finds_the_hash_true(folder: Path) -> None:
    package = frictionless.Package("datapackage.json")
    report = package.get_resource("tickets").validate()
    assert report.flatten(["type", "rowNumber", "fieldName"]) == []
    rows = package.get_resource("tickets").read_rows()
    assert len(rows) == 40
    assert rows[0]["name"] == 'Phường "Bến Nghé", Quận 1'
    assert rows[2]["at"].microsecond == 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_frictionless_notices_a_changed_csv(folder: Path) -> None:
    import gzip

    text = gzip.decompress((folder / "tickets.csv.gz").read_bytes())
    (folder / "tickets.csv.gz").write_bytes(gzip.compress(text + text.splitlines()[-1] + b"\n"))
    report = frictionless.Package("datapackage.json").get_resource("tickets").validate()
    assert not report.valid


def test_every_form_is_a_resource_with_size_and_hash(folder: Path) -> None:
    package = json.loads((folder / "datapackage.json").read_bytes())
    forms = {resource["path"]: resource for resource in package["resources"]}
    assert set(forms) == {"tickets.csv.gz", "tickets.parquet", "tickets.xlsx", "requests.sqlite"}
    for path, resource in forms.items():
        assert resource["bytes"] == (folder / path).stat().st_size
        assert resource["hash"].startswith("sha256:")
    csv = forms["tickets.csv.gz"]
    assert (csv["compression"], csv["mediatype"], csv["encoding"]) == ("gz", "text/csv", "utf-8")
    assert csv["description_translated"] == {"en": "One row is one ticket."}


def test_dropped_fields_and_the_source_are_not_mentioned(folder: Path) -> None:
    text = (folder / "datapackage.json").read_text(encoding="utf-8")
    assert "owner" not in text
    assert "SAMPLE_URL" not in text


def test_fields_say_unit_treatment_and_translations() -> None:
    fields = {field["name"]: field for field in table_to_schema(sample_table())["fields"]}
    assert fields["amount"]["unit"] == "VND"
    assert fields["name"]["title_translated"] == {"en": "Name"}
    assert {field["treatment"] for field in fields.values()} == {"keep"}


def test_types_are_those_after_the_policy() -> None:
    resource = sample_definition().resources[0].model_dump(by_alias=True)
    resource["privacy"]["fields"]["day"] = {"action": "generalise_date", "levels": ["month"]}
    resource["privacy"]["fields"]["id"] = {"action": "round", "base": 10}
    resource["sort_by"] = []
    table = sample_table(sample_definition(resources=[resource]))
    assert {field["name"]: field["type"] for field in table_to_schema(table)["fields"]}["day"] == "yearmonth"
    assert published_key(table) == ()


def test_the_primary_key_is_told_when_it_leaves_unchanged() -> None:
    assert table_to_schema(sample_table())["primaryKey"] == ["id"]
