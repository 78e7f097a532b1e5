"""Reads a shown package into the record that all tongues write: `package_to_description`, a pure mapping."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from itertools import chain
from typing import Any
from urllib.parse import quote

from catalogue.tongues.described import (
    NO_WORDS,
    Checksum,
    DescribedDataset,
    File,
    Licence,
    Party,
    Period,
    Place,
    Portal,
    Surroundings,
    Theme,
    Words,
)
from catalogue.tongues.terms import AUTHORITY, find_language
from catalogue.tongues.words import words_of

Dictionary = Mapping[str, Any]

SERIES_TYPE = "dataset_series"
_MEDIA_TYPES = {
    "CSV": "text/csv",
    "JSON": "application/json",
    "GEOJSON": "application/geo+json",
    "PDF": "application/pdf",
}
_PUBLIC, _NON_PUBLIC = f"{AUTHORITY}/access-right/PUBLIC", f"{AUTHORITY}/access-right/NON_PUBLIC"
_HASH_LENGTHS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_WEB = re.compile(r"(https?|ftp)://[^\s/]+", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_ALONE = Surroundings()
_NOT_IN_XML = dict.fromkeys((*(n for n in range(32) if chr(n) not in "\t\n\r"), 0xFFFE, 0xFFFF))


def package_to_description(package: Dictionary, portal: Portal, around: Surroundings = _ALONE) -> DescribedDataset:
    """Return the record of a dataset; absent parts are empty, and what cannot be read counts as absent.

    Args:
        package: the dict as `package_show` gives it.
        portal: where it is shown.
        around: what the dict does not say of itself.
    """
    package = _cleaned(package)
    extras = extras_of(package)
    uri, page = dataset_uri(package, portal), f"{portal.url}/dataset/{quote(str(package['name']))}"
    title = _told(package, extras, "title", portal) or Words(str(package["name"]))
    summary = release_summary(extras)
    release, rights = extras.get("release", ""), extras.get("access_rights", "").strip()
    is_private = bool(package.get("private")) or package.get("state", "active") != "active"
    return DescribedDataset(
        id=str(package["id"]),
        name=str(package["name"]),
        uri=uri,
        page=page,
        is_series=package.get("type") == SERIES_TYPE,
        is_private=is_private,
        identifier=extras.get("identifier") or str(package["id"]),
        title=title,
        description=_told(package, extras, "notes", portal) or title,
        issued=str(package.get("metadata_created") or ""),
        modified=str(package.get("metadata_modified") or ""),
        source_page=web_address(package.get("url"), portal),
        keywords=tuple(str(tag["name"]) for tag in package.get("tags") or []),
        themes=_themes(package, extras, portal, around),
        languages=_languages(extras, portal, title),
        publisher=_publisher(package, portal, around),
        contact=str(package.get("maintainer") or package.get("author") or ""),
        contact_email=str(package.get("maintainer_email") or package.get("author_email") or portal.contact),
        licence=_licence(package, portal),
        access_rights=_NON_PUBLIC if is_private else web_address(rights, portal) or ("" if rights else _PUBLIC),
        rights=rights,
        frequency=extras.get("frequency", ""),
        place=_place(extras),
        period=Period(
            _day(extras.get("temporal_start")), _day(extras.get("temporal_end")) or _day(summary.get("as_of"))
        ),
        conforms_to=tuple(web_addresses(extras.get("conforms_to"))),
        provenance=_told({}, extras, "provenance", portal),
        schema_version=str(package.get("version") or ""),
        release=release,
        notes=change_notes(summary, portal.locale),
        query_url=f"{portal.url}/query/{quote(str(package['name']))}" if release else "",
        files=tuple(
            _file(resource, package, portal)
            for resource in package.get("resources") or []
            if resource.get("release") not in around.withdrawn
        ),
        series=tuple(around.series),
        releases=tuple(around.releases),
        tables=tuple(around.tables),
    )


def dataset_uri(package: Dictionary, portal: Portal) -> str:
    """Return the address that names the dataset for ever: its own, when it came with one, else made of its id."""
    own = extras_of(package).get("uri")
    kind = SERIES_TYPE if package.get("type") == SERIES_TYPE else "dataset"
    return web_address(own, portal) or f"{portal.url}/{kind}/{package['id']}"


def extras_of(package: Dictionary) -> dict[str, str]:
    """Return the extras by key."""
    return {str(extra["key"]): str(extra["value"]) for extra in package.get("extras") or []}


def web_address(written: object, portal: Portal) -> str:
    """Return an absolute web address with everything quoted that RDF does not allow in one; empty when it is none."""
    text = str(written or "").strip()
    absolute = f"{portal.url}{text}" if text.startswith("/") and not text.startswith("//") else text
    return quote(absolute, safe=":/?#[]@!$&'()*+,;=%~") if _WEB.match(absolute) else ""


def listed(written: str | None) -> list[str]:
    """Return the words of a text: a JSON list, or words between blanks and commas."""
    found = _json(written)
    return [str(word) for word in found] if isinstance(found, list) else re.findall(r"[^\s,]+", written or "")


def web_addresses(written: str | None) -> list[str]:
    """Return the web addresses among the words of a text."""
    return [quote(word, safe=":/?#[]@!$&'()*+,;=%~") for word in listed(written) if _WEB.match(word)]


def release_summary(extras: Mapping[str, str]) -> dict[str, Any]:
    """Return what the publisher told of the current release; empty when it cannot be read."""
    return _json_object(extras.get("release_summary"))


def change_notes(summary: Dictionary, locale: str, *, latest: str = "") -> Words:
    """Return what a release summary says of the rows that changed, of a new major version and of a correction.

    Args:
        summary: as the publisher told it; what it does not tell is left out.
        locale: of the portal.
        latest: address below which the current files of the dataset lie, with a slash at its end.
    """
    notes = [_count_notes(summary, locale), _major_notes(summary, locale, latest), _correction_notes(summary, locale)]
    told = [note for note in notes if note]
    return Words(" ".join(note.local for note in told), " ".join(note.english for note in told))


def _major_notes(summary: Dictionary, locale: str, latest: str) -> Words:
    majors = summary.get("majors")
    if summary.get("version_level") != "major" or not isinstance(majors, list) or not majors:
        return NO_WORDS
    old = majors[0]
    values = {"version": summary.get("version"), "old": old.get("version"), "sunset": str(old.get("sunset"))[:10]}
    return words_of("new_major", locale, address=f"{latest}v{old.get('major')}/", **values)


def _correction_notes(summary: Dictionary, locale: str) -> Words:
    corrects = summary.get("corrects")
    if not isinstance(corrects, Mapping):
        return NO_WORDS
    return words_of("corrects", locale, release=corrects.get("release"), note=corrects.get("note"))


def _count_notes(summary: Dictionary, locale: str) -> Words:
    changes = summary.get("changes")
    counts = {key: changes.get(key) for key in ("added", "removed", "changed")} if isinstance(changes, Mapping) else {}
    known = {key: count for key, count in counts.items() if isinstance(count, int)}
    return words_of("changes", locale, **known) if len(known) == len(("added", "removed", "changed")) else NO_WORDS


def _cleaned(value: Any) -> Any:
    """Return JSON without the characters that XML cannot hold, such as a form feed from somebody's PDF."""
    if isinstance(value, str):
        return value if value.isprintable() else value.translate(_NOT_IN_XML)
    if isinstance(value, Mapping):
        return {key: _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list) else value


def _told(package: Dictionary, extras: Mapping[str, str], key: str, portal: Portal) -> Words:
    """Return a text of the dataset: `<key>_translated` goes before `<key>` and the extra `<key>_en`."""
    told = package.get(f"{key}_translated")
    translated = told if isinstance(told, Mapping) else _json_object(extras.get(f"{key}_translated"))
    local = translated.get(portal.locale) or package.get(key) or extras.get(key) or ""
    return Words(str(local).strip(), str(translated.get("en") or extras.get(f"{key}_en") or "").strip())


def _publisher(package: Dictionary, portal: Portal, around: Surroundings) -> Party | None:
    owner = package.get("organization")
    if not owner:
        return None
    uri = f"{portal.url}/organization/{owner['id']}"
    title = Words(str(owner.get("title") or owner["name"]), around.english.get(str(owner["id"]), ""))
    return Party(id=str(owner["id"]), name=str(owner["name"]), uri=uri, title=title)


def _themes(package: Dictionary, extras: Mapping[str, str], portal: Portal, around: Surroundings) -> tuple[Theme, ...]:
    groups = (
        Theme(
            uri=f"{portal.url}/group/{group['id']}",
            title=Words(str(group.get("title") or group["name"]), around.english.get(str(group["id"]), "")),
            name=str(group["name"]),
        )
        for group in package.get("groups") or []
    )
    return (*groups, *(Theme(uri) for uri in web_addresses(extras.get("theme"))))


def _languages(extras: Mapping[str, str], portal: Portal, title: Words) -> tuple[str, ...]:
    """Return the codes of the languages; where nobody told, the portal's, and English when the title has it."""
    told = [code for word in listed(extras.get("language")) if (code := find_language(word))]
    default = [portal.locale, *(["en"] if title.english else [])]
    return tuple(dict.fromkeys(told or [code for word in default if (code := find_language(word))]))


def _licence(package: Dictionary, portal: Portal) -> Licence:
    return Licence(
        id=str(package.get("license_id") or ""),
        title=str(package.get("license_title") or ""),
        url=web_address(package.get("license_url"), portal),
        is_open=bool(package.get("isopen")),
    )


# ---- where and when ------------------------------------------------------------------------------------------------


def _place(extras: Mapping[str, str]) -> Place:
    written = extras.get("spatial", "")
    name = Words(extras.get("spatial_text") or extras.get("spatial-text") or "", extras.get("spatial_text_en", ""))
    if addresses := web_addresses(written):
        return Place(name=name, uri=addresses[0])
    geometry = _json_object(written)
    box = _box(geometry)
    if box is None:
        return Place(name=name or Words("" if geometry else written.strip()))
    return Place(name=name, box=box)


def _box(geometry: Dictionary) -> tuple[float, float, float, float] | None:
    """Return the box around a GeoJSON geometry, null when it has no proper coordinates in degrees."""
    points = list(_points(geometry.get("coordinates")))
    if not points:
        return None
    longitudes, latitudes = [x for x, _ in points], [y for _, y in points]
    box = (min(longitudes), min(latitudes), max(longitudes), max(latitudes))
    fits = -180 <= box[0] <= box[2] <= 180 and -90 <= box[1] <= box[3] <= 90
    return box if fits else None


def _points(coordinates: Any) -> list[tuple[float, float]]:
    """Return the points of nested coordinates; nesting deeper than GeoJSON's is nothing."""
    level = coordinates if isinstance(coordinates, list) else []
    for _ in range(5):
        if len(level) >= 2 and all(isinstance(number, (int, float)) for number in level[:2]):
            return [(float(level[0]), float(level[1]))]
        if level and all(_is_point(item) for item in level):
            return [(float(item[0]), float(item[1])) for item in level]
        level = list(chain.from_iterable(item for item in level if isinstance(item, list)))
    return []


def _is_point(item: Any) -> bool:
    return isinstance(item, list) and len(item) >= 2 and all(isinstance(number, (int, float)) for number in item[:2])


def _day(written: object) -> date | None:
    """Return the day of an ISO text; a year or a month alone begins on its first day."""
    found = _DAY.match(str(written or ""))
    try:
        return date(*(int(part or 1) for part in found.groups())) if found else None
    except ValueError:
        return None


# ---- files ---------------------------------------------------------------------------------------------------------


def _file(resource: Dictionary, package: Dictionary, portal: Portal) -> File:
    uri = f"{portal.url}/dataset/{package['id']}/resource/{resource['id']}"
    url = web_address(resource.get("url"), portal)
    checksum = _checksum(resource)
    is_file = bool(url) and (checksum is not None or resource.get("url_type") == "upload")
    name = str(resource.get("name") or resource.get("format") or resource["id"])
    title = Words(name, str(resource.get("name_en") or ""))
    description = Words(str(resource.get("description") or ""), str(resource.get("description_en") or ""))
    return File(
        id=str(resource["id"]),
        uri=uri,
        title=title,
        description=description or title,
        format=str(resource.get("format") or ""),
        media_type=str(resource.get("mimetype") or _MEDIA_TYPES.get(str(resource.get("format") or "").upper(), "")),
        is_gzip=str(resource.get("compression") or "") in {"gz", "gzip"} or url.endswith(".csv.gz"),
        access_url=url or uri,
        download_url=url if is_file else "",
        size_bytes=_natural(resource.get("size")),
        checksum=checksum if url else None,
        issued=str(resource.get("created") or ""),
        modified=str(resource.get("last_modified") or resource.get("metadata_modified") or ""),
        table=str(resource.get("table") or ""),
        rows=_natural(resource.get("rows")),
        is_queryable=bool(resource.get("datastore_active")),
    )


def _checksum(resource: Dictionary) -> Checksum | None:
    """Return the hash, when its text is hex of a length that tells the algorithm, and nothing said contradicts it."""
    algorithm, _, value = str(resource.get("hash") or "").casefold().rpartition(":")
    told = algorithm or str(resource.get("hash_algorithm") or "").casefold()
    known = _HASH_LENGTHS.get(len(value)) if re.fullmatch(r"[0-9a-f]+", value) else None
    if known is None or told.replace("-", "") not in {"", known}:
        return None
    return Checksum(known, value)


def _natural(value: object) -> int | None:
    return int(str(value)) if re.fullmatch(r"\d{1,18}", str(value)) else None


def _json_object(written: object) -> dict[str, Any]:
    found = _json(written)
    return found if isinstance(found, dict) else {}


def _json(written: object) -> Any:
    if not (isinstance(written, str) and written.lstrip()[:1] in {"{", "["}):
        return None
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None
