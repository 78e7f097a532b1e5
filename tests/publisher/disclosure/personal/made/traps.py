"""What happens to cells on their way through spreadsheets and old systems."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable

from publisher.disclosure.personal import encodings

from .personal import plain

Cells = list[str | None]
Spoil = Callable[[random.Random, list[str]], Cells]
_TONES = "\u0300\u0301\u0303\u0309\u0323"


def to_tcvn3(text: str) -> str:
    table = {letter: code for code, letter in encodings._TCVN3.items()}
    return "".join(table.get(c) or (table.get(c.lower(), c) if not c.isascii() else c) for c in text)


def to_vni(text: str) -> str:
    marks = {mark: code for code, mark in encodings._VNI_MARKS.items()}
    letters = {letter: code for code, letter in encodings._VNI_LETTERS.items()}
    return "".join(_vni_letter(c, marks, letters) for c in text)


def _vni_letter(letter: str, marks: dict[str, str], letters: dict[str, str]) -> str:
    low = letter.lower()
    if low.isascii():
        return letter
    if low not in letters:
        base, *found = unicodedata.normalize("NFD", low)
        if "\u031b" in found:
            base = letters[{"o": "ơ", "u": "ư"}[base]]
            found.remove("\u031b")
        low = base + marks["".join(sorted(found, key=lambda mark: mark in _TONES))]
    else:
        low = letters[low]
    return low.upper() if letter.isupper() else low


def to_viqr(text: str) -> str:
    marks = {mark: sign for sign, mark in encodings._VIQR_MARKS.items()}
    parts = []
    for letter in text.replace("đ", "dd").replace("Đ", "DD"):
        base, *found = unicodedata.normalize("NFD", letter)
        parts.append(base + "".join(marks[mark] for mark in sorted(found, key=lambda mark: mark in _TONES)))
    return "".join(parts)


def to_cp1258_read_as_cp1252(text: str) -> str:
    data = b""
    for letter in text:
        base, *found = unicodedata.normalize("NFD", letter)
        tone = [mark for mark in found if mark in _TONES]
        base = unicodedata.normalize("NFC", base + "".join(mark for mark in found if mark not in _TONES))
        data += (base + "".join(tone)).encode("cp1258")
    return data.decode("cp1252")


def to_utf8_read_as_cp1252(text: str) -> str:
    return "".join(encodings._char_of_byte(byte) for byte in text.encode())


def _each(change: Callable[[str], str]) -> Spoil:
    def spoil(_draw: random.Random, cells: list[str]) -> Cells:
        return [change(cell) for cell in cells]

    return spoil


def sparse(draw: random.Random, cells: list[str]) -> Cells:
    empty = draw.uniform(0.6, 0.9)
    return [cells[0], *(None if draw.random() < empty else cell for cell in cells[1:])]


def several(draw: random.Random, cells: list[str]) -> Cells:
    mark = draw.choice(["; ", "\n", " ; ", " | "])
    return [mark.join([cell, draw.choice(cells)]) if draw.random() < 0.5 else cell for cell in cells]


def json_blobs(draw: random.Random, cells: list[str]) -> Cells:
    return [json.dumps({"gia_tri": cell, "trang_thai": draw.randrange(3)}, ensure_ascii=False) for cell in cells]


TEXT_TRAPS: list[tuple[str, Spoil]] = [
    ("no diacritics", _each(plain)),
    ("upper case", _each(str.upper)),
    ("upper case, no diacritics", _each(lambda text: plain(text).upper())),
    ("lower case", _each(str.lower)),
    ("NFD", _each(lambda text: unicodedata.normalize("NFD", text))),
    ("TCVN3", _each(to_tcvn3)),
    ("VNI", _each(to_vni)),
    ("VIQR", _each(to_viqr)),
    ("cp1258 as cp1252", _each(to_cp1258_read_as_cp1252)),
    ("UTF-8 as cp1252", _each(to_utf8_read_as_cp1252)),
    ("NBSP", _each(lambda text: f"\u00a0{text.replace(' ', chr(0xA0))} ")),
]
NUMBER_TRAPS: list[tuple[str, Spoil]] = [
    ("lost zero", _each(lambda text: text.lstrip("0"))),
    (".0", _each(lambda text: text.lstrip("0") + ".0" if text.isdigit() else text)),
    ("scientific", _each(lambda text: f"{int(text):.{len(text.lstrip('0')) - 1}E}" if text.isdigit() else text)),
    ("apostrophe", _each(lambda text: f"'{text}")),
    ("NBSP", _each(lambda text: f"{text[:3]}\u00a0{text[3:6]}\u00a0{text[6:]}")),
    ("spaces", _each(lambda text: f" {text[:3]} {text[3:6]} {text[6:]} ")),
]
COMMON_TRAPS: list[tuple[str, Spoil] | None] = [
    ("sparse", sparse),
    ("several", several),
    ("JSON", json_blobs),
    None,
]
