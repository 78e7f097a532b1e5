"""Dates of birth inside texts: a full date after a word of birth, or in brackets behind a name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.disclosure.personal.findings import Span
from publisher.disclosure.personal.texts.clues import Clues

_DATE = re.compile(
    r"(?<![\d/.\-])(?:(?:ngay )?\d{1,2} ?[/.\-] ?\d{1,2} ?[/.\-] ?(?:(?:19|20)\d{2}|\d{2})|(?:19|20)\d{2}[/.\-]\d{1,2}[/.\-]\d{1,2}|(?:19|20)\d{6}|"
    r"(?:ngay )?(?:mung )?\d{1,2},? thang (?:\d{1,2}|gieng|chap|[a-z]+),? nam (?:19|20)\d{2}|\d{1,2} thang \d{1,2},? (?:19|20)\d{2})(?![\d])(?![/.\-]\d)"
)
_BIRTH = re.compile(
    r"\b(?:ngay(?:,? ?thang)?(?:,? ?nam)? sinh|sinh(?: vao)?(?: ngay)?|nam sinh|dob|date of birth|n\.?sinh|sn|ns|ngs)[^\w]{0,4}(?:la|vao|ngay)?[^\w]{0,3}(?:cua (?:toi|chau|be|em|con|ong|ba|anh|chi)(?: toi| em)?)?[ ,:]*(?:(?:dung|chinh xac|that)? ?la)?[ :]*$"
)
_OTHER_BIRTH = re.compile(
    r"\b(?:hoc|phat|khai|ve|thi|tuyen|ky|y|giam|hy|giao|phuc|moi|tai|ho|dan|doi|quyen|nhan|nay) +sinh[^\w]*(?:vao|ngay|vao ngay)?[^\w]*$"
)


def birth_dates_in(clues: Clues, people: list[Span]) -> Iterator[Span]:
    """Yield full dates of birth; a year alone names nobody."""
    folded = clues.reading.folded
    for match in _DATE.finditer(folded):
        before = folded[max(0, match.start() - 34) : match.start()]
        said = bool(_BIRTH.search(before)) and not _OTHER_BIRTH.search(before)
        if said or _follows_a_name(folded, people, match.start()):
            start = match.start() + (5 if match.group().startswith("ngay ") else 0)
            yield Span(start, match.end(), "birth_date")


def _follows_a_name(folded: str, people: list[Span], start: int) -> bool:
    """Tell whether only a bracket or a comma stands between a name and the date, as in lists of people."""
    ahead = [folded[span.end : start].strip() for span in people if span.end <= start <= span.end + 4]
    return any(between in {"(", ",", "-"} for between in ahead)
