"""Excel's serial dates, the 1900 system: our own Table Schema format `excel` for dates and datetimes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pyarrow as pa

_SERIAL = re.compile(r"[0-9]{1,7}(\.[0-9]{1,15})?", re.ASCII)
_FIRST, _PHANTOM, _LAST = 1, 60, 2_958_465  # 1900-01-01; the leap day that 1900 never had; 9999-12-31
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  wall time, as Excel has no zones


def serials_to_iso(values: pa.Array, *, field_type: str) -> pa.Array:
    """Return string values with each serial number written as ISO text; what is none stays as it is.

    A date takes whole days only; a datetime is rounded to the millisecond, because serials are binary fractions of a day.
    """
    encoded = values.dictionary_encode()
    known = [serial_to_iso(text, field_type=field_type) for text in encoded.dictionary.to_pylist()]
    return pa.array(known, pa.string()).take(encoded.indices)


def serial_to_iso(text: str, *, field_type: str) -> str:
    """Return the ISO form of one serial number, or the text itself when it is none."""
    if not _SERIAL.fullmatch(text):
        return text
    days, _, fraction = text.partition(".")
    day = int(days)
    if not _FIRST <= day <= _LAST or day == _PHANTOM or (field_type == "date" and fraction.strip("0")):
        return text
    milliseconds = round(float(f"0.{fraction or 0}") * 86_400_000)
    shift = timedelta(days=day + (day < _PHANTOM))
    try:
        moment = _EPOCH + shift + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return text
    return moment.date().isoformat() if field_type == "date" else moment.isoformat()
