from __future__ import annotations

import csv
import gzip
import io
import random
import unicodedata
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from columns_of_a_city import PERSONAL, PUBLIC, mobile, name, personal_columns, personal_id, public_columns, tax_code

from publisher.disclosure.personal.detectors import detect_column, detect_csv, detect_parquet, detect_table, scan_file


def kinds(header: str, values: list[str | None]) -> set[str]:
    return {finding.kind for finding in detect_column(header, pa.array(values, pa.string()))}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_personal_columns_are_found(seed: int) -> None:
    missed = [
        (header, kind) for header, kind, values in personal_columns(400, seed) if kind not in kinds(header, values)
    ]
    assert missed == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("rows", [40, 400])
def test_public_columns_that_look_alike_are_left_alone(seed: int, rows: int) -> None:
    alarms = [header for header, values in public_columns(rows, seed) if kinds(header, values)]
    assert alarms == []


@pytest.mark.parametrize(
    "make", [str.upper, lambda text: unicodedata.normalize("NFD", text), lambda text: f"\u00a0{text} "]
)
def test_names_are_found_however_they_are_written(make) -> None:
    draw = random.Random(5)
    assert kinds("cot_3", [make(name(draw)) for _ in range(200)]) == {"full_name"}


def test_names_without_diacritics_are_found() -> None:
    draw = random.Random(5)
    plain = [unicodedata.normalize("NFD", name(draw).replace("Đ", "D").replace("đ", "d")) for _ in range(200)]
    texts = ["".join(letter for letter in text if not unicodedata.combining(letter)) for text in plain]
    assert kinds("hoten", texts) == {"full_name"}


def test_streets_are_no_names_and_people_in_a_street_column_are() -> None:
    draw = random.Random(1)
    assert kinds("ten_duong", [PUBLIC["ten_duong"](draw) for _ in range(500)]) == set()
    assert kinds("ten_duong", [name(draw) + draw.choice(["", " Anh", " Em"]) for _ in range(80)]) == {"full_name"}


def test_id_numbers_stored_as_numbers_are_found() -> None:
    draw = random.Random(2)
    whole = [int(personal_id(draw)) for _ in range(300)]
    for values in (pa.array(whole, pa.int64()), pa.array([float(number) for number in whole])):
        assert [finding.kind for finding in detect_column("c1", values)] == ["personal_id"]


def test_a_few_id_numbers_among_tax_codes_are_found() -> None:
    draw = random.Random(2)
    values = [tax_code(draw) for _ in range(3000)] + [personal_id(draw) for _ in range(20)]
    assert kinds("mst", values) == {"personal_id"}


def test_birth_dates_are_told_by_their_name() -> None:
    dates = pa.array([date(1980, 1, 2), None])
    assert [finding.kind for finding in detect_column("ngay_sinh", dates)] == ["birth_date"]
    assert detect_column("ngay_nop", dates) == []


def test_measurements_and_empty_columns_are_left_alone() -> None:
    columns = {
        "a": pa.array([0.5, 912345678.25]),
        "b": pa.array([None, None], pa.string()),
        "c": pa.array([True, False]),
        "d": pa.array(["", " "]),
        "e": pa.array([float("nan"), None]),
        "f": pa.array([], pa.string()),
        "g": pa.array([], pa.float64()),
        "h": pa.array(["x", "y"]).dictionary_encode(),
    }
    assert detect_table(columns) == []


@pytest.mark.slow
def test_findings_carry_no_value() -> None:
    for header, _, values in personal_columns(100, 3):
        for finding in detect_column(header, pa.array(values, pa.string())):
            assert not any(value and value in f"{finding.reason}" for value in values)
            assert set(finding.to_dict()) == {"name", "kind", "share", "confidence", "reason"}


@pytest.mark.parametrize(
    ("ending", "encoding", "delimiter"),
    [(".csv", "utf-8-sig", ","), (".csv.gz", "utf-8", ";"), (".csv", "cp1258", "\t")],
)
def test_files_are_scanned_whatever_their_encoding_and_delimiter(
    tmp_path: Path, ending: str, encoding: str, delimiter: str
) -> None:
    draw = random.Random(4)
    path = tmp_path / f"file{ending}"
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["so_cccd", "ghi chu", "ma"])
    writer.writerows([personal_id(draw), 'a\n"b"', f"M{number}"] for number in range(50))
    content = text.getvalue().encode(encoding)
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    assert [(finding.column, finding.kind) for finding in scan_file(path)] == [("so_cccd", "personal_id")]


def test_parquet_and_csv_are_judged_alike(tmp_path: Path) -> None:
    draw = random.Random(4)
    columns = {"lien_lac": [mobile(draw) for _ in range(50)], "ma": [f"A{number}" for number in range(50)]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text(
        "lien_lac,ma\n" + "\n".join(map(",".join, zip(*columns.values(), strict=True))), encoding="utf-8"
    )
    assert detect_parquet(tmp_path / "a.parquet") == detect_csv(tmp_path / "a.csv") != []


def test_each_kind_has_a_column_in_the_test_city() -> None:
    assert {kind for _, kind in PERSONAL} == {
        "personal_id", "old_personal_id", "phone", "email", "full_name", "plate", "address", "birth_date", "health_insurance",
    }  # fmt: skip


def test_two_telephone_numbers_in_twenty_thousand_notes_are_found() -> None:
    notes = [f"Đã tiếp nhận hồ sơ {i}, anh phụ trách chuyển phòng chuyên môn, mã 123456789" for i in range(20_000)]
    assert detect_column("ghi_chu", pa.array(notes)) == []
    for place in (4_321, 17_003):
        notes[place] += ", liên hệ 0912345678"
    assert [finding.kind for finding in detect_column("ghi_chu", pa.array(notes))] == ["phone"]
