"""validate_table: what goes on, what goes to quarantine, what the report says."""

from __future__ import annotations

import json
from datetime import date, datetime

import pyarrow as pa
import pytest
from samples.working_tables import write_working

from publisher.errors import DriftError, EnvironmentFault
from publisher.validation import validate_table

MARK = "Secret-7391"
FIELDS = [
    {"name": "code", "type": "string", "constraints": {"required": True, "pattern": "[A-Z]+[0-9]*"}},
    {"name": "level", "type": "integer", "constraints": {"minimum": 0}},
    {"name": "day", "type": "date", "format": "%d/%m/%Y"},
]


def test_clean_rows_come_out_typed_and_in_order(define, run):
    outcome = run(
        define(FIELDS), {"code": ["B2", " A1 ", "C"], "level": ["2", "", "0"], "day": ["22/11/2026", "1/1/2026", None]}
    )
    assert outcome.valid.schema.types == [pa.string(), pa.int64(), pa.date32()]
    assert outcome.valid.to_pylist() == [
        {"code": "B2", "level": 2, "day": date(2026, 11, 22)},
        {"code": "A1", "level": None, "day": date(2026, 1, 1)},
        {"code": "C", "level": 0, "day": None},
    ]
    assert outcome.quarantine is None
    assert outcome.left_behind == {"valid.arrow"}


def test_failing_rows_are_kept_as_delivered_with_row_number_and_errors(define, run):
    outcome = run(
        define(FIELDS),
        {"code": ["A", " a ", None], "level": ["1", "x", "-1"], "day": ["22/11/2026", "31/02/2026", None]},
    )
    assert outcome.valid.num_rows == 1
    assert outcome.quarantine == [
        {
            "code": " a ",
            "level": "x",
            "day": "31/02/2026",
            "_row": 2,
            "_errors": ["constraint-error", "type-error", "type-error"],
            "_fields": ["code", "level", "day"],
        },
        {
            "code": None,
            "level": "-1",
            "day": None,
            "_row": 3,
            "_errors": ["constraint-error", "constraint-error"],
            "_fields": ["code", "level"],
        },
    ]
    counts = {(c.type, c.field): (c.count, c.first_rows) for c in outcome.report.errors}
    assert counts[("constraint-error", "code")] == (2, (2, 3))
    assert counts[("type-error", "level")] == (1, (2,))
    assert (outcome.report.rows, outcome.report.valid_rows, outcome.report.invalid_rows) == (3, 1, 2)
    assert outcome.report.completeness == {"code": 2 / 3, "level": 2 / 3, "day": 1 / 3}


def test_an_empty_table_gives_an_empty_typed_file_and_no_breach(define, run):
    outcome = run(define(FIELDS, primaryKey=["code"]), {"code": [], "level": [], "day": []})
    assert outcome.valid.num_rows == 0
    assert outcome.valid.schema.field("day").type == pa.date32()
    assert (outcome.report.rows, outcome.report.errors, outcome.report.breaches) == (0, (), ())
    assert outcome.quarantine is None


def test_when_all_rows_fail_the_valid_file_is_empty_and_the_run_is_held(define, run):
    outcome = run(define(FIELDS), {"code": ["?"] * 30, "level": ["x"] * 30, "day": [None] * 30})
    assert outcome.valid.num_rows == 0
    assert len(outcome.quarantine) == 30
    assert outcome.report.errors[0].first_rows == (1, 2, 3, 4, 5)
    assert outcome.report.breaches == ("invalid rows: 100 % of rows, allowed 1 %",)
    assert outcome.report.leading_errors() == (
        "constraint-error in `code`, 30 × (data rows 1, 2, 3, 4, 5…); "
        "type-error in `level`, 30 × (data rows 1, 2, 3, 4, 5…)"
    )


def test_columns_of_nulls_alone_are_fine_beside_another_value(define, run):
    columns = {"code": ["A", "B"], "level": pa.nulls(2), "day": pa.nulls(2, pa.string())}
    outcome = run(define(FIELDS), columns)
    assert outcome.valid.to_pydict() == {"code": ["A", "B"], "level": [None, None], "day": [None, None]}


def test_a_row_of_nulls_alone_is_a_blank_row_and_not_one_error_a_field(define, run):
    outcome = run(define(FIELDS), {"code": ["A", None], "level": ["1", " "], "day": [None, ""]})
    assert outcome.faults == {(2, None, "blank-row")}


def test_keys_repeat_across_batches_and_the_first_row_stays(define, run):
    rows = 60_000
    codes = [f"A{number % 59_998}" for number in range(rows)]
    table = define(FIELDS, primaryKey=["code"])
    outcome = run(table, {"code": codes, "level": ["1"] * rows, "day": [None] * rows}, rows_per_group=7_000)
    assert outcome.faults == {(59_999, None, "primary-key"), (60_000, None, "primary-key")}
    assert outcome.valid.num_rows == 59_998


def test_a_key_counts_values_and_not_their_texts(define, run):
    fields = [{"name": "number", "type": "integer", "constraints": {"unique": True}}, {"name": "other"}]
    outcome = run(define(fields), {"number": ["7", "007", " 7", "8", None, None], "other": list("abcdef")})
    assert outcome.faults == {(2, "number", "unique-error"), (3, "number", "unique-error")}


def test_one_bad_cell_in_a_key_is_a_type_error_and_a_key_error(define, run):
    fields = [{"name": "number", "type": "integer"}, {"name": "other"}]
    outcome = run(define(fields, primaryKey=["number"]), {"number": ["1", "x"], "other": ["a", "b"]})
    assert outcome.faults == {(2, "number", "type-error"), (2, None, "primary-key")}


def test_a_composite_key_takes_nulls_as_equal_and_refuses_nulls_alone(define, run):
    fields = [{"name": "ward"}, {"name": "hour"}, {"name": "level"}]
    columns = {"ward": ["a", "a", None, None], "hour": [None, None, None, "1"], "level": ["x"] * 4}
    outcome = run(define(fields, primaryKey=["ward", "hour"]), columns)
    assert outcome.faults == {(2, None, "primary-key"), (3, None, "primary-key")}


def test_unicode_twins_are_one_value(define, run):
    fields = [{"name": "ward", "constraints": {"unique": True, "enum": ["Thu\u0309 \u0110u\u031b\u0301c", "\u0110ức"]}}]
    outcome = run(define(fields), {"ward": ["Thủ\u00a0Đức", "Thu\u0309 Đức ", "Đu\u031b\u0301c"]})
    assert outcome.faults == {(2, "ward", "unique-error")}
    assert outcome.valid.to_pydict() == {"ward": ["Thủ Đức", "Đức"]}


def test_numbers_that_no_column_holds_are_type_errors(define, run):
    fields = [{"name": "whole", "type": "integer"}, {"name": "measure", "type": "number"}]
    columns = {
        "whole": ["9223372036854775807", "9223372036854775808", "1", "1", "1"],
        "measure": ["1e308", "1", "inf", "NaN", "1e400"],
    }
    outcome = run(define(fields), columns)
    assert outcome.faults == {(2, "whole", "type-error"), *((row, "measure", "type-error") for row in (3, 4, 5))}
    assert outcome.valid.to_pylist() == [{"whole": 2**63 - 1, "measure": 1e308}]


def test_nan_may_be_declared_missing(define, run):
    fields = [{"name": "measure", "type": "number", "missingValues": ["", "NaN", "nan"]}, {"name": "other"}]
    assert run(define(fields), {"measure": ["NaN", "1"], "other": ["a", "b"]}).valid["measure"].to_pylist() == [
        None,
        1.0,
    ]
    typed = pa.array([float("nan"), 1.5])
    assert run(define(fields), {"measure": typed, "other": ["a", "b"]}).valid["measure"].to_pylist() == [None, 1.5]


@pytest.mark.slow
def test_two_hundred_columns_are_checked_each_by_its_own_rule(define, run):
    fields = [{"name": f"c{place}", "type": "integer" if place % 2 else "string"} for place in range(200)]
    columns = {field["name"]: ["1", "x", "3"] for field in fields}
    outcome = run(define(fields), columns)
    assert outcome.faults == {(2, f"c{place}", "type-error") for place in range(1, 200, 2)}


def test_zoned_times_become_local_wall_time(define, run):
    fields = [{"name": "at", "type": "datetime", "constraints": {"unique": True}}, {"name": "clock", "type": "time"}]
    columns = {
        "at": [
            "2026-11-22T03:00:00Z",
            "2026-11-22T10:00:00",
            "2026-11-22T05:30:00.5+02:30",
            "2026-11-22T10:00:00+07:00",
        ],
        "clock": ["03:00:00Z", "10:00:00", "20:00:00+00:00", "10:00:00.5"],
    }
    outcome = run(define(fields), columns)
    assert outcome.faults == {(4, "at", "unique-error")}  # the same instant as row 1, and never the naive row 2
    assert outcome.valid["at"].to_pylist() == [
        datetime(2026, 11, 22, 10),
        datetime(2026, 11, 22, 10),
        datetime(2026, 11, 22, 10, 0, 0, 500000),
    ]
    assert outcome.valid["clock"].to_pylist() == ["10:00:00", "10:00:00", "03:00:00"]


def test_zoned_times_of_one_instant_repeat_each_other(define, run):
    fields = [{"name": "clock", "type": "time", "constraints": {"unique": True}}]
    outcome = run(
        define(fields), {"clock": ["10:00:00+07:00", "10:00:00", "09:00:00+06:00", "01:00:00+00:00", "08:00:00+07:00"]}
    )
    assert outcome.faults == {(3, "clock", "unique-error"), (5, "clock", "unique-error")}


def test_thresholds_hold_the_run_and_name_rules_and_shares_only(define, run):
    table = define(FIELDS, thresholds={"max_invalid_share": 0.5, "rules": {"type-error": 0.01, "unique-error": 0.0}})
    rows = 125
    outcome = run(table, {"code": ["A"] * rows, "level": ["x"] * 4 + ["1"] * (rows - 4), "day": [None] * rows})
    assert outcome.report.breaches == ("type-error: 3.2 % of rows, allowed 1 %",)


def test_a_rule_counts_a_row_once_however_many_fields_break_it(define, run):
    table = define(FIELDS, thresholds={"max_invalid_share": 1, "rules": {"type-error": 0.4}})
    outcome = run(table, {"code": ["A", "B"], "level": ["x", "1"], "day": ["x", None]})
    assert outcome.report.breaches == ("type-error: 50 % of rows, allowed 40 %",)


def test_the_report_is_json_and_holds_no_value(define, run):
    fields = [*FIELDS, {"name": "note", "constraints": {"maxLength": 3, "unique": True}}]
    columns = {"code": [MARK, "A", "A"], "level": [MARK, "1", "1"], "day": [MARK] * 3, "note": [MARK] * 3}
    outcome = run(define(fields, primaryKey=["note"]), columns)
    text = json.dumps(outcome.report.to_dict()) + repr(outcome.report)
    assert MARK not in text
    assert json.loads(json.dumps(outcome.report.to_dict()))["invalid_rows"] == 3


def test_an_old_quarantine_does_not_outlive_a_clean_run(define, tmp_path):
    paths = {"valid": tmp_path / "valid.arrow", "quarantine": tmp_path / "bad.parquet"}
    paths["quarantine"].write_bytes(b"old")
    write_working(pa.table({"code": ["A"], "level": ["1"], "day": ["22/11/2026"]}), tmp_path / "staged.arrow")
    report = validate_table(tmp_path / "staged.arrow", define(FIELDS), **paths, clock=iter([10.0, 12.5]).__next__)
    assert not paths["quarantine"].exists()
    assert report.seconds == 2.5


def test_other_columns_than_declared_are_drift(define, run):
    with pytest.raises(DriftError, match="missing: day; unknown: date"):
        run(define(FIELDS), {"code": ["A"], "level": ["1"], "date": [None]})
    with pytest.raises(DriftError, match="other order"):
        run(define(FIELDS), {"level": ["1"], "code": ["A"], "day": [None]})


def test_a_folder_that_cannot_be_written_is_a_fault_around_us(define, tmp_path):
    write_working(pa.table({"code": ["A"], "level": ["1"], "day": [None]}), tmp_path / "staged.arrow")
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="working"):
        validate_table(
            tmp_path / "staged.arrow",
            define(FIELDS),
            valid=tmp_path / "file" / "v.parquet",
            quarantine=tmp_path / "q",
        )
