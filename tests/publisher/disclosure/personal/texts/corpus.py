"""Labelled texts: templates filled with values, some without diacritics, in capitals, decomposed or in an old encoding."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from types import ModuleType

from publisher.disclosure.personal.findings import Span
from publisher.disclosure.personal.spans import find_spans
from tests.publisher.disclosure.personal.texts.values import Segments, Values

_VNI = {"\u0300": "ø", "\u0301": "ù", "\u0309": "û", "\u0303": "õ", "\u0323": "ï"}
_VNI_HAT = {"": "â", "\u0300": "à", "\u0301": "á", "\u0309": "å", "\u0303": "ã", "\u0323": "ä"}
_VNI_BREVE = {"": "ê", "\u0300": "è", "\u0301": "é", "\u0309": "ú", "\u0303": "ü", "\u0323": "ë"}
_VIQR = {
    "\u0302": "^",
    "\u0306": "(",
    "\u031b": "+",
    "\u0301": "'",
    "\u0300": "`",
    "\u0309": "?",
    "\u0303": "~",
    "\u0323": ".",
}
_TCVN3 = str.maketrans(
    "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵĂÂÊÔƠƯĐ",
    "µ¶·¸¹¨»¼½¾Æ©ÇÈÉÊË®ÌÎÏÐÑªÒÓÔÕÖ×ØÜÝÞßáâãä«åæçèé¬êëìíîïñòóô\u00adõö÷øùúûüýþ¡¢£¤¥¦§",
)


@dataclass(frozen=True)
class Labelled:
    """A text with the personal data in it."""

    text: str
    spans: list[Span]


@dataclass(frozen=True)
class Judged:
    """How many labelled spans were found, and how many of those found are labelled, by overlap and kind."""

    labelled: int
    found: int
    recalled: int
    right: int

    @property
    def recall(self) -> float:
        return self.recalled / self.labelled

    @property
    def precision(self) -> float:
        return self.right / self.found


def corpus(part: ModuleType, *, seed: int, count: int) -> list[Labelled]:
    """Return labelled texts of a part; every template comes in turn."""
    random = Random(seed)
    values = Values(part, random)
    texts = []
    for number in range(count):
        segments = values.fill(part.TEXTS[number % len(part.TEXTS)])
        texts.append(_joined(_worn(segments, random)))
    return texts


def judge(texts: list[Labelled], *, kinds: bool = True) -> Judged:
    """Compare what is found with the labels; with `kinds`, an overlap counts only where the kind agrees."""
    labelled = found = recalled = right = 0
    for one in texts:
        spans = find_spans(one.text)
        labelled, found = labelled + len(one.spans), found + len(spans)
        recalled += sum(any(_meet(label, span, kinds=kinds) for span in spans) for label in one.spans)
        right += sum(any(_meet(label, span, kinds=kinds) for label in one.spans) for span in spans)
    return Judged(labelled, found, recalled, right)


def _meet(one: Span, other: Span, *, kinds: bool) -> bool:
    return one.start < other.end and other.start < one.end and (one.kind == other.kind or not kinds)


def _worn(segments: Segments, random: Random) -> Segments:
    """Return the text as real files hold it: three quarters as written, the rest worn by old systems."""
    chance = random.random()
    ways: list[Callable[[str], str]] = [
        _plain,
        str.upper,
        lambda text: unicodedata.normalize("NFD", text),
        _spaced,
        str.lower,
    ]
    ways += [_tcvn3, _vni, _viqr, _as_1252]
    if chance < 0.7:
        return segments
    way = random.choice(ways)
    keeps = {"email", "social_account", "ip_address", "mac_address"}
    if way in {_as_1252, _vni, _tcvn3, _viqr} and len("".join(text for text, _ in segments)) < 30:
        return segments
    return [(text if kind in keeps else way(text), kind) for text, kind in segments]


def _joined(segments: Segments) -> Labelled:
    text, spans = "", []
    for piece, kind in segments:
        if kind:
            spans.append(Span(len(text), len(text) + len(piece), kind))
        text += piece
    return Labelled(text, spans)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _spaced(text: str) -> str:
    return text.replace(" ", "\u00a0")


def _tcvn3(text: str) -> str:
    lowered = "".join(
        letter if letter in "ĂÂÊÔƠƯĐ" else letter.lower() if not letter.isascii() else letter for letter in text
    )
    return lowered.translate(_TCVN3)


def _as_1252(text: str) -> str:
    return "".join(bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in text.encode())


def _viqr(text: str) -> str:
    text = text.replace("đ", "dd").replace("Đ", "DD")
    composed = unicodedata.normalize("NFC", text)
    return "".join(_viqr_letter(unicodedata.normalize("NFD", letter)) for letter in composed)


def _viqr_letter(letter: str) -> str:
    """Return a decomposed letter with the mark that shapes it before its tone."""
    return letter[0] + "".join(sorted(map(_VIQR.__getitem__, letter[1:]), key="^(+".find, reverse=True))


def _vni(text: str) -> str:
    out = []
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        base, marks = parts[0], parts[1:]
        tone = "".join(mark for mark in marks if mark in _VNI)
        small = _vni_letter(base.lower(), letter.lower(), marks, tone)
        out.append(small.upper() if letter.isupper() else small)
    return "".join(out)


def _vni_letter(base: str, letter: str, marks: str, tone: str) -> str:
    if letter == "đ":
        return "ñ"
    if base == "i" and marks:
        return {"\u0300": "ì", "\u0301": "í", "\u0309": "æ", "\u0303": "ó", "\u0323": "ò"}[tone]
    if base == "y" and tone == "\u0323":
        return "î"
    if "\u0302" in marks:
        return base + _VNI_HAT[tone]
    if "\u0306" in marks:
        return base + _VNI_BREVE[tone]
    if "\u031b" in marks:
        base = {"o": "ô", "u": "ö"}[base]
    return base + (_VNI[tone] if tone else "")
