"""Telephone numbers: mobile in every form since 2000, abroad, landline unless an office's; and tax codes, which look the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal.columns import Column, Mask, digits_of
from publisher.disclosure.personal.findings import Finding

MOBILE_PREFIX = r"(?:3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-46-9])"
MOBILE = rf"^(?:\+?84|0084|\+840|0){MOBILE_PREFIX}\d{{7}}$"
_WITH_MORE = rf"^(?:\+?84|0){MOBILE_PREFIX}\d{{7}}(?:\D.*|0{MOBILE_PREFIX}\d{{7}}.*)$"
OLD_MOBILE = r"^(?:\+?84|0)?1(?:2\d|6[2-9]|8[68]|99)\d{7}$"
MOBILE_WITHOUT_ZERO = rf"^{MOBILE_PREFIX}\d{{7}}$"
LANDLINE = r"^(?:\+?84|0)2\d{9}$"
_OLD_LANDLINE = r"^0(?:[2-8]\d{8,9}|2\d{8})$"
_ABROAD = r"^(?:\+|00)(?:[1-79]\d{6,14}|8[0-35-9]\d{6,13})$"
_TAX_WEIGHTS = np.array([31, 29, 23, 19, 17, 13, 7, 5, 3])
_NAMED = "the name says so, and the cells are mobile numbers"


def phone(column: Column) -> Finding | None:
    """Detect telephone numbers; hotlines and offices' landlines are public."""
    if column.says("tax_code", "hotline", "bank_account") or (
        not column.says("phone") and have_tax_check_digits(column)
    ):
        return None
    plain = pc.replace_substring_regex(column.compact, r"[.\-()/_]", "")
    numbers = ~column.matches(r"^[+-]?\d{1,2}[.,]\d+$") & ~column.matches(r"^\d{4}-\d{2}")
    mobile = numbers & (
        column.matches(MOBILE, plain)
        | column.matches(_WITH_MORE, plain)
        | column.matches(OLD_MOBILE, plain) & column.matches("^[+08]", plain)
    )
    named = column.says("phone", "phone_alone")
    share = column.share(mobile)
    by_chance = mobile.sum() < 3 and share < 0.6
    if share >= (0.05 if named else 0.3) and (named or not (by_chance or column.runs_densely(mobile))):
        return Finding(
            column.name, "phone", round(share, 4), 0.98 if named else 0.9, _NAMED if named else "mobile numbers"
        )
    return (
        _without_zero(column, plain, named=named)
        or _abroad(column, plain, named=named)
        or _landline(column, numbers, plain)
    )


def have_tax_check_digits(column: Column) -> bool:
    """Tell whether most ten-digit cells carry the check digit of tax codes; of mobile numbers one in eleven does."""
    return share_of_check_digits(column) >= 0.5


def share_of_check_digits(column: Column, first: str = "") -> float:
    """Return the share of tax codes, by their check digit, among the cells of ten digits, or nine with the zero lost.

    With `first`, only codes that begin so count.
    """
    ten = column.matches(r"^\d{9,10}(?:-?\d{3})?$", column.compact)
    if not ten.any():
        return 0.0
    kept = column.compact.filter(pa.array(ten))
    branch = pc.greater(pc.binary_length(kept), 10)
    whole = pc.if_else(branch, pc.replace_substring_regex(kept, r"-?\d{3}$", ""), kept)
    holds = _has_check_digit(digits_of(whole))
    if first:
        holds &= np.asarray(pc.starts_with(whole, first).to_numpy(zero_copy_only=False), bool)
    weights = column.counts[ten]
    return float(holds @ weights) / float(weights.sum())


def _without_zero(column: Column, plain: pa.Array, *, named: bool) -> Finding | None:
    found, old = column.matches(MOBILE_WITHOUT_ZERO, plain), column.matches(OLD_MOBILE, plain)
    share = column.share(found | old if named else found)
    if named and share >= 0.3:
        return Finding(column.name, "phone", round(share, 4), 0.95, "mobile numbers that lost their zero")
    if (
        column.says("code", "thing", "other_date")
        or column.distinctness < 0.5
        or column.share(column.matches(r"000$", plain)) > 0.2
    ):
        return None
    series = [column.share(old & column.matches(f"^{first}", plain)) for first in ("12", "16")]
    if column.share(old) >= 0.97 and min(series) >= 0.1:  # seconds since 1970 fill one series or the other
        return Finding(
            column.name, "phone", round(column.share(old), 4), 0.6, "old mobile numbers that lost their zero"
        )
    if share < 0.97 or found.sum() < 20 or column.runs_densely(found):
        return None
    return Finding(column.name, "phone", round(share, 4), 0.7, "nine digits that all begin like mobile numbers")


def _abroad(column: Column, plain: pa.Array, *, named: bool) -> Finding | None:
    if named and column.share(column.matches(r"^[2-9]\d{6,13}$", plain) & column.matches(r"\d[ .\-)]+\d")) >= 0.5:
        share = column.share(column.matches(r"^\+?\d{7,15}$", plain))
        return (
            None
            if column.says("office")
            else Finding(column.name, "phone", round(share, 4), 0.8, "the name says so, and digits in groups")
        )
    share = column.share(column.matches(_ABROAD, plain))
    if share < (0.3 if named else 0.6) or column.says("office") or column.distinctness < 0.3:
        return None
    return Finding(column.name, "phone", round(share, 4), 0.85, "numbers with the code of a country")


def _landline(column: Column, numbers: Mask, plain: pa.Array) -> Finding | None:
    named = column.says("phone", "phone_alone")
    found = numbers & column.matches(LANDLINE, plain)
    if named:
        found |= numbers & (column.matches(_OLD_LANDLINE, plain) | column.matches(r"^2\d{9}$", plain))
    share = column.share(found)
    if share < (0.2 if named else 0.6) or column.says("office") or column.runs_densely(found):
        return None
    if column.distinctness < 0.1 or (named and column.distinct < 3):
        return None
    return Finding(column.name, "phone", round(share, 4), 0.6, "landline numbers, nearly all different")


def _has_check_digit(numbers: npt.NDArray[np.int64]) -> Mask:
    digits = numbers[:, None] // 10 ** np.arange(9, -1, -1) % 10
    return np.asarray(10 - digits[:, :9] @ _TAX_WEIGHTS % 11 == digits[:, 9])
