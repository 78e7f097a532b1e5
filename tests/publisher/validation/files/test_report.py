"""The function and the command: broken files, broken schemas, what Frictionless reads over, and that clean rows are passed by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cityportal.cli import main as phusa
from publisher.errors import DescriptorError
from publisher.validation import validate_file
from publisher.validation.files.report import prove_file

NAMES: dict[str, Any] = {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "names.csv"
    path.write_text("id,name\n1,An\n2,Bình\n", encoding="utf-8")
    return path


def plain(path: Path, schema: dict[str, Any] = NAMES, **options: Any) -> Any:
    from frictionless import Resource, Schema

    resource = Resource(path=path.name, basepath=str(path.parent), schema=Schema.from_descriptor(schema))
    return without_seconds(resource.validate(**options))


def without_seconds(report: Any) -> dict[str, Any]:
    descriptor: dict[str, Any] = report.to_descriptor()
    for part in (descriptor, *descriptor["tasks"]):
        del part["stats"]["seconds"]
    return descriptor


def test_clean_rows_never_reach_frictionless(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("id,name\n" + "".join(f"{n},name {n}\n" for n in range(200_000)), encoding="utf-8")
    schema = {**NAMES, "primaryKey": ["id"]}
    report, summary = prove_file(path, schema)
    assert report.valid
    assert summary.rows == 200_000
    assert summary.suspects == 1  # the first row is always shown to it
    assert summary.judged_values == 0
    assert summary.fallback is None
    assert report.tasks[0].stats["rows"] == 200_000


def test_a_small_file_is_frictionless_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    report, summary = prove_file(file, NAMES)
    assert without_seconds(report) == plain(file)
    assert summary.rows == 0
    assert summary.fallback is not None


def test_a_repeated_key_far_away_names_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    rows = [f"{(n * 7919) % 1_000_003},name {n}\n" for n in range(60_000)]
    rows[50_000] = rows[100]
    path.write_text("id,name\n" + "".join(rows), encoding="utf-8")
    report, summary = prove_file(path, {**NAMES, "primaryKey": ["id"]})
    assert [(error.type, error.row_number, error.note) for error in report.tasks[0].errors] == [
        ("primary-key", 50_002, "the same as in the row at position 102")
    ]
    assert summary.suspects == 3
    assert summary.lanes["arrow"] > 1


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"id,name\n", b"id,name", b"\xff\xfe\x00", b"id,name\n1,\xff\n", b"\0"]
)
def test_empty_and_unreadable_files_get_a_report(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    assert without_seconds(validate_file(path, NAMES)) == plain(path)


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "none.txt"])
def test_a_missing_file_gets_a_report(tmp_path: Path, name: str) -> None:
    assert without_seconds(validate_file(tmp_path / name, NAMES)) == plain(tmp_path / name)


def test_a_relative_path_stays_the_place(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent.parent)
    assert validate_file(f"{file.parent.name}/names.csv", NAMES).tasks[0].place == f"{file.parent.name}/names.csv"
    assert validate_file(file, NAMES).tasks[0].place == "names.csv"


@pytest.mark.slow
def test_invalid_utf8_far_down_gives_the_errors_before_it_and_then_the_fault(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    lines = [f"{n},x\n".encode() for n in range(60_000)]
    lines[100] = b"wrong,x\n"
    lines[50_000] = b"5,\xc3\x28\n"
    path.write_bytes(b"id,name\n" + b"".join(lines))
    ours = without_seconds(validate_file(path, NAMES))
    assert ours == plain(path)
    assert [error["type"] for error in ours["tasks"][0]["errors"]] == ["type-error", "encoding-error"]


@pytest.mark.parametrize(
    "schema",
    [
        {"fields": [{"name": "id", "type": "nothing"}]},
        {
            "fields": [
                {"name": "id", "type": "string", "constraints": {"pattern": "("}},
                {"name": "name", "type": "string"},
            ]
        },
        {
            "fields": [
                {"name": "id", "type": "integer", "constraints": {"minimum": "x"}},
                {"name": "name", "type": "string"},
            ]
        },
        {"fields": 5},
    ],
)
def test_a_wrong_schema_is_the_mistake_of_the_definition(file: Path, schema: dict[str, Any]) -> None:
    with pytest.raises(DescriptorError):
        validate_file(file, schema)


@pytest.mark.parametrize("is_small", [True, False])
def test_a_bound_with_a_zone_and_a_cell_without_name_field_and_row_but_not_the_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_small: bool
) -> None:
    if is_small:
        monkeypatch.undo()
    path = tmp_path / "file.csv"
    path.write_text("at\n2024-01-01T00:00:00Z\n2024-11-22T07:08:09\n", encoding="utf-8")
    schema = {"fields": [{"name": "at", "type": "datetime", "constraints": {"minimum": "2019-01-01T00:00:00Z"}}]}
    with pytest.raises(DescriptorError) as raised:
        validate_file(path, schema)
    assert "Field at, row 3" in str(raised.value)
    assert "2024-11-22" not in str(raised.value)


EXTENDED: dict[str, Any] = {
    "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string", "categories": ["An", {"value": "Bình", "label": "Bình An"}]},
    ],
    "uniqueKeys": [["name", "id"]],
}


def test_categories_and_unique_keys_are_reported_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("id,name\n1,An\n2,Bình\n3,Chi\n1,An\n,An\n,An\n", encoding="utf-8")
    assert validate_file(path, EXTENDED).valid
    assert without_seconds(validate_file(path, EXTENDED)) == plain(path, EXTENDED)
    errors = validate_file(path, EXTENDED, extended=True).tasks[0].errors
    assert [(error.type, error.row_number, error.field_name) for error in errors] == [
        ("constraint-error", 4, "name"),
        ("unique-error", 5, "name"),
    ]
    assert errors[0].note == "constraint \"categories\" is \"['An', 'Bình']\""
    assert errors[1].note == 'the same values of "name, id" as in the row at position 2'


@pytest.mark.parametrize(
    ("content", "exit_code"),
    [("id,name\n1,An\n", 0), ("id,name\nx,An\n", 1), (None, 1)],
)
def test_the_command_prints_the_report_and_tells_the_outcome(
    tmp_path: Path, content: str | None, exit_code: int
) -> None:
    path, schema = tmp_path / "names.csv", tmp_path / "schema.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    schema.write_text(json.dumps(NAMES), encoding="utf-8")
    ran = CliRunner().invoke(phusa, ["validate", str(path), "--schema", str(schema), "--format", "json"])
    assert ran.exit_code == exit_code, ran.output
    printed = json.loads(ran.output)
    assert printed["valid"] is (exit_code == 0)
    assert printed["tasks"][0]["place"] == "names.csv"


@pytest.mark.parametrize("schema", ["[]", "{", '{"fields": [{"name": "a", "type": "nothing"}]}'])
def test_the_command_refuses_a_wrong_schema(file: Path, schema: str) -> None:
    path = file.parent / "schema.json"
    path.write_text(schema, encoding="utf-8")
    ran = CliRunner().invoke(phusa, ["validate", str(file), "--schema", str(path)])
    assert ran.exit_code == 2, ran.output
