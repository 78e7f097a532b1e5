"""Labelled columns: every kind in every form and trap, half of them public columns that look alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from . import personal as p
from . import traps as t
from .personal import Maker
from .public import PUBLIC
from .worlds import HELD_OUT, TUNING, World


@dataclass(frozen=True)
class Case:
    """One column: its kind (null when public), whether its name says something, the trap it holds, and its cells."""

    header: str
    kind: str | None
    named: bool
    trap: str
    cells: list[str | None]


FORMS: dict[str, list[Maker]] = {
    "personal_id": [p.personal_id],
    "old_personal_id": [p.old_personal_id],
    "social_insurance": [p.social_insurance],
    "health_insurance": [p.health_insurance],
    "tax_code": [p.tax_code],
    "passport": [p.passport],
    "driving_licence": [p.driving_licence],
    "plate": [p.plate],
    "phone": [p.mobile, p.mobile_grouped, p.mobile_abroad, p.mobile_old, p.landline_home, p.phone_foreign],
    "bank_account": [p.bank_account],
    "email": [p.email, p.office_email_of_a_person],
    "address": [p.home_in_town, p.home_in_village],
    "full_name": [p.full_name, p.full_name, p.titled_name, p.minority_name, p.foreign_name, p.household_business],
    "birth_date": [p.birth_date, p.birth_date_iso, p.birth_date_digits, p.birth_date_words],
    "coordinates": [p.coordinates, p.latitude],
    "land_certificate": [p.land_certificate, p.land_serial],
    "household_book": [p.household_book],
    "person_code": [p.student_code, p.patient_code],
    "ip_address": [p.ip_address],
    "mac_address": [p.mac_address],
    "professional_licence": [p.professional_licence],
    "social_account": [p.social_account],
}
SPLIT_NAMES: list[tuple[tuple[str, ...], Maker]] = [
    (("ho_dem", "Họ và tên đệm", "ho_lot", "Họ đệm"), p.surname_and_middle),
    (("ten", "Tên", "TEN", "first_name"), p.given_name),
]
WITHOUT_NAME = {
    "personal_id", "old_personal_id", "health_insurance", "plate", "phone", "email", "full_name", "address", "birth_date", "ip_address",
    "mac_address", "professional_licence", "social_account", "passport", "driving_licence", "bank_account", "social_insurance", "land_certificate",
}  # fmt: skip
ONLY_NAMED: set[Maker] = {p.landline_home, p.land_certificate}
_TEXTS = {"full_name", "address"}
_NUMBERS = {"personal_id", "old_personal_id", "phone", "social_insurance", "driving_licence", "bank_account", "household_book", "tax_code"}  # fmt: skip


def cases(world: World, seed: int, *, turns: int = 2) -> Iterator[Case]:
    """Yield labelled columns of a world, of 30 to 300 rows, as many public as personal ones."""
    draw = random.Random(seed)
    found = list(_personal(world, draw, turns))
    public = [_public(world, place % len(PUBLIC), draw) for place in range(len(found))]
    yield from found
    yield from public


def _personal(world: World, draw: random.Random, turns: int) -> Iterator[Case]:
    for kind, forms in FORMS.items():
        for form in forms:
            for turn in range(turns * (3 if len(forms) == 1 else 1)):
                named = turn % 3 != 2 or kind not in WITHOUT_NAME or form in ONLY_NAMED
                header = draw.choice(world.headers[kind] if named else world.cryptic)
                yield _with_trap(kind, header, form, named=named, world=world, draw=draw)
    for headers, form in SPLIT_NAMES:
        cells = [form(draw, world) for _ in range(draw.randrange(30, 300))]
        yield Case(draw.choice(headers), "full_name", True, "split name", list(cells))
    for kind in ("phone", "personal_id", "email"):
        yield _note(kind, world, draw)


def _with_trap(kind: str, header: str, form: Maker, *, named: bool, world: World, draw: random.Random) -> Case:
    rows = draw.choice([30, 60, 120, 300])
    cells: list[str] = [form(draw, world) for _ in range(rows)]
    traps = [*t.TEXT_TRAPS, None] if kind in _TEXTS else [*t.NUMBER_TRAPS, None] if kind in _NUMBERS else [None]
    name, spoil = draw.choice([*t.COMMON_TRAPS, *traps]) or ("plain", lambda _draw, cells: cells)
    return Case(header, kind, named, f"{form.__name__}, {name}", spoil(draw, cells))


def _note(kind: str, world: World, draw: random.Random) -> Case:
    words = {"phone": "gọi lại số {} giúp tôi", "personal_id": "CCCD {} đã đối chiếu", "email": "gửi về {} nhé"}[kind]
    form = FORMS[kind][0]
    cells = [
        words.format(form(draw, world)) if draw.random() < 0.08 else draw.choice(world.notes)
        for _ in range(draw.randrange(100, 300))
    ]
    cells[7] = words.format(form(draw, world))
    return Case(draw.choice(["ghi_chu", "Nội dung", "F30"]), kind, True, "free text", list(cells))


def _public(world: World, place: int, draw: random.Random) -> Case:
    headers, form = PUBLIC[place]
    header = headers[0 if world is TUNING else 1]
    cells: list[str | None] = [form(draw, world) for _ in range(draw.choice([30, 60, 120, 300]))]
    if draw.random() < 0.2:
        cells = [None if draw.random() < 0.7 else cell for cell in cells]
    elif draw.random() < 0.15:
        cells = [cell and cell.upper() for cell in cells]
    elif draw.random() < 0.1:
        cells = [cell and p.plain(cell) for cell in cells]
    return Case(header, None, header not in world.cryptic, "", cells)


WORLDS = {"tuning": TUNING, "held out": HELD_OUT}
