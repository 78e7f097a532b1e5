"""The whole Table Schema language in a definition: what is good is read, what is wrong is told with file, line and cure."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from publisher.cli import SETTINGS
from publisher.cli import dataset as dataset_command
from publisher.definition import DatasetDefinition, load_dataset
from publisher.errors import DescriptorError
from publisher.formats.datapackage import table_to_schema
from publisher.published import ARROW_TYPES, published_tables
from publisher.settings import PublisherSettings
from publisher.validation.definitions import check_definition

DATASET = """\
name: places
title: Places
description: What is where.
licenses: [{name: CC-BY-4.0, path: "https://creativecommons.org/licenses/by/4.0/", title: CC BY}]
contact: {name: Office}
release: {cadence: daily}
resources:
  - name: wards
    title: Wards
    row: One ward.
    schema:
      fields:
        - {name: code, title: Code}
        - {name: since, type: date, title: Since, constraints: {minimum: 1975-04-30}}
      primaryKey: code
    source: {kind: sql, url: "env:CITY", query: SELECT 1}
    privacy: {subject: none, fields: {code: {action: keep}, since: {action: keep}}}
  - name: stops
    title: Stops
    row: One stop.
    schema:
      fieldsMatch: subset
      missingValues: [{value: "", label: none}, {value: "-"}]
      fields:
        - {name: id, type: integer, title: Number, constraints: {exclusiveMinimum: 0}}
        - {name: ward, title: Ward}
        - {name: place, type: geopoint, format: array, title: Place}
        - {name: tags, type: list, delimiter: ";", title: Tags}
        - {name: shape, type: geojson, format: topojson, title: Shape}
        - {name: more, type: object, title: More, constraints: {jsonSchema: {required: [a]}}}
        - {name: wait, type: duration, title: Wait}
        - {name: mail, format: email, title: Mail}
        - name: kind
          title: Kind
          categories: [{value: bus, label: Xe buýt}, {value: tram}]
          categoriesOrdered: false
      primaryKey: [id]
      uniqueKeys: [[ward, place]]
      foreignKeys: [{fields: ward, reference: {resource: wards, fields: code}}]
    checks:
      - {type: row-constraint, formula: id > 0}
      - {type: table-dimensions, minRows: 1}
    source: {kind: sql, url: "env:CITY", query: SELECT 1}
    privacy:
      subject: none
      fields:
        id: {action: keep}
        place: {action: keep}
        tags: {action: keep}
        shape: {action: keep}
        more: {action: keep}
        wait: {action: keep}
        mail: {action: keep}
        kind: {action: keep}
"""


def load(folder: Path, text: str = DATASET) -> DatasetDefinition:
    (folder / "agency" / "places").mkdir(parents=True, exist_ok=True)
    (folder / "agency" / "organization.yaml").write_text("name: agency\ntitle: Agency\n")
    path = folder / "agency" / "places" / "dataset.yaml"
    path.write_text(text)
    definition = load_dataset(path)
    check_definition(path, definition)
    return definition


def test_every_key_of_the_standard_is_read(tmp_path: Path) -> None:
    wards, stops = load(tmp_path).resources
    assert wards.schema_.primaryKey == ["code"]
    assert wards.schema_.fields[1].constraints.minimum == "1975-04-30"
    assert stops.schema_.foreignKeys[0].fields == ["ward"]
    assert [check.type for check in stops.checks] == ["row-constraint", "table-dimensions"]


def test_the_public_is_told_the_types_as_they_are_released(tmp_path: Path) -> None:
    stops = published_tables(load(tmp_path).resources[1])[0]
    schema = table_to_schema(stops)
    told = {
        field["name"]: {key: field[key] for key in field.keys() - {"name", "title", "treatment"}}
        for field in schema["fields"]
    }
    assert told == {
        "id": {"type": "integer"},
        "place": {"type": "geopoint"},  # canonical text is the default format
        "tags": {"type": "list", "delimiter": ";"},
        "shape": {"type": "geojson", "format": "topojson"},
        "more": {"type": "object"},
        "wait": {"type": "duration"},
        "mail": {"type": "string", "format": "email"},
        "kind": {
            "type": "string",
            "categories": [{"value": "bus", "label": "Xe buýt"}, {"value": "tram"}],
            "categoriesOrdered": False,
        },
    }
    assert set(map(str, stops.arrow_schema.types)) == {"int64", "string"}
    assert set(ARROW_TYPES) >= {field["type"] for field in schema["fields"]}


MISTAKES = [
    ("constraints: {exclusiveMinimum: 0}", "constraints: {exclusiveMinimum: x}", 25, "no integer in the field's format"),
    ("name: tags, type: list", "name: tags, type: array", 28, "delimiter is for fields of type list"),
    ("format: array, title", "format: pair, title", 27, "the format of place is none of array, default, object"),
    ("wait, type: duration, title: Wait", "wait, type: duration, title: Wait, constraints: {minLength: 1}", 31, "minLength"),
    ("wait, type: duration, title: Wait", "wait, type: duration, title: Wait, example: soon", 31, "example"),
    ("wait, type: duration, title: Wait", "wait, type: length, title: Wait", 31, "Input should be 'string', 'integer'"),
    ("{required: [a]}", "{required: a}", 30, "no JSON Schema, at required"),
    ("{required: [a]}", '{$ref: "https://example.org/schema"}', 30, "refers to what is not in it"),
    ("primaryKey: [id]", "primaryKey: [id, tags]", 21, "fields of a type that can be in no key: tags"),
    ("uniqueKeys: [[ward, place]]", "uniqueKeys: [[ward, plaza]]", 21, "uniqueKeys names unknown fields: plaza"),
    ("[{fields: ward, reference: {resource: wards, fields: code}}]", "[{fields: ward, reference: {resource: ward, fields: code}}]", 39, "unknown table ward;"),
    ("reference: {resource: wards, fields: code}", "reference: {resource: wards, fields: name}", 39, "has no field name"),
    ("reference: {resource: wards, fields: code}", "reference: {resource: wards, fields: [code, since]}", 39, "as many fields"),
    ("reference: {resource: wards, fields: code}", "reference: {resource: wards, fields: since}", 39, "types that are never equal"),
    ("fieldsMatch: subset", "fieldsMatch: some", 22, "fieldsMatch: Input should be 'exact'"),
    ('{value: "-"}', '{value: "-", lable: none}', 23, "unknown key"),
    ("formula: id > 0", "formula: id > ward_id", 18, "unknown fields: ward_id"),
    ("formula: id > 0", "formula: id >", 41, "no Python expression"),
    ("wait: {action: keep}", "wait: {action: pseudonymise, key: 'env:KEY'}", 52, "does not fit wait, which is duration"),
    ("place: {action: keep}", "place: {action: round, base: 1}", 48, "does not fit place, which is geopoint"),
    ("{value: tram}]", "{value: bus}]", 33, "stands twice"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "line", "says"), MISTAKES)
def test_a_mistake_names_file_line_and_cure(tmp_path: Path, right: str, wrong: str, line: int, says: str) -> None:
    assert DATASET.count(right) == 1
    with pytest.raises(DescriptorError) as caught:
        load(tmp_path, DATASET.replace(right, wrong))
    assert f"dataset.yaml:{line}: " in str(caught.value)
    assert says in str(caught.value)
    assert caught.value.cure


def test_the_command_finds_what_only_frictionless_knows(tmp_path: Path) -> None:
    @click.group()
    @click.pass_context
    def phusa(context: click.Context) -> None:
        context.meta[SETTINGS] = lambda: PublisherSettings(home=tmp_path / "home", definitions=tmp_path)

    phusa.add_command(dataset_command)
    load(tmp_path)
    good = CliRunner().invoke(phusa, ["dataset", "check"])
    assert (good.exit_code, good.output.count(": good")) == (0, 1), good.output
    with pytest.raises(DescriptorError):
        load(tmp_path, DATASET.replace("exclusiveMinimum: 0", "exclusiveMinimum: x"))
    wrong = CliRunner().invoke(phusa, ["dataset", "check", "places"])
    assert wrong.exit_code == DescriptorError.exit_code
    assert "dataset.yaml:25: table stops, field id: " in wrong.output
