"""Detector of dates of birth: by the column's name, or by years that spread over lifetimes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal.columns import Column
from publisher.disclosure.personal.findings import Finding

_FULL_DATE = (
    r"(?i)^(?:\d{1,2} ?[/.\-] ?\d{1,2} ?[/.\-] ?(?:19|20)\d{2}|(?:19|20)\d{2}[/.\-]\d{1,2}[/.\-]\d{2}|(?:19|20)\d{2}[01]\d[0-3]\d|\d{2}[01]\d(?:19|20)\d{2}"
    r"|(?:ng[aà]y )?\d{1,2},? ?th[aá]ng \d{1,2},? ?(?:n[aă]m )?(?:19|20)\d{2}|\d{1,2}[ \-][a-z]{3,9}\.?,?[ \-](?:19|20)\d{2})(?:[ T,].*)?$"
)
_SHORT_DATE = r"^\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2}$"
_DAY_NUMBER = r"^\d{4,5}(?:\.0)?$"
_LIFETIME_YEARS = 40
_OLD_YEAR = 1965


def birth_date(column: Column) -> Finding | None:
    """Detect full dates of birth; years alone are left to the policy."""
    full = column.matches(_FULL_DATE, column.texts)
    share = column.share(full)
    if column.says("birth_date") and not column.says("not_birth"):
        short = column.matches(_SHORT_DATE) | _day_numbers(column)
        if column.share(full | short) < 0.3:
            return None
        reason = "the name says so and the cells are full dates"
        return Finding(column.name, "birth_date", round(column.share(full | short), 4), 0.95, reason)
    if (
        share < 0.9
        or full.sum() < 8
        or column.distinctness < 0.5
        or column.says("other_date", "not_birth", "code", "thing")
    ):
        return None
    years = _years(column.texts.filter(pa.array(full)))
    low, high = np.quantile(years, [0.05, 0.95])
    if high - low < _LIFETIME_YEARS or low > _OLD_YEAR:
        return None
    return Finding(column.name, "birth_date", round(share, 4), 0.6, "full dates whose years spread over lifetimes")


def _day_numbers(column: Column) -> np.ndarray:
    """Return which cells are a spreadsheet's day numbers of the years 1911 to 2036; years like 1985 are none."""
    found = column.matches(_DAY_NUMBER)
    numbers = np.zeros(len(found))
    if found.any():
        numbers[found] = pc.cast(column.compact.filter(pa.array(found)), pa.float64()).to_numpy(zero_copy_only=False)
    return found & (numbers > 4_000) & (numbers < 50_000)


def _years(texts: pa.Array) -> np.ndarray:
    year = pc.extract_regex(
        texts, r"(?P<first>^(?:19|20)\d{2}[/.\-]?\d{1,2}[/.\-]?\d{2})|(?P<last>(?:19|20)\d{2}(?:[ T,].*)?$)"
    )
    first, last = pc.struct_field(year, "first"), pc.struct_field(year, "last")
    taken = pc.if_else(pc.greater(pc.binary_length(first), 0), first, last)
    return np.asarray(pc.cast(pc.utf8_slice_codeunits(taken, 0, 4), pa.int64()).to_numpy(zero_copy_only=False))
