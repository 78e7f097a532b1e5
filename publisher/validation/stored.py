"""What an Arrow column holds for a value that Frictionless read: plain values, or text in one canonical form.

| type | form |
|---|---|
| duration | ISO 8601, as `P1Y2M3DT4H5M6.5S`; years and months stay apart, days and hours are one amount |
| geopoint | longitude and latitude in degrees, as `106.7, 10.77`, whatever the source's format |
| list | the items in the form of their type, joined by the field's delimiter |
| object, array, geojson | JSON with sorted keys and without spaces, so that equal content is equal text |
| yearmonth | `2026-11` |
| time, any, string | as read |
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from publisher.table_schema import FieldDefinition

LOCAL_ZONE = timezone(timedelta(hours=7))
"""Zone of the wall time that datetimes are kept in (Asia/Ho_Chi_Minh, no daylight saving since 1975)."""

EXACT_DIGITS = 15
"""Two decimals with at most this many significant digits never share a float."""

Stored = tuple[object, str | None]
"""The value for Arrow, and an identity where that says less than Frictionless knows (see `Verdict`)."""

_SMALLEST_EXACT = Decimal("1e-290")
_LONGEST_PLAIN = 40


def storable(value: Any, field: FieldDefinition) -> Stored:
    """Return what the column holds for a value of Frictionless; null stays null.

    Raises:
        OverflowError: an integer, number or local time that the column cannot hold.
        ValueError: JSON with NaN, infinities, half a character, or nested too deeply.
    """
    if value is None:
        return None, None
    stored = _BY_TYPE.get(field.type, _plain)(value, field)
    if isinstance(stored[0], str):
        stored[0].encode()  # half a surrogate pair is no text
    return stored


def decimal_text(value: Decimal) -> str:
    """Return one text for equal decimals: no exponent where that is readable, no zeros at the end."""
    if not value:
        return "0"
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise OverflowError
    text = "".join(map(str, digits)).lstrip("0")
    plain = text.rstrip("0")
    exponent += len(text) - len(plain)
    head = "-" if sign else ""
    if abs(exponent) > _LONGEST_PLAIN:
        return f"{head}{plain}E{exponent}"
    return head + format(Decimal(plain).scaleb(exponent) if len(plain) <= 28 else _scaled(plain, exponent), "f")


def _scaled(digits: str, exponent: int) -> Decimal:
    return Decimal((0, tuple(map(int, digits)), exponent))


def _plain(value: Any, field: FieldDefinition) -> Stored:  # noqa: ARG001  one signature for all types
    if isinstance(value, Decimal):
        return _float_of(value), digits_of(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise OverflowError
        return value + 0.0, None
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(LOCAL_ZONE).replace(tzinfo=None), "zone"
    if isinstance(value, time):
        return _time_of(value)
    if isinstance(value, tuple):  # Frictionless' yearmonth
        return f"{value[0]:04}-{value[1]:02}", None
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise OverflowError
    return value, None


def _duration(value: Any, field: FieldDefinition) -> Stored:  # noqa: ARG001
    years, months = getattr(value, "years", 0), getattr(value, "months", 0)
    delta: timedelta = getattr(value, "tdelta", value)
    is_negative = years < 0 or months < 0 or delta < timedelta(0)
    return ("-" if is_negative else "") + iso_duration(abs(delta), years=abs(years), months=abs(months)), None


def iso_duration(delta: timedelta, *, years: Decimal | int = 0, months: Decimal | int = 0) -> str:
    """Return a duration that is not negative in ISO 8601."""
    minutes, seconds = divmod(delta.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f"{seconds}.{delta.microseconds:06}".rstrip("0") if delta.microseconds else str(seconds)
    days = [(decimal_text(Decimal(years)), "Y"), (decimal_text(Decimal(months)), "M"), (str(delta.days), "D")]
    times = [(str(hours), "H"), (str(minutes), "M"), (fraction, "S")]
    first, last = ("".join(f"{number}{unit}" for number, unit in parts if number != "0") for parts in (days, times))
    return f"P{first}T{last}" if last else f"P{first}" if first else "PT0S"


def _geopoint(value: Any, field: FieldDefinition) -> Stored:
    exact = ", ".join(decimal_text(part) for part in value)
    if field.format not in {"array", "object"}:
        return exact, None
    # JSON's numbers were floats on the way: their short form is what the source wrote
    short = ", ".join(_short(part) for part in value)
    return short, None if short == exact else exact


def _short(value: Decimal) -> str:
    number = float(value)
    return decimal_text(Decimal(repr(number)) if Decimal(number) == value else value)


def _list(value: Any, field: FieldDefinition) -> Stored:
    delimiter = field.delimiter or ","
    items = [_item(item) for item in value]
    if any(delimiter in item for item in items):
        raise ValueError
    return delimiter.join(items), None


def _item(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return decimal_text(value)
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def _json(value: Any, field: FieldDefinition) -> Stored:  # noqa: ARG001
    return canonical_json(value), None


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and without spaces; moments as ISO text.

    Raises:
        ValueError: it holds NaN or an infinity, or is nested too deeply.
    """
    try:
        return json.dumps(
            value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_json_item
        )
    except RecursionError:
        raise ValueError from None


def _json_item(value: object) -> object:
    if isinstance(value, Decimal):
        return (
            int(value)
            if value.is_finite() and value == value.to_integral_value() and abs(value) < 2**53
            else _float_of(value)
        )
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)


def _float_of(value: Decimal) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise OverflowError
    return number + 0.0  # turns -0.0 into 0.0, which it equals


def digits_of(value: Decimal) -> str | None:
    """Return the identity of a decimal that its float does not tell alone; null for one of few digits."""
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    if not significant or (len(significant) <= EXACT_DIGITS and abs(value) > _SMALLEST_EXACT):
        return None
    return f"{sign}:{significant}:{int(exponent) + len(text) - len(significant)}"


def _time_of(value: time) -> tuple[str, str | None]:
    if value.tzinfo is None:
        return value.isoformat(), None
    here = datetime.combine(date(2000, 1, 1), value).astimezone(LOCAL_ZONE)
    return here.time().isoformat(), f"zone {here.date().isoformat()}"


_BY_TYPE: dict[str, Callable[[Any, FieldDefinition], Stored]] = {
    "duration": _duration,
    "geopoint": _geopoint,
    "list": _list,
    "object": _json,
    "array": _json,
    "geojson": _json,
}
