"""Made-up inhabitants with every usual kind of personal data; none of it may ever come out of the publisher.

Shapes follow the public rules: 12-digit personal numbers carry province, century, sex and year of birth; mobile
numbers start with prefixes in use since 2018; surnames have their real frequencies.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date

import numpy as np

from publisher.sandbox.facts import Floats, Ints, column, numbers, shares, table, take, texts, wards

_MOBILE_PREFIXES = [
    "032",
    "033",
    "034",
    "035",
    "036",
    "037",
    "038",
    "039",
    "070",
    "076",
    "077",
    "078",
    "079",
    "081",
    "082",
    "083",
    "084",
    "085",
    "086",
    "088",
    "089",
    "090",
    "091",
    "093",
    "094",
    "096",
    "097",
    "098",
    "056",
    "058",
    "059",
    "087",
    "099",
]
_PLATE_LETTERS = "ABCDEFGHKLMNPSTUVXYZ"
_MAIL_HOSTS = ("gmail.com", "gmail.com", "gmail.com", "yahoo.com.vn", "outlook.com")
_YOUNGEST, _OLDEST = 18, 92
_DAYS_A_YEAR = 365.2425


@dataclass(frozen=True)
class People:
    """Inhabitants as parallel columns; `ward` holds positions in `wards()`, `sex` is 0 for women and 1 for men."""

    name: list[str]
    sex: Ints
    birth_date: list[str]
    id_number: list[str]
    phone: list[str]
    email: list[str]
    address: list[str]
    ward: Ints


def make_people(rng: np.random.Generator, ward: Ints, *, as_of: date, usual_age: Floats | float = 42.0) -> People:
    """Make one grown-up for each ward position given; birth dates are ISO text."""
    count = len(ward)
    sex = rng.integers(0, 2, count)
    ages = np.clip(rng.normal(usual_age, 12.0, count), _YOUNGEST, _OLDEST)
    births = np.datetime64(as_of, "D") - np.rint(ages * _DAYS_A_YEAR).astype("timedelta64[D]")
    years = births.astype("datetime64[Y]").astype(np.int64) + 1970
    names = make_names(rng, sex)
    return People(
        name=names,
        sex=sex,
        birth_date=np.datetime_as_string(births, unit="D").tolist(),
        id_number=_make_id_numbers(rng, sex, years),
        phone=make_phones(rng, count),
        email=_make_emails(rng, names, years),
        address=make_addresses(rng, ward),
        ward=ward,
    )


def make_names(rng: np.random.Generator, sex: Ints) -> list[str]:
    """Make full names of three and more syllables, surname first."""
    count = len(sex)
    surnames = take(column("surnames", "surname"), rng.choice(len(table("surnames")), count, p=_surname_shares()))
    words = [texts("given_names")[key] for key in ("female", "male")]
    middles, givens = ([group[part] for group in words] for part in ("middle", "given"))
    first, last = _usual_first(rng, count, len(middles[0])), _usual_first(rng, count, len(givens[0]))
    parts = zip(surnames, sex.tolist(), first.tolist(), last.tolist(), strict=True)
    return [f"{surname} {middles[s][i]} {givens[s][j]}" for surname, s, i, j in parts]


def make_phones(rng: np.random.Generator, count: int) -> list[str]:
    """Make mobile numbers; one in six is written with spaces or with the country code."""
    prefixes = take(_MOBILE_PREFIXES, rng.integers(0, len(_MOBILE_PREFIXES), count))
    rest = rng.integers(0, 10_000_000, count).tolist()
    styles = rng.integers(0, 12, count).tolist()
    return [_write_phone(prefix, f"{r:07d}", style) for prefix, r, style in zip(prefixes, rest, styles, strict=True)]


def make_plates(rng: np.random.Generator, count: int) -> list[str]:
    """Make plates of motorbikes and cars of the city."""
    codes = rng.integers(50, 60, count).tolist()
    letters = take(list(_PLATE_LETTERS), rng.integers(0, len(_PLATE_LETTERS), count))
    series = rng.integers(1, 10, count).tolist()
    serials = rng.integers(0, 100_000, count).tolist()
    bikes = (rng.random(count) < 0.7).tolist()
    parts = zip(codes, letters, series, serials, bikes, strict=True)
    return [
        f"{code}-{a}{b} {serial // 100:03d}.{serial % 100:02d}"
        if bike
        else f"{code}{a}-{serial // 100:03d}.{serial % 100:02d}"
        for code, a, b, serial, bike in parts
    ]


def make_addresses(rng: np.random.Generator, ward: Ints) -> list[str]:
    """Make home addresses: number, often an alley with a second number, street, ward."""
    count = len(ward)
    house = rng.integers(1, 900, count).tolist()
    alley = np.where(rng.random(count) < 0.45, rng.integers(1, 120, count), 0).tolist()
    streets = take(column("streets", "street"), rng.integers(0, len(table("streets")), count))
    units = take([ward["full_name"] for ward in wards()], ward)
    return [
        f"{h}/{a} {street}, {unit}" if a else f"{h} {street}, {unit}"
        for h, a, street, unit in zip(house, alley, streets, units, strict=True)
    ]


def fold(text: str) -> str:
    """Return the text in lower-case ASCII without spaces, as people write mail addresses."""
    plain = text.replace("\N{LATIN SMALL LETTER D WITH STROKE}", "d").replace(
        "\N{LATIN CAPITAL LETTER D WITH STROKE}", "D"
    )
    return unicodedata.normalize("NFD", plain).encode("ascii", "ignore").decode().lower().replace(" ", "")


def _surname_shares() -> Floats:
    return shares(numbers("surnames", "weight"))


def _usual_first(rng: np.random.Generator, count: int, size: int) -> Ints:
    return rng.choice(size, count, p=shares(1 / (np.arange(size) + 4.0)))


def _make_id_numbers(rng: np.random.Generator, sex: Ints, years: Ints) -> list[str]:
    provinces = rng.choice(len(table("id_provinces")), len(sex), p=shares(numbers("id_provinces", "weight")))
    century_and_sex = np.where(years >= 2000, 2, 0) + (1 - sex)
    serials = rng.integers(0, 1_000_000, len(sex)).tolist()
    codes = take(column("id_provinces", "code"), provinces)
    parts = zip(codes, century_and_sex.tolist(), (years % 100).tolist(), serials, strict=True)
    return [f"{code}{digit}{year:02d}{serial:06d}" for code, digit, year, serial in parts]


def _make_emails(rng: np.random.Generator, names: list[str], years: Ints) -> list[str]:
    folded = {name: fold(name) for name in set(names)}
    hosts = take(list(_MAIL_HOSTS), rng.integers(0, len(_MAIL_HOSTS), len(names)))
    numbers_after = (years * 10 + rng.integers(0, 10, len(names))).tolist()
    return [f"{folded[name]}{n}@{host}" for name, n, host in zip(names, numbers_after, hosts, strict=True)]


def _write_phone(prefix: str, rest: str, style: int) -> str:
    if style == 0:
        return f"+84{prefix[1:]}{rest}"
    if style == 1:
        return f"{prefix}{rest[0]} {rest[1:4]} {rest[4:]}"
    return prefix + rest
