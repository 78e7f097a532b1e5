"""schema.org descriptions for search engines: https://schema.org/Dataset, DataCatalog and BreadcrumbList."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalogue.tongues.described import DescribedDataset, File, Place, Portal
from catalogue.tongues.words import words_of

CONTEXT = "https://schema.org/"
SHORTEST_DESCRIPTION, LONGEST_DESCRIPTION = 50, 5000  # characters that Google Dataset Search takes


def dataset_to_schema_org(dataset: DescribedDataset, portal: Portal, language: str) -> dict[str, Any]:
    """Return the dataset as JSON-LD with its texts in one language."""
    publisher = dataset.publisher
    agency = publisher and _organization(publisher.uri, publisher.title.written_in(language))
    described = {
        "@context": CONTEXT,
        "@type": "Dataset",
        "@id": dataset.uri,
        "url": dataset.page,
        "sameAs": dataset.source_page,
        "name": dataset.title.written_in(language),
        "alternateName": dataset.title.english if language != "en" else dataset.title.local,
        "description": describe_at_length(dataset, portal, language),
        "identifier": dataset.identifier,
        "inLanguage": list(dataset.languages),
        "keywords": [*dataset.keywords, *(theme.title.written_in(language) for theme in dataset.themes if theme.title)],
        "license": dataset.licence.url or dataset.licence.title,
        "isAccessibleForFree": True,
        "version": dataset.release or dataset.schema_version,
        "datePublished": dataset.issued[:10],
        "dateModified": dataset.modified[:10],
        "creator": agency,
        "publisher": agency,
        "spatialCoverage": place_to_schema_org(dataset.place, language),
        "temporalCoverage": _temporal(dataset),
        "includedInDataCatalog": {"@type": "DataCatalog", "name": portal.title, "url": f"{portal.url}/"},
        "variableMeasured": _variables(dataset, language),
        "distribution": [_download(file, language) for file in dataset.files],
    }
    return {key: value for key, value in described.items() if value not in (None, "", [], {})}


def catalog_to_schema_org(portal: Portal, language: str) -> dict[str, Any]:
    """Return the portal as a data catalogue with its search."""
    return {
        "@context": CONTEXT,
        "@type": "DataCatalog",
        "@id": f"{portal.url}/",
        "url": f"{portal.url}/",
        "name": portal.title,
        "description": portal.description or portal.title,
        "inLanguage": language,
        "potentialAction": {
            "@type": "SearchAction",
            "target": f"{portal.url}/dataset?q={{search_term_string}}",
            "query-input": "required name=search_term_string",
        },
    }


def breadcrumbs_to_schema_org(trail: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return where a page stands: pairs of name and address, from the home page on."""
    return {
        "@context": CONTEXT,
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": n, "name": name, "item": address}
            for n, (name, address) in enumerate(trail, start=1)
        ],
    }


def describe_at_length(dataset: DescribedDataset, portal: Portal, language: str) -> str:
    """Return the description within the lengths that search engines take: a short one is told at more length."""
    text = dataset.description.written_in(language)
    if len(text) < SHORTEST_DESCRIPTION:
        publisher = dataset.publisher.title if dataset.publisher else portal.title
        more = words_of("published_by", portal.locale, title=dataset.title, publisher=publisher)
        rows = " ".join(table.row.written_in(language) for table in dataset.tables)
        text = " ".join(filter(None, (text, rows, more.written_in(language))))
    if len(text) < SHORTEST_DESCRIPTION:
        text = f"{text} {portal.title}: {dataset.page}"
    return text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 1]}…"


def place_to_schema_org(place: Place, language: str) -> dict[str, Any] | None:
    """Return where the data is about; null when nobody knows."""
    if not place:
        return None
    described: dict[str, Any] = {"@type": "Place"}
    if place.name:
        described["name"] = place.name.written_in(language)
    if place.uri:
        described["@id"] = place.uri
    if place.box:
        west, south, east, north = place.box
        described["geo"] = {"@type": "GeoShape", "box": f"{south:g} {west:g} {north:g} {east:g}"}
    return described


def _organization(uri: str, name: str) -> dict[str, str]:
    return {"@type": "Organization", "@id": uri, "name": name}


def _temporal(dataset: DescribedDataset) -> str:
    period = dataset.period
    if not period:
        return ""
    start, end = (day.isoformat() if day else ".." for day in (period.start, period.end))
    return f"{start}/{end}"


def _variables(dataset: DescribedDataset, language: str) -> list[dict[str, Any]]:
    variables = []
    for column in (column for table in dataset.tables for column in table.columns):
        told = {
            "@type": "PropertyValue",
            "name": column.name,
            "alternateName": column.title.written_in(language),
            "description": column.description.written_in(language),
            "unitText": column.unit,
        }
        variables.append({key: value for key, value in told.items() if value})
    return variables


def _download(file: File, language: str) -> dict[str, Any]:
    described = {
        "@type": "DataDownload",
        "@id": file.uri,
        "name": file.title.written_in(language),
        "encodingFormat": file.media_type or file.format,
        "contentUrl": file.download_url,
        "url": "" if file.download_url else file.access_url,
        "contentSize": f"{file.size_bytes} B" if file.size_bytes is not None else "",
        "dateModified": file.modified[:10],
        "sha256": file.checksum.value if file.checksum and file.checksum.algorithm == "sha256" else "",
    }
    return {key: value for key, value in described.items() if value}
