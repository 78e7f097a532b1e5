"""Detectors of codes and accounts of a person: tax, bank, plates, certificates, student and patient codes, networks."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal.columns import Column, Mask, digits_of
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.phones import share_of_check_digits
from publisher.disclosure.personal.words import plain_header

PLATE = (
    r"^(?:1[124-9]|2\d|3[0-8]|39|4[0137-9]|[5-7]\d|8[0-689]|9[0-57-9])[- .]?"
    r"(?:A[A-HK-NP-Z]|LD|NG|NN|QT|MĐ|MD|KT|DA|HC|TĐ|[A-HK-NPRSTUVXYZĐ] ?-?\d?)[-. ]*(?:\d{3}[. ]?\d{2}|\d{4})$"
)
_FEW = 10
"""In fewer cells a share of some can be chance."""
_BANKS = r"(?i)(?:^|[^\p{L}\p{M}])(?:vietcombank|vcb|bidv|agribank|vietinbank|techcombank|tcb|acb|sacombank|mb ?bank|mb|vpbank|tpbank|hdbank|shb|vib|eximbank|scb|msb|ocb|seabank|lpbank|ngân hàng|ngan hang|nh)(?:$|[^\p{L}\p{M}])"  # fmt: skip
_TREASURY = r"^\d{4}\.\d\.\d{7}|\.\d{5}$"
_LAND = r"^(?:[A-E][A-Z] ?\d{6}(?:\d{2})?|[A-Z]{1,2} ?\d{6}|(?:CH|CS|CT|VP|CN|H)[- ]?\d{5}|\d{5,10})$"
_LAND_SERIES = r"^[A-D][A-Z] ?\d{6}(?:\d{2})?$"
_LICENCE = r"(?i)^\d{3,7} ?/[A-ZĐ]{2,6} ?-? ?(?:CCHN|GPHN|CCHND|GPHĐ)|^(?:CCHN|GPHN)[-/ ]?\d+"
_IPV4 = r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?::\d{2,5})?$"
_IPV6 = r"(?i)^(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$|^(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}$"
_PAIRS = r"(?i)^(?:[0-9a-f]{2}:)+[0-9a-f]{2}$"
"""Bytes of keys and fingerprints; of the eight groups of an address hardly ever all have two digits."""
_MAC = r"(?i)^(?:[0-9a-f]{2}[:\-]){5}[0-9a-f]{2}$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$"
_DIGEST = r"(?i)^[0-9a-f]{16,}$|^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$"


def tax_code(column: Column) -> Finding | None:
    """Detect tax codes of persons: by the name, or by the first digit 8 and the check digit; enterprises' codes are public."""
    ten = column.share(column.matches(r"^\d{9,10}(?:-?\d{3})?$", column.compact))
    if column.says("tax_code") and column.says("personal_tax") and ten >= 0.3:
        return Finding(
            column.name, "tax_code", round(ten, 4), 0.95, "the name says whose, and the cells have ten digits"
        )
    first = share_of_check_digits(column, "8") if ten >= 0.3 else 0.0
    if first < (0.3 if column.says("tax_code") else 0.8) or column.distinct < 8 or column.says("phone"):
        return None
    return Finding(
        column.name, "tax_code", round(ten * first, 4), 0.75, "check digits of tax codes, and the series of persons"
    )


def names_banks(texts: pa.Array) -> bool:
    """Tell whether most texts name a bank."""
    return float(pc.mean(pc.cast(pc.match_substring_regex(texts, _BANKS), pa.float64())).as_py()) >= 0.5


def bank_account(column: Column, *, beside_bank: bool = False) -> Finding | None:
    """Detect bank accounts: by the name, a bank beside the digits, or digits of many lengths that are no amounts.

    `beside_bank` says that another column of the table names banks.
    """
    treasury = column.share(column.matches(_TREASURY))
    if column.says("public_account") or treasury > 0.3:
        return None
    plain = pc.replace_substring_regex(column.bare, r"[^\d]", "")
    lengths = pc.binary_length(plain).to_numpy(zero_copy_only=False)
    digits = column.matches(r"^[\d ]{6,24}$", column.bare)
    beside = column.matches(_BANKS) & (lengths >= 6) & (lengths <= 19)
    named, share = column.says("bank_account") or (beside_bank and column.is_unnamed), column.share(digits | beside)
    if named and share >= 0.3 and column.distinct >= 3:
        return Finding(
            column.name, "bank_account", round(share, 4), 0.95, "the name says so and the cells have its digits"
        )
    if column.share(beside) >= 0.5 and column.distinctness >= 0.3:
        return Finding(column.name, "bank_account", round(column.share(beside), 4), 0.85, "a bank's name beside digits")
    digits &= column.matches(r"^[\d \-]+$", column.compact)
    if column.share(digits) < 0.95 or column.distinctness < 0.9 or digits.sum() < 15 or column.says("code", "phone"):
        return None
    if _are_cards(plain, digits) or _have_many_lengths(column, lengths[digits]):
        reason = "digits of many lengths, nearly all different, and no amounts"
        return Finding(column.name, "bank_account", round(column.share(digits), 4), 0.55, reason)
    return None


def plate(column: Column) -> Finding | None:
    """Detect number plates of private vehicles; lamp-posts and trees carry other letters."""
    share = column.share(column.matches(PLATE, pc.utf8_upper(column.texts)))
    named = column.says("plate")
    central = column.share(column.matches("^80", column.texts)) > 0.5
    needed = 0.2 if named else 0.6 if column.cells >= _FEW else 0.9
    if column.says("public_vehicle") or share < needed or (central and not named):
        return None
    if not named and (column.distinctness < 0.2 or column.says("public_asset", "thing")):
        return None
    return Finding(
        column.name, "plate", round(share, 4), 0.97 if named else 0.8, "the plate's province, series and number"
    )


def land_certificate(column: Column) -> Finding | None:
    """Detect certificates of land use: by the name, or two letters of its series before six or eight digits."""
    upper = pc.utf8_upper(column.texts)
    if column.says("land_certificate"):
        share = column.share(column.matches(_LAND, upper))
        reason = "the name says so and the cells have its letters and digits"
        return Finding(column.name, "land_certificate", round(share, 4), 0.93, reason) if share >= 0.3 else None
    found = column.matches(_LAND_SERIES, upper)
    series = pc.count_distinct(pc.utf8_slice_codeunits(upper.filter(pa.array(found)), 0, 2)).as_py()
    share = column.share(found)
    if share < 0.9 or series < 6 or column.distinctness < 0.8 or column.says("code", "thing", "plate"):
        return None
    return Finding(column.name, "land_certificate", round(share, 4), 0.6, "series and number of land certificates")


def professional_licence(column: Column) -> Finding | None:
    """Detect licences to practise; a register of licensed doctors may be published, with a waiver."""
    share = column.share(column.matches(_LICENCE))
    if share >= (0.1 if column.says("professional_licence") else 0.3):
        return Finding(column.name, "professional_licence", round(share, 4), 0.9, "numbers of licences to practise")
    numbered = column.share(column.matches(r"^[A-Z]{0,4}[-/ ]?\d{3,}", column.bare))
    if column.says("professional_licence") and numbered >= 0.5 and column.distinctness >= 0.5:
        return Finding(
            column.name, "professional_licence", round(numbered, 4), 0.8, "the name says so and the cells are numbers"
        )
    return None


def person_code(column: Column) -> Finding | None:
    """Detect codes of students, patients, staff; only where the name says so, and never digests, which stand for no register."""
    digest = column.share(column.matches(_DIGEST))
    short = pc.less_equal(pc.binary_length(column.bare), 24).to_numpy(zero_copy_only=False)
    shaped = column.share(column.matches(r"^[A-ZĐ]*\d[A-ZĐ\d/]+$", column.bare) & short)
    if not column.says("person_code") or digest > 0.5 or shaped < 0.5 or column.distinctness < 0.3:
        return None
    customs = plain_header(column.name) == "ma hs"  # codes of pupils, or of goods in the customs' Harmonised System
    if customs and column.share(column.matches("^[A-Z]", column.bare)) < 0.5:
        return None
    return Finding(column.name, "person_code", round(shaped, 4), 0.85, "the name says so and the cells are codes")


def ip_address(column: Column) -> Finding | None:
    """Detect network addresses: by the name, or addresses that are routed, varied, and no versions."""
    found = column.matches(_IPV4, column.compact)
    wide = column.share(column.matches(_IPV6, column.compact) & ~column.matches(_PAIRS, column.compact))
    share = column.share(found)
    named = column.says("ip_address") and not column.says("server")
    if named and share + wide >= 0.3:
        return Finding(
            column.name, "ip_address", round(share + wide, 4), 0.95, "the name says so and the cells are addresses"
        )
    if column.says("server", "code", "thing") or column.distinctness < 0.2 or share + wide < 0.6:
        return None
    large = column.share(found & column.matches(r"^(?:1[1-9]|[2-9]\d|1\d\d|2[0-2]\d)\..*\d{3}", column.compact))
    if wide < 0.6 and large < 0.6 * share:
        return None
    return Finding(column.name, "ip_address", round(share + wide, 4), 0.75, "routed addresses, nearly all different")


def mac_address(column: Column) -> Finding | None:
    """Detect addresses of network cards."""
    share = column.share(column.matches(_MAC, column.compact) | column.matches(r"(?i)^[0-9a-f]{12}$", column.compact) & column.says("mac_address"))  # fmt: skip
    if share < 0.3 or column.says("server"):
        return None
    return Finding(column.name, "mac_address", round(share, 4), 0.9, "six pairs of hexadecimal digits")


def _have_many_lengths(column: Column, lengths: np.ndarray) -> bool:
    found, counts = np.unique(lengths, return_counts=True)
    zeros = column.share(column.matches(r"000$", column.compact))
    if _are_drawn_at_random(found, counts):
        return False
    return bool((counts >= 0.05 * counts.sum()).sum() >= 3 and (lengths >= 12).mean() >= 0.2 and zeros < 0.05)


def _are_drawn_at_random(lengths: np.ndarray, counts: np.ndarray) -> bool:
    """Tell whether numbers thin out as random ones do below some bound: nine in ten of those below a power of ten have all its digits."""
    usual = counts > max(2, 0.01 * counts.sum())
    lengths, counts = lengths[usual], counts[usual]
    if not len(lengths):
        return False
    most = int(np.argmax(counts))
    without_gap = len(lengths) == lengths[-1] - lengths[0] + 1
    thin_out = bool((counts[:most] <= 0.3 * counts[1 : most + 1] + 2).all())
    return len(lengths) <= most + 2 and without_gap and thin_out


def _are_cards(plain: pa.Array, digits: Mask) -> bool:
    """Tell whether cells are card numbers: sixteen or nineteen digits with the check digit of cards."""
    kept = plain.filter(pa.array(digits))
    sixteen = kept.filter(pc.equal(pc.binary_length(kept), 16))
    if len(sixteen) < 0.9 * len(kept) or not len(kept):
        return False
    halves = np.stack([digits_of(pc.utf8_slice_codeunits(sixteen, a, a + 8)) for a in (0, 8)], axis=1)
    each = (halves[:, :, None] // 10 ** np.arange(7, -1, -1) % 10).reshape(len(halves), 16)
    each[:, ::2] = each[:, ::2] * 2 - 9 * (each[:, ::2] > 4)
    return bool((each.sum(axis=1) % 10 == 0).mean() >= 0.9)
