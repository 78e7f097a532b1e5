"""What fills the slots of the texts: values of people with their kind, and values that only look alike."""

from __future__ import annotations

import unicodedata
from random import Random
from types import ModuleType

from publisher.disclosure.personal.words import fold

_KINDS = {
    "name": "full_name", "name_plain": "full_name", "name_upper": "full_name", "birth": "birth_date", "id": "personal_id",
    "old_id": "old_personal_id", "address": "address", "address_plain": "address", "phone": "phone", "landline": "phone",
    "email": "email", "plate": "plate", "card": "health_insurance", "bhxh": "social_insurance", "passport": "passport",
    "licence": "driving_licence", "bank": "bank_account", "tax": "tax_code", "land": "land_certificate", "household": "household_book",
    "patient": "person_code", "student": "person_code", "practice": "professional_licence", "social": "social_account", "ip": "ip_address",
    "mac": "mac_address", "coordinates": "coordinates",
}  # fmt: skip
"""The kind of each slot that is personal; a slot that is not named here is a look-alike."""

Segments = list[tuple[str, str]]
"""Pieces of a text, each with its kind; the kind is empty for what is no one's."""


class Values:
    """Draws values for slots from a part's words, in the forms that people write them."""

    def __init__(self, part: ModuleType, random: Random) -> None:
        self.part, self.random = part, random

    def fill(self, template: str) -> Segments:
        """Return the pieces of a text with every slot filled."""
        segments: Segments = []
        for place, piece in enumerate(template.replace("}", "{").split("{")):
            if place % 2 == 0:
                segments.append((piece, ""))
            else:
                segments.append((getattr(self, piece)(), _KINDS.get(piece, "")))
        return [segment for segment in segments if segment[0]]

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def digits(self, count: int) -> str:
        return "".join(str(self.random.randrange(10)) for _ in range(count))

    def name(self) -> str:
        if self.random.random() < 0.06:
            return self.one(*self.part.OTHER_NAMES)
        middles = self.random.choice([0, 1, 1, 1, 1, 2])
        words = [
            self.one(*self.part.SURNAMES.split()),
            *(self.one(*self.part.MIDDLES.split()) for _ in range(middles)),
            self.one(*self.part.GIVEN.split()),
        ]
        name = " ".join(words)
        return name.upper() if self.random.random() < 0.1 else name

    def name_plain(self) -> str:
        return fold(
            f"{self.one(*self.part.SURNAMES.split())} {self.one(*self.part.MIDDLES.split())} {self.one(*self.part.GIVEN.split())}"
        )

    def name_upper(self) -> str:
        return f"{self.one(*self.part.SURNAMES.split())} {self.one(*self.part.MIDDLES.split())} {self.one(*self.part.GIVEN.split())}".upper()

    def birth(self) -> str:
        day, month, year = self.random.randint(1, 28), self.random.randint(1, 12), self.random.randint(1940, 2018)
        return self.one(
            f"{day:02}/{month:02}/{year}",
            f"{day}/{month}/{year}",
            f"{day:02}-{month:02}-{year}",
            f"{day:02}.{month:02}.{year}",
            f"{day} tháng {month} năm {year}",
        )

    def id(self) -> str:
        province = self.one("001", "079", "079", "077", "074", "046", "087", "092", "038", "052")
        year = self.random.randint(1940, 2012)
        number = f"{province}{2 * (year // 100 - 19) + self.random.randrange(2)}{year % 100:02}{self.digits(6)}"
        return self.one(
            number,
            number,
            number,
            f"{number[:3]} {number[3:6]} {number[6:9]} {number[9:]}",
            f"{number[:4]} {number[4:8]} {number[8:]}",
            f"{number[:3]}.{number[3:6]}.{number[6:]}",
        )

    def old_id(self) -> str:
        number = self.one("02", "27", "19", "31", "36") + self.digits(7)
        return self.one(
            number, number, f"{number[:3]} {number[3:6]} {number[6:]}", f"{number[:3]}.{number[3:6]}.{number[6:]}"
        )

    def phone(self) -> str:
        number = (
            "0"
            + self.one("32", "35", "38", "70", "79", "81", "88", "90", "91", "93", "96", "98", "56")
            + self.digits(7)
        )
        a, b, c = number[:4], number[4:7], number[7:]
        old = "016" + self.one("2", "8", "9") + self.digits(7)
        return self.one(
            number,
            number,
            f"{a} {b} {c}",
            f"{a}.{b}.{c}",
            f"{a}-{b}-{c}",
            f"{number[:3]} {number[3:6]} {number[6:]}",
            f"+84{number[1:]}",
            f"+84 {number[1:3]} {number[3:6]} {number[6:]}",
            f"(+84) {number[1:]}",
            f"84{number[1:]}",
            old,
            f"{number[:2]} {number[2:4]} {number[4:6]} {number[6:8]} {number[8:]}",
        )

    def landline(self) -> str:
        number = self.digits(4)
        return self.one(
            f"028 38{number[:2]} {number}",
            f"(028) 3{number[:3]} {number}",
            f"028.62{number[:2]}.{number}",
            f"0286{number[:3]}{number}",
        )

    def email(self) -> str:
        local = (
            fold(self.one(*self.part.SURNAMES.split()))
            + self.one("", ".", "_")
            + fold(self.one(*self.part.GIVEN.split()))
            + self.one("", self.digits(2), "19" + self.digits(2))
        )
        return f"{local}@{self.one('gmail.com', 'gmail.com', 'yahoo.com.vn', 'outlook.com', 'hotmail.com', 'student.hcmus.edu.vn')}"

    def house(self) -> str:
        number = str(self.random.randint(1, 999))
        return self.one(
            number,
            f"{number}/{self.random.randint(1, 99)}",
            f"{number}/{self.random.randint(1, 60)}/{self.random.randint(1, 30)}",
            f"{number}{self.one('A', 'B', 'bis')}",
            f"số nhà {number}",
            f"số {number}",
        )

    def address(self) -> str:
        street, ward, district = (
            self.one(*self.part.STREETS),
            self.one(*self.part.WARDS),
            self.one(*self.part.DISTRICTS),
        )
        form = self.random.randrange(7)
        if form == 0:
            return f"căn hộ {self.one('A', 'B', 'C')}{self.random.randint(1, 25)}.{self.random.randint(1, 12):02} chung cư {self.one('Sunrise', 'Phú Thọ', 'Sky Garden')}, {ward}, {district}"
        if form == 1:
            return f"tổ {self.random.randint(1, 60)}, khu phố {self.random.randint(1, 9)}, {ward}, {district}"
        if form == 2:
            return f"{self.house()}, ấp {self.random.randint(1, 9)}, {ward}, {district}"
        if form == 3:
            return f"{self.house()} {street}, {ward}"
        way = (
            self.one("", "", "đường ", "hẻm ")
            if not street.startswith(("số", "đường"))
            else self.one("", "đường ")
            if street.startswith("số")
            else ""
        )
        return f"{self.house()} {way}{street}, {ward}, {district}" + self.one(
            "", "", ", TP.HCM", ", Thành phố Hồ Chí Minh"
        )

    def address_plain(self) -> str:
        return fold(
            f"{self.random.randint(1, 300)}/{self.random.randint(1, 50)} {self.one(*self.part.STREETS)}, {self.one(*self.part.WARDS)}, {self.one(*self.part.DISTRICTS)}"
        )

    def street_line(self) -> str:
        return f"đường {self.one(*[s for s in self.part.STREETS if s[0].isupper()])}"

    def ward(self) -> str:
        return self.one(*[ward for ward in self.part.WARDS if ward[0] in "pP" and "." not in ward])

    def plate(self) -> str:
        number = self.digits(5)
        series = self.one("F", "A", "H", "K", "D1", "X3", "T2", "V1", "P1")
        area = self.one("51", "59", "50", "29", "61", "75")
        return self.one(
            f"{area}{series}-{number[:3]}.{number[3:]}",
            f"{area}-{series} {number[:3]}.{number[3:]}",
            f"{area}{series}-{number}",
            f"{area}{series} {number[:3]}.{number[3:]}",
            f"{area}{series}-{number[:4]}",
        )

    def card(self) -> str:
        letters, number = self.one("DN", "HS", "GD", "TE", "HT", "CH"), self.digits(10)
        benefit, province = self.random.randint(1, 5), self.one("79", "01", "74", "75")
        return self.one(
            f"{letters}{benefit}{province}{number}",
            f"{letters}{benefit}{province}{number}",
            f"{letters} {benefit} {province} {number[:2]} {number[2:5]} {number[5:]}",
        )

    def bhxh(self) -> str:
        return self.one("79", "74", "01", "02") + self.digits(8)

    def passport(self) -> str:
        return self.one("B", "C", "P", "N") + self.digits(7)

    def licence(self) -> str:
        return self.one("79", "01", "75") + "0" + self.digits(9)

    def bank(self) -> str:
        return self.one(
            "00" + self.digits(11),
            "19" + self.digits(12),
            self.digits(10),
            self.digits(14),
            f"{self.digits(4)} {self.digits(4)} {self.digits(4)}",
        )

    def tax(self) -> str:
        return "8" + self.digits(9)

    def land(self) -> str:
        return self.one(
            f"BX {self.digits(6)}",
            f"CH{self.digits(5)}",
            f"AA {self.digits(8)}",
            f"CS {self.digits(5)}",
            f"DE{self.digits(6)}",
        )

    def household(self) -> str:
        return self.digits(9)

    def patient(self) -> str:
        return self.one(f"BN{self.digits(6)}", f"{self.digits(8)}", f"N24-{self.digits(7)}")

    def student(self) -> str:
        return self.one(f"HS{self.digits(7)}", f"79{self.digits(8)}", f"2024{self.digits(5)}")

    def practice(self) -> str:
        return self.one(f"{self.digits(6)}/HCM-CCHN", f"0{self.digits(5)}/BYT-CCHN", f"{self.digits(6)}/ĐNAI-CCHN")

    def social(self) -> str:
        person = (
            fold(self.one(*self.part.GIVEN.split())) + "." + fold(self.one(*self.part.MIDDLES.split())) + self.digits(2)
        )
        return self.one(
            f"facebook.com/{person}",
            f"https://www.facebook.com/{person}",
            f"https://tiktok.com/@{person}",
            f"https://zalo.me/09{self.digits(8)}",
            f"https://www.facebook.com/profile.php?id=1000{self.digits(11)}",
        )

    def ip(self) -> str:
        return f"{self.one('113', '14', '171', '42', '115')}.{self.random.randint(20, 254)}.{self.random.randint(1, 254)}.{self.random.randint(1, 254)}"

    def mac(self) -> str:
        pairs = [f"{self.random.randrange(256):02X}" for _ in range(6)]
        return self.one(":".join(pairs), "-".join(pairs), ":".join(pairs).lower())

    def coordinates(self) -> str:
        return f"10.{self.digits(6)}, 106.{self.digits(6)}"

    def dossier(self) -> str:
        return self.one(
            f"000.00.00.G12-24{self.digits(4)}-{self.digits(4)}",
            f"H29.7-24{self.digits(4)}-{self.digits(4)}",
            f"H29.{self.digits(2)}-2409{self.digits(2)}-{self.digits(4)}",
        )

    def procedure(self) -> str:
        return self.one(f"1.00{self.digits(4)}", f"2.00{self.digits(4)}.000.00.00.H29")

    def lamp(self) -> str:
        return f"51TB-{self.digits(5)}"

    def hotline(self) -> str:
        return self.one("0908 123 456", "1800 588 830", "0916.000.115", "028 3930 9955", "1900 1022")

    def school(self) -> str:
        return self.one(*self.part.SCHOOLS)

    def company(self) -> str:
        return self.one(*self.part.COMPANIES)

    def company_tax(self) -> str:
        while True:
            digits = [0, 3, *(self.random.randrange(10) for _ in range(7))]
            check = 10 - sum(w * d for w, d in zip((31, 29, 23, 19, 17, 13, 7, 5, 3), digits, strict=True)) % 11
            if check < 10:
                return "".join(map(str, [*digits, check])) + self.one("", "", "-001")

    def treasury(self) -> str:
        return f"3713.0.{self.digits(7)}.00000"


def decomposed(text: str) -> str:
    """Return the text as some systems store it: every letter with its marks behind it."""
    return unicodedata.normalize("NFD", text)
