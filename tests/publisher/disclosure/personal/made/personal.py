"""Makers of personal cells, one for each kind and form: a draw and a world in, one cell out."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

from .worlds import World

Maker = Callable[[random.Random, World], str]

ID_PROVINCES = [
    "001",
    "024",
    "031",
    "034",
    "036",
    "038",
    "040",
    "046",
    "048",
    "051",
    "052",
    "060",
    "068",
    "074",
    "075",
    "077",
    "079",
    "080",
    "082",
    "087",
    "089",
    "092",
    "096",
]
PLATES = ["29", "30", "43", "50", "51", "52", "54", "59", "60", "61", "65", "72", "75", "92"]
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def digits(draw: random.Random, number: int) -> str:
    return "".join(draw.choice("0123456789") for _ in range(number))


def personal_id(draw: random.Random, world: World) -> str:
    year = round(draw.triangular(1940, 2018, 1985))
    century = (0 if year < 2000 else 2) + draw.randrange(2)
    return f"{draw.choice([*ID_PROVINCES, '079', '079', '046'])}{century}{year % 100:02d}{digits(draw, 6)}"


def old_personal_id(draw: random.Random, world: World) -> str:
    prefix = draw.choice(["02", "02", "02", "19", "27", "28", "30", "20", "01", "13"])
    return prefix + str(draw.randrange(10)) + digits(draw, 6)


def social_insurance(draw: random.Random, world: World) -> str:
    return draw.choice(["79", "79", "01", "46", "48", "74", "92", "31"]) + digits(draw, 8)


def health_insurance(draw: random.Random, world: World) -> str:
    letters = draw.choice(["DN", "HX", "CH", "NN", "HC", "HT", "TE", "GD", "HS", "SV", "CN"])
    return f"{letters}{draw.randrange(1, 6)}{draw.choice(['79', '46', '48', '01'])}{digits(draw, 10)}"


def tax_code(draw: random.Random, world: World, prefix: str = "8") -> str:
    while True:
        nine = prefix + digits(draw, 9 - len(prefix))
        check = 10 - sum(w * int(d) for w, d in zip(_WEIGHTS, nine, strict=True)) % 11
        if check < 10:
            return nine + str(check)


def passport(draw: random.Random, world: World) -> str:
    return draw.choice("BBCCNPK") + digits(draw, 7)


def driving_licence(draw: random.Random, world: World) -> str:
    return f"{draw.choice(['79', '46', '48', '01', '74', '92'])}{draw.randrange(2)}{draw.randrange(2, 26):02d}{digits(draw, 7)}"  # fmt: skip


def plate(draw: random.Random, world: World) -> str:
    first, letter, five = draw.choice(PLATES), draw.choice("ACDEFGHKLMNPSTVX"), digits(draw, 5)
    return draw.choice([
        f"{first}{letter}-{five[:3]}.{five[3:]}",
        f"{first}{letter}{draw.randrange(1, 10)}-{five[:3]}.{five[3:]}",
        f"{first}-{letter}{draw.randrange(1, 10)} {five[:3]}.{five[3:]}",
        f"{first}{letter}{draw.randrange(1, 10)}-{five[:4]}",
        f"{first}{letter}-{five}",
    ])  # fmt: skip


def mobile(draw: random.Random, world: World) -> str:
    return "0" + draw.choice(["90", "91", "93", "94", "96", "97", "98", "32", "33", "35", "37", "38", "39", "70", "76", "77", "79", "81", "83", "84", "85", "86", "56", "58", "59"]) + digits(draw, 7)  # fmt: skip


def mobile_grouped(draw: random.Random, world: World) -> str:
    n = mobile(draw, world)
    return draw.choice([f"{n[:4]} {n[4:7]} {n[7:]}", f"{n[:4]}.{n[4:7]}.{n[7:]}", f"{n[:3]}-{n[3:6]}-{n[6:]}", n])


def mobile_abroad(draw: random.Random, world: World) -> str:
    n = mobile(draw, world)[1:]
    return draw.choice([f"+84{n}", f"84{n}", f"(+84) {n[:3]} {n[3:6]} {n[6:]}", f"+84 {n}", f"0084{n}"])


def mobile_old(draw: random.Random, world: World) -> str:
    return draw.choice(["016", "012"]) + draw.choice("23456789") + digits(draw, 7)


def landline_home(draw: random.Random, world: World) -> str:
    return draw.choice(["0283", "0236", "0234", "0243"]) + digits(draw, 7)


def phone_foreign(draw: random.Random, world: World) -> str:
    return draw.choice(["+1", "+82", "+81", "+33", "+49", "+65"]) + " " + draw.choice("23456789") + digits(draw, 8)


def bank_account(draw: random.Random, world: World) -> str:
    kind = draw.randrange(6)
    if kind == 0:
        return draw.choice(["0071", "0331", "1012"]) + digits(draw, 9)
    if kind == 1:
        return "19" + digits(draw, 12)
    if kind == 2:
        return digits(draw, 1).replace("0", "3") + digits(draw, 7)
    if kind == 3:
        return mobile(draw, world)
    return draw.choice(["3130", "1500", "6280", "7112"]) + digits(draw, draw.choice([9, 10]))


def full_name(draw: random.Random, world: World) -> str:
    return f"{draw.choice(world.surnames)} {draw.choice(world.middles)} {draw.choice(world.given)}"


def titled_name(draw: random.Random, world: World) -> str:
    return f"{draw.choice(['Ông', 'Bà', 'Anh', 'Chị', 'BS.', 'ThS.'])} {full_name(draw, world)}"


def minority_name(draw: random.Random, world: World) -> str:
    if draw.random() < 0.3:
        return full_name(draw, world)
    return draw.choice(world.minority).rsplit(" ", 1)[0] + " " + draw.choice([n.split()[-1] for n in world.minority])


def foreign_name(draw: random.Random, world: World) -> str:
    first, last = draw.choice(world.foreign).split()[0], draw.choice(world.foreign).split()[-1]
    return f"{first} {last}"


def household_business(draw: random.Random, world: World) -> str:
    return f"{draw.choice(['Hộ kinh doanh', 'HKD', 'Hộ kinh doanh'])} {full_name(draw, world)}"


def surname_and_middle(draw: random.Random, world: World) -> str:
    return f"{draw.choice(world.surnames)} {draw.choice(world.middles)}"


def given_name(draw: random.Random, world: World) -> str:
    return draw.choice(world.given)


def plain(text: str) -> str:
    split = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def email(draw: random.Random, world: World) -> str:
    parts = plain(full_name(draw, world)).lower().split()
    local = draw.choice([
        f"{parts[-1]}.{parts[0]}", f"{parts[0]}{parts[-1]}{draw.randrange(70, 2010)}", f"{parts[-1]}{draw.randrange(99)}",
        "".join(parts), f"{parts[-1]}_{parts[0][0]}{draw.randrange(1000)}",
    ])  # fmt: skip
    return f"{local}@{draw.choice(world.mail)}"


def office_email_of_a_person(draw: random.Random, world: World) -> str:
    parts = plain(full_name(draw, world)).lower().split()
    local = draw.choice(["".join(parts), f"{parts[-1]}.{parts[0]}", f"{parts[-1]}{''.join(p[0] for p in parts[:-1])}"])
    return f"{local}@{draw.choice(['tphcm.gov.vn', 'danang.gov.vn', 'vnpt.vn', 'fpt.com.vn'])}"


def home_in_town(draw: random.Random, world: World) -> str:
    number = draw.choice([f"{draw.randrange(1, 900)}/{draw.randrange(1, 90)}", f"{draw.randrange(1, 400)}", f"{draw.randrange(1, 400)}/{draw.randrange(1, 30)}/{draw.randrange(1, 9)}", f"Số {draw.randrange(1, 99)} hẻm {draw.randrange(1, 300)}", f"{draw.randrange(1, 99)}A ngõ {draw.randrange(1, 99)}"])  # fmt: skip
    ward = draw.choice([f"P. {draw.choice(world.wards)}", f"phường {draw.choice(world.wards)}", f"P{draw.randrange(1, 20)}"])  # fmt: skip
    tail = draw.choice([f", {draw.choice(world.towns)}", f", {draw.choice(world.towns)}, {draw.choice(world.provinces)}", ""])  # fmt: skip
    return f"{number} {draw.choice(['', 'đường '])}{draw.choice(world.streets)}, {ward}{tail}"


def home_in_village(draw: random.Random, world: World) -> str:
    first = draw.choice([f"Thôn {draw.randrange(1, 12)}", f"Ấp {draw.choice(world.wards)}", f"Tổ {draw.randrange(1, 40)}, khu phố {draw.randrange(1, 9)}", f"Tổ dân phố {draw.randrange(1, 20)}", f"Căn hộ {draw.choice('ABC')}{draw.randrange(1, 20)}.{draw.randrange(10, 30)}, chung cư {draw.choice(world.wards)}"])  # fmt: skip
    return f"{first}, {draw.choice(['xã', 'phường'])} {draw.choice(world.wards)}, {draw.choice(world.towns)}"


def birth_parts(draw: random.Random) -> tuple[int, int, int]:
    return draw.randrange(1, 29), draw.randrange(1, 13), round(draw.triangular(1935, 2020, 1982))


def birth_date(draw: random.Random, world: World) -> str:
    day, month, year = birth_parts(draw)
    return f"{day:02d}/{month:02d}/{year}"


def birth_date_iso(draw: random.Random, world: World) -> str:
    day, month, year = birth_parts(draw)
    return f"{year}-{month:02d}-{day:02d}"


def birth_date_digits(draw: random.Random, world: World) -> str:
    day, month, year = birth_parts(draw)
    return f"{year}{month:02d}{day:02d}"


def birth_date_words(draw: random.Random, world: World) -> str:
    day, month, year = birth_parts(draw)
    return f"ngày {day} tháng {month} năm {year}"


def coordinates(draw: random.Random, world: World) -> str:
    return f"{draw.uniform(10.6, 10.95):.6f}, {draw.uniform(106.5, 106.85):.6f}"


def latitude(draw: random.Random, world: World) -> str:
    return f"{draw.uniform(15.9, 16.6):.6f}"


def land_certificate(draw: random.Random, world: World) -> str:
    return draw.choice([f"{draw.choice('ABCD')}{draw.choice('ABDEHKLMNOPST')} {digits(draw, 6)}", f"{draw.choice(['CH', 'CS'])}{digits(draw, 5)}", f"D{draw.choice('ABDEH')} {digits(draw, 8)}"])  # fmt: skip


def land_serial(draw: random.Random, world: World) -> str:
    return f"{draw.choice('ABCD')}{draw.choice('ABDEHKLMNOPST')} {digits(draw, 6)}"


def household_book(draw: random.Random, world: World) -> str:
    return draw.choice(["02", "19", "31", "46"]) + digits(draw, 7)


def student_code(draw: random.Random, world: World) -> str:
    return draw.choice([f"{draw.randrange(15, 26)}{draw.choice(['520', '110', '31T'])}{digits(draw, 4)}", f"SV{digits(draw, 6)}"])  # fmt: skip


def patient_code(draw: random.Random, world: World) -> str:
    return f"BN{draw.randrange(18, 26)}{digits(draw, 6)}"


def ip_address(draw: random.Random, world: World) -> str:
    return f"{draw.choice([14, 27, 42, 58, 103, 113, 115, 116, 117, 118, 171, 222])}.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"  # fmt: skip


def mac_address(draw: random.Random, world: World) -> str:
    mark = draw.choice(":-")
    return mark.join(f"{draw.randrange(256):02X}" for _ in range(6))


def professional_licence(draw: random.Random, world: World) -> str:
    return (
        f"{digits(draw, 6)}/{draw.choice(['HCM', 'BYT', 'ĐNA', 'TTH', 'HNO'])}-{draw.choice(['CCHN', 'CCHN', 'GPHN'])}"
    )


def social_account(draw: random.Random, world: World) -> str:
    parts = plain(full_name(draw, world)).lower().split()
    return draw.choice([
        f"https://www.facebook.com/{parts[-1]}.{parts[0]}.{draw.randrange(999)}", f"facebook.com/profile.php?id=1000{digits(draw, 10)}",
        f"zalo: {mobile(draw, world)}", f"https://zalo.me/{mobile(draw, world)}", f"https://www.tiktok.com/@{parts[-1]}{parts[0]}{draw.randrange(99)}",
    ])  # fmt: skip
