"""CSV on the Web and Croissant: true for the released files, and read by the programs they are made for."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from sample_release import make_release

from publisher.formats.croissant import package_to_croissant
from publisher.formats.csvw import package_to_csvw
from publisher.signing import signing_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_release(tmp_path / "r", signing_key(tmp_path / "key.pem"), count=40)
    return tmp_path / "r"


@pytest.fixture
def package(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "datapackage.json").read_bytes()))


def test_csvw_describes_the_plain_csv_as_it_stands(folder: Path, package: dict[str, Any]) -> None:
    (table,) = package_to_csvw(package)["tables"]
    assert table["url"] == "tickets.csv"
    text = gzip.decompress((folder / "tickets.csv.gz").read_bytes()).decode()
    header = next(csv.reader(io.StringIO(text)))
    columns = table["tableSchema"]["columns"]
    assert [column["name"] for column in columns] == [column["titles"] for column in columns] == header
    assert {column["name"]: column["datatype"] for column in columns} == {
        "id": "integer", "name": "string", "amount": "double", "open": {"base": "boolean", "format": "true|false"},
        "day": {"base": "date", "format": "yyyy-MM-dd"}, "at": "datetime", "year": "gYear", "month": "gYearMonth",
    }  # fmt: skip
    assert table["tableSchema"]["primaryKey"] == ["id"]


def test_csvw_says_titles_licence_and_release_in_both_languages(package: dict[str, Any]) -> None:
    group = package_to_csvw(package)
    assert group["@context"][0] == "http://www.w3.org/ns/csvw"
    assert {"@value": "Requests", "@language": "en"} in group["dc:title"]
    assert group["dc:license"] == {"@id": "https://creativecommons.org/licenses/by/4.0/"}
    assert group["dc:identifier"] == "requests/2026-11-22.1"


# mlcroissant and what it builds on still use calls that their own libraries have given notice of.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_mlcroissant_finds_the_release_valid_and_reads_its_rows(
    folder: Path, package: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    from mlcroissant._src.core import constants

    monkeypatch.setattr(constants, "CROISSANT_CACHE", folder.parent / "cache")
    document = folder / "croissant.json"
    document.write_text(json.dumps(package_to_croissant(package), ensure_ascii=False), encoding="utf-8")
    dataset = mlcroissant.Dataset(jsonld=str(document))
    assert dataset.metadata.issues.errors == set()
    files = {file.id: file.sha256 for file in dataset.metadata.distribution}
    assert set(files) == {resource["path"] for resource in package["resources"]}
    records = list(dataset.records("tickets"))
    assert len(records) == 40
    assert records[4]["tickets/name"].decode() == "Đường Lê Lợi"
