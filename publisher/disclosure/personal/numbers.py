"""Detectors of numbers that name or reach a person: ID numbers, insurance, passport, telephone, number plate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal.columns import Column, Mask, digits_of, slices
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.words import words

LATEST_BIRTH_YEAR = 2040
"""Years of birth above are not plausible; generous, so that no clock is read here."""

MOBILE_PREFIX = r"(?:3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-46-9])"
MOBILE = rf"^(?:\+?84|0084|0){MOBILE_PREFIX}\d{{7}}$"
OLD_MOBILE = r"^(?:\+?84|0)1(?:2\d|6[2-9]|8[68]|99)\d{7}$"
MOBILE_WITHOUT_ZERO = rf"^{MOBILE_PREFIX}\d{{7}}$"
LANDLINE = r"^(?:\+?84|0)2\d{9}$"
HEALTH_CARD = r"^(?:DN|HX|CH|NN|TK|HC|XK|HT|TB|NO|CT|XB|TN|CS|QN|CA|CY|XN|MS|CC|CK|CB|KC|HD|TE|BT|HN|DT|DK|XD|TS|TC|TQ|TA|TY|HG|LS|PV|HS|SV|GB|GD)[1-5]\d{12}$"
PLATE = (
    r"^\d{2}[- ]?(?:A[A-HK-NP-Z]|LD|NG|NN|QT|MĐ|MD|KT|DA|HC|TĐ|[A-HK-NPRSTUVXYZĐ]\d?)[-. ]*(?:\d{3}[. ]?\d{2}|\d{4})$"
)
_TAX_WEIGHTS = np.array([31, 29, 23, 19, 17, 13, 7, 5, 3])


def personal_id(column: Column) -> Finding | None:
    """Detect 12-digit personal ID numbers: province, century and sex, year of birth; also with the leading zero lost."""
    twelve = column.matches(r"^\d{12}$", column.compact)
    shortened = column.matches(r"^[1-9]\d{10}$", column.compact)
    named = column.says("personal_id")
    best: Finding | None = None
    for shaped, zeros in ((twelve, ""), (shortened, "0")):
        if not shaped.any():
            continue
        texts = pc.binary_join_element_wise(zeros, column.compact, "")
        valid = shaped & _plausible_id(texts, shaped)
        within, share = column.counts[valid].sum() / column.counts[shaped].sum(), column.share(valid)
        if named and share >= 0.1:
            best = best or Finding(
                column.name, "personal_id", _round(share), 0.99, "the name says so and the digits agree"
            )
        elif within >= 0.6 and (not zeros or share >= 0.6) and _is_spread(column, texts, valid):
            reason = "province, century and year of birth are plausible in most 12-digit cells"
            best = best or Finding(column.name, "personal_id", _round(share), 0.9, reason)
    return best


def old_personal_id(column: Column) -> Finding | None:
    """Detect 9-digit ID numbers that begin with a province code of the police."""
    found = column.matches(r"^(?:0[1-9]|[12]\d|3[0-8])\d{7}$", column.compact)
    share = column.share(found)
    if column.says("personal_id") and share >= 0.2:
        return Finding(column.name, "old_personal_id", _round(share), 0.97, "the name says so and the digits agree")
    zeros = column.share(column.matches(r"^0\d{8}$", column.compact))
    spread = share >= 0.95 and zeros >= 0.05 and column.distinctness >= 0.8 and not column.says("code")
    if spread and found.sum() >= 10 and not column.runs_densely(found):
        reason = "nine digits with a province code, nearly all different"
        return Finding(column.name, "old_personal_id", _round(share), 0.6, reason)
    return None


def health_insurance(column: Column) -> Finding | None:
    """Detect 15-character health insurance cards."""
    share = column.share(column.matches(HEALTH_CARD, pc.utf8_upper(column.compact)))
    if share < (0.05 if column.says("health_insurance") else 0.3):
        return None
    return Finding(column.name, "health_insurance", _round(share), 0.97, "the card's letters and digits")


def social_insurance(column: Column) -> Finding | None:
    """Detect 10-digit social insurance numbers; only where the name says so, the digits alone say too little."""
    share = column.share(column.matches(r"^\d{10}$", column.compact))
    if share < 0.3 or not (column.says("social_insurance") or column.says("health_insurance")):
        return None
    return Finding(
        column.name, "social_insurance", _round(share), 0.9, "the name says so and the cells have ten digits"
    )


def passport(column: Column) -> Finding | None:
    """Detect passport numbers; only where the name says so, since equipment tags look the same."""
    share = column.share(column.matches(r"^[A-Z]\d{7,8}$", pc.utf8_upper(column.compact)))
    if share < 0.2 or not (column.says("passport") or column.says("personal_id")):
        return None
    return Finding(
        column.name, "passport", _round(share), 0.9, "the name says so and the cells have a letter and digits"
    )


def phone(column: Column) -> Finding | None:
    """Detect telephone numbers: mobile in every form since 2000, landline unless an office's."""
    plain = pc.replace_substring_regex(column.texts, r"[ \u00a0.\-()]".replace(r"\u00a0", "\u00a0"), "")
    numbers = ~column.matches(r"^[+-]?\d{1,2}[.,]\d+$") & ~column.matches(r"^\d{4}-\d{2}")
    mobile = numbers & (column.matches(MOBILE, plain) | column.matches(OLD_MOBILE, plain))
    named = column.says("phone")
    if column.says("tax_code") or (not named and _are_tax_codes(column)):
        return None
    share = column.share(mobile)
    if share >= (0.05 if named else 0.3) and (named or not column.runs_densely(mobile)):
        return Finding(column.name, "phone", _round(share), 0.98 if named else 0.9, "mobile numbers")
    return _phone_without_zero(column, named=named) or _landline(column, numbers & column.matches(LANDLINE, plain))


def _phone_without_zero(column: Column, *, named: bool) -> Finding | None:
    found = column.matches(MOBILE_WITHOUT_ZERO, column.compact)
    share = column.share(found)
    if named and share >= 0.3:
        return Finding(column.name, "phone", _round(share), 0.95, "mobile numbers that lost their zero")
    clear = share >= 0.97 and found.sum() >= 30 and column.distinctness >= 0.5 and not column.says("code")
    if not clear or column.runs_densely(found) or column.share(column.matches(r"000$", column.compact)) > 0.2:
        return None
    return Finding(column.name, "phone", _round(share), 0.7, "nine digits that all begin like mobile numbers")


def _landline(column: Column, found: Mask) -> Finding | None:
    share = column.share(found)
    needed = 0.2 if column.says("phone") else 0.6
    if share < needed or column.says("office") or column.distinctness < 0.1 or column.runs_densely(found):
        return None
    return Finding(column.name, "phone", _round(share), 0.6, "landline numbers, nearly all different")


def plate(column: Column) -> Finding | None:
    """Detect number plates of private vehicles; lamp-posts and trees carry other letters."""
    share = column.share(column.matches(PLATE, pc.utf8_upper(column.texts)))
    named = column.says("plate")
    if share < (0.2 if named else 0.6) or (not named and column.distinctness < 0.2):
        return None
    return Finding(
        column.name, "plate", _round(share), 0.97 if named else 0.8, "the plate's province, series and number"
    )


def is_personal_id(digits: str) -> bool:
    """Tell whether twelve digits are a plausible personal ID number."""
    texts = pa.array([digits])
    return bool(_plausible_id(texts, np.array([True]))[0])


def _plausible_id(texts: pa.Array, shaped: Mask) -> Mask:
    plausible = np.zeros(len(shaped), bool)
    kept = texts.filter(pa.array(shaped))
    provinces = pc.is_in(pc.utf8_slice_codeunits(kept, 0, 3), value_set=pa.array(sorted(words("id_provinces.txt"))))
    century, year = (slices(kept, a, b).astype(int) for a, b in ((3, 4), (4, 6)))
    birth = 1900 + 100 * (century // 2) + year
    fits = (century <= 3) & (birth >= 1915) & (birth <= LATEST_BIRTH_YEAR)
    plausible[shaped] = provinces.to_numpy(zero_copy_only=False) & fits
    return plausible


def _is_spread(column: Column, texts: pa.Array, valid: Mask) -> bool:
    """Tell whether birth years vary as people's do; running codes share their first digits."""
    if valid.sum() < 10:
        return True
    years = np.unique(slices(texts.filter(pa.array(valid)), 3, 6))
    return len(years) >= 5 and not column.runs_densely(valid)


def _are_tax_codes(column: Column) -> bool:
    """Tell whether most ten-digit cells carry the check digit of tax codes; of mobile numbers one in eleven does."""
    ten = column.matches(r"^\d{10}(?:-?\d{3})?$", column.compact)
    if not ten.any():
        return False
    digits = digits_of(pc.utf8_slice_codeunits(column.compact.filter(pa.array(ten)), 0, 10))
    return float(_has_check_digit(digits) @ column.counts[ten]) / float(column.counts[ten].sum()) >= 0.5


def _has_check_digit(numbers: npt.NDArray[np.int64]) -> Mask:
    digits = numbers[:, None] // 10 ** np.arange(9, -1, -1) % 10
    return np.asarray(10 - digits[:, :9] @ _TAX_WEIGHTS % 11 == digits[:, 9])


def _round(share: float) -> float:
    return round(share, 4)
