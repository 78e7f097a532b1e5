"""Made-up patients of the synthetic city, as an agency's register holds them, and strangers drawn from the same city."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from publisher.sandbox.facts import ward_people, wards
from publisher.sandbox.people import make_people

TODAY = date(2026, 11, 22)
ILLNESSES = ("I10", "J06", "E11", "B20", "F32", "C50", "K29", "M54")
_SHARES = (0.8, 0.05, 0.04, 0.01, 0.02, 0.02, 0.03, 0.03)
COLUMNS = (
    "so_cccd", "ho_ten", "dien_thoai", "email", "dia_chi", "ngay_sinh", "gioi_tinh", "ma_phuong", "chan_doan", "ngay_kham",
    "chi_phi",
)  # fmt: skip
IDENTIFIERS = ("so_cccd", "ho_ten", "dien_thoai", "email", "dia_chi")
_WARDS = 30
_MISSING = 0.01


@dataclass(frozen=True)
class Person:
    """What a neighbour may know of somebody, an empty text where nobody wrote it down, and what nobody may learn."""

    so_cccd: str
    ho_ten: str
    dien_thoai: str
    email: str
    dia_chi: str
    ngay_sinh: str
    gioi_tinh: str
    ma_phuong: str
    chan_doan: str
    visits: tuple[tuple[str, int], ...]

    def rows(self) -> list[tuple[str, ...]]:
        """Return the person's rows in the register: one for each visit."""
        known = (self.so_cccd, self.ho_ten, self.dien_thoai, self.email, self.dia_chi)
        where = (self.ngay_sinh, self.gioi_tinh, self.ma_phuong, self.chan_doan)
        return [(*known, *where, day, str(cost)) for day, cost in self.visits]


def make_patients(count: int, *, seed: int = 7) -> list[Person]:
    """Return persons of thirty wards; a few have no date of birth, sex or ward in the register."""
    rng = np.random.default_rng([seed, count])
    some = ward_people()[:_WARDS]
    ward = rng.choice(_WARDS, count, p=some / some.sum())
    people = make_people(rng, ward, as_of=TODAY)
    codes = [unit["code"] for unit in wards()]
    illness = rng.choice(len(ILLNESSES), count, p=_SHARES)
    missing = rng.random((count, 3)) < _MISSING
    visits = 1 + rng.poisson(0.4, count)
    patients = []
    for n in range(count):
        days = sorted(int(day) for day in rng.integers(0, 330, visits[n]))
        dates = tuple(((date(2026, 1, 1) + timedelta(days=day)).isoformat(), int(rng.integers(5, 400))) for day in days)
        patients.append(
            Person(
                so_cccd=people.id_number[n],
                ho_ten=people.name[n],
                dien_thoai=people.phone[n],
                email=people.email[n],
                dia_chi=people.address[n],
                ngay_sinh="" if missing[n, 0] else people.birth_date[n],
                gioi_tinh="" if missing[n, 1] else ("nữ", "nam")[int(people.sex[n])],
                ma_phuong="" if missing[n, 2] else codes[int(ward[n])],
                chan_doan=ILLNESSES[int(illness[n])],
                visits=dates,
            )
        )
    return patients


def write_register(people: Iterable[Person], path: Path) -> Path:
    """Write the register as the agency delivers it: in the order of receipt, visit after visit."""
    rows = sorted((row for person in people for row in person.rows()), key=lambda row: (row[9], row[0]))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return path


def ward_rows() -> list[tuple[str, str]]:
    """Return the wards' codes with their part of the city: the hierarchy, which is public."""
    return [(ward["code"], ward["area"]) for ward in wards()[:_WARDS]]
