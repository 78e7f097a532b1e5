"""Detectors of where people live: home addresses, and coordinates of homes."""

from __future__ import annotations

from publisher.disclosure.personal.columns import Column
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.words import any_of

_HOUSE = r"^(?:so (?:nha )?|nha (?:so )?|sn )?[a-z]?\d{1,5}[a-z]{0,2}\d?(?:[/\-.]\d{1,4}[a-z]?)*(?:/\d+)?[, ]+(?:duong |d\. ?)?(?:[a-z]{2,}|\d{1,2} ?,)"
_ALLEY = r"^(?:so (?:nha )?|nha )?\d{1,4}[a-z]?/\d|\b(?:hem|ngo|ngach|kiet) \d"
_UNITS = r"(?:^|, ?|- ?| )(?:xa|phuong|p\.?|tt\.?|thi tran) ?[^,]{1,30}[,\-] *(?:huyen|quan|q\.?|h\.?|tp\.?|thi xa|tx\.?|thanh pho|tinh)"
_PUBLIC = r"(?:^|[,(] ?|[-–] )(?:cong ty|cty|ubnd|uy ban|benh vien|tram y te|truong (?:th|tieu|mam|mau|dai|cao|trung|hoc|pt)|chi nhanh|van phong|trung tam|sieu thi|nha van hoa|tru so|cong an|chi cuc|kho bac|ban quan ly|toa nha|khach san|nha thuoc|phong kham|so [a-z]+ [a-z]+ )"  # fmt: skip
_SITE = r"^(?:truong|duong|doan|nga|cau|cho|cong vien|tuyen|goc|giao lo|nut giao|vong xoay|truoc|doi dien|khu vuc)\b"
_LATITUDE = r"^(?:[89]|1\d|2[0-3])\.\d{3,}$"
_LONGITUDE = r"^10[2-9]\.\d{3,}$"
_PAIR = r"^\(?\[?(?:lat:? ?)?(?:[89]|1\d|2[0-3])\.\d{2,} ?[,; ] ?(?:lon:? ?|lng:? ?)?10[2-9]\.\d{2,}|10[2-9]\.\d{2,} ?[,; ] ?(?:[89]|1\d|2[0-3])\.\d{2,}"
_METRES = r"^\d{6,7}(?:\.\d+)?$"


def address(column: Column) -> Finding | None:
    """Detect home addresses: house numbers followed by words, and no word of a public place or an organisation."""
    house = column.matches(_HOUSE, column.folded) & ~column.matches(r"^[\d\s./\-]+$", column.folded)
    home = column.matches(any_of("residential_words.txt"), column.folded)
    public = column.matches(_PUBLIC, column.folded) | column.matches(_SITE, column.folded)
    alley = column.matches(_ALLEY, column.folded) | home & column.matches(r"\d")
    alley &= column.matches("[a-z]{2,}", column.folded)
    share, homely = column.share((house | home | alley) & ~public), column.share(alley & ~public)
    at_home = column.says("home") and column.says("address")
    if (column.says("public_address", "office") and not at_home) or column.share(public) > 0.5:
        return None
    if column.says("address"):
        within = share if not at_home else max(share, column.share(column.matches(_UNITS, column.folded) & ~public))
        fires, share = within >= 0.2 and column.distinct >= 3, within
    elif column.says("place"):  # streets and wards repeat and carry no numbers; a list of houses is no list of places
        fires = share >= 0.5 and column.distinctness >= 0.3 and column.distinct >= 20
    elif column.says("thing", "code", "organisation", "other_date"):
        fires = False
    else:
        fires = share >= 0.5 and homely >= 0.2 and column.distinctness >= 0.3 and column.distinct >= 5
    return Finding(column.name, "address", round(share, 4), 0.9, "house numbers before street names") if fires else None


def coordinates(column: Column, *, of_people: bool = False) -> Finding | None:
    """Detect coordinates of homes: by a name that speaks of people or homes, or in a table about people; never of public assets."""
    if column.says("public_asset", "organisation"):
        return None
    homes = column.says("home", "full_name", "person_code")
    said = column.says("coordinates")
    if not ((homes and (said or column.says("address"))) or (of_people and said)):
        return None
    found = (
        column.matches(_PAIR) | column.matches(_LATITUDE, column.compact) | column.matches(_LONGITUDE, column.compact)
    )
    if said:
        found |= column.matches(_METRES, column.compact)
    share = column.share(found)
    if share < 0.5 or column.distinct < 3:
        return None
    reason = "degrees inside the country, and the name speaks of homes" if homes else "degrees in a table about people"
    return Finding(column.name, "coordinates", round(share, 4), 0.85 if homes else 0.7, reason)
