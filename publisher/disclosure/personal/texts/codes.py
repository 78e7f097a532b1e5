"""Codes of letters and digits inside texts: cards, passports, plates, licences, certificates, mailboxes, pages, addresses of machines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address

from publisher.disclosure.personal.findings import Span
from publisher.disclosure.personal.texts.clues import PUBLIC, Clues
from publisher.disclosure.personal.texts.word_sets import word_set
from publisher.disclosure.personal.wordings import is_personal_email
from publisher.disclosure.personal.words import words

_AFTER = r"(?![\w])(?![./\-]\w)"
_CARD = re.compile(rf"(?<![\w\-])[a-z]{{2}}[ \-.]?[1-5][ \-.]?\d{{2}}(?:[ \-.]?\d){{10}}{_AFTER}")
_CARD_LETTERS = word_set("health_card")
_PASSPORT = re.compile(rf"(?<![\w\-/.])[bcpnk] ?\d{{7}}{_AFTER}")
_FOREIGN_PASSPORT = re.compile(rf"(?<![\w\-/.])(?:[a-z]{{1,2}} ?\d{{6,8}}|\d{{8,9}}){_AFTER}")
_PLATE = re.compile(
    r"(?<![\w\-/.])\d{2} ?-? ?(?:a[a-hk-np-z]|ld|ng|nn|qt|m[dđ]\d?|kt|da|hc|td|[a-hk-npr-vxyzđ]\d?)[ \-.]{0,2}(?:\d{3}[. ]\d{2}|\d{5}|\d{4})"
    rf"{_AFTER}"
)
_LICENCE = re.compile(rf"(?<![\w\-/])\d{{3,7}} ?/ ?(?:[a-z]{{1,6}}-)?(?:cchn|gphn|gpktv)(?:[-/][a-z]+)?{_AFTER}")
_LAND = re.compile(rf"(?<![\w\-/])[a-zđ]{{2}} ?\d{{6}}(?:\d{{2}})?{_AFTER}")
_LAND_REGISTER = re.compile(rf"(?<![\w\-/])(?:ch|cs|h|vp) ?[-.]? ?\d{{4,6}}{_AFTER}")
_PERSON_CODE = re.compile(
    rf"(?<![\w/])(?=[a-z.\-]{{0,8}}\d)[a-z]{{0,6}}[.\-]?\d{{1,4}}[a-z\d.\-]{{2,14}}(?<![.\-]){_AFTER}"
)
_MAILBOX = re.compile(r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63})+")
_OBFUSCATED = re.compile(
    r"(?<![a-z0-9._%+\-])[a-z0-9._%+\-]{3,64} ?(?:\(at\)|\[at\]|\(a\)|\{at\}| at | a cong | @ ) ?[a-z0-9\-]+(?: ?(?:\.|\(dot\)|\[dot\]| dot | cham ) ?(?:[a-z\d\-]+(?=[.( ]) ?(?:\.|\(dot\)|\[dot\]| dot | cham ) ?)*(?:com|vn|net|org|edu))+(?![a-z])"
)
_SOCIAL = re.compile(
    r"(?:https?://)?(?:[a-z]{1,12}\.)?(?:facebook\.com|fb\.com|fb\.me|m\.me|zalo\.me|wa\.me|tiktok\.com|instagram\.com|t\.me|twitter\.com|x\.com|"
    r"youtube\.com|linkedin\.com/in|threads\.net|threads\.com)/(?:profile\.php\?id=)?@?[\w.\-]{3,}"
)
_HANDLE = re.compile(
    r"\b(?:facebook|fb|tiktok|instagram|insta|telegram|zalo|nick(?: fb| zalo)?)(?![a-z])(?: cua toi| ca nhan| em)?(?: la)? ?[:\-]? ?(@?[a-z][\w.]*[._\d][\w.]*|@[a-z][\w.]{2,})(?<!\.)"
)
_AGENCY_PAGE = re.compile(
    r"ubnd|gov|chinhquyen|congan|^phuong\d|quan\d|truong|thpt|thcs|benhvien|congty|official|fanpage|trungtam|doan|baotuoitre|bao[a-z]|news|group|^so[a-z]{2,}|thanhpho|tphcm|hochiminh|vtv|ttytp|tramyte|cskh|shop|store|hoi[a-z]"
)
_IPV4 = re.compile(r"(?<![\w.\-/])(?:\d{1,3}\.){3}\d{1,3}(?![\w\-/])(?!\.\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}:?[0-9a-f]{0,4}(?:::?[0-9a-f]{1,4})*(?![\w:])")
_MAC = re.compile(
    r"(?<![\w:\-])(?:[0-9a-f]{2}[:\-]){5}[0-9a-f]{2}(?![\w:\-])|(?<![\w.])(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}(?![\w.])"
)
_NUMBERING = re.compile(r"(?:phien ban|version|ver|v|muc|khoan|dieu|chuong|phan|tieu muc|firmware|tieu chuan)\.? ?$")
_STATE_PLATE = re.compile(
    r"bien xanh|xe cong|xe cong vu|xe bien trang cong|xe cua (?:ubnd|co quan)|xe cuu (?:thuong|hoa)|xe chuyen dung"
)


def codes_in(clues: Clues) -> Iterator[Span]:
    """Yield the codes of people in a text; places are of the text that is read."""
    yield from _cards(clues)
    yield from _passports(clues)
    yield from _plates(clues)
    yield from _certificates(clues)
    yield from _person_codes(clues)
    yield from _machines(clues)


def mailboxes_in(clues: Clues) -> Iterator[Span]:
    """Yield mailboxes and pages of people; those of a role or an office are public."""
    for match in _MAILBOX.finditer(clues.reading.text):
        address = match.group().rstrip(".-")
        if is_persons_mailbox(address):
            yield Span(match.start(), match.start() + len(address), "email")
    folded = clues.reading.folded
    for match in _OBFUSCATED.finditer(folded):
        plain = re.sub(r" ?(?:\(at\)|\[at\]|\(a\)|\{at\}| at | a cong | @ ) ?", "@", match.group())
        plain = re.sub(r" ?(?:\(dot\)|\[dot\]| dot | cham ) ?", ".", plain).replace(" ", "")
        if is_persons_mailbox(plain):
            yield Span(match.start(), match.end(), "email")
    for match in _SOCIAL.finditer(folded):
        end = match.start() + len(match.group().rstrip(".-"))
        if not _AGENCY_PAGE.search(match.group().rsplit("/", 1)[1]):
            yield Span(match.start(), end, "social_account")
    for match in _HANDLE.finditer(folded):
        if not _AGENCY_PAGE.search(match.group(1).lstrip("@")) and "/" not in folded[match.end() : match.end() + 1]:
            yield Span(match.start(1), match.end(1), "social_account")


def is_persons_mailbox(address: str) -> bool:
    """Tell whether a mailbox is a person's; a surname with a given name speaks for one, also where it begins like a role."""
    if is_personal_email(address):
        return True
    local, _, domain = address.lower().partition("@")
    if local in words("role_mailboxes.txt") or domain.endswith(".gov.vn"):
        return False
    if domain not in words("free_mail_domains.txt") and local.isalpha():
        return False
    return _is_made_of_names(re.sub(r"[^a-z]+", "", local))


@lru_cache(maxsize=10_000)
def _is_made_of_names(letters: str, *, surname: bool = False, left: int = 4) -> bool:
    """Tell whether letters split into a surname and one to three given names, in any order."""
    if not letters:
        return surname and left <= 2  # a surname alone is a word like others
    for at in range(2, min(len(letters), 7) + 1 if left else 0):
        is_surname = not surname and letters[:at] in words("surnames.txt")
        if (is_surname or letters[:at] in words("given_names.txt")) and _is_made_of_names(
            letters[at:], surname=surname or is_surname, left=left - 1
        ):
            return True
    return False


def _cards(clues: Clues) -> Iterator[Span]:
    for match in _CARD.finditer(clues.reading.folded):
        letters = match.group()[:2]
        if letters in _CARD_LETTERS or clues.before(match.start()) == "health_insurance":
            yield Span(match.start(), match.end(), "health_insurance")


def _passports(clues: Clues) -> Iterator[Span]:
    for match in _PASSPORT.finditer(clues.reading.folded):
        said, first = clues.before(match.start()), clues.reading.text[match.start()]
        if said == "passport" or (
            first.isupper() and " " not in match.group() and said in {"", "personal_id", "phone", "birth_date"}
        ):
            yield Span(match.start(), match.end(), "passport")
    for match in _FOREIGN_PASSPORT.finditer(clues.reading.folded):
        if clues.before(match.start(), reach=30) == "passport":
            yield Span(match.start(), match.end(), "passport")


def _plates(clues: Clues) -> Iterator[Span]:
    for match in _PLATE.finditer(clues.reading.folded):
        start, end = match.span()
        first, last = clues.sentence(start)
        around = clues.reading.folded[max(first, start - 40) : min(last, end + 25)]
        said = clues.before(start)
        if said in (PUBLIC - {"file", "decision", "money"}) | {"site"} or _STATE_PLATE.search(around):
            continue
        if said == "plate" or "xe" in around or re.search(r"[\-.]", match.group()) or said == "":
            yield Span(start, end, "plate")


def _certificates(clues: Clues) -> Iterator[Span]:
    folded = clues.reading.folded
    for match in _LICENCE.finditer(folded):
        yield Span(match.start(), match.end(), "professional_licence")
    for pattern in (_LAND, _LAND_REGISTER):
        for match in pattern.finditer(folded):
            if clues.before(match.start()) == "land_certificate" or (
                "giay chung nhan" in folded[max(0, match.start() - 45) : match.start()]
                and clues.before(match.start()) == ""
            ):
                yield Span(match.start(), match.end(), "land_certificate")


def _person_codes(clues: Clues) -> Iterator[Span]:
    for match in _PERSON_CODE.finditer(clues.reading.folded):
        said = clues.before(match.start(), reach=22)
        if said == "person_code" and re.search(r"\d{3}", match.group()):
            yield Span(match.start(), match.end(), "person_code")
        elif said == "professional_licence" and re.search(r"\d{4}", match.group()):
            yield Span(match.start(), match.end(), "professional_licence")


def _machines(clues: Clues) -> Iterator[Span]:
    folded = clues.reading.folded
    for match in _IPV4.finditer(folded):
        said = clues.before(match.start())
        if _is_address(match.group()) and (
            said == "ip_address"
            or (said not in PUBLIC and _is_routable(match.group()) and not _NUMBERING.search(folded[: match.start()]))
        ):
            yield Span(match.start(), match.end(), "ip_address")
    for match in _IPV6.finditer(folded):
        if _is_address(match.group()) and (":" in match.group().strip(":")) and len(match.group()) >= 9:
            yield Span(match.start(), match.end(), "ip_address")
    for match in _MAC.finditer(folded):
        if re.search("[a-f]", match.group()) or clues.before(match.start()) == "mac_address":
            yield Span(match.start(), match.end(), "mac_address")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_routable(text: str) -> bool:
    """Tell whether an address could be a household's: global and not made of the small numbers that sections and versions carry."""
    numbers = [int(part) for part in text.split(".")]
    return ip_address(text).is_global and max(numbers) >= 50 and sum(number >= 20 for number in numbers) >= 2
