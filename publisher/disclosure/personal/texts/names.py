"""Full names inside texts: a surname first, and words around it that speak of a person, or of a street or school named after one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from publisher.disclosure.personal.findings import Span
from publisher.disclosure.personal.syllables import is_syllable
from publisher.disclosure.personal.texts.reading import Reading, Word
from publisher.disclosure.personal.texts.word_sets import word_set
from publisher.disclosure.personal.words import fold, surnames, words

_LIST = Path(__file__).parent.parent / "lists" / "name_clues.csv"
_LONGEST = 5
_MIDDLES = word_set("middle")
_USUAL = word_set("usual_surname")
_UNMISTAKABLE = word_set("unmistakable_surname")
"""Surnames that are read as such also without diacritics in a text that has them."""

_RARE_WORDS = word_set("everyday")
"""Syllables of given names that are everyday words as well once they are written small."""

_PLAIN_PLACES = frozenset(
    {
        "duong",
        "pho",
        "truong",
        "quan",
        "phuong",
        "thpt",
        "thcs",
        "cty",
        "tp",
        "cho",
        "hem",
        "chung cu",
        "cong vien",
        "benh vien",
    }
)
_NOT_NAMES = word_set("no_name")
_TITLES = frozenset({"ông", "cô", "chú", "bà"})
_PLAIN_TITLES = frozenset({"ong", "co", "chu", "ba", "la"})
"""Forms of address that are surnames as well, some only without diacritics."""

_UNITS = frozenset({"phường", "xã", "quận", "huyện", "phố", "tp", "tỉnh"})
_POSTS = (
    "pho giam",
    "pho chanh",
    "pho tong",
    "pho chu",
    "pho truong",
    "pho phong",
    "pho hieu",
    "pho bi",
    "pho ban",
    "chu tich",
    "ma so",
    "ma ho",
    "dien thoai",
    "trieu dong",
    "da nang",
    "dien bien",
    "ba con",
    "an ninh",
    "cao dang",
    "cao oc",
    "mai tang",
    "la do",
)
"""Beginnings that look like a surname and are a post or a word of offices."""

_OF_A_COMPANY = re.compile(
    r"\b(?:cong ty|cty|dntn|tnhh|doanh nghiep|hop tac xa|htx|tap doan|ngan hang|nhan hieu|thuong hieu|xi nghiep)\b"
    r"(?:(?!\b(?:do|ong|ba|anh|chi|la|cua|dai dien|gap|cho|va|toi)\b)[^,.;:()\n]){0,60}\Z"
)
_OFFICE_WORDS = re.compile(r"\b(?:ubnd|tnhh)\b")
_LINKS = {"và", "va", "cùng", "cung", "với", "voi", "&"}
_APOSTROPHE = re.compile(r"[HKY]['’]")
_ENDS = re.compile(r"[ \t]*(?:$|[\n,;.(\-–/])")
_BETWEEN = re.compile(r"[ \t]{1,3}")
_AFTER_TITLE = re.compile(r"[ \t]*[:.\-(]?[ \t]*(?:\n[ \t]*)?")
_AFTER_NAME = re.compile(
    r"\s*[,(\-:]?\s*\(?(?:sinh|sn\b|nam sinh|ngay sinh|cccd|cmnd|can cuoc|so dinh danh|sdt|so dien thoai|dien thoai|dt\b|0\d{2}|\+84|"
    r"ngu |thuong tru|tam tru|tru tai|hien |mshs|mssv|\d{2} tuoi|\d{2}t\b|phan anh|trinh bay|khieu nai|to cao|kien nghi|cho biet|cho rang|"
    r"bao tin|de nghi|yeu cau|da ky|nop don|nop ho so|email|stk|dai dien|la chu|lam chu|bi |da |den |xin |nhap vien|tai kham|nhan )"
)
_SIGNED = re.compile(
    r"(?:ky (?:va )?ghi ro ho ten|ky ten|nguoi (?:lam|viet|nop) don|kinh don|tran trong|xin cam on|xin chan thanh cam on|thu ky|chu toa|nguoi lap)[^a-z]*\s*$"
)


@dataclass(frozen=True)
class _Run:
    """Words in a row that may be a name."""

    words: tuple[Word, ...]
    before: str
    """What speaks of it: `person`, `place`, `number` (a house number), or nothing."""

    @property
    def folded(self) -> str:
        return " ".join(word.folded for word in self.words)


def names_in(reading: Reading) -> Iterator[Span]:
    """Yield full names; places are of the text that is read."""
    listed, place, last = reading.words, 0, ""
    ended = -1
    while place < len(listed):
        run = _run_at(reading, place)
        if run is None:
            place += 1
            continue
        inherited = last if place and _continues(reading, ended, listed[place].start) else ""
        run = _Run(run.words, run.before or inherited)
        if _is_a_person(reading, run):
            yield Span(run.words[0].start, run.words[-1].end, "full_name")
        last, ended = run.before or ("person" if _is_a_person(reading, run) else ""), run.words[-1].end
        place += len(run.words)


def _run_at(reading: Reading, place: int) -> _Run | None:
    """Return the words from a place on that may be a name, with what stands before them; null when no name begins here."""
    listed = reading.words
    first = listed[place]
    capitals = not reading.even
    if (capitals and not first.is_capital) or _is_a_title(reading, place):
        return None
    surname = _is_surname(reading, first)
    foreign = capitals and len(first.written) > 1 and not first.written.isupper() and first.folded not in _NOT_NAMES
    if not surname and not foreign:
        return None
    before = _before(reading, place)
    if not surname and before != "person":
        return None
    taken = [first]
    for word in listed[place + 1 : place + _LONGEST + (1 if surname else 0)]:
        if not _BETWEEN.fullmatch(reading.text, taken[-1].end, word.start) or not _goes_on(reading, taken, word):
            break
        taken.append(word)
    alone = len(taken) > 1 or (before == "person" and surname and bool(_APOSTROPHE.match(first.written)))
    return _Run(tuple(taken), before or _labelled(reading, taken)) if alone else None


def _labelled(reading: Reading, taken: list[Word]) -> str:
    """Return `near` for words that fill what follows a label and a colon, or a whole line: a field of a form, a signature."""
    start, end = taken[0].start, taken[-1].end
    if not _ENDS.match(reading.text, end) or (reading.even and taken[0].folded not in _USUAL):
        return ""
    ahead = reading.text[max(0, start - 40) : start]
    whole_line = bool(re.search(r"(?:^|\n)[ \t\-+*•\d.)]*$", ahead)) and bool(
        re.match(r"[ \t]*[.,]?[ \t]*(?:\n|$)", reading.text[end:])
    )
    return "near" if whole_line or re.search(r"[^\W\d_]\)?[ \t]*:[ \t]*$", ahead) else ""


def _is_a_title(reading: Reading, place: int) -> bool:
    """Tell whether a word that may be a surname is a form of address, or the end of `my name is`, before a name."""
    first = reading.words[place]
    if first.lower in _TITLES and not reading.plain:
        return True
    following = reading.words[place + 1 : place + 2]
    return first.folded in _PLAIN_TITLES and bool(following) and _is_surname(reading, following[0])


def _goes_on(reading: Reading, taken: list[Word], word: Word) -> bool:
    """Tell whether a word can belong to the name begun."""
    if not reading.even:
        return word.is_capital and not (
            word.written.isupper() and len(word.written) > 1 and not taken[0].written.isupper()
        )
    if len(taken) >= 4 or word.folded not in words("given_names.txt"):
        return False
    if not reading.plain and taken[0].lower in surnames() and word.lower not in _given():
        return False
    small = word.lower == word.written
    usual = len(taken) == 1 or (len(taken) == 2 and taken[1].folded in _MIDDLES)
    return not small or usual or word.folded not in _RARE_WORDS


def _is_surname(reading: Reading, word: Word) -> bool:
    if word.folded not in words("surnames.txt") and not _APOSTROPHE.match(word.written):
        return False
    if word.folded not in words("surnames.txt"):
        return True
    if reading.plain or word.lower in surnames():
        return True
    followed = reading.folded[word.end : word.end + 5]
    return word.folded == word.lower and (
        word.folded in _UNMISTAKABLE or (word.folded in _USUAL and followed in {" thi ", " van "})
    )


def _before(reading: Reading, place: int) -> str:
    """Return what the words right before speak of: a person, a place, or a house number."""
    listed, first = reading.words, reading.words[place]
    ahead = reading.text[max(0, first.start - 14) : first.start]
    if re.search(r"\d[a-zA-Z]?(?:/\d+[a-zA-Z]?)*,? $", ahead):
        return "number"
    if _OF_A_COMPANY.search(reading.folded, max(0, first.start - 80), first.start):
        return "place"
    office = {word.folded for word in listed[max(0, place - 6) : place]}
    for length in (4, 3, 2, 1):
        if place - length < 0:
            continue
        group = listed[place - length : place]
        gap = reading.text[group[-1].end : first.start]
        if not _AFTER_TITLE.fullmatch(gap):
            return ""
        kind = _said(reading, reading.text[group[0].start : group[-1].end], group)
        if kind == "place" and group[-1].lower in _UNITS and office & {"tich", "thu"}:
            return "near"
        if kind and not (kind == "place" and ":" in gap):
            return kind
    return ""


def _said(reading: Reading, phrase: str, group: list[Word]) -> str:
    lower = " ".join(phrase.lower().split())
    kind = _clues()[0].get(lower, "")
    if kind or not (reading.plain or all(word.lower == word.folded for word in group)):
        return kind
    folded = " ".join(word.folded for word in group)
    if folded in _PLAIN_PLACES:
        return "place"
    return _clues()[1].get(folded, "") if reading.plain else ""


def _continues(reading: Reading, ended: int, start: int) -> bool:
    """Tell whether a run follows another in a list: only a comma, a dash or an `and` between."""
    between = reading.text[ended:start].strip() if 0 <= ended <= start else "."
    return (
        between in {",", "-", "–", "/"}
        or between.lower() in _LINKS
        or between.lower() in {f", {link}" for link in _LINKS}
    )


def _is_a_person(reading: Reading, run: _Run) -> bool:
    """Judge a run by what stands before and after it and by how it is made."""
    folded, surname = run.folded, _is_surname(reading, run.words[0])
    if run.before in {"place", "number"} or folded.startswith(_POSTS) or _OFFICE_WORDS.search(folded):
        return False
    famous = folded in words("public_names.txt") or folded in words("place_names.txt")
    if not surname:
        return run.before in {"person", "near"} and not famous and _is_foreign(run)
    if famous:
        return run.before == "person" and not folded.startswith("ho chi minh")
    if run.before == "near" and reading.plain and run.words[-1].folded not in words("given_names.txt"):
        return False
    return run.before in {"person", "near"} or (not _is_org_run(run) and _speaks_of_itself(reading, run))


def _is_foreign(run: _Run) -> bool:
    """Tell whether words without a surname of Viet Nam, after a form of address, may be a name: all with capitals, none an office's."""
    plain = f" {run.folded} "
    of_offices = any(f" {word} " in plain for word in _organisations()) or _is_org_run(run)
    known = words("given_names.txt") | words("surnames.txt") | words("minority_names.txt")
    ours = [word for word in run.words if is_syllable(word.lower) and word.folded not in known]
    return len(run.words) >= 2 and not of_offices and not ours and all(word.is_capital for word in run.words)


def _speaks_of_itself(reading: Reading, run: _Run) -> bool:
    """Tell whether a run without a word before it is a name by what follows it, as a signature, or by how it is made."""
    begins, end = run.words[0].start, run.words[-1].end
    if _AFTER_NAME.match(reading.folded, end) or _SIGNED.search(reading.folded, 0, begins):
        return len(run.words) >= 3 or (run.words[0].folded in _USUAL and not reading.even)
    return _is_made_like_a_name(reading, run)


def _is_made_like_a_name(reading: Reading, run: _Run) -> bool:
    """Tell whether a run of two to four words without clue is built as names are: usual middle, given name last."""
    first, second, last = run.words[0], run.words[1], run.words[-1]
    given = last.folded in words("given_names.txt") and (reading.plain or last.lower in _given())
    usual = first.folded in _USUAL
    if len(run.words) == 2:  # many a town has two such syllables
        given = given and last.lower not in {"văn", "thị"}
        return given and usual and not reading.even and not reading.plain
    if (
        usual
        and second.folded in {"van", "thi"}
        and len(run.words) <= 4
        and (given or second.lower in {"văn", "thị"} or all(word.lower == word.folded for word in run.words))
    ):
        return True
    middle = second.folded in _MIDDLES or second.folded in words("given_names.txt")
    return len(run.words) <= 4 and not reading.even and given and middle


def _is_org_run(run: _Run) -> bool:
    return any(word.folded in _NOT_NAMES for word in run.words[:2]) and run.words[0].folded not in _USUAL


@cache
def _clues() -> tuple[dict[str, str], dict[str, str]]:
    """Return what phrases speak of, with diacritics and without; folded twins that disagree are left out."""
    with _LIST.open(encoding="utf-8", newline="") as file:
        exact = {row["words"]: row["kind"] for row in csv.DictReader(file)}
    folded: dict[str, set[str]] = {}
    for phrase, kind in exact.items():
        folded.setdefault(fold(phrase), set()).add(kind)
    return exact, {phrase: min(kinds) for phrase, kinds in folded.items() if len(kinds) == 1}


@cache
def _given() -> frozenset[str]:
    path = _LIST.parent / "given_names.txt"
    return frozenset(line.lower() for line in path.read_text(encoding="utf-8").splitlines() if line)


@cache
def _organisations() -> frozenset[str]:
    return words("organisation_words.txt") - {"ha", "ho"}
