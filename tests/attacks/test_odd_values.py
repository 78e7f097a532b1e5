"""Attack 10: nulls, empty texts, words for nothing, twins of Unicode and values of another type do not make anybody's class small."""

from __future__ import annotations

import copy
import csv
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from attacks.attacker import share_below
from attacks.definitions import PRIVACY, QUASI, K, patients, ward_hierarchy
from attacks.people import COLUMNS, make_patients
from attacks.road import Made, Office

pytestmark = pytest.mark.slow
COUNT = 3_000
TABLE, UNIT = "kham_benh", "so_cccd"
MARKER = "MARKER-7081"
SEX, BIRTH, WARD = COLUMNS.index("gioi_tinh"), COLUMNS.index("ngay_sinh"), COLUMNS.index("ma_phuong")
TWINS = [
    unicodedata.normalize("NFD", "nữ"), "nữ ", "\u00a0nữ", "n\u01b0\u0303", "Nữ", "NỮ", "nu\u031b\u0303", "n\u200bữ", "nаm",
    "nam\u00a0", " nam", "", "NaN", "nan", "NULL", "null", "None", "N/A", "-", "0", "1", "1.0", "false",
]  # fmt: skip
"""Other ways to write a sex or to leave it out; one of them has a Cyrillic letter."""


def released(folder: Path, rows: list[tuple[str, ...]], *, header: tuple[str, ...] = COLUMNS, **changed: Any) -> Made:
    office = Office(folder / "office")
    with (office.drops / "register.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    privacy = copy.deepcopy(PRIVACY)
    privacy["microdata"]["suppression_limit"] = 0.3
    content = patients(privacy)
    content["resources"][0]["thresholds"] = {"max_invalid_share": 0.5}
    content["resources"][0].update(changed)
    return office.make(office.define(content, phuong=ward_hierarchy()))


def register(*, seed: int = 10) -> list[tuple[str, ...]]:
    return [row for person in make_patients(COUNT, seed=seed) for row in person.rows()]


def spoil(rows: list[tuple[str, ...]], place: int, texts: list[str], *, each: int) -> list[tuple[str, ...]]:
    """Return the rows with every odd text standing for some of them."""
    spoiled = [list(row) for row in rows]
    for number, text in enumerate(texts * each):
        spoiled[number * 7][place] = text
    return [tuple(row) for row in spoiled]


def small_shares(made: Made) -> set[float]:
    return set(share_below(made.rows(TABLE), QUASI, K, unit=UNIT).values())


@pytest.mark.parametrize("each", [1, 3, 12])
def test_twins_and_words_for_nothing_keep_k(tmp_path: Path, each: int) -> None:
    made = released(tmp_path, spoil(register(), SEX, TWINS, each=each))
    assert made.refused == ""
    assert small_shares(made) == {0.0}
    assert made.rows(TABLE).num_rows > 0.7 * COUNT


def test_twins_make_small_classes_where_nobody_protects(tmp_path: Path) -> None:
    rows = spoil(register(), SEX, TWINS, each=1)
    columns = {"nam_sinh": [row[BIRTH][:3] for row in rows], "gioi_tinh": [row[SEX] or None for row in rows]}
    bare = pa.table({**columns, "ma_phuong": [row[WARD] for row in rows]})
    assert share_below(bare, QUASI, K, unit=None)[("gioi_tinh",)] > 0


def test_null_is_a_value_and_who_leaves_it_out_of_the_count_sees_nothing(tmp_path: Path) -> None:
    """One person without a sex: those who group without nulls call the table safe, and so did the published tools."""
    bare = pa.table({"nam_sinh": ["198"] * 21, "gioi_tinh": ["nam"] * 20 + [None], "ma_phuong": ["1"] * 21})
    assert share_below(bare.drop_null(), QUASI, K, unit=None)[QUASI] == 0
    assert share_below(bare, QUASI, K, unit=None)[QUASI] > 0
    rows = spoil(register(), SEX, [""], each=1)
    made = released(
        tmp_path,
        [row if row[SEX] or place == 0 else (*row[:SEX], "nam", *row[SEX + 1 :]) for place, row in enumerate(rows)],
    )
    assert made.refused == ""
    assert small_shares(made) == {0.0}


def test_values_of_another_type_go_to_quarantine_and_never_out(tmp_path: Path) -> None:
    rows = spoil(register(), BIRTH, [MARKER, "NaN", "1.5", "31/31/1999", "0000-00-00", "9999-12-31"], each=4)
    made = released(tmp_path, rows)
    assert MARKER not in made.refused
    assert made.refused == ""
    assert small_shares(made) == {0.0}
    years = {str(value)[:3] for value in made.rows(TABLE)["nam_sinh"].to_pylist()}
    assert not years & {"MAR", "NaN", "1.5", "31/", "000"}


def test_a_ward_that_the_hierarchy_does_not_know_stops_the_run_without_being_told(tmp_path: Path) -> None:
    made = released(tmp_path, spoil(register(), WARD, [MARKER], each=1))
    assert "ma_phuong" in made.refused
    assert MARKER not in made.refused
    assert not made.folder.exists()


def test_two_columns_of_one_name_stop_the_run_without_being_told(tmp_path: Path) -> None:
    rows = [(*row, MARKER) for row in register()]
    made = released(tmp_path, rows, header=(*COLUMNS, "gioi_tinh"))
    assert made.refused
    assert MARKER not in made.refused
    assert not made.folder.exists()


@pytest.mark.parametrize("odd", ["inf", "-inf", "NaN", "1e400", "-0.0"])
def test_odd_numbers_among_quasi_identifiers_keep_k(tmp_path: Path, odd: str) -> None:
    privacy = copy.deepcopy(PRIVACY)
    privacy["microdata"]["suppression_limit"] = 0.3
    privacy["fields"]["chi_phi"] = {"action": "generalise_number", "widths": [200, 400], "role": "quasi"}
    rows = spoil(register(), COLUMNS.index("chi_phi"), [odd], each=3)
    content = patients(privacy)
    fields = content["resources"][0]["schema"]["fields"]
    fields[-1]["type"] = "number"
    made = released(tmp_path, rows, privacy=privacy, schema={"fields": fields})
    quasi = (*QUASI, "chi_phi")
    if not made.refused:
        assert set(share_below(made.rows(TABLE), quasi, K, unit=UNIT).values()) == {0.0}
    assert made.refused == "" or odd in {"inf", "-inf", "NaN", "1e400"}
