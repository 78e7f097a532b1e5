"""Numbers of people inside texts: ID numbers, telephones, accounts, insurance; a number's shape and the words around it decide together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.disclosure.personal.findings import Span
from publisher.disclosure.personal.numbers import MOBILE_PREFIX, is_personal_id
from publisher.disclosure.personal.texts.clues import PUBLIC, Clues

_SEPARATOR = r"[ .\-]?"
_BEFORE, _AFTER = r"(?<![\d@])(?<!\d[.,/\-])(?<![\w\-][/])", r"(?![\d@])(?![./,\-]\d)"
_TWELVE = re.compile(rf"{_BEFORE}\d(?:{_SEPARATOR}\d){{11}}{_AFTER}")
_ID_LENGTHS = re.compile(rf"{_BEFORE}\d(?:{_SEPARATOR}\d){{8,11}}{_AFTER}")
_TELEPHONE = re.compile(
    rf"{_BEFORE}(?<!\+)(?:(?:\(?\+ ?84\)?|\(?\+840\)?|0084|84)[ .\-]?\(?0?\)?|\(?0)\)?(?:[ .\-()]{{0,2}}\d){{8,10}}{_AFTER}"
)
_FOREIGN = re.compile(rf"{_BEFORE}(?:\+|00)(?!84)[1-9]\d{{0,2}}(?:[ .\-()]{{0,2}}\d){{6,11}}{_AFTER}")
_SHORT_MOBILE = re.compile(rf"{_BEFORE}{MOBILE_PREFIX}(?:{_SEPARATOR}\d){{7}}{_AFTER}")
_MOBILE = re.compile(rf"0{MOBILE_PREFIX}\d{{7}}|01(?:2\d|6[2-9]|8[68]|99)\d{{7}}")
_LANDLINE = re.compile(r"02\d{9}|0(?:8|4)[3-6]\d{7}")
_ANY_DIGITS = re.compile(rf"{_BEFORE}\d(?:{_SEPARATOR}\d){{5,18}}{_AFTER}")
_WEB_ADDRESS, _LONGEST_ADDRESS = re.compile(r"(?i)(?:https?://|\bwww\.)\S*$"), 300
_DIGIT_WORDS = "khong|mot|hai|ba|bon|tu|nam|lam|sau|bay|tam|chin"
_SPELT = re.compile(rf"\b(?:khong|cong)(?:[ ,\-.]{{1,2}}(?:{_DIGIT_WORDS})){{8,11}}\b")
_NOT_PHONE = PUBLIC | {
    "tax_any",
    "tax_code",
    "bank_account",
    "social_insurance",
    "land_certificate",
    "person_code",
    "bank_name",
}
_NOT_PERSONAL_ID = (PUBLIC - {"file"}) | {"site", "driving_licence", "bank_account", "bank_name"}
_LONG_CODES = {"driving_licence": (12, 12), "social_insurance": (10, 10), "bank_account": (6, 19)}
_SHORT_CODES = {"health_insurance": (10, 10), "household_book": (9, 9), "tax_code": (10, 13)}


def numbers_in(clues: Clues) -> Iterator[Span]:
    """Yield the numbers of people in a text, longer kinds first; places are of the text that is read."""
    yield from _named_codes(clues)
    yield from _identity_numbers(clues)
    yield from _telephones(clues)
    yield from _spelt_telephones(clues)


def _identity_numbers(clues: Clues) -> Iterator[Span]:
    for match in _TWELVE.finditer(clues.reading.text):
        digits, said = _digits(match.group()), clues.before(match.start())
        if _inside_a_code(clues, match.start(), match.end()) or clues.before(match.start(), reach=6) == "file":
            continue
        named = "personal_id" in {said, clues.after(match.end())}
        if named or (said not in _NOT_PERSONAL_ID and is_personal_id(digits)):
            yield Span(match.start(), match.end(), "personal_id")
    for match in _ID_LENGTHS.finditer(clues.reading.text):
        length = len(_digits(match.group()))
        near = clues.before(match.start()) == "personal_id" or clues.after(match.end()) == "personal_id"
        if length in {9, 11} and near and not _inside_a_code(clues, match.start(), match.end()):
            yield Span(match.start(), match.end(), "old_personal_id" if length == 9 else "personal_id")


def _named_codes(clues: Clues) -> Iterator[Span]:
    """Yield numbers that only the words before them tell: accounts, insurance, licences, tax codes of people."""
    for match in _ANY_DIGITS.finditer(clues.reading.text):
        start, end = match.span()
        digits, said = _digits(match.group()), clues.before(start, reach=40)
        fewest, most = (_LONG_CODES | _SHORT_CODES).get(said, (1, 0))
        if said == "tax_any" and len(digits) in {10, 13} and digits[0] == "8":
            yield Span(start, end, "tax_code")
        elif fewest <= len(digits) <= most and not _inside_a_code(clues, start, end):
            if said == "bank_account" and _is_public_account(clues, start, end):
                continue
            yield Span(start, end, said)
        elif len(digits) >= 8 and _is_beside_a_bank(clues, said, start, end):
            yield Span(start, end, "bank_account")


def _is_beside_a_bank(clues: Clues, said: str, start: int, end: int) -> bool:
    """Tell whether a bank's name stands before a number, or after one that nothing before it explains."""
    if said == "bank_name":
        return not _inside_a_code(clues, start, end)
    return not said and clues.after(end) in {"bank_account", "bank_name"}


def _is_public_account(clues: Clues, start: int, end: int) -> bool:
    """Tell whether an account is the treasury's, by its shape, or an organisation's, by the words of its sentence."""
    if _TREASURY.match(clues.reading.text, start):
        return True
    first, last = clues.sentence(start)
    around = clues.reading.folded[max(first, start - 90) : start] + clues.reading.folded[end : min(last, end + 60)]
    return bool(_OFFICIAL.search(around))


def _telephones(clues: Clues) -> Iterator[Span]:
    text = clues.reading.text
    for match in _TELEPHONE.finditer(text):
        number = _national(match.group())
        start, end = match.start(), match.end()
        start += match.group()[0] == "(" and ")" not in match.group()
        if _inside_a_code(clues, start, end) or _is_public_number(clues, start, end):
            continue
        if _MOBILE.fullmatch(number) or (_LANDLINE.fullmatch(number) and not _is_an_offices(clues, start, end)):
            yield Span(start, end, "phone")
    for pattern in (_FOREIGN, _SHORT_MOBILE):
        for match in pattern.finditer(text):
            said = clues.before(match.start(), reach=25)
            alone = match.group()[0] == "+" and said not in _NOT_PHONE and not _inside_a_code(clues, *match.span())
            if said == "phone" or (pattern is _FOREIGN and alone):
                yield Span(match.start(), match.end(), "phone")


def _spelt_telephones(clues: Clues) -> Iterator[Span]:
    for match in _SPELT.finditer(clues.reading.folded):
        if clues.before(match.start()) not in PUBLIC:
            yield Span(match.start(), match.end(), "phone")


def _is_public_number(clues: Clues, start: int, end: int) -> bool:
    """Tell whether the words beside a number make it a hotline or another code."""
    if clues.before(start, reach=30) in _NOT_PHONE or clues.after(end) in {"hotline", "amount"}:
        return True
    first, _ = clues.sentence(start)
    return clues.has(frozenset({"hotline"}), max(first, start - 60), start)


def _is_an_offices(clues: Clues, start: int, end: int) -> bool:
    """Tell whether a landline is an office's: words of an organisation before it, none of a home."""
    first, last = clues.sentence(start)
    around = (
        clues.reading.folded[max(first, start - 110) : start] + " " + clues.reading.folded[end : min(last, end + 40)]
    )
    return bool(_OFFICES.search(around)) and not _HOME_LINE.search(around)


def _inside_a_code(clues: Clues, start: int, end: int) -> bool:
    """Tell whether letters hang on a number, as in file codes and identifiers of machines, or it is a part of a web address.

    `SĐT0903...` is none, nor is what an address calls a telephone itself: `?phone=0903...`.
    """
    text = clues.reading.text
    if _WEB_ADDRESS.search(text, max(start - _LONGEST_ADDRESS, 0), start):
        return not clues.before(start, reach=1)
    if start and (text[start - 1].isalpha() or text[start - 1] == "_"):
        return not clues.before(start, reach=0) or text[end : end + 1].isalpha()
    if start > 1 and text[start - 1] in "-." and text[start - 2].isalnum():
        return not clues.before(start - 1, reach=0)
    return end < len(text) and (text[end].isalpha() or (text[end] in "-_" and text[end + 1 : end + 2].isalnum()))


def _national(written: str) -> str:
    digits = _digits(written)
    digits = digits.removeprefix("00") if digits.startswith("0084") else digits
    return "0" + digits[2:].removeprefix("0") if digits.startswith("84") else digits


def _digits(written: str) -> str:
    return re.sub(r"\D", "", written)


_ORGANISATION = (
    r"ubnd|uy ban|cong an|truong|benh vien|tram|phong|so (?:y|giao|tai|noi|cong|xay|tu|van|khoa|lao|nong|thong)|trung tam|cong ty|cty|"
    r"van phong|co quan|chi nhanh|doanh nghiep|ngan hang|quy|hoi|ban quan ly|bql|chi cuc|cuc|don vi|to chuc|khach san|nha hang|"
    r"cua hang|kho bac|ngan sach|bo phan|quay|khoa|toa soan|thu vien|hop tac xa|htx|uy ban|mat tran|doan|chua|nha tho|dien luc"
)
_OFFICES = re.compile(rf"\b(?:{_ORGANISATION}|truc|lien he cong tac|may le|nhanh|ext)\b")
_OFFICIAL = re.compile(
    r"\b(?:kho bac|kbnn|ngan sach|ubnd|uy ban|truong (?:hoc|thpt|thcs|tieu|mam|dai)|benh vien|quy|cong ty|cty|tnhh|trung tam|"
    r"hoi (?:cuu|phu|chu|nong|khuyen|dong)|ban quan ly|don vi|chi cuc|cuc)\b"
)
_TREASURY = re.compile(r"\d{4}\.\d\.\d{7}(?:\.\d{5})?(?!\d)")
"""Account number, chapter level, code of the unit, code of its budget (Circular 77/2017/TT-BTC)."""
_HOME_LINE = re.compile(
    r"\b(?:nha rieng|nha toi|nha em|nha (?:ong|ba|anh|chi|co|chu)|dien thoai nha|dt nha|so nha rieng|may ban (?:nha|o nha)|dien thoai ban o nha)\b"
)
