"""The file drops: the business register's CSV and the statistics office's workbook."""

from __future__ import annotations

import csv
import io
import unicodedata
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from stdnum.vn import mst

from publisher.sandbox import facts, people
from publisher.sandbox.city import SyntheticCity
from publisher.sandbox.population import HEADER_ROWS
from publisher.sandbox.windows_1258 import encode_windows_1258


def drop(city: SyntheticCity, pattern: str) -> Path:
    (path,) = city.folder.glob(f"*/{pattern}")
    return path


def cells(path: Path) -> list[dict[str, str]]:
    text = unicodedata.normalize("NFC", path.read_bytes().decode("cp1258"))
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def test_every_vietnamese_letter_survives_windows_1258() -> None:
    letters = [chr(code) for code in range(0x1EA0, 0x1EFA)]
    marks = ["", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323"]
    letters += [unicodedata.normalize("NFC", stem + mark) for stem in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY" for mark in marks]
    text = "".join(letters) + "đĐ"
    assert unicodedata.normalize("NFC", encode_windows_1258(text).decode("cp1258")) == unicodedata.normalize(
        "NFC", text
    )


def test_letters_of_other_scripts_are_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode_windows_1258("漢")


def test_the_register_is_windows_1258_and_nothing_else(city: SyntheticCity) -> None:
    for pattern in ("doanh_nghiep_*.csv", "ho_kinh_doanh_*.csv"):
        path = drop(city, pattern)
        with pytest.raises(UnicodeDecodeError):
            path.read_bytes().decode("utf-8")
        first = cells(path)[0]
        assert first["Phường/xã"] in {ward["full_name"] for ward in facts.wards()}


def test_enterprise_codes_carry_their_check_digit_and_are_distinct(city: SyntheticCity) -> None:
    codes = [row["Mã số thuế"] for row in cells(drop(city, "doanh_nghiep_*.csv"))]
    ten_digits = [code for code in codes if len(code) == 10]
    assert len(ten_digits) >= 0.99 * len(codes)
    assert all(mst.is_valid(code) for code in ten_digits)
    assert len(set(codes)) >= len(codes) - 1


def test_household_businesses_carry_their_owners_personal_number(city: SyntheticCity) -> None:
    households = cells(drop(city, "ho_kinh_doanh_*.csv"))
    assert all(len(row["Mã số thuế"]) == 12 and row["Mã số thuế"][0] == "0" for row in households)
    assert all(row["Chủ hộ"] in row["Tên hộ kinh doanh"] for row in households)


def test_dates_are_excel_serials_and_numbers_have_decimal_commas(city: SyntheticCity) -> None:
    rows = cells(drop(city, "doanh_nghiep_*.csv"))
    days = [
        datetime(1899, 12, 30) + timedelta(int(row["Ngày thành lập"]))
        for row in rows
        if row["Ngày thành lập"].isdigit()
    ]
    assert all(2000 < day.year <= 2026 for day in days)
    assert sum("," in row["Vốn điều lệ (triệu đồng)"] for row in rows) >= 0.99 * len(rows)


def test_the_workbook_opens_with_cover_titles_headers_and_footers(city: SyntheticCity) -> None:
    book = CalamineWorkbook.from_path(str(drop(city, "dan_so_*.xlsx")))
    assert book.sheet_names == ["Bìa", "Dân số", "Hộ"]
    rows = book.get_sheet_by_name("Dân số").to_python()
    upper, lower = (rows[number - 1] for number in HEADER_ROWS)
    assert rows[0][0].startswith("Biểu 01")
    assert (upper[2], lower[2:5]) == ("Dân số", ["Tổng số", "Nam", "Nữ"])
    data = rows[HEADER_ROWS[-1] :][:168]
    assert [row[0] for row in data] == [ward["code"] for ward in facts.wards()]
    assert "".join(map(str, rows[HEADER_ROWS[-1] + 168])) == ""
    assert rows[-1][0].startswith("Ngày lập biểu")
    assert sum(row[2] == row[3] + row[4] for row in data if not isinstance(row[4], str)) == 167


def test_wards_agree_with_the_official_list(shared_data: Path) -> None:
    with (shared_data / "admin" / "vn_wards_2026-07-25_34p.csv").open(encoding="utf-8", newline="") as file:
        official = [row for row in csv.DictReader(file) if row["province_code"] == "79"]
    names = ("ward_code", "ward_name", "ward_full_name", "ward_full_name_en", "ward_type")
    ours = ("code", "name", "full_name", "english_name", "type")
    assert len(official) == 168
    assert [[w[n] for n in ours] for w in facts.wards()] == [[w[n] for n in names] for w in official]


def test_areas_are_the_former_districts_of_the_codes(shared_data: Path) -> None:
    with (shared_data / "admin" / "vn_communes_2025-03-01_63p.csv").open(encoding="utf-8", newline="") as file:
        former = {row["commune_code"]: row["district"] for row in csv.DictReader(file)}
    new = [ward for ward in facts.wards() if ward["code"] not in former]
    assert [ward["area"] for ward in new] == ["Huyện Côn Đảo"]
    assert all(former[ward["code"]] == ward["area"] for ward in facts.wards() if ward not in new)
    assert {ward["area"] for ward in facts.wards()} == {area["area"] for area in facts.table("areas")}


def test_mail_addresses_are_plain_letters() -> None:
    assert people.fold("Đặng Thị Mỹ Duyên") == "dangthimyduyen"
