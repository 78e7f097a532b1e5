from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from publisher.anonymise.fields.hierarchy import Hierarchy, hierarchy_of
from publisher.anonymise.fields.pseudonyms import pseudonym, separate_key
from publisher.anonymise.fields.treatments import CapAt, CodeClimb, DatePeriods, NumberBands, RoundTo, apply_by_value
from publisher.disclosure.forms.dates import period_judge
from publisher.errors import DescriptorError, ReleaseRefused
from publisher.policy import GeneraliseHierarchy


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("day", "2026-01-01"), ("week", "2026-W01"), ("month", "2026-01"), ("quarter", "2026-Q1"), ("year", "2026"),
        ("5y", "2025-2029"), ("10y", "2020-2029"), ("*", "*"),
    ],
)  # fmt: skip
def test_a_date_becomes_its_period(level: str, expected: str) -> None:
    periods = DatePeriods(("day", level) if level != "day" else ("day", "*"))
    place = periods.levels.index(level)
    assert periods.apply(pa.array([date(2026, 1, 1)]), place).to_pylist() == [expected]


def test_an_iso_week_belongs_to_the_year_of_its_thursday() -> None:
    weeks = DatePeriods(("week", "*")).apply(pa.array([date(2027, 1, 1), date(2024, 12, 30), None]), 0)
    assert weeks.to_pylist() == ["2026-W53", "2025-W01", None]


def test_one_level_keeps_the_type_of_its_period() -> None:
    moments = pa.array([datetime(2026, 11, 22, 23, 59, 1)], pa.timestamp("us"))
    assert DatePeriods(("day",)).apply(moments, 0).equals(pa.array([date(2026, 11, 22)]))
    hours = pa.array([datetime(2026, 11, 22, 23)], pa.timestamp("us"))
    assert DatePeriods(("hour",)).apply(moments, 0).equals(hours)
    assert apply_by_value(DatePeriods(("hour",)), moments, 0).equals(hours)
    assert DatePeriods(("year",)).apply(moments, 0).equals(pa.array([2026], pa.int64()))
    assert DatePeriods(("month",)).apply(pa.array(["2026-11"]), 0).to_pylist() == ["2026-11"]
    assert DatePeriods(("5y",)).apply(pa.array([1987, None]), 0).to_pylist() == ["1985-1989", None]


def test_an_hour_climbs_to_its_day() -> None:
    periods = DatePeriods(("hour", "day", "*"))
    moments = pa.array([datetime(2026, 11, 22, 23, 59, 1), None, datetime(1969, 12, 31, 23, 59)], pa.timestamp("us"))
    assert apply_by_value(periods, moments, 0).to_pylist() == ["2026-11-22T23", None, "1969-12-31T23"]
    assert apply_by_value(periods, moments, 1).to_pylist() == ["2026-11-22", None, "1969-12-31"]


def test_the_hidden_level_hides_null_too() -> None:
    assert DatePeriods(("day", "*")).apply(pa.array([date(2026, 1, 1), None]), 1).to_pylist() == ["*", "*"]


@pytest.mark.parametrize(
    ("number", "width", "top", "expected"),
    [(29, 10, None, "20-29"), (90, 10, 90, "90+"), (89, 20, 90, "80-89"), (-1, 10, None, "-10--1"), (7, 1, None, "7")],
)
def test_whole_numbers_fall_into_bands(number: int, width: float, top: float | None, expected: str) -> None:
    assert NumberBands((width,), top, whole=True).apply(pa.array([number, None]), 0).to_pylist() == [expected, None]


def test_bands_of_other_numbers_name_their_open_end() -> None:
    bands = NumberBands((2.5, 5.0), None, whole=False)
    assert bands.apply(pa.array([2.49, 2.5, 4.99, float("nan")]), 0).to_pylist() == ["0-<2.5", "2.5-<5", "2.5-<5", None]


def test_rounding_takes_halves_away_from_zero_and_keeps_the_type() -> None:
    assert RoundTo(10).apply(pa.array([15, -15, 14, None]), 0).equals(pa.array([20, -20, 10, None], pa.int64()))
    assert RoundTo(0.1).apply(pa.array([0.25, -0.04, None]), 0).to_pylist() == [0.3, 0.0, None]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("week", ["0001-W01", "9999-W52"]),
        ("month", ["0001-01", "9999-12"]),
        ("quarter", ["0001-Q1", "9999-Q4"]),
        ("year", ["0001", "9999"]),
        ("5y", ["0000-0004", "9995-9999"]),
        ("10y", ["0000-0009", "9990-9999"]),
    ],
)
def test_days_that_stand_for_an_unknown_one_have_years_of_four_digits(level: str, expected: list[str]) -> None:
    days = pa.array([date(1, 1, 1), date(9999, 12, 31), None])
    labels = DatePeriods((level, "*")).apply(days, 0).to_pylist()
    assert labels == [*expected, None]
    assert all(period_judge(level)(label) for label in labels[:-1])


def test_a_number_too_large_for_bands_is_refused() -> None:
    with pytest.raises(ReleaseRefused, match="too large for its bands"):
        NumberBands((0.5,), None, whole=False).apply(pa.array([1e300]), 0)
    with pytest.raises(ReleaseRefused, match="too large for its bands"):
        NumberBands((5,), None, whole=True).apply(pa.array([2**60]), 0)


def test_large_numbers_are_rounded_exactly_or_refused() -> None:
    assert RoundTo(10).apply(pa.array([2**62 + 6, -(2**62)]), 0).to_pylist() == [2**62 + 6, -(2**62) + 4]
    with pytest.raises(ReleaseRefused, match="too large to be rounded"):
        RoundTo(10).apply(pa.array([-(2**63)]), 0)
    with pytest.raises(ReleaseRefused, match="too large to be rounded"):
        RoundTo(0.1).apply(pa.array([1e300, None]), 0)


def test_top_coding_caps_both_ends() -> None:
    assert CapAt(100, 5).apply(pa.array([1, 50, 500, None]), 0).to_pylist() == [5, 50, 100, None]


def _wards(folder: Path) -> Path:
    path = folder / "wards.csv"
    path.write_text("ma,khu,vung\n01,A,T\n02,A,T\n03,B,T\n", encoding="utf-8")
    return path


def _read(path: Path, levels: list[str]) -> Hierarchy:
    action = GeneraliseHierarchy(action="generalise", hierarchy=path.name, levels=levels)
    return hierarchy_of(action, path.parent)


def test_codes_climb_a_hierarchy(tmp_path: Path) -> None:
    climb = CodeClimb("phuong", _read(_wards(tmp_path), ["ma", "khu", "vung", "*"]))
    codes = pa.array(["03", None, "01"])
    assert [climb.apply(codes, level).to_pylist() for level in (1, 3)] == [["B", None, "A"], ["*", "*", "*"]]


def test_a_level_at_which_all_leaves_are_hidden_hides_null_too(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("01;A;*\n02;B;*\n", encoding="utf-8")
    climb = CodeClimb("ma", hierarchy_of(GeneraliseHierarchy(action="generalise", hierarchy="h.csv"), tmp_path))
    assert climb.levels == ("0", "1", "2")
    assert climb.apply(pa.array(["02", None]), 1).to_pylist() == ["B", None]
    assert climb.apply(pa.array(["02", None]), 2).to_pylist() == ["*", "*"]


def test_unseen_codes_stop_the_run_and_are_counted_not_shown(tmp_path: Path) -> None:
    climb = CodeClimb("phuong", _read(_wards(tmp_path), ["khu"]))
    with pytest.raises(ReleaseRefused, match=r"`phuong` does not know 2 of its codes") as refusal:
        climb.apply(pa.array(["01", "88888", "99999"]), 0)
    assert "88888" not in str(refusal.value)


def test_a_hierarchy_that_does_not_nest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("leaf,a,b\n1,x,p\n2,x,q\n", encoding="utf-8")
    with pytest.raises(DescriptorError, match="two parents at the level `b`"):
        _read(path, ["a", "b"])


@pytest.mark.parametrize("text", ["leaf,a\n1,\n", "leaf,a\n", "leaf,b\n1,x\n", "leaf,a\n1,x\n1,y\n"])
def test_a_broken_hierarchy_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DescriptorError):
        _read(path, ["a"])


def test_treating_distinct_values_equals_treating_all() -> None:
    values = pa.array([15, None, 15, 27])
    bands = NumberBands((10,), None, whole=True)
    assert apply_by_value(bands, values, 0).equals(bands.apply(values, 0))


def test_pseudonyms_differ_by_dataset_table_field_and_release() -> None:
    domains = [
        ("d", "t", "f", "1"),
        ("d", "t", "f", "2"),
        ("d", "t", "g", "1"),
        ("d", "tf", "", "1"),
        ("dt", "", "f", "1"),
    ]
    names = {pseudonym(separate_key("0123456789abcdef", *domain), "079203001234", 16) for domain in domains}
    assert len(names) == len(domains)
    assert all(len(name) == 16 for name in names)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(DescriptorError, match="15 bytes"):
        separate_key("0123456789abcde", "d")
