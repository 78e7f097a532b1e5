"""`data.json`: the catalogue in the words of DCAT-US 1.1, https://resources.data.gov/resources/dcat-us/.

The codes of bureaus and programs of the United States do not exist here and are left out, as the standard has it for
non-federal publishers.
"""

from __future__ import annotations

from typing import Any

from catalogue.tongues.described import DescribedDataset, File, Period, Place, Portal
from catalogue.tongues.terms import find_frequency

SCHEMA = "https://project-open-data.cio.gov/v1.1/schema"


def catalog_head(portal: Portal, address: str) -> dict[str, Any]:
    """Return everything of the document but its datasets, which stand last under `dataset`."""
    return {
        "@context": f"{SCHEMA}/catalog.jsonld",
        "@id": address,
        "@type": "dcat:Catalog",
        "conformsTo": SCHEMA,
        "describedBy": f"{SCHEMA}/catalog.json",
        "title": portal.title,
    }


def dataset_to_dcat_us(dataset: DescribedDataset, portal: Portal) -> dict[str, Any]:
    """Return the dataset; the standard has one language, so the portal's."""
    publisher = dataset.publisher.title.local if dataset.publisher else portal.title
    frequency = find_frequency(dataset.frequency)
    described = {
        "@type": "dcat:Dataset",
        "identifier": dataset.uri,
        "title": dataset.title.written_in(portal.locale),
        "description": dataset.description.written_in(portal.locale),
        "keyword": list(dataset.keywords) or [theme.title.local for theme in dataset.themes if theme.title.local],
        "modified": dataset.modified[:10],
        "issued": dataset.issued[:10],
        "publisher": {"@type": "org:Organization", "name": publisher},
        "contactPoint": _contact(dataset, publisher),
        "accessLevel": "non-public" if dataset.is_private else "public",
        "license": dataset.licence.url,
        "spatial": _spatial(dataset.place),
        "temporal": _temporal(dataset.period),
        "accrualPeriodicity": frequency.iso if frequency else "",
        "conformsTo": next(iter(dataset.conforms_to), ""),
        "landingPage": dataset.page,
        "references": [dataset.source_page] if dataset.source_page else [],
        "language": list(dataset.languages),
        "theme": [theme.title.local or theme.uri for theme in dataset.themes],
        "describedBy": f"{dataset.page}/datapackage.json" if dataset.release else "",
        "describedByType": "application/json" if dataset.release else "",
        "distribution": [_distribution(file, portal) for file in dataset.files],
    }
    return {key: value for key, value in described.items() if value not in ("", [], {})}


def _contact(dataset: DescribedDataset, publisher: str) -> dict[str, str]:
    contact = {"@type": "vcard:Contact", "fn": dataset.contact or publisher}
    return contact | ({"hasEmail": f"mailto:{dataset.contact_email}"} if dataset.contact_email else {})


def _spatial(place: Place) -> str:
    if place.box:
        return ",".join(f"{degree:g}" for degree in place.box)
    return place.name.local or place.uri


def _temporal(period: Period) -> str:
    """Return an interval of ISO 8601; it needs both ends."""
    return f"{period.start.isoformat()}/{period.end.isoformat()}" if period.start and period.end else ""


def _distribution(file: File, portal: Portal) -> dict[str, str]:
    described = {
        "@type": "dcat:Distribution",
        "title": file.title.written_in(portal.locale),
        "description": file.description.written_in(portal.locale),
        "format": file.format,
        "mediaType": file.media_type if file.download_url else "",
        "downloadURL": file.download_url,
        "accessURL": "" if file.download_url else file.access_url,
    }
    return {key: value for key, value in described.items() if value}
