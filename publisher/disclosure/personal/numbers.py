"""Detectors of numbers that the state gives one person: identity, insurance, passport, driving licence, household book."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal.columns import Column, Mask, slices
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.phones import (
    MOBILE,
    MOBILE_PREFIX,
    have_tax_check_digits,
)
from publisher.disclosure.personal.words import words

__all__ = ["MOBILE_PREFIX"]

LATEST_BIRTH_YEAR = 2040
"""Years of birth above are not plausible; generous, so that no clock is read here."""

HEALTH_CARD = r"^(?:DN|HX|CH|NN|TK|HC|XK|HT|TB|NO|CT|XB|TN|CS|QN|CA|CY|XN|MS|CC|CK|CB|KC|HD|TE|BT|HN|DT|DK|XD|TS|TC|TQ|TA|TY|HG|LS|PV|HS|SV|GB|GD)[1-5]\d{12}$"
_FEWEST, _FEWEST_TOLD_APART = 8, 4
_LIKELY_PASSPORTS = r"^[BCKNP]\d{7}$"
_SAID = "the name says so and the digits agree"


def personal_id(column: Column) -> Finding | None:
    """Detect 12-digit personal ID numbers: province, century and sex, year of birth; also with the leading zero lost."""
    named = column.says("personal_id") and not column.says("office")
    source = column.bare if named else column.compact
    twelve, shortened = column.matches(r"^\d{12}$", source), column.matches(r"^[1-9]\d{10}$", source)
    best: Finding | None = None
    for shaped, zeros in ((twelve, ""), (shortened, "0")):
        if not shaped.any():
            continue
        texts = pc.binary_join_element_wise(zeros, source, "")
        valid = shaped & _plausible_id(texts, shaped)
        within, share = column.counts[valid].sum() / column.counts[shaped].sum(), column.share(valid)
        if named and share >= 0.1:
            best = best or Finding(column.name, "personal_id", _round(share), 0.99, _SAID)
        elif within >= 0.6 and (not zeros or share >= 0.6) and _is_spread(column, texts, valid):
            reason = "province, century and year of birth are plausible in most 12-digit cells"
            best = best or Finding(column.name, "personal_id", _round(share), 0.9, reason)
    if best is None and named and column.share(twelve) >= 0.5 and column.distinctness >= 0.5:
        reason = "the name says so and the cells have twelve digits"
        best = Finding(column.name, "personal_id", _round(column.share(twelve)), 0.9, reason)
    return best


def old_personal_id(column: Column) -> Finding | None:
    """Detect 9-digit ID numbers that begin with a province code of the police; where the name says so, also without a first zero."""
    found = column.matches(r"^(?:0[1-9]|[12]\d|3[0-8])\d{7}$", column.compact)
    share = column.share(found)
    if column.says("personal_id", "old_personal_id") and not column.says("office"):
        shortened = found | column.matches(r"^(?:[1-9]\d{7}|\d{9})$", column.bare)
        needed = 0.2 if column.says("old_personal_id") or share >= 0.2 else 0.5
        if column.share(shortened) < needed:
            return None
        return Finding(column.name, "old_personal_id", _round(column.share(shortened)), 0.97, _SAID)
    zeros = column.share(column.matches(r"^0\d{8}$", column.compact) | _lost_zeros(column))
    found |= _lost_zeros(column)
    share = column.share(found)
    spread = share >= 0.95 and zeros >= 0.05 and column.distinctness >= 0.8 and not column.says("code")
    if spread and found.sum() >= 10 and not column.runs_densely(found):
        reason = "nine digits with a province code, nearly all different"
        return Finding(column.name, "old_personal_id", _round(share), 0.6, reason)
    return None


def _lost_zeros(column: Column) -> Mask:
    """Return which cells have eight digits where most of those begin alike, as numbers of one police do without their zero.

    Amounts of eight digits begin with every digit, and often end in zeros.
    """
    eight = column.matches(r"^[1-9]\d{7}$", column.compact)
    if eight.sum() < _FEWEST or not column.is_unnamed:
        return np.zeros_like(eight)
    first, counts = np.unique(slices(column.compact.filter(pa.array(eight)), 0, 1), return_counts=True)
    ends = column.share(column.matches(r"00$", column.compact))
    alike = counts.max() >= 0.6 * counts.sum() and len(first) >= 1 and ends < 0.05 and column.share(eight) < 0.95
    return eight if alike else np.zeros_like(eight)


def health_insurance(column: Column) -> Finding | None:
    """Detect 15-character health insurance cards, and ten digits where the name says so: the social insurance number."""
    share = column.share(column.matches(HEALTH_CARD, column.bare))
    named = column.says("health_insurance")
    if share >= (0.05 if named else 0.3):
        return Finding(column.name, "health_insurance", _round(share), 0.97, "the card's letters and digits")
    ten = column.share(column.matches(r"^(?:\d{9,10}|[A-Z]{2}\d{13})$", column.bare))
    if named and ten >= 0.3:
        return Finding(
            column.name, "health_insurance", _round(ten), 0.95, "the name says so and the cells have ten digits"
        )
    return None


def social_insurance(column: Column) -> Finding | None:
    """Detect 10-digit social insurance numbers: by the name, or by province codes that are no telephone's and no tax code's."""
    ten = column.matches(r"^\d{10}$", column.compact)
    if column.says("social_insurance") and not column.says("office"):
        share = column.share(ten | column.matches(r"^\d{9,10}$", column.bare))
        reason = "the name says so and the cells have ten digits"
        return Finding(column.name, "social_insurance", _round(share), 0.95, reason) if share >= 0.3 else None
    share = column.share(ten | column.matches(r"^[1-9]\d{8}$", column.compact))
    if (
        share < 0.95
        or column.share(ten) < 0.7
        or column.says("code", "tax_code", "phone", "thing")
        or column.distinctness < 0.9
        or ten.sum() < 20
    ):
        return None
    prefixes, counts = np.unique(slices(column.compact.filter(pa.array(ten)), 0, 2), return_counts=True)
    provinces = {code[1:] for code in words("id_provinces.txt")}
    known = counts[np.isin(prefixes, list(provinces))].sum() / counts.sum()
    phones = column.share(column.matches(MOBILE, column.compact))
    varied = (counts >= 0.02 * counts.sum()).sum() >= 3 and int(prefixes[-1]) - int(prefixes[0]) > 20
    if known < 0.98 or phones > 0.3 or not varied or have_tax_check_digits(column):
        return None
    reason = "ten digits with a province code, no check digit of tax codes, nearly all different"
    return Finding(column.name, "social_insurance", _round(share), 0.6, reason)


def passport(column: Column) -> Finding | None:
    """Detect passport numbers; without a name only series that passports have, in numbers that do not run."""
    if column.says("passport", "personal_id"):
        share = column.share(column.matches(r"^[A-Z]{1,2}\d{6,8}$", column.bare))
        reason = "the name says so and the cells have a letter and digits"
        return Finding(column.name, "passport", _round(share), 0.95, reason) if share >= 0.2 else None
    found = column.matches(_LIKELY_PASSPORTS, column.compact)
    share = column.share(found)
    if share < 0.9 or found.sum() < _FEWEST or column.distinctness < 0.6 or not _may_be_numbers(column, found):
        return None
    series = np.unique(slices(column.compact.filter(pa.array(found)), 0, 1))
    if len(series) < 2:
        return None
    return Finding(
        column.name, "passport", _round(share), 0.6, "a passport's series and seven digits, nearly all different"
    )


def driving_licence(column: Column) -> Finding | None:
    """Detect driving licences: twelve digits with province and year of issue."""
    if column.says("driving_licence"):
        share = column.share(column.matches(r"^(?:\d{10,12}|[A-Z]{1,2}\d{6,11})$", column.bare))
        reason = "the name says so and the cells have its digits"
        return Finding(column.name, "driving_licence", _round(share), 0.97, reason) if share >= 0.3 else None
    shortened = pc.match_substring_regex(column.compact, r"^[1-9]\d{10}$")
    padded = pc.if_else(shortened, pc.binary_join_element_wise("0", column.compact, ""), column.compact)
    found = column.matches(r"^(?:0[1-9]|[1-9]\d)[0-3](?:9[5-9]|[01]\d|2[0-9])\d{7}$", padded)
    share = column.share(found)
    if share < 0.9 or found.sum() < _FEWEST or column.distinctness < 0.6 or not _may_be_numbers(column, found):
        return None
    texts = padded.filter(pa.array(found))
    provinces, years = np.unique(slices(texts, 0, 2)), np.unique(slices(texts, 3, 5))
    if len(provinces) < 2 or len(years) < 6:
        return None
    reason = "twelve digits with a province and a year of issue, nearly all different"
    return Finding(column.name, "driving_licence", _round(share), 0.55, reason)


def household_book(column: Column) -> Finding | None:
    """Detect numbers of household books; only where the name says so."""
    share = column.share(column.matches(r"^[A-Z]{0,4}\d{5,13}$", column.bare))
    if not column.says("household_book") or share < 0.3 or column.distinctness < 0.1:
        return None
    return Finding(column.name, "household_book", _round(share), 0.95, "the name says so and the cells have its digits")


def is_personal_id(digits: str) -> bool:
    """Tell whether twelve digits are a plausible personal ID number."""
    texts = pa.array([digits])
    return bool(_plausible_id(texts, np.array([True]))[0])


def _may_be_numbers(column: Column, found: Mask) -> bool:
    return not column.says("code", "thing", "organisation", "place") and not column.runs_densely(found)


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
    years, counts = np.unique(slices(texts.filter(pa.array(valid)), 3, 6), return_counts=True)
    if valid.sum() < 10:
        return valid.sum() < _FEWEST_TOLD_APART or len(years) > 1
    return len(years) >= 5 and counts.max() <= 0.5 * counts.sum() and not column.runs_densely(valid)


def _round(share: float) -> float:
    return round(share, 4)
