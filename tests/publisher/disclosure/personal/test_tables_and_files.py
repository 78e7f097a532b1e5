from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest
from made import personal as p
from made import public, traps
from made.worlds import HELD_OUT as W

from publisher.disclosure.personal.detectors import detect_table, scan_file


def column(make, rows: int = 60, seed: int = 3) -> list[str]:
    draw = random.Random(seed)
    return [make(draw, W) for _ in range(rows)]


def kinds(columns: dict[str, list[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in detect_table({name: pa.array(cells) for name, cells in columns.items()}):
        found.setdefault(finding.column, []).append(finding.kind)
    return found


def test_degrees_are_homes_in_a_table_about_people_and_stops_elsewhere() -> None:
    degrees = {"lat": column(p.latitude)}
    people = {"ho_ten": column(p.full_name), "ngay_sinh": column(p.birth_date), "cccd": column(p.personal_id)}
    assert kinds(degrees) == {}
    assert kinds({**people, **degrees})["lat"] == ["coordinates"]
    numbers = {name: pa.array(cells) for name, cells in people.items()} | {"lat": pa.array(map(float, degrees["lat"]))}
    assert [f.kind for f in detect_table(numbers) if f.column == "lat"] == ["coordinates"]
    assert "lat" not in kinds({**people, "tram_xe_buyt": column(p.given_name), **degrees})


def test_digits_beside_the_names_of_banks_are_accounts() -> None:
    draw = random.Random(1)
    digits = {"F7": [f"{draw.randrange(10**12, 10**13)}" for _ in range(60)]}
    assert kinds(digits) == {}
    assert kinds({**digits, "F8": [draw.choice(W.banks) for _ in range(60)]}) == {"F7": ["bank_account"]}


def test_a_register_of_organisations_has_public_addresses_and_landlines() -> None:
    register = {"ten_don_vi": [f"{office} {n}" for n, office in enumerate(column(lambda draw, _: draw.choice(W.offices)))], "dia_chi": column(public.plain_office_address), "dien_thoai": column(p.landline_home)}  # fmt: skip
    assert kinds(register) == {}
    departments = column(lambda draw, _: draw.choice(W.offices))
    assert set(kinds({**register, "ten_don_vi": departments})) == {"dia_chi", "dien_thoai"}
    assert set(kinds({**register, "chu_ho": column(p.full_name)})) == {"dia_chi", "dien_thoai", "chu_ho"}


@pytest.mark.parametrize(
    ("encoding", "spoil"), [("utf-16", str), ("latin-1", traps.to_tcvn3), ("cp1252", traps.to_vni)]
)
def test_files_in_old_encodings_are_read(tmp_path: Path, encoding: str, spoil) -> None:
    rows = [["Họ và tên", "Nơi làm"], *([name, "x"] for name in column(p.full_name))]
    (tmp_path / "a.csv").write_text(spoil("\n".join(map(",".join, rows))), encoding=encoding)
    assert [(f.column.lower(), f.kind) for f in scan_file(tmp_path / "a.csv")] == [("họ và tên", "full_name")]


def test_title_lines_above_the_header_are_passed_over(tmp_path: Path) -> None:
    lines = [
        "ỦY BAN NHÂN DÂN,,",
        ",,",
        "stt,sdt,ghi_chu",
        *(f"{n},{phone},x" for n, phone in enumerate(column(p.mobile))),
    ]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    assert [(f.column, f.kind) for f in scan_file(tmp_path / "a.csv")] == [("sdt", "phone")]


def test_rows_of_another_length_are_judged_too(tmp_path: Path) -> None:
    lines = ["ma,noi_dung", *(f"{n},x" for n in range(50)), *(f"{n},x,{number}" for n, number in enumerate(column(p.personal_id)))]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    assert [(f.column, f.kind) for f in scan_file(tmp_path / "a.csv")] == [("column 3", "personal_id")]


def test_a_header_over_two_lines_is_one_header(tmp_path: Path) -> None:
    rows = "\n".join(f"{number};a" for number in column(p.mobile))
    (tmp_path / "a.csv").write_text(f'"Số\nđiện thoại";x\n{rows}\n', encoding="utf-8")
    assert [(f.column, f.kind) for f in scan_file(tmp_path / "a.csv")] == [("Số\nđiện thoại", "phone")]


def test_long_columns_are_searched_whole_for_a_few_ids() -> None:
    draw = random.Random(4)
    cells = [f"N{draw.randrange(10**11)}" for _ in range(120_000)]
    cells[1234:1244] = column(p.personal_id, 10)
    assert kinds({"ma_ho_so": cells}) == {"ma_ho_so": ["personal_id"]}
