"""A fast language holds no text that Frictionless would note; and it holds the plain ones, else everything would be slow."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from publisher.validation.files.cells import CellCheck
from publisher.validation.files.languages import language_of
from publisher.validation.files.shapes import shape_of
from publisher.validation.files.texts import text_hashes, texts_of

sys.path.insert(0, str(Path(__file__).parent))
import hostile


def field_of(descriptor: dict[str, Any]) -> Any:
    from frictionless import Schema

    return Schema.from_descriptor({"$schema": hostile.PROFILE, "fields": [{"name": "x", **descriptor}]}).fields[0]


FIELDS = [field for kind in hostile.KINDS for field in kind.schema["fields"]]


@pytest.mark.parametrize("descriptor", FIELDS, ids=lambda field: f"{field['name']}-{field['type']}")
@pytest.mark.filterwarnings("ignore")
def test_what_a_language_holds_frictionless_reads_without_a_note(descriptor: dict[str, Any]) -> None:
    chance = Random(descriptor["name"])
    field = field_of({**descriptor, "name": "x"})
    language = language_of(field, field.create_value_reader())
    if language is None:
        return
    reader = field.create_cell_reader()
    known = [*hostile.AWKWARD, *(str(chance.randint(-(10 ** chance.randint(1, 20)), 10**20)) for _ in range(200))]
    known += [
        "".join(chance.choice("0123456789-/:.TZ +,x") for _ in range(chance.choice([4, 8, 10, 19, 20])))
        for _ in range(500)
    ]
    held = language(texts_of(pa.array(known), []))
    for text, is_held in zip(known, held.tolist(), strict=True):
        if is_held:
            assert not reader(text)[1], text


@pytest.mark.parametrize(
    ("descriptor", "texts"),
    [
        ({"type": "integer", "constraints": {"minimum": 5}}, ["5", "123456789012345678", "007"]),
        ({"type": "number", "constraints": {"minimum": 0.5, "maximum": 7}}, ["0.5", "1", "6.999", "7", "1e0"][:4]),
        ({"type": "number", "groupChar": ".", "decimalChar": ","}, ["1.234,5", "7"]),
        ({"type": "date", "constraints": {"minimum": "2020-01-01"}}, ["2020-01-01", "2024-12-31", "2024-02-29"]),
        ({"type": "date", "format": "%d/%m/%Y"}, ["29/02/2024", "31/12/1999"]),
        ({"type": "datetime"}, ["2024-01-05T10:00:00", "2024-01-05 10:00:00.5", "2024-01-05T10:00:00+07:00"]),
        (
            {"type": "datetime", "constraints": {"minimum": "2024-01-05T10:00:00Z"}},
            ["2024-01-05T10:00:00Z", "2024-01-05T17:00:00+07:00"],
        ),
        ({"type": "time", "constraints": {"exclusiveMaximum": "12:00:00"}}, ["11:59:59", "00:00:00"]),
        ({"type": "year"}, ["1999", "0000"]),
        ({"type": "string", "constraints": {"pattern": r"SR\d{3}"}}, ["SR123"]),
        ({"type": "string", "constraints": {"minLength": 3, "maxLength": 3}}, ["đêm", "abc"]),
        ({"type": "any"}, ["", "x"]),
    ],
    ids=str,
)
def test_plain_texts_are_held(descriptor: dict[str, Any], texts: list[str]) -> None:
    field = field_of(descriptor)
    language = language_of(field, field.create_value_reader())
    assert language is not None
    assert language(texts_of(pa.array(texts), [])).all()


@pytest.mark.parametrize(
    "pattern", [r"\d+", "a|b", "[^a]{2}", r"\w{3}", "(ab){2}", "a{2,3}", "", "[b-a]", "ả{2}", "a{2}?"]
)
def test_patterns_of_more_than_one_shape_have_none(pattern: str) -> None:
    assert shape_of(pattern) is None


def test_equal_texts_have_equal_hashes_in_any_company() -> None:
    texts = ["", "a", "ab", "b" * 8, "c" * 9, "đ" * 30, "SR0000000001"]
    alone = [int(text_hashes(pa.array([text]))[0]) for text in texts]
    assert text_hashes(pa.array(texts)).tolist() == alone
    assert text_hashes(pa.array(["x", *texts]).slice(1)).tolist() == alone
    assert len(set(alone)) == len(texts)


def test_a_judged_text_is_asked_about_once() -> None:
    check = CellCheck(field_of({"type": "boolean"}))
    column = pa.array(["true", "maybe", "false"] * 1000)
    checked = check.check(column)
    assert np.flatnonzero(checked.doubtful).tolist() == list(range(1, 3000, 3))
    check.check(column)
    assert check.judged == 3
