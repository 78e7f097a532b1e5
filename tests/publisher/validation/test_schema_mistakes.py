"""What is wrong with a schema is said before any row is read, with table, field and cure."""

from __future__ import annotations

import pytest

from publisher.errors import DescriptorError
from publisher.validation.table import prepare_checks


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ({"type": "string", "constraints": {"minimum": 3}}, "minimum"),
        ({"type": "integer", "constraints": {"pattern": "[0-9]"}}, "pattern"),
        ({"type": "string", "constraints": {"pattern": "["}}, "cannot be used"),
        ({"type": "integer", "constraints": {"minimum": 1.5}}, "no integer"),
        ({"type": "date", "constraints": {"maximum": "22/11/2026"}}, "no date"),
        ({"type": "integer", "constraints": {"enum": ["one"]}}, "no integer"),
        ({"type": "date", "format": "dd/mm/yyyy"}, "strptime"),
        ({"type": "datetime", "format": "%d/%m/%Q"}, "strptime"),
        ({"type": "string", "format": "excel"}, "excel"),
        ({"type": "string", "format": "zip code"}, "Table Schema"),
    ],
)
def test_a_constraint_that_cannot_hold_is_a_mistake_of_the_definition(define, field, says):
    with pytest.raises(DescriptorError, match=says) as caught:
        prepare_checks(define([{"name": "v", **field}]))
    assert "readings" in str(caught.value)
    assert caught.value.cure


def test_a_threshold_for_an_unknown_rule_is_refused(define):
    with pytest.raises(DescriptorError, match="type-eror"):
        prepare_checks(define([{"name": "v"}], thresholds={"rules": {"type-eror": 0.1}}))


def test_known_schemas_pass(define):
    checks, keys = prepare_checks(
        define(
            [
                {"name": "year", "type": "year", "constraints": {"minimum": 1900, "maximum": 2100}},
                {
                    "name": "at",
                    "type": "datetime",
                    "format": "%d/%m/%Y %H:%M",
                    "constraints": {"minimum": "01/01/2020 00:00"},
                },
                {
                    "name": "day",
                    "type": "date",
                    "format": "excel",
                    "constraints": {"minimum": "2020-01-01", "unique": True},
                },
                {"name": "mail", "format": "email"},
            ],
            primaryKey=["year", "at"],
            thresholds={"rules": {"type-error": 0.1, "primary-key": 0, "unique-error": 0, "blank-row": 0}},
        )
    )
    assert [check.definition.name for check in checks] == ["year", "at", "day", "mail"]
    assert [(key.error_type, key.fields) for key in keys] == [
        ("unique-error", ("day",)),
        ("primary-key", ("year", "at")),
    ]
