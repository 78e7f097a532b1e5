"""Numbers, sizes, dates and times as a reader of each language writes them; data itself keeps the standards' forms.

`language` is `vi` or `en` everywhere. Spaces before units are no-break spaces.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CITY_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
_NO_BREAK = "\u00a0"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_SIZES = ("B", "kB", "MB", "GB", "TB")
_SWAP = str.maketrans(",.", ".,")


def number(value: float, language: str, *, decimals: int | None = None) -> str:
    """Return a number with grouped thousands: `812.440` and `9,5` in Vietnamese, `812,440` and `9.5` in English.

    Without `decimals` a fraction keeps the digits it has, at most six.
    """
    if decimals is not None:
        text = f"{value:,.{decimals}f}"
    elif isinstance(value, int) or float(value).is_integer():
        text = f"{int(value):,}"
    else:
        text = f"{value:,.6f}".rstrip("0")
    text = text.replace("-", "\u2212")
    return text.translate(_SWAP) if language == "vi" else text


def percent(share: float, language: str) -> str:
    """Return a share of one as per cent with one decimal, `96,4 %`."""
    figure = round(share * 100, 1)
    return f"{number(figure, language)}{_NO_BREAK}%" if language == "vi" else f"{number(figure, language)}%"


def size(size_bytes: int, language: str) -> str:
    """Return a size in decimal units, `9,1 MB`."""
    amount, unit = float(size_bytes), 0
    while amount >= 999.5 and unit < len(_SIZES) - 1:
        amount /= 1000
        unit += 1
    decimals = 1 if unit and amount < 99.95 else 0
    return f"{number(amount, language, decimals=decimals)}{_NO_BREAK}{_SIZES[unit]}"


def day(value: date, language: str) -> str:
    """Return a date, `21/11/2026` or `21 November 2026`."""
    if language == "vi":
        return f"{value:%d/%m/%Y}"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def moment(value: datetime, language: str) -> str:
    """Return a moment in the city's time, `02:05 22/11/2026`; a moment without zone is UTC."""
    local = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(CITY_TIME)
    return (
        f"{local:%H:%M}{_NO_BREAK}{day(local, language)}"
        if language == "vi"
        else f"{day(local, language)}, {local:%H:%M}"
    )


def short_hash(value: str) -> str:
    """Return the first and last four bytes of a hash; the whole stays in the page to copy."""
    return f"{value[:8]}…{value[-8:]}" if len(value) > 20 else value
