"""Vietnamese text that was stored or read in another encoding, back in Unicode's composed form, so that word lists meet it.

TCVN3 (ABC), VNI, windows-1258 and UTF-8 that were read as windows-1252; VIQR; decomposed Unicode. Which one it was is judged by the
syllables: the reading that turns most words into syllables of Vietnamese, if the text as it stands holds words that are none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal.syllables import is_syllable

_JUDGED = 400
_FEWEST_LETTERS = 3
_MARKS = "\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323"
_DECOMPOSED = re.compile(rf"[^\W\d_][{_MARKS}]+")
_WORD = re.compile(r"[^\x00-&(-@\[-`{-\x7f]{2,}")
_SPACE = re.compile("(?<!\u00c3)\u00a0")  # after that letter it is half of an à in UTF-8
_CAPITALS = re.compile(r"[^\W\d_]+")
_SUSPECT = r"[\x{a1}-\x{bf}\x{c0}-\x{ff}\x{300}-\x{323}]|[\^(+~`]|d-|[a-z]['?.][a-z]"
_STRONG_VIQR = re.compile(r"(?i)[aeo]\^|[a-z]a\(|[uo]\+|[aeiouy][`~](?:[a-z]|\b)")

_TCVN3 = dict(
    zip(
        "µ¶·¸¹¨»¼½¾Æ©ÇÈÉÊË®ÌÎÏÐÑªÒÓÔÕÖ×ØÜÝÞßáâãä«åæçèé¬êëìíîïñòóô\u00adõö÷øùúûüýþ¡¢£¤¥¦§",
        "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵĂÂÊÔƠƯĐ",
        strict=True,
    )
)
_VNI_MARKS = dict(
    zip("øùûõï", ["\u0300", "\u0301", "\u0309", "\u0303", "\u0323"], strict=True)
) | dict(
    zip("âáàåãä", ["\u0302", "\u0302\u0301", "\u0302\u0300", "\u0302\u0309", "\u0302\u0303", "\u0302\u0323"], strict=True)
) | dict(
    zip("êéèúüë", ["\u0306", "\u0306\u0301", "\u0306\u0300", "\u0306\u0309", "\u0306\u0303", "\u0306\u0323"], strict=True)
)  # fmt: skip
_VNI_LETTERS = dict(zip("ôöñæóòîíì", "ơưđỉĩịỵíì", strict=True))
_CP1258 = dict(zip("ÌÒÞìòÃãÕõÝýÐð", "\u0300\u0309\u0303\u0301\u0323ĂăƠơƯưĐđ", strict=True))
_VIQR_MARKS = {"^": "\u0302", "(": "\u0306", "+": "\u031b", "'": "\u0301", "`": "\u0300", "?": "\u0309", "~": "\u0303", ".": "\u0323"}  # fmt: skip


_Step = tuple[re.Pattern[str], Callable[[str], str]]


@dataclass(frozen=True)
class _Reading:
    """One encoding that a text may have been in: what it writes as what, in one step or two."""

    name: str
    steps: tuple[_Step, ...]

    def read(self, text: str, places: list[int]) -> tuple[str, list[int]]:
        for pattern, replace in self.steps:
            text, places = _replace(text, places, pattern, replace)
        return _same_case(text) if self.name == "tcvn3" else text, places


def repair_text(text: str) -> str:
    """Return the text in composed Unicode, read as the encoding that it was in; unchanged where it is sound already."""
    return repair_with_places(text)[0]


def repair_with_places(text: str) -> tuple[str, list[int]]:
    """Return the repaired text, and for each of its characters, and for its end, the place in the text as given.

    Places count code points.
    """
    places = list(range(len(text) + 1))
    if text.isascii() and not _STRONG_VIQR.search(text):
        return text, places
    reading = _best_reading([text])
    if reading is not None:
        text, places = reading.read(text, places)
    return _compose(text, places)


def repair(texts: pa.Array) -> pa.Array:
    """Return string texts in composed Unicode, all read as the one encoding that fits the column; nulls stay null."""
    suspects = pc.fill_null(pc.match_substring_regex(texts, _SUSPECT), fill_value=False)
    places = np.flatnonzero(suspects.to_numpy(zero_copy_only=False))
    if len(places):
        judged = places[:: max(1, len(places) // _JUDGED)][:_JUDGED]
        reading = _best_reading(texts.take(pa.array(judged)).to_pylist())
        if reading is not None:
            suspects = pc.is_valid(texts) if reading.name == "viqr" else suspects
            read = [_compose(*reading.read(text, []))[0] for text in texts.filter(suspects).to_pylist()]
            texts = pc.replace_with_mask(texts, suspects, pa.array(read, texts.type))
    return pc.utf8_normalize(texts, form="NFC")


def _best_reading(texts: list[str]) -> _Reading | None:
    """Return the reading that makes clearly more syllables of the texts' words; null when they are best as they stand."""
    good, bad = _judge(texts)
    best, margin = None, 0
    for reading in _readings():
        read = [reading.read(text, [])[0] for text in texts]
        if read == texts or (reading.name == "viqr" and not _is_viqr(texts)):
            continue
        read_good, read_bad = _judge(read)
        gain = read_good - good + 2 * (bad - read_bad)
        enough = read_good - good >= (1 if reading.name.startswith("utf8") else _FEWEST_LETTERS)
        allowed = 0.3 * read_good if reading.name == "viqr" else bad * 0.5
        if read_bad <= allowed and enough and gain > margin:
            best, margin = reading, gain
    return best


def _is_viqr(texts: list[str]) -> bool:
    strong = sum(bool(_STRONG_VIQR.search(text)) for text in texts)
    return strong >= 0.3 * len(texts) and all(text.isascii() for text in texts)


def _judge(texts: Iterable[str]) -> tuple[int, int]:
    """Return how many letters stand in words with diacritics that are syllables of Vietnamese, and how many in others."""
    good = bad = 0
    for text in texts:
        for word in _WORD.findall(_SPACE.sub(" ", unicodedata.normalize("NFC", text))):
            if not word.isascii():
                if is_syllable(word.strip("'")):
                    good += len(word)
                else:
                    bad += len(word)
    return good, bad


def _replace(
    text: str, places: list[int], pattern: re.Pattern[str], replace: Callable[[str], str]
) -> tuple[str, list[int]]:
    """Return the text with every match replaced, and the places of its characters; no places in, none out."""
    if not places:
        return pattern.sub(lambda match: replace(match.group()), text), places
    parts, kept, end = [], [], 0
    for match in pattern.finditer(text):
        new = replace(match.group())
        parts += [text[end : match.start()], new]
        kept += [*places[end : match.start()], *[places[match.start()]] * len(new)]
        end = match.end()
    return "".join([*parts, text[end:]]), [*kept, *places[end:]]


def _compose(text: str, places: list[int]) -> tuple[str, list[int]]:
    return _replace(text, places, _DECOMPOSED, lambda pair: unicodedata.normalize("NFC", pair))


def _same_case(text: str) -> str:
    """Return the text with words in capitals as a whole: TCVN3 has no capitals with tones, a font of capitals showed them."""
    plain = [letter for letter in text if letter.isascii() and letter.isalpha()]
    if len(plain) >= 2 and all(letter.isupper() for letter in plain):
        return text.upper()
    return _CAPITALS.sub(lambda word: _capital_word(word.group()), text)


def _capital_word(word: str) -> str:
    plain = [letter for letter in word if letter.isascii()]
    return word.upper() if len(plain) >= 2 and all(letter.isupper() for letter in plain) else word


@cache
def _readings() -> tuple[_Reading, ...]:
    continuation = "".join(map(_char_of_byte, range(0x80, 0xC0)))
    utf8 = re.compile(rf"[\u00c2-\u00df][{continuation}]|\u00c3 |[\u00e0-\u00ef][{continuation}]{{2}}"), _from_utf8
    letters, marks = "".join(_VNI_LETTERS), "".join(_VNI_MARKS)
    return (
        _Reading("utf8", (utf8,)),
        _Reading("utf8 twice", (utf8, utf8)),
        _Reading("tcvn3", ((re.compile(f"[{''.join(_TCVN3)}]"), _TCVN3.__getitem__),)),
        _Reading("vni", ((re.compile(rf"(?i)[aeouyôö][{marks}]|[{letters}]"), _from_vni),)),
        _Reading("cp1258", ((re.compile(f"[{''.join(_CP1258)}]"), _CP1258.__getitem__),)),
        _Reading("viqr", ((re.compile(r"(?i)dd|d-|[aeiouy][\^(+]?['`?~.]|[aeo]\^|a\(|[ou]\+"), _from_viqr),)),
    )


def _char_of_byte(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def _from_utf8(found: str) -> str:
    found = found.replace("\u00c3 ", "\u00c3\u00a0")
    data = b"".join(bytes([ord(char)]) if ord(char) < 256 else char.encode("cp1252") for char in found)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return found


def _from_vni(found: str) -> str:
    lower = found.lower()
    read = _VNI_LETTERS.get(lower[0], lower[0]) + "".join(_VNI_MARKS[mark] for mark in lower[1:])
    read = unicodedata.normalize("NFC", read)
    return read.upper() if found[0].isupper() else read


def _from_viqr(found: str) -> str:
    if found[0] in "dD":
        return "đ" if found[0] == "d" else "Đ"
    return unicodedata.normalize("NFC", found[0] + "".join(_VIQR_MARKS[mark] for mark in found[1:]))
