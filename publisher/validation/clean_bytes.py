"""Whether texts are clean, told from their bytes: most columns are, and then nothing has to be normalised or trimmed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_LAST_BLANK = 0x20
_LATIN_MARKS = 0xE1  # with 0xB8 to 0xBB behind it: U+1E00 to U+1EFF, where Vietnamese letters lie
_SIGNS = 0xC2  # with 0x85 or 0xA0 behind it: a line break and the no-break space
_FIRST_OTHER = 0xCC  # below: ASCII, continuations and the first byte of U+0080 to U+02FF


def are_clean(values: pa.Array) -> bool:
    """Tell whether no text would change by cleaning; false when that is not certain.

    Certain are texts of code points below U+0300 and from U+1E00 to U+1EFF, which are in NFC in whatever order they stand,
    without a no-break space, and without a blank at either end.

    Args:
        values: Arrow string; nulls are clean.
    """
    _, offsets, data = values.buffers()
    if data is None or not len(values):
        return True
    places = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    text = np.frombuffer(data, np.uint8)[places[0] : places[-1]]
    return _are_known_letters(text) and not _have_blank_ends(text, places - places[0])


def _are_known_letters(text: npt.NDArray[np.uint8]) -> bool:
    others = np.flatnonzero(text >= _FIRST_OTHER)
    if len(others):
        behind = text[np.minimum(others + 1, len(text) - 1)]
        if not ((text[others] == _LATIN_MARKS) & (behind >= 0xB8) & (behind <= 0xBB)).all():
            return False
    signs = np.flatnonzero(text == _SIGNS)
    behind = text[np.minimum(signs + 1, len(text) - 1)]
    return not ((behind == 0x85) | (behind == 0xA0)).any()


def _have_blank_ends(text: npt.NDArray[np.uint8], places: npt.NDArray[np.int32]) -> bool:
    filled = places[1:] > places[:-1]
    first, last = places[:-1][filled], places[1:][filled] - 1
    return bool((text[first] <= _LAST_BLANK).any() or (text[last] <= _LAST_BLANK).any())
