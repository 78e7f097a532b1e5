"""Reads DCAT-US catalogues (`data.json`, Project Open Data 1.1) as the dataset dicts that CKAN would show.

The mapping follows https://resources.data.gov/resources/dcat-us/.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from catalogue.folding import folded
from catalogue.importing.dumps import NAMESPACE, Record
from catalogue.importing.mending import acceptable_name, short_id
from catalogue.licenses import license_of_url

_AS_EXTRAS = {
    "accrualPeriodicity": "frequency",
    "spatial": "spatial",
    "conformsTo": "conforms_to",
    "rights": "access_rights",
    "issued": "issued",
    "bureauCode": "bureau_code",
    "programCode": "program_code",
    "describedBy": "described_by",
    "isPartOf": "is_part_of",
    "dataQuality": "data_quality",
    "primaryITInvestmentUII": "primary_it_investment_uii",
    "references": "references",
    "systemOfRecords": "system_of_records",
}


def is_dcat_us(document: Any) -> bool:
    """Tell whether the document is a DCAT-US catalogue."""
    return isinstance(document, dict) and isinstance(document.get("dataset"), list)


def packages_of(document: Mapping[str, Any]) -> Iterator[Record]:
    """Yield each dataset of the catalogue; ids follow from the identifiers."""
    for item in document["dataset"]:
        if isinstance(item, dict) and (item.get("identifier") or item.get("title")):
            yield package_of(item)


def package_of(item: Mapping[str, Any]) -> Record:
    """Return one dataset; former addresses stand in `former_names`, so that they can lead on."""
    identifier = str(item.get("identifier") or item["title"])
    package_id = str(uuid.uuid5(NAMESPACE, identifier))
    contact = item.get("contactPoint") or {}
    known = license_of_url(str(item.get("license") or ""))
    return {
        "id": package_id,
        "name": name_from(str(item.get("title") or ""), identifier),
        "former_names": former_names(identifier, str(item.get("landingPage") or "")),
        "title": item.get("title"),
        "notes": item.get("description"),
        "url": item.get("landingPage"),
        "license_id": known.id if known else None,
        "maintainer": contact.get("fn"),
        "maintainer_email": _address(contact.get("hasEmail")),
        "private": item.get("accessLevel") not in (None, "public"),
        "metadata_created": item.get("issued"),
        "metadata_modified": _moment(item.get("modified")),
        "organization": organization_of(item.get("publisher") or {}),
        "tags": [{"name": word} for word in _texts(item.get("keyword"))],
        "groups": [],
        "extras": [{"key": key, "value": value} for key, value in _extras(item, identifier, known is not None).items()],
        "resources": [
            _resource(package_id, number, given) for number, given in enumerate(_dicts(item, "distribution"))
        ],
    }


def name_from(title: str, identifier: str) -> str:
    """Return a name from the title, with letters that follow from the identifier, because titles repeat."""
    slug = acceptable_name(title, identifier)
    return f"{slug[:91].strip('-')}-{short_id(identifier)}" if not slug.startswith("dataset-") else slug


def former_names(*addresses: str) -> list[str]:
    """Return the last parts of the addresses under which the old portal knew a dataset, where they can be names."""
    parts = (address.rstrip("/").rsplit("/", 1)[-1].lower() for address in addresses)
    return sorted({part for part in parts if part and part == acceptable_name(part, "")})


def organization_of(publisher: Mapping[str, Any]) -> Record | None:
    """Return the organization of a publisher; names that differ in blanks or case only are one."""
    title = " ".join(str(publisher.get("name") or "").split())
    if not title:
        return None
    key = folded(title).rstrip(".")
    name = acceptable_name(title, key)
    return {"id": str(uuid.uuid5(NAMESPACE, f"organization/{key}")), "name": name, "title": title}


def _extras(item: Mapping[str, Any], identifier: str, has_known_license: bool) -> dict[str, str]:
    extras = {"identifier": identifier}
    for key, ours in _AS_EXTRAS.items():
        if item.get(key) not in (None, "", [], {}):
            extras[ours] = _text(item[key])
    if themes := _texts(item.get("theme")):
        extras["theme"] = json.dumps(themes, ensure_ascii=False)
    if languages := _texts(item.get("language")):
        extras["language"] = json.dumps(languages)
    start, _, end = str(item.get("temporal") or "").partition("/")
    extras |= {key: value for key, value in (("temporal_start", start), ("temporal_end", end)) if value}
    if item.get("license") and not has_known_license:
        extras["source_license_url"] = _text(item["license"])
    return extras


def _resource(package_id: str, number: int, given: Mapping[str, Any]) -> Record:
    url = str(given.get("downloadURL") or given.get("accessURL") or "")
    key = f"{package_id}/{url or number}/{given.get('title') or ''}/{given.get('format') or ''}"
    resource = {
        "id": str(uuid.uuid5(NAMESPACE, key)),
        "name": given.get("title"),
        "description": given.get("description"),
        "url": url,
        "format": given.get("format") or "",
        "mimetype": given.get("mediaType"),
    }
    if given.get("downloadURL") and given.get("accessURL"):
        resource["access_url"] = given["accessURL"]
    return resource


def _address(written: Any) -> str | None:
    """Return the address of `mailto:name@example.org?subject=…`."""
    return str(written or "").removeprefix("mailto:").partition("?")[0] or None


def _moment(written: Any) -> str | None:
    """Return a time; a repeating interval (`R/P1D`) is none."""
    text = str(written or "")
    return text if text[:4].isdecimal() else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(item) for item in values if item not in (None, "")]


def _dicts(item: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    value = item.get(field) or []
    return [given for given in (value if isinstance(value, list) else [value]) if isinstance(given, dict)]
