"""Home addresses and places of homes inside texts; addresses of offices, work sites and streets are public."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.disclosure.personal.findings import Span
from publisher.disclosure.personal.texts.clues import Clues
from publisher.disclosure.personal.texts.word_sets import word_set

_NAME = r"(?:so \d{1,3}[a-z]?|[a-z][a-z']*|\d{1,2}/\d{1,2}|\d{1,3}(?=,))"
_UNIT_STOPS = r"phuong|quan (?:\d|[a-z])|xa|huyen|tp|thi tran|thanh pho|tinh|ap|to \d|khu pho|ho (?:dan|gia|ngheo|kinh)|nhan khau|hoc sinh"
_STOPS = _UNIT_STOPS + (
    r"|o|la|va|co (?:viec|nguoi|mot|con|nhieu|su|the|dieu|don)|bi|de|dien thoai|sdt|dt|so dien|cccd|email|hien (?:dang|nay|o|tai|la|ngu)|thuoc|xin|da|tu|ve|ngan hang|ubnd|cong ty|benh vien|"
    r"truong (?:hoc|thpt|thcs|tieu|mam|mau|dai|cao|trung)|gio|ngay|thang|nguoi|ho dan|ho gia|cai|lan|tuoi|trieu|ty|met|km|m2|can nha|cay|xe|don|"
    r"hoc sinh|tiet|trang|phut|giay|nhan khau|truong hop|hop|chiec|loai|nhom|muc|tren|duoi|trong|khi|nhung|hoac|hay|voi|cmnd|cmt|can cuoc|"
    r"ho chieu|hktt|cua|cung|duoc|khong|dang|tai|toi|ngan|nghin|thanh vien|dai bieu|lien he|lien lac|gap|goi|nho|yeu cau|de nghi"
)
"""Words that end a street's name: units always, everyday words only where capitals do not tell."""
_NUMBER = r"\d{1,4}(?:bis|ter|[a-z]{0,2})(?:[/\-]\d{1,4}[a-z]{0,2}){0,6}"
_UNIT_WORD = r"(?:to|khu pho|kp|ap|thon|xom|khu|hem|lang|buon)\.? *(?:so )?"
_WAY = r"(?:(?:duong|pho|hem|ngo|ngach|kiet|d\.|to lo) +)"
_TOWER = r"(?:chung cu|cc|toa nha|toa) [a-z0-9][a-z0-9' ]{1,30}(?:, *(?:block|toa|lo|thap|tang|lau|can(?: ho)?|phong)(?: so)? *[a-z0-9.\-]+){1,3}"
_FLAT = r"(?:can ho|can|phong|p\.|ch)(?: so)? *[a-z]{0,3}[.\-]?\d{1,4}(?:[.\-/]\d{1,4})?[a-z]?,?(?: *(?:tang|lau|block|lo|toa|thap|khu) *[a-z0-9]{1,4},?)* +(?:chung cu|cc|toa nha|toa|khu tap the|ktt|cu xa|khu nha tro|nha tro|ky tuc xa|ktx)(?: [a-z0-9][a-z0-9']*){1,4}"
_UNIT = (
    r"(?:(?:to(?: dan pho)?|khu pho|kp|khu|doi|hem|ngo|ngach|kiet|lo|block|khu vuc|kv|ap|thon|xom|buon|ban|lang)\.? *(?:so )?\d{1,4}[a-z]?(?:/\d{1,3})*"
    r"|(?:ap|thon|xom|buon|lang) [a-z]+(?: [a-z]+){0,2}?(?: \d{1,2})?(?=,))"
)
_TOWNS = (
    "hcm|tphcm|tp\\.? ?hcm|tp\\. ho chi minh|ho chi minh|sai gon|ha noi|sg|hn|thu duc|bien hoa|tan binh|binh thanh|go vap|phu nhuan|tan phu|binh tan|binh chanh|hoc mon|"
    "cu chi|nha be|can gio|binh duong|dong nai|long an|da nang|can tho|hai phong|hue|vung tau|thu dau mot|di an|thuan an|viet nam"
)
_WARD = (
    r"(?:(?:phuong|xa|thi tran|quan|huyen|thi xa|thanh pho|tinh|tp|tx|tt|p|q|x|h)\b\.? *(?:\d{1,2}\b|[a-z][a-z']*(?: (?!(?:o|la|va|co|bi|dien thoai|sdt|so|hien|thuoc|"
    r"xin|da|tu|ve|thi|de|den|phan anh|toi|email|nho|cho|trong|xay|gap|khieu nai|to cao|lien he|bao|cung|vao|nen|khong|dang|vua|nop|lam|yeu cau|de nghi)\b)[a-z']+){0,3}))"
    rf"|(?:{_TOWNS})\b"
)


def _whole(stops: str) -> re.Pattern[str]:
    street = rf"(?!(?:{stops})\b){_NAME}(?: (?!(?:{stops})\b)[a-z][a-z']*){{0,4}}"
    house = (
        rf"(?:(?:so nha|nha so|(?<![^gmu] tru )so|sn) *:? *)?(?<![\d./,\-:a-z])(?<!\d ){_NUMBER}"
        rf"(?:,? +(?={_UNIT_WORD}(?:\d|[a-z]))(?:{_UNIT})|,? +(?:(?:hem|ngo|ngach|kiet) \d{{1,4}}(?:/\d+)*,? +)*(?:{_WAY}(?:so )?)*{street})"
    )
    rest = rf"(?:(?: *[,\-] *| +)(?:{_UNIT}|{_WARD}|{_WAY}{street}))"
    return re.compile(rf"(?<![\w/.])(?:{house}|{_FLAT}|{_TOWER}|{_UNIT}(?= *[,\-] )){rest}*")


_WHOLE, _WHOLE_EVEN = _whole(_UNIT_STOPS), _whole(_STOPS)
_LEADING = re.compile(r"[a-z]+|\d+|.", re.DOTALL)
_LETTERS = re.compile(r"[a-z]+")
_SMALL = word_set("address")
_OWN_WORDS = re.compile(r"\b(?:so|nha|sn)\b")
_HOUSE = re.compile(rf"(?:(?:so nha|nha so|so|sn) *:? *)?{_NUMBER}")
_PARTS = re.compile(rf"(?: *[,\-] *| +)(?:{_UNIT}|{_WARD})")
_HOME = re.compile(
    r"\b(?:thuong tru|tam tru|cu tru|tru tai|dang tru|cu ngu|ngu tai|ngu|song tai|sinh song tai|sinh song o|song o|o tai|o so|dang o|hien o|o tro|tro tai|thue tro|nha o|nha rieng|nha toi|nha em|nha minh|nha chau|"
    r"nha (?:ong|ba|anh|chi|co|chu|bac)|noi o|cho o|ho khau|hktt|dktt|dia chi nha|dia chi thuong tru|dia chi tam tru|dia chi lien he|dia chi lien lac|dia chi hien tai|dc nha|nha so|so nha|que quan|nguyen quan|o nha|can nha|gia dinh toi|toi o|em o|minh o|"
    r"ve nha|den nha|tai nha|giao den|giao hang|ship|chuyen den|noi cu tru|cho o hien nay|noi dang ky|o \d|dia chi cua (?:toi|em|minh|ong|ba))\b"
)
_NEUTRAL = re.compile(r"\b(?:dia chi|d/c|dc|d\.c|o|tai)\b *:?")
_PUBLIC = re.compile(
    r"\b(?:(?<!thuong )(?<!tam )(?<!cu )tru so|co quan|cong ty|cty|van phong|ubnd|uy ban|cong an|truong|benh vien|tram|nha hang|quan an|quan ca phe|quan nhau|quan cafe|quan karaoke|quan bar|karaoke|tiem|cua hang|chi nhanh|sieu thi|cho|cong vien|truoc so|truoc nha so|doi dien|gan so|gan nha so|canh so|ben canh|"
    r"doan|tu so|den so|giua|nga tu|nga ba|giao lo|goc|ho ga|nap cong|cong trinh|cay xanh|tru den|cot dien|o ga|nha van hoa|trung tam|chua|nha tho|cay xang|ngan hang|khach san|san bong|diem|hoi truong|bo phan|phong kham|nha thuoc|"
    r"so (?:y te|giao duc|tai nguyen|noi vu|cong thuong|xay dung|tu phap|van hoa|khoa hoc|tai chinh|giao thong|nong nghiep|thong tin)|chi cuc|cuc|kho bac|toa an|thu vien|bao tang|khu vuc truoc|via he truoc|via he|long duong|mat duong|thi cong|cong truong|vo ong|rac tai|ngap)\b"
)
_COUNTED = re.compile(
    r"(?:\b(?:nam|thang|ngay|sinh|lop|khoi|khoa|ma|luc|khoang|tong|gom|co|la|duoc|trong|cong van|dieu|khoan|diem|muc|trang|quan|phuong|to|khu pho|hon|gan|tren|duoi|du|them|con|stk|dot|lan|ky|quy|phong|ban|tang|so tien|sn|ns)|\d|p\.|q\.) *$"
)
_AT_SITE = re.compile(
    r"\b(?:truoc|gan|doi dien|canh|ben|khu vuc|doan|tu|den|truoc cua|phia truoc|sau|ngang) *(?:nha )?(?:so )?$"
)
_PERSONS = re.compile(
    r"\b(?:toi|em|minh|chau|ong|ba|anh|(?<!dia )chi|co|chu|bac|sinh|cccd|cmnd|sdt|dien thoai|benh nhan|hoc sinh|ho ten|ho va ten|chu ho)\b"
)
_NORTH, _EAST = r"(?:8|9|1\d|2[0-3])", "10[2-9]"
"""Whole degrees inside the country."""
_FRACTION, _MINUTES = r"[.]\d{3,8}", r" ?° ?\d{1,2} ?['’′] ?\d{1,2}(?:[.,]\d+)? ?[\"”″']* ?"
_COORDINATES = re.compile(
    rf"(?<![\d.]){_NORTH}{_FRACTION}°?\s*[n]?\s*[,;/\- ]\s*(?:kinh do|long|lng|lon|kd)?[ :=]*{_EAST}{_FRACTION}°?e?(?![\d])"
)
_DEGREES = re.compile(rf"(?<!\d){_NORTH}{_MINUTES}[nb]?[ ,;]+{_EAST}{_MINUTES}[ed]?")
_SWAPPED = re.compile(
    rf"(?<![\d.]){_EAST}{_FRACTION}°?\s*[e]?\s*[,;/ ]\s*(?:vi do|lat|vd)?[ :=]*{_NORTH}{_FRACTION}(?![\d])"
)
_ASSET = re.compile(
    r"\b(?:tram|cay|tru|cot|cong|ho ga|camera|ben xe|den|diem (?:ngap|trung chuyen|do|quan trac|thu gom|ban)|cong vien|truong|benh vien|ubnd|moc|tram xe buyt|cau|nha ve sinh|thung rac|quan trac|cong trinh|du an|tuyen|nut|chot|bang|bien bao|tam ban do|goc|moc gioi)\b"
)
_HOME_PLACE = re.compile(
    r"\b(?:nha|noi o|cho o|toi|em|gia dinh|ho ong|ho ba|chu ho|benh nhan|ong|ba|anh|chi|nan nhan|xe cua)\b"
)


def addresses_in(clues: Clues, people: list[Span]) -> Iterator[Span]:
    """Yield home addresses; `people` are names found in the same text, which make an address after them a home's."""
    folded = clues.reading.folded
    whole = _WHOLE_EVEN if clues.reading.even else _WHOLE
    place = 0
    while match := whole.search(folded, place):
        start = match.start()
        end = _written(clues, start, _trimmed(folded, start, match.end()))
        if end - start >= 8 and _is_a_home(clues, people, start, end):
            yield Span(start, end, "address")
            place = end
        else:  # an address may begin inside what was none
            place = start + len(_LEADING.match(folded, start).group())  # type: ignore[union-attr]


def places_in(clues: Clues) -> Iterator[Span]:
    """Yield coordinates unless the words before them are a public asset's."""
    folded = clues.reading.folded
    for pattern in (_COORDINATES, _SWAPPED, _DEGREES):
        for match in pattern.finditer(folded):
            first, _ = clues.sentence(match.start())
            before = folded[max(first, match.start() - 90) : match.start()]
            asset, home = _last(_ASSET, before), _last(_HOME_PLACE, before)
            if asset < 0 or home > asset:
                yield Span(match.start(), match.end(), "coordinates")


def _is_a_home(clues: Clues, people: list[Span], start: int, end: int) -> bool:
    folded = clues.reading.folded
    labelled = re.search(r"\b(?:dia chi|d/c|dc)[^\n.;]{0,16}$", folded[max(0, start - 24) : start])
    first = max(0 if labelled else folded.rfind("\n", 0, start) + 1, start - 150)
    if not labelled:
        first = max([first, *(end for end in clues.reading.sentence_ends if end <= start and folded[end - 1] != ";")])
    before = folded[first:start]
    home, public = _last(_HOME, before + folded[start : start + 9]), _last(_PUBLIC, before)
    person = max([span.end - first for span in people if first <= span.start and span.end <= start], default=-1)
    person = max(person, _last(_PERSONS, before) if _NEUTRAL.search(before[-12:]) else -1)
    own = re.match(r"(?:so nha|nha so|can ho)", folded[start:end])
    if _AT_SITE.search(before) or (folded[start].isdigit() and _COUNTED.search(before)):
        return False
    if home >= 0 or person >= 0:
        return max(home, person) > public
    if public >= 0:
        return False
    house = _HOUSE.match(folded[start:end])
    parts = len(_PARTS.findall(folded[start:end]))
    nested = bool(house and "/" in house.group())
    if own or nested:
        return parts >= 1
    return bool(house) and parts >= 2 and not re.search(r"\b(?:tai|o) *$", before)


def _written(clues: Clues, start: int, end: int) -> int:
    """Return where an address ends: before the first small word that is no unit's, where capitals tell; start for no address."""
    folded = clues.reading.folded
    for word in _LETTERS.finditer(folded, start, end):
        small = clues.reading.text[word.start()].islower() and word.start() and not folded[word.start() - 1].isdigit()
        if small and not clues.reading.even and word.group() not in _SMALL:
            end = _trimmed(folded, start, word.start())
            break
    inside = folded[start:end]
    year = re.match(r"sn *:? *(?:19|20)\d{2}\b", inside)
    return start if year or not re.search(r"[a-z]{2}", _OWN_WORDS.sub("", inside)) else end


def _trimmed(folded: str, start: int, end: int) -> int:
    while end > start and folded[end - 1] in " ,-.":
        end -= 1
    return end


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Return where the last match ends; -1 for none."""
    return max((match.end() for match in pattern.finditer(text)), default=-1)
