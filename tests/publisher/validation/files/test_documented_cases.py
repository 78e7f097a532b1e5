"""The cases that Frictionless' guides show, on data of our own: each has the errors that the guides name, and the same report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from publisher.validation.files.report import prove_file

PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
ID_NAME = [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]
PLACES = [*ID_NAME, {"name": "within", "type": "integer"}]

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any] | None, list[tuple[str, int | None, int | None]]]] = {
    "valid": ("id,name\n1,Huế\n2,Hà Nội\n", {}, None, []),
    "blank header, which the guides call an error": ("\n1,Huế\n", {}, None, []),
    "blank label": ("id,\n1,Huế\n", {}, None, [("blank-label", None, 2)]),
    "duplicate label": ("id,id\n1,Huế\n", {}, None, [("duplicate-label", None, 2)]),
    "incorrect label": ("id,town\n1,Huế\n", {}, None, [("incorrect-label", None, 2)]),
    "extra label": ("id,name,more\n1,Huế,x\n", {}, None, [("extra-label", None, 3)]),
    "missing label": ("id\n1\n", {}, None, [("missing-label", None, 2)]),
    "blank row": ("id,name\n1,Huế\n\n,\n2,Vinh\n", {}, None, [("blank-row", 3, None), ("blank-row", 4, None)]),
    "extra cell": ("id,name\n1,Huế,x,y\n", {}, None, [("extra-cell", 2, 3), ("extra-cell", 2, 4)]),
    "missing cell": ("id,name\n1\n", {}, None, [("missing-cell", 2, 2)]),
    "type error": ("id,name\none,Huế\n", {}, None, [("type-error", 2, 1)]),
    "cell of two lines": ('id,name\n1,"Huế\nVinh"\nx,y\n', {}, None, [("type-error", 3, 1)]),
    "required": (
        "id,name\n1,\n",
        {"fields": [ID_NAME[0], {**ID_NAME[1], "constraints": {"required": True}}]},
        None,
        [("constraint-error", 2, 2)],
    ),
    "several constraints": (
        "id,name\n1,V\n",
        {"fields": [ID_NAME[0], {**ID_NAME[1], "constraints": {"minLength": 2, "pattern": "[a-z]+", "enum": ["Huế"]}}]},
        None,
        [("constraint-error", 2, 2)] * 3,
    ),
    "unique": (
        "id,name\n1,Huế\n01,Vinh\n",
        {"fields": [{**ID_NAME[0], "constraints": {"unique": True}}, ID_NAME[1]]},
        None,
        [("unique-error", 3, 1)],
    ),
    "primary key": (
        "id,name\n1,Huế\n1,Vinh\n,Đà Lạt\n",
        {"primaryKey": ["id"]},
        None,
        [("primary-key", 3, None), ("primary-key", 4, None)],
    ),
    "primary key of two fields": (
        "id,name\n1,Huế\n1,Vinh\n1,Huế\n",
        {"primaryKey": ["id", "name"]},
        None,
        [("primary-key", 4, None)],
    ),
    "foreign key into the table itself": (
        "id,name,within\n1,Huế,\n2,Vỹ Dạ,1\n3,Vinh,7\n",
        {
            "fields": PLACES,
            "foreignKeys": [{"fields": ["within"], "reference": {"resource": "", "fields": ["id"]}}],
        },
        None,
        [("foreign-key", 4, None)],
    ),
    "foreign key to another resource": (
        "id,name\n1,Huế\n",
        {"foreignKeys": [{"fields": ["id"], "reference": {"resource": "other", "fields": ["id"]}}]},
        None,
        [("resource-error", None, None)],
    ),
    "fields in another order": ("name,id\nHuế,1\n", {"fieldsMatch": "equal"}, None, []),
    "fewer fields in the schema": ("name,more,id\nHuế,x,y\n", {"fieldsMatch": "subset"}, None, [("type-error", 2, 3)]),
    "fewer fields in the file": ("name\nHuế\n", {"fieldsMatch": "superset"}, None, []),
    "no field in common": ("x,y\n1,2\n", {"fieldsMatch": "partial"}, None, [("unmatched-header", None, None)]),
    "missing values": ("id,name\nn/a,Huế\n-,Vinh\n", {"missingValues": ["n/a", "-"]}, None, []),
    "header of two rows": ("id,na\n,me\n1,Huế\n", {}, {"headerRows": [1, 2], "headerJoin": ""}, []),
    "comments": ("# made by hand\nid,name\n1,Huế\n# the end\n", {}, {"commentChar": "#", "headerRows": [2]}, []),
    "delimiter": ("id;name\n1;Huế\nx;Vinh\n", {}, {"csv": {"delimiter": ";"}}, [("type-error", 3, 1)]),
    "no header": ("1,Huế\nx,Vinh\n", {}, {"header": False}, [("type-error", 2, 1)]),
    "empty file": ("", {}, None, [("source-error", None, None)]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_documented_case(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from frictionless import Dialect, Resource, Schema

    monkeypatch.chdir(tmp_path)
    content, more, dialect, expected = CASES[name]
    schema = {"$schema": PROFILE, "fields": ID_NAME, **more}
    Path("towns.csv").write_text(content, encoding="utf-8")
    report, _ = prove_file("towns.csv", schema, dialect=dialect)
    options = {} if dialect is None else {"dialect": Dialect.from_descriptor(dialect)}
    plain = Resource(path="towns.csv", schema=Schema.from_descriptor(schema), **options).validate()
    for one in (report, plain):
        one.stats["seconds"] = one.tasks[0].stats["seconds"] = 0
    assert report.to_descriptor() == plain.to_descriptor()
    assert [tuple(found) for found in report.tasks[0].flatten(["type", "rowNumber", "fieldNumber"])] == expected
