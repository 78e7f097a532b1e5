"""System (d): the business register, which drops CSV files as its old Windows program writes them.

Windows-1258, semicolons, decimal commas, Excel serial dates. Enterprises and household businesses come in files of their
own: the tax code of a household business is the owner's 12-digit personal number.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from publisher.sandbox import facts
from publisher.sandbox.dirt import Row, put, repeat, spoil
from publisher.sandbox.facts import Ints
from publisher.sandbox.people import People, make_people
from publisher.sandbox.windows_1258 import encode_windows_1258

ENTERPRISES_AT_SCALE_ONE = 18_000
HOUSEHOLDS_AT_SCALE_ONE = 12_000
_CHECK_WEIGHTS = np.array([31, 29, 23, 19, 17, 13, 7, 5, 3])
_PREFIXES = {"03": 71, "37": 15, "35": 9, "01": 3, "36": 2}
_EXCEL_EPOCH = np.datetime64("1899-12-30", "D")
_ENTERPRISE_PERSONAL = (3, 4, 5, 6, 7)  # positions of the representative's name, ID, phone, e-mail and the address
_HOUSEHOLD_PERSONAL = (0, 1, 2, 4, 5)  # tax code (a personal number), name with the owner's, owner, phone, address


def write_register(folder: Path, *, seed: int, scale: float, now: datetime) -> int:
    """Drop both files of the day; return the number of their rows."""
    folder.mkdir(parents=True, exist_ok=True)
    words = facts.texts("business_texts")
    day = now.strftime("%Y%m%d")
    enterprises = make_enterprises(
        np.random.default_rng([seed, 4, 1]), max(1, round(ENTERPRISES_AT_SCALE_ONE * scale)), now
    )
    households = make_households(
        np.random.default_rng([seed, 4, 2]), max(1, round(HOUSEHOLDS_AT_SCALE_ONE * scale)), now
    )
    _write(folder / f"doanh_nghiep_{day}.csv", words["enterprise_headings"], enterprises)
    _write(folder / f"ho_kinh_doanh_{day}.csv", words["household_headings"], households)
    return len(enterprises) + len(households)


def make_enterprises(rng: np.random.Generator, count: int, now: datetime) -> list[Row]:
    """Make legal entities with a valid tax code each; among the dirty rows are strayed household businesses."""
    words = facts.texts("business_texts")
    people = _owners(rng, count, now)
    forms = facts.draw(rng, count, words["legal_forms"])
    sector = _sectors(rng, count, "weight")
    capital = np.round(rng.lognormal(7.6, 1.35, count), 1)
    rows: list[Row] = list(
        zip(
            make_tax_codes(rng, count),
            _company_names(rng, forms),
            forms,
            people.name,
            people.id_number,
            people.phone,
            people.email,
            people.address,
            *_place_and_sector(people, sector),
            _decimal_commas(capital),
            _serials(rng, count, now, years=24),
            facts.draw(rng, count, words["statuses"]),
            strict=True,
        )
    )
    kinds = [
        repeat,
        _stray_household,
        put(8, words["unknown_ward"]),
        put(12, words["wrong_capital"]),
        put(2, ""),
        put(13, "0,5x"),
    ]
    spoil(rows, rng, kinds)
    return rows


def make_households(rng: np.random.Generator, count: int, now: datetime) -> list[Row]:
    """Make household businesses, which are persons: tax code, name and address are the owner's."""
    words = facts.texts("business_texts")
    people = _owners(rng, count, now)
    sector = _sectors(rng, count, "household_weight")
    births = np.array(people.birth_date, dtype="datetime64[D]")
    rows: list[Row] = list(
        zip(
            people.id_number,
            [f"{words['household_start']} {name}" for name in people.name],
            people.name,
            (births - _EXCEL_EPOCH).astype(np.int64).astype(str).tolist(),
            people.phone,
            people.address,
            *_place_and_sector(people, sector),
            _decimal_commas(np.round(rng.lognormal(4.4, 0.8, count), 1)),
            _serials(rng, count, now, years=18),
            facts.draw(rng, count, words["statuses"]),
            strict=True,
        )
    )
    spoil(
        rows,
        rng,
        [put(6, words["unknown_ward"]), put(10, words["wrong_capital"]), put(8, ""), put(3, "x"), put(10, "-1,0")],
    )
    return rows


def make_tax_codes(rng: np.random.Generator, count: int) -> list[str]:
    """Make distinct 10-digit enterprise codes whose last digit is the check digit.

    As in the city's real codes the digit after 03 is 0 or 1; so none of them is anybody's mobile number (032 and up).
    """
    serials = rng.permutation(np.arange(1, max(9_999, 3 * count)))[: 2 * count] + rng.integers(100_000, 1_400_000)
    prefixes = np.array([int(p) for p in facts.draw(rng, len(serials), _PREFIXES)])
    nine = prefixes * 10_000_000 + serials
    digits = nine[:, None] // 10 ** np.arange(8, -1, -1) % 10
    check = 10 - (digits * _CHECK_WEIGHTS).sum(axis=1) % 11
    good = check < 10
    return [f"{n:09d}{c}" for n, c in zip(nine[good].tolist(), check[good].tolist(), strict=True)][:count]


def read_personal_values(folder: Path) -> Iterator[str]:
    """Yield every personal value of the files in the folder."""
    for pattern, positions in (("doanh_nghiep_*", _ENTERPRISE_PERSONAL), ("ho_kinh_doanh_*", _HOUSEHOLD_PERSONAL)):
        for path in sorted(folder.glob(f"{pattern}.csv")):
            yield from _cells(path, positions)


def _cells(path: Path, positions: tuple[int, ...]) -> Iterator[str]:
    text = unicodedata.normalize("NFC", path.read_bytes().decode("cp1258"))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    next(rows)
    for row in rows:
        yield from (row[position] for position in positions if row[position])


def _write(path: Path, headings: list[str], rows: list[Row]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows(rows)
    path.write_bytes(encode_windows_1258(text.getvalue()))


def _owners(rng: np.random.Generator, count: int, now: datetime) -> People:
    ward = rng.choice(len(facts.wards()), count, p=facts.shares(facts.ward_people()))
    return make_people(rng, ward, as_of=now.date(), usual_age=44.0)


def _sectors(rng: np.random.Generator, count: int, weight: str) -> Ints:
    return rng.choice(len(facts.table("sectors")), count, p=facts.shares(facts.numbers("sectors", weight)))


def _place_and_sector(people: People, sector: Ints) -> list[list[str]]:
    return [
        facts.take([ward["code"] for ward in facts.wards()], people.ward),
        facts.take([ward["full_name"] for ward in facts.wards()], people.ward),
        facts.take(facts.column("sectors", "code"), sector),
        facts.take(facts.column("sectors", "sector"), sector),
    ]


def _company_names(rng: np.random.Generator, forms: list[str]) -> list[str]:
    words = facts.texts("business_texts")
    lists = [words[key] for key in ("trades", "first_words", "second_words")]
    picks = [facts.take(values, rng.integers(0, len(values), len(forms))) for values in lists]
    starts = words["name_starts"]
    return [f"{starts[form]} {a} {b} {c}" for form, a, b, c in zip(forms, *picks, strict=True)]


def _decimal_commas(values: facts.Floats) -> list[str]:
    return [f"{value:.1f}".replace(".", ",") for value in values.tolist()]


def _serials(rng: np.random.Generator, count: int, now: datetime, *, years: int) -> list[str]:
    today = int((np.datetime64(now.date(), "D") - _EXCEL_EPOCH).astype(np.int64))
    ages = np.rint(years * 365 * rng.beta(1.1, 2.2, count)).astype(np.int64)
    return [str(today - age) for age in ages.tolist()]


def _stray_household(row: Row, _: Row) -> Row:
    household = facts.texts("business_texts")["household_start"]
    return (row[4], f"{household} {row[3]}", *row[2:])
