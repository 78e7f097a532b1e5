"""Full names in columns: surname first, of minorities, of foreigners, split over columns, and of people who trade in their own name."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from publisher.disclosure.personal.columns import Column, Mask
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.syllables import is_plain_syllable
from publisher.disclosure.personal.words import fold, surnames, words

_MOST_NAMES = 1_000
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]*)?(?:-[^\W\d_]+)?\.?")
_END = re.compile(r"\s*[,(;|/:\n].*|\s+[-–]\s.*|\s+(?:và|va|&|sn|sinh)\s.*", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(
    r"(?i)^(?:(?:ông|bà|anh|chị|em|cô|chú|bác|cụ|cháu|thầy|ong|ba|chi|co|chu|mr|mrs|ms|miss|dr|bs|bác sĩ|bsck\w*|ts|ths|pgs|gs|cn|ks|kts|ls|ds|"
    r"đ/c|đc|đồng chí|ktv|gv|ys|bsnt|luật sư)[. ]+)+(?=\w+[ .])"
)
_TRADER = re.compile(
    r"(?i)^(?:hộ kinh doanh|ho kinh doanh|hộ kd|ho kd|hkd|hkdct|hộ cá thể|hộ sản xuất|hộ)\b[ :.\-]*(?:cá thể |ca the )?(?:ông |bà )?"
)
_TURNED = re.compile(r"([^\W\d_][^\d,;:]*), (?:(?:Mr|Mrs|Ms|Miss|Master|Dr|Rev|Col|Capt)\.? )([^\W\d_]+)")
_THINGS_LIKE_SURNAMES = frozenset({"duong", "truong", "ho", "pho", "hem", "lo", "dao", "chung", "lang"})
_COMMON_MIDDLES = frozenset({"thi", "van"})


@dataclass(frozen=True)
class _Reading:
    """What one text may be: a name, and by which signs."""

    person: bool = False
    other: bool = False
    famous: bool = False
    shaped: bool = False
    trader: bool = False
    words: tuple[str, ...] = ()

    @property
    def given(self) -> str:
        return self.words[-1] if self.words else ""


def full_name(column: Column) -> Finding | None:
    """Detect full names: a surname first, two to six syllables, and last syllables as varied as given names are.

    Streets, schools and wards carry the names of the famous, few and often repeated; the list of those names tells them apart.
    """
    places = np.flatnonzero(column.matches(r"^[\p{L}(]"))[:_MOST_NAMES]
    if not len(places):
        return None
    scale = 1.0 if len(places) < _MOST_NAMES else column.share(column.matches(r"^[\p{L}(]")) * column.sampled_cells / max(1, column.counts[places].sum())  # fmt: skip
    weights = column.counts[places] * scale / column.sampled_cells
    readings = [read_name(text) for text in column.texts.take(places).to_pylist()]
    person = np.array([reading.person and not reading.famous for reading in readings])
    share = float(weights[person].sum())
    traders = float(weights[np.array([reading.trader and reading.person for reading in readings])].sum())
    if traders >= 0.1:
        return _found(column, traders, 0.85, "names of people who trade in their own name")
    famous = np.array([reading.famous for reading in readings])
    if famous.sum() > (0.5 if column.says("full_name") else 0.2) * max(1, (person | famous).sum()):
        return None
    if column.says("full_name", "name_alone") and not column.says("place", "organisation", "thing"):
        return _named(column, readings, weights, share) or _split(column, readings, weights)
    return _unnamed(column, readings, person, share) or _split(column, readings, weights)


@lru_cache(maxsize=50_000)
def read_name(text: str) -> _Reading:
    """Return what a text may be as a name; titles in front and whatever follows a comma or bracket are left out."""
    if turned := _TURNED.match(text):
        return _Reading(other=True, shaped=True, words=(fold(turned.group(1)), fold(turned.group(2))))
    trader = bool(_TRADER.match(text))
    plain = _END.sub("", _TITLE.sub("", _TRADER.sub("", text)).strip(" ,.")).strip()
    found = _WORD.findall(plain)
    if " ".join(found) != " ".join(plain.split()) or not 1 <= len(found) <= 7:
        return _Reading(trader=trader)
    folded = tuple(fold(word).strip(".") for word in found)
    together = " ".join(folded)
    if together in words("public_names.txt") or (
        folded[0] in _THINGS_LIKE_SURNAMES and " ".join(folded[1:]) in words("public_names.txt")
    ):
        return _Reading(famous=True, trader=trader, words=folded)
    if _is_thing(together) or _is_sentence(found):
        return _Reading(trader=trader, words=folded)
    person = 2 <= len(found) <= 6 and _has_surname(found, folded)
    other = not person and 2 <= len(found) <= 6 and _is_from_elsewhere(text, folded)
    return _Reading(person, other, shaped=2 <= len(found) <= 5, trader=trader, words=folded)


def starts_like_a_name(text: str) -> bool:
    """Tell whether a text of letters begins with a Vietnamese surname and holds no word of places or organisations."""
    reading = read_name(text)
    return reading.person or (reading.famous and reading.words[0] in words("surnames.txt"))


def _named(column: Column, readings: list[_Reading], weights: np.ndarray, share: float) -> Finding | None:
    if share >= 0.2 and (column.says("full_name") or share >= 0.5):
        return _found(column, share, 0.97, "the column's name and surnames agree")
    people = np.array([reading.person or reading.other for reading in readings])
    share = float(weights[people].sum())
    if share >= 0.4 and column.distinctness >= 0.1:
        return _found(column, share, 0.9, "the column's name and names of minorities or other countries agree")
    shaped = np.array([reading.shaped and not reading.famous for reading in readings])
    share = float(weights[shaped].sum())
    if column.says("full_name") and share >= 0.6 and column.distinctness >= 0.3 and column.distinct >= 5:
        return _found(column, share, 0.75, "the column's name, and cells of two to five words, nearly all different")
    return None


def _unnamed(column: Column, readings: list[_Reading], person: Mask, share: float) -> Finding | None:
    people = [reading for reading, is_person in zip(readings, person, strict=True) if is_person]
    others = [reading for reading in readings if reading.other]
    total = share * (1 + len(others) / max(1, len(people))) if people else len(others) / len(readings)
    place, thing = column.says("place"), column.says("thing", "organisation")
    if column.distinct < (8 if column.distinctness < 0.9 else 5) or total < (0.9 if place or thing else 0.6):
        return None
    if len(others) > len(people):
        varied = column.distinctness >= 0.3 and len({reading.given for reading in others}) >= 5
        return (
            _found(column, total, 0.7, "names of minorities or other countries")
            if varied and not (place or thing)
            else None
        )
    given = len({reading.given for reading in people})
    signs = np.array([_signs(reading) for reading in people])
    enough = given >= min(8, len(people)) and (signs.mean(axis=0) >= (0.5, 0.5, 0.6)).all()
    if not enough or column.distinctness < (0.5 if place else 0.3 if thing else 0.05):
        return None
    return _found(column, total, 0.85, "surnames first, varied given names")


def _signs(reading: _Reading) -> tuple[bool, bool, bool]:
    """Return the signs of a name: three words or more, a usual middle name, a usual given name."""
    middles = reading.words[1:-1]
    return (
        len(reading.words) >= 3,
        bool(set(middles) & words("middle_names.txt")),
        reading.given in words("given_names.txt"),
    )


def _split(column: Column, readings: list[_Reading], weights: np.ndarray) -> Finding | None:
    """Detect names of which surname, middle and given name stand in columns of their own."""
    named = column.says("name_alone", "full_name")
    if column.says("place", "thing", "organisation") or column.distinct < (3 if named else 6):
        return None
    middles = words("middle_names.txt")
    fronts = [
        2 <= len(r.words) <= 4 and r.words[0] in words("surnames.txt") and set(r.words[1:]) <= middles for r in readings
    ]
    if float(weights[np.array(fronts)].sum()) >= 0.8:
        usual = np.mean([bool(_COMMON_MIDDLES & set(r.words)) for r in readings])
        if named or usual >= 0.3 or column.distinct >= 20:
            return _found(column, float(weights[np.array(fronts)].sum()), 0.8, "surnames with middle names")
    if not named and column.distinct < 15:
        return None
    alone = words("given_names.txt") | words("surnames.txt") | words("foreign_names.txt") | middles
    single = np.array([1 <= len(r.words) <= 2 and set(r.words) <= alone for r in readings])
    share = float(weights[single].sum())
    if share >= (0.6 if named else 0.9):
        return _found(column, share, 0.75 if named else 0.55, "given names or surnames in a column of their own")
    return None


def _found(column: Column, share: float, confidence: float, reason: str) -> Finding:
    return Finding(column.name, "full_name", round(min(share, 1.0), 4), confidence, reason)


def _has_surname(found: list[str], folded: tuple[str, ...]) -> bool:
    """Tell whether words begin with a surname, as written or, where nothing has diacritics, as it would be without them."""
    if folded[0] not in words("surnames.txt") and folded[0] not in {"ng", "ngo"}:
        return False
    if not all(is_plain_syllable(word) or len(word) == 1 for word in folded[1:]):
        return False
    written = unicodedata.normalize("NFC", found[0]).lower().strip(".")
    return all(word.isascii() for word in found) or written in surnames() or written == "ng"


def _is_from_elsewhere(text: str, folded: tuple[str, ...]) -> bool:
    if any(re.match(r"[hky]['’]", word) for word in folded) or folded[0] in {
        "y",
        "h",
        "k",
        "ksor",
        "siu",
        "rmah",
        "kpa",
    }:
        return True
    minority, foreign = words("minority_names.txt"), words("foreign_names.txt")
    if folded[0] in minority and len(folded) >= 2 and not text.isupper():
        return True
    parts = {part for word in folded for part in word.split("-")}
    return bool(parts & foreign)


def _is_sentence(found: list[str]) -> bool:
    """Tell whether only the first word has a capital, as in names of things: `Hồ tiêu`."""
    return len(found) >= 2 and found[0][0].isupper() and all(word[0].islower() for word in found[1:])


@cache
def _phrases() -> frozenset[str]:
    return frozenset(
        word
        for word in words("organisation_words.txt")
        if " " in word or word in {"ubnd", "thcs", "thpt", "htx", "tnhh", "dntn"}
    )


@cache
def _is_thing(folded: str) -> bool:
    if folded in words("place_names.txt") or folded.split(maxsplit=1)[0] in _beginnings():
        return True
    return any(f" {phrase} " in f" {folded} " for phrase in _phrases())


@cache
def _beginnings() -> frozenset[str]:
    single = {word for word in words("organisation_words.txt") if " " not in word}
    return frozenset(single) - words("surnames.txt")
