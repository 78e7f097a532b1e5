"""Violations planted in the bytes: each guarantee must say no to its own."""

from __future__ import annotations

import gzip
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from columns_of_a_city import mobile, name, personal_id

from publisher.definition import TableDefinition
from publisher.disclosure.guarantees import Verdict, check_texts

pytestmark = pytest.mark.slow

Make = Callable[..., TableDefinition]

FIELDS = {
    "ma": "string",
    "sinh": "date",
    "phuong": "string",
    "gioi": "string",
    "benh": "string",
    "tuoi": "integer",
    "diem": "number",
    "luc": "datetime",
    "con": "boolean",
}
POLICY: dict[str, Any] = {
    "subject": "person",
    "unit_key": ["ma"],
    "fields": {
        "sinh": {"action": "generalise_date", "levels": ["year", "5y", "*"], "role": "quasi"},
        "phuong": {"action": "generalise", "hierarchy": "wards.csv", "levels": ["khu", "vung"], "role": "quasi"},
        "gioi": {"action": "keep", "role": "quasi"},
        "benh": {"action": "keep", "role": "sensitive"},
        "tuoi": {"action": "generalise_number", "widths": [5, 10], "top": 90},
        "diem": {"action": "round", "base": 0.5},
        "luc": {"action": "keep"},
        "con": {"action": "keep"},
    },
    "microdata": {"k": 5, "suppression_limit": 0.1, "l_diversity": {"field": "benh", "l": 2}},
}


@pytest.fixture
def rows(tmp_path: Path) -> dict[str, list[Any]]:
    (tmp_path / "wards.csv").write_text("ma,khu,vung\n1,K1,V\n2,K2,V\n", encoding="utf-8")
    return {
        "sinh": ["1980"] * 12 + ["1990"] * 12,
        "phuong": ["K1"] * 12 + ["K2"] * 12,
        "gioi": ["nam"] * 6 + [None] * 6 + ["nu"] * 12,
        "benh": ["A", "B", None] * 8,
        "tuoi": ["30-34", "90+", None, "40-44"] * 6,
        "diem": [1.5, -2.0, None, 0.0] * 6,
        "luc": [datetime(2026, 1, 1, 10), datetime(2026, 1, 1, 10, 0, 0, 5), None] * 8,
        "con": [True, None, False] * 8,
    }


def test_a_clean_release_passes_every_check(release: Any, make_table: Make, rows: dict[str, list[Any]]) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    verdict = release.check()
    assert verdict.passed, verdict.failures
    assert {check.id for check in verdict.checks} == {"G1", "G2", "G3", "G4", "G5"}
    assert verdict.to_dict()["passed"] is True


def test_no_checks_is_no_pass() -> None:
    assert not Verdict(()).passed


def _replace_parquet(release: Any, change: Callable[[pa.Table], pa.Table]) -> None:
    path = release.folder / "ho_so.parquet"
    pq.write_table(change(pq.read_table(path)), path)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.append_column("ho_ten", pa.array(["x"] * 24)),
        lambda table: table.drop_columns(["con"]),
        lambda table: table.set_column(5, "diem", table["diem"].cast(pa.float32())),
        lambda table: table.replace_schema_metadata({"pandas": '{"index": "079203001234"}'}),
        lambda table: table.select(table.column_names[::-1]),
    ],
)
def test_g1_other_columns_types_or_metadata_are_caught(
    release: Any, make_table: Make, rows: dict[str, list[Any]], change: Callable[[pa.Table], pa.Table]
) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    _replace_parquet(release, change)
    assert "G1 Parquet" in release.failed()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"K1,nam,A,30-34,1.5,", b"K1,nam,A,30-34,1.6,"),
        (b"K1,nam,A,30-34,1.5,2026-01-01T10:00:00,true", b"K1,nam,A,30-34,1.5,2026-01-01T10:00:01,true"),
        (b",true", b",TRUE"),
        (b",con\n", b",con,ten\n"),
        (b"K2,nu,B", b"K2,nu,C"),
        (b",nu,", b",,"),
    ],
)
def test_g1_a_csv_that_differs_in_one_cell_is_caught(
    release: Any, make_table: Make, rows: dict[str, list[Any]], old: bytes, new: bytes
) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    path = release.folder / "ho_so.csv.gz"
    text = gzip.decompress(path.read_bytes())
    assert old in text
    path.write_bytes(gzip.compress(text.replace(old, new, 1)))
    assert release.failed() == {"G1 CSV"}


@pytest.mark.parametrize(
    "spoil", [lambda text: text[: text.rindex(b"\n", 0, -1) + 1], lambda text: text + text.splitlines()[1] + b"\n"]
)
def test_g1_rows_missing_from_or_added_to_a_csv_are_caught(
    release: Any, make_table: Make, rows: dict[str, list[Any]], spoil: Callable[[bytes], bytes]
) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    path = release.folder / "ho_so.csv.gz"
    path.write_bytes(gzip.compress(spoil(gzip.decompress(path.read_bytes()))))
    assert release.failed() == {"G1 CSV"}


def test_g1_a_gzip_header_with_a_name_is_caught(release: Any, make_table: Make, rows: dict[str, list[Any]]) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    path = release.folder / "ho_so.csv.gz"
    text = gzip.decompress(path.read_bytes())
    with path.open("wb") as raw, gzip.GzipFile(filename="079203001234.csv", mode="wb", fileobj=raw) as file:
        file.write(text)
    assert "G1 CSV" in release.failed()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ho_so SET benh = 'Z' WHERE rowid = 7",
        "UPDATE ho_so SET sinh = NULL WHERE rowid = 24",
        "DELETE FROM ho_so WHERE rowid = 3",
        "CREATE TABLE nguon (ho_ten TEXT)",
        "CREATE VIEW v AS SELECT * FROM ho_so",
        "ALTER TABLE ho_so ADD COLUMN ho_ten TEXT",
        "UPDATE ho_so SET diem = 'x' WHERE rowid = 1",
    ],
)
def test_g1_a_sqlite_file_that_differs_is_caught(
    release: Any, make_table: Make, rows: dict[str, list[Any]], statement: str
) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    with closing(sqlite3.connect(release.folder / "ho-so.sqlite")) as database:
        database.execute(statement)
        database.commit()
    assert release.failed() == {"G1 SQLite"}


def test_g1_traces_of_deleted_rows_are_caught(release: Any, make_table: Make, rows: dict[str, list[Any]]) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    with closing(sqlite3.connect(release.folder / "ho-so.sqlite")) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE nguon (ho_ten TEXT)")
        database.executemany("INSERT INTO nguon VALUES (?)", [("x" * 900,)] * 20)
        database.execute("DROP TABLE nguon")
        database.commit()
    assert release.failed() == {"G1 SQLite"}


@pytest.mark.parametrize("extra", ["nguon.csv", "notes.json", ".hidden"])
def test_g1_an_undeclared_file_is_caught(
    release: Any, make_table: Make, rows: dict[str, list[Any]], extra: str
) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    (release.folder / extra).write_text("{}", encoding="utf-8")
    assert release.failed() == {"G1 files"}


def test_a_missing_or_broken_file_fails_its_checks(release: Any, make_table: Make, rows: dict[str, list[Any]]) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    (release.folder / "ho_so.parquet").write_bytes(b"PAR1 no more")
    failed = release.failed()
    assert {"G1 Parquet", "G1 CSV", "G2 columns", "G3 k", "G3 suppression", "G4 l", "G5 forms"} <= failed
    (release.folder / "ho_so.parquet").unlink()
    assert "G1 files" in release.failed()


@pytest.mark.parametrize(("kind", "make"), [("personal_id", personal_id), ("full_name", name), ("phone", mobile)])
def test_g2_a_personal_column_is_caught(
    release: Any, make_table: Make, kind: str, make: Callable[[random.Random], str]
) -> None:
    draw = random.Random(3)
    values = [make(draw) for _ in range(60)]
    release.write(
        make_table({"cot": "string"}, {"subject": "none", "fields": {"cot": {"action": "keep"}}}),
        {"ho_so": {"cot": values}},
    )
    verdict = release.check()
    assert release.failed() == {"G2 columns"}
    assert kind in verdict.failures[0].detail
    assert not any(value in str(verdict.to_dict()) for value in values)


@pytest.mark.parametrize(
    ("make", "kind", "until", "passes"),
    [
        (name, "full_name", "2026-11-22", True),
        (name, "full_name", "2026-11-21", False),
        (name, "phone", "2027-01-01", False),
    ],
)
def test_g2_a_waiver_holds_for_its_kind_until_its_day(
    release: Any, make_table: Make, make: Callable[[random.Random], str], kind: str, until: str, passes: bool
) -> None:
    draw = random.Random(3)
    waiver = {"kind": kind, "reason": "public officers by law", "by": "so-noi-vu/an", "until": until}
    policy = {"subject": "none", "fields": {"cot": {"action": "keep", "waive": waiver}}}
    release.write(make_table({"cot": "string"}, policy), {"ho_so": {"cot": [make(draw) for _ in range(60)]}})
    assert release.check().passed is passes


def test_g2_personal_data_in_metadata_is_caught(release: Any, make_table: Make, rows: dict[str, list[Any]]) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    path = release.folder / "datapackage.json"
    path.write_text(
        json.dumps({"contributors": [{"title": "Nguyễn Văn An", "email": "opendata@hue.gov.vn"}]}), encoding="utf-8"
    )
    assert release.failed() == {"G2 texts"}
    assert not check_texts(release.folder, release.tables).passed
    path.write_text(
        json.dumps({"contributors": [{"title": "Sở Y tế", "email": "opendata@hue.gov.vn"}]}), encoding="utf-8"
    )
    assert check_texts(release.folder, release.tables).passed


def test_g3_a_small_class_is_caught(release: Any, make_table: Make, rows: dict[str, list[Any]]) -> None:
    rows["gioi"] = ["nam"] * 8 + [None] * 4 + ["nu"] * 12
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    assert release.failed() == {"G3 k"}


def test_g3_units_count_when_their_key_is_published(release: Any, make_table: Make, rows: dict[str, list[Any]]) -> None:
    fields = {"ma": {"action": "pseudonymise", "key": "env:K"}, **POLICY["fields"]}
    shared = ["0" * 16] * 12 + [f"{number:016x}" for number in range(12)]
    release.write(make_table(FIELDS, {**POLICY, "fields": fields}), {"ho_so": {"ma": shared, **rows}})
    assert release.failed() == {"G3 k"}


def test_g3_a_column_without_a_role_that_singles_rows_out_is_caught(
    release: Any, make_table: Make, rows: dict[str, list[Any]]
) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": {**rows, "diem": [number / 2 for number in range(24)]}})
    assert release.failed() == {"G3 singling out"}


def test_g3_too_many_rows_left_out_are_caught_and_an_unknown_number_too(
    release: Any, make_table: Make, rows: dict[str, list[Any]]
) -> None:
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    assert release.failed(rows_before={"ho_so": 26}) == set()
    assert release.failed(rows_before={"ho_so": 27}) == {"G3 suppression"}
    assert release.failed(rows_before={"ho_so": 23}) == {"G3 suppression"}
    assert release.failed(rows_before={}) == {"G3 suppression"}


def test_g4_a_class_with_one_sensitive_value_is_caught(
    release: Any, make_table: Make, rows: dict[str, list[Any]]
) -> None:
    rows["benh"] = [None] * 6 + ["A", "B", None] * 6
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    assert release.failed() == {"G4 l"}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("sinh", "1980-05"), ("sinh", "1980-1984"), ("sinh", "*"), ("phuong", "1"), ("phuong", "V"), ("tuoi", "30-39"),
        ("tuoi", "31-35"), ("tuoi", "31"), ("tuoi", "91"), ("tuoi", "91+"), ("diem", 0.75),
    ],
)  # fmt: skip
def test_g5_a_value_of_another_level_is_caught(
    release: Any, make_table: Make, rows: dict[str, list[Any]], column: str, value: Any
) -> None:
    policy = {**POLICY, "microdata": {"k": 2, "suppression_limit": 0.5}}
    for place in (0, 1):
        rows[column][place] = value
    release.write(make_table(FIELDS, policy), {"ho_so": rows})
    assert "G5 forms" in release.failed()


def test_g5_dates_and_pseudonyms_of_other_forms_are_caught(release: Any, make_table: Make) -> None:
    fields = {"ma": {"action": "pseudonymise", "key": "env:K"}, "tuoi": {"action": "top_code", "at": 90}}
    table = make_table({"ma": "string", "tuoi": "integer"}, {"subject": "none", "fields": fields})
    release.write(table, {"ho_so": {"ma": ["0123456789abcdeg"], "tuoi": [91]}})
    detail = next(check.detail for check in release.check().failures if check.id == "G5")
    assert "ma" in detail
    assert "tuoi" in detail


@pytest.mark.parametrize(("minute", "caught"), [(0, False), (1, True)])
def test_g5_a_moment_within_the_hour_is_caught(release: Any, make_table: Make, minute: int, caught: bool) -> None:
    fields = {"luc": {"action": "generalise_date", "levels": ["hour"]}}
    table = make_table({"luc": "datetime"}, {"subject": "none", "fields": fields})
    release.write(table, {"ho_so": {"luc": [datetime(2026, 11, 22, 9, minute)]}})
    assert ("G5 forms" in release.failed()) == caught


COUNT = {"name": "n", "kind": "count", "title": "n"}
SUM = {"name": "tong", "kind": "sum", "field": "tien", "title": "t"}


def _aggregates(
    make_table: Make, *groups: list[str], measures: list[dict[str, Any]], subject: str = "person"
) -> TableDefinition:
    tables = [
        {"id": "theo_" + "_".join(by), "title": "x", "row": "x", "group_by": by, "measures": measures} for by in groups
    ]
    fields = {"a": {"action": "keep"}, "b": {"action": "keep"}}
    return make_table(
        {"a": "string", "b": "string", "tien": "number"}, {"subject": subject, "fields": fields, "tables": tables}
    )


@pytest.mark.parametrize(
    ("counts", "sums", "fails"),
    [
        ([9, None], [1.0, None], False),
        ([9, 4], [1.0, 2.0], True),
        ([9, None], [1.0, 2.0], True),
        ([9, 8], [1.0, None], False),
    ],
)
def test_g6_small_cells_and_half_hidden_cells_are_caught(
    release: Any, make_table: Make, counts: list[int | None], sums: list[float | None], fails: bool
) -> None:
    table = _aggregates(make_table, ["a"], measures=[COUNT, SUM])
    release.write(table, {"theo_a": {"a": ["x", None], "n": counts, "tong": sums}})
    assert ("G6 small cells" in release.failed()) is fails


def test_g6_an_aggregate_about_persons_must_count(release: Any, make_table: Make) -> None:
    release.write(_aggregates(make_table, ["a"], measures=[SUM]), {"theo_a": {"a": ["x"], "tong": [1.0]}})
    assert release.failed() == {"G6 small cells"}


@pytest.mark.parametrize(
    ("fine", "coarse", "fails"),
    [
        ([20, None, None], 32, False),
        ([20, None, None], 31, True),
        ([20, 8, None], 30, True),
        ([26, None, None], 30, True),
        ([20, 8, 5], None, True),
        ([None, None, None], None, False),
        ([20, 5, 5], 30, False),
    ],
)
def test_g6_a_hidden_cell_that_subtraction_yields_is_caught(
    release: Any, make_table: Make, fine: list[int | None], coarse: int | None, fails: bool
) -> None:
    table = _aggregates(make_table, ["a", "b"], ["a"], measures=[COUNT])
    cells = {"a": ["x"] * 3, "b": ["1", "2", "3"], "n": fine}
    release.write(table, {"theo_a_b": cells, "theo_a": {"a": ["x"], "n": [coarse]}})
    assert release.failed() == ({"G6 subtraction"} if fails else set())


@pytest.mark.parametrize(("second", "counts", "fails"), [(20, [20, 20], False), (4, [36, None], True)])
def test_g6_hidden_cells_that_can_be_counted_from_published_rows_are_caught(
    release: Any, make_table: Make, second: int, counts: list[int | None], fails: bool
) -> None:
    tables = [{"id": "theo_b", "title": "x", "row": "x", "group_by": ["b"], "measures": [COUNT]}]
    fields = {"a": {"action": "keep", "role": "quasi"}, "b": {"action": "keep"}}
    policy = {"subject": "person", "fields": fields, "tables": tables, "microdata": {"k": 5, "suppression_limit": 0}}
    published = {"a": ["x"] * 40, "b": ["1"] * (40 - second) + ["2"] * second}
    release.write(
        make_table({"a": "string", "b": "string"}, policy),
        {"ho_so": published, "theo_b": {"b": ["1", "2"], "n": counts}},
    )
    assert release.failed() == ({"G6 recount"} if fails else set())


def test_details_of_failures_hold_no_value(release: Any, make_table: Make, rows: dict[str, list[Any]]) -> None:
    rows["gioi"] = ["MARKER", *rows["gioi"][1:]]
    release.write(make_table(FIELDS, POLICY), {"ho_so": rows})
    (release.folder / "ho_so.csv.gz").write_bytes(gzip.compress(b"sinh,MARKER\n1"))
    with closing(sqlite3.connect(release.folder / "ho-so.sqlite")) as database:
        database.execute("UPDATE ho_so SET diem = 'MARKER'")
        database.commit()
    verdict = release.check()
    assert not verdict.passed
    assert "MARKER" not in str(verdict.to_dict())
