"""How columns drifted, told by name and kind; never a value, and no name that may be one."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_release import sample_definition

from publisher.errors import DriftError
from publisher.extraction import Extract
from publisher.versions.drift import column_drift, fingerprint_of_drift, kind_of, refuse_retyped


def extract(*, missing: tuple[str, ...] = (), unknown: tuple[str, ...] = (), **types: str) -> Extract:
    table = sample_definition().resources[0]
    return Extract(table, Path("staged"), rows=3, sha256="", missing=missing, unknown=unknown, types=types)


def test_columns_that_came_went_or_were_probably_renamed() -> None:
    found = column_drift([extract(missing=("amount", "day"), unknown=("amount_vnd", "note"))], {})
    assert [(one.kind, one.column, one.after) for one in found] == [
        ("renamed", "amount", "amount_vnd"),
        ("gone", "day", ""),
        ("new", "note", ""),
    ]


def test_a_name_that_may_be_a_cell_is_withheld() -> None:
    found = column_drift([extract(unknown=("0903123456",))], {})
    assert [(one.kind, one.column) for one in found] == [("new", "")]


def test_codes_that_became_numbers_hold_the_run() -> None:
    found = column_drift(
        [extract(name="int64", id="int64", day="null")],
        {"tickets": {"name": "string", "id": "int32", "day": "date32[day]"}},
    )
    assert [(one.kind, one.column, one.before, one.after) for one in found] == [("retyped", "name", "string", "number")]
    with pytest.raises(DriftError, match="name of `tickets`"):
        refuse_retyped(found, dataset="requests")


def test_an_approver_accepts_exactly_what_drifted() -> None:
    same = [extract()]
    assert fingerprint_of_drift(same, column_drift(same, {})) == ""
    before = {"tickets": {"name": "string"}}
    number, truth = [extract(name="int64")], [extract(name="bool")]
    assert fingerprint_of_drift(number, column_drift(number, before)) != fingerprint_of_drift(
        truth, column_drift(truth, before)
    )


@pytest.mark.parametrize(
    ("arrow_type", "kind"),
    [
        ("large_string", "string"),
        ("decimal128(10, 2)", "number"),
        ("timestamp[us]", "date"),
        ("time64[us]", "time"),
        ("null", ""),
    ],
)
def test_kinds_of_values(arrow_type: str, kind: str) -> None:
    assert kind_of(arrow_type) == kind
