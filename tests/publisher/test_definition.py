"""Definitions: every mistake is reported with file, line and cure, and nothing unknown slips through."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.definition import DatasetDefinition, dataset_json_schema, dataset_paths, load_dataset
from publisher.definition_docs import definitions_markdown, write_definition_docs
from publisher.errors import DescriptorError

ORGANIZATION = "name: agency\ntitle: Agency\n"
DATASET = """\
name: requests
title: Requests
description: What people asked for.
licenses: [{name: CC-BY-4.0, path: "https://creativecommons.org/licenses/by/4.0/", title: CC BY}]
contact: {name: Office}
release: {cadence: daily}
resources:
  - name: requests
    title: Requests
    row: One request.
    schema:
      fields:
        - {name: id, type: integer, title: Number}
        - {name: ward, title: Ward}
        - {name: phone, title: Telephone}
      primaryKey: [id]
    source:
      kind: sql
      url: env:CITY
      query: SELECT id, ward, phone FROM requests
    privacy:
      subject: none
      fields:
        id: {action: keep}
        ward: {action: keep}
    sort_by: [id]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "agency" / "requests"
    folder.mkdir(parents=True)
    (tmp_path / "agency" / "organization.yaml").write_text(ORGANIZATION)
    return folder


def load(folder: Path, text: str = DATASET) -> DatasetDefinition:
    (folder / "dataset.yaml").write_text(text)
    return load_dataset(folder / "dataset.yaml")


def test_a_definition_is_read_with_its_organization(folder: Path) -> None:
    definition = load(folder)
    assert (definition.name, definition.organization.name, definition.folder) == ("requests", "agency", folder)
    assert [field.name for field in definition.resources[0].schema_.fields] == ["id", "ward", "phone"]


MISTAKES = [
    ("title: Requests\ndesc", "titel: Requests\ndesc", 2, "titel: unknown key"),
    ("title: Requests\ndesc", "desc", 1, "title: Field required"),
    ("name: requests\ntitle: Requests\ndesc", "name: Requests!\ntitle: Requests\ndesc", 1, "name: String should match"),
    ("name: requests\ntitle: Requests\ndesc", "name: new\ntitle: Requests\ndesc", 1, "name: the catalogue keeps"),
    ("cadence: daily", "cadence: sometimes", 6, "release.cadence: Input should be"),
    ("cadence: daily", "cadence: daily, embargo_until: tomorrow", 6, "release.embargo_until: String should match"),
    ("    row: One request.\n", "", 8, "resources.0.row: Field required"),
    ("type: integer", "type: int", 13, "fields.0.type: Input should be"),
    ("title: Ward}", "title: Ward, unitt: m}", 14, "fields.1.unitt: unknown key"),
    ("title: Ward}", "title: Ward, title_translated: {fr: Q}}", 14, "languages are vi and en, not fr"),
    ("{name: phone", "{name: ward", 11, "schema: field names stand twice: ward"),
    ("primaryKey: [id]", "primaryKey: [number]", 11, "primaryKey names unknown fields: number"),
    ("kind: sql", "kind: oracle", 17, "source: Input tag 'oracle'"),
    ("kind: sql\n", "kind: sql\n      tabel: x\n", 19, "source.sql.tabel: unknown key"),
    ("url: env:CITY", "url: postgresql://u:p@h/d", 19, "source.sql.url: String should match"),
    ("      query: SELECT id, ward, phone FROM requests\n", "", 17, "source.sql.query: Field required"),
    ("subject: none", "subject: person", 21, "rows about persons need `microdata`"),
    ("ward: {action: keep}", "ward: {action: hide}", 25, "fields.ward: Input tag 'hide'"),
    ("ward: {action: keep}", "wards: {action: keep}", 8, "privacy names unknown fields: wards"),
    ("sort_by: [id]", "sort_by: [phone]", 8, "sort_by or group_by names fields that are dropped: phone"),
    ("release:", "organization: other\nrelease:", 0, "the key `organization` comes from the folder"),
    ("contact:", "title: Again\ncontact:", 5, "the key `title` stands twice"),
    ("        ward: {action: keep}\n", "        ward: {action: keep}\n" * 2, 26, "the key `ward` stands twice"),
    ("contact: {name: Office}", "contact: {name: Office", 6, "expected ',' or '}'"),
    ("name: requests\ntitle: Requests\ndesc", "name: other\ntitle: Requests\ndesc", 1, "differs from its folder"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "message"), MISTAKES, ids=[m[3] for m in MISTAKES])
def test_every_mistake_names_file_line_and_cure(folder: Path, right: str, wrong: str, line: int, message: str) -> None:
    assert right in DATASET
    with pytest.raises(DescriptorError) as raised:
        load(folder, DATASET.replace(right, wrong, 1))
    place = f"{folder / 'dataset.yaml'}:{line or ''}"
    reported = [text for text in raised.value.message.splitlines() if message in text]
    assert reported, raised.value.message
    assert reported[0].startswith(place), raised.value.message
    assert raised.value.cure
    assert raised.value.exit_code == 2


def test_all_mistakes_are_reported_at_once_in_file_order(folder: Path) -> None:
    wrong = DATASET.replace("cadence: daily", "cadence: never").replace("type: integer", "type: int")
    with pytest.raises(DescriptorError) as raised:
        load(folder, wrong.replace("title: Requests\n", "titel: Requests\n", 1))
    lines = [int(text.split(":")[1]) for text in raised.value.message.splitlines()]
    assert lines == sorted(lines)
    assert {2, 6, 13} <= set(lines)


def test_a_secret_written_down_is_not_repeated(folder: Path) -> None:
    with pytest.raises(DescriptorError) as raised:
        load(folder, DATASET.replace("env:CITY", "postgresql://u:hidden@h/d"))
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "the file is empty"), (b"- a\n", "keys and values"), (b"name: \xff\n", "not UTF-8")]
)
def test_a_file_that_is_no_definition_is_named(folder: Path, content: bytes, message: str) -> None:
    (folder / "dataset.yaml").write_bytes(content)
    with pytest.raises(DescriptorError, match=message) as raised:
        load_dataset(folder / "dataset.yaml")
    assert str(folder) in raised.value.message
    assert raised.value.cure


def test_a_missing_organization_is_named(folder: Path) -> None:
    (folder.parent / "organization.yaml").unlink()
    with pytest.raises(DescriptorError, match=r"organization\.yaml: there is no such file"):
        load(folder)


def test_a_mistake_in_the_organization_names_its_own_file(folder: Path) -> None:
    (folder.parent / "organization.yaml").write_text(ORGANIZATION + "phone: 1\n")
    with pytest.raises(DescriptorError, match=r"organization\.yaml:3: phone: unknown key"):
        load(folder)


def test_the_digest_follows_content_and_not_comments_or_order(folder: Path) -> None:
    digest = load(folder).digest
    head, tail = DATASET.split("licenses:", 1)
    reordered = "licenses:" + tail + head
    assert load(folder, "# why\n" + DATASET.replace("contact", "\n# who\ncontact")).digest == digest
    assert load(folder, reordered).digest == digest
    assert load(folder, DATASET.replace("One request.", "One  request.")).digest != digest


def test_ids_follow_organization_and_name_only(folder: Path) -> None:
    one = load(folder)
    other = load(folder, DATASET.replace("title: Requests", "title: Other"))
    assert (one.id, one.resource_id("a.csv.gz")) == (other.id, other.resource_id("a.csv.gz"))
    assert one.resource_id("a.csv.gz") != one.resource_id("b.csv.gz")


def test_two_datasets_of_one_name_are_refused(folder: Path) -> None:
    load(folder)
    assert list(dataset_paths(folder.parent.parent)) == ["requests"]
    twin = folder.parent.parent / "other" / "requests"
    twin.mkdir(parents=True)
    (twin / "dataset.yaml").write_text(DATASET)
    with pytest.raises(DescriptorError, match="is taken by") as raised:
        dataset_paths(folder.parent.parent)
    assert raised.value.cure


@pytest.mark.parametrize("name", ["definitions.md", "dataset.schema.json"])
def test_the_committed_reference_is_what_the_models_say(root: Path, tmp_path: Path, name: str) -> None:
    write_definition_docs(tmp_path)
    assert (root / "docs" / name).read_text() == (tmp_path / name).read_text(), "run `make docs`"


def test_every_key_is_documented_with_its_meaning() -> None:
    schema = dataset_json_schema()
    text = definitions_markdown(schema)
    for name in set(schema["$defs"]) - {"OrganizationDefinition"}:
        assert f"\n## {name}\n" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []
