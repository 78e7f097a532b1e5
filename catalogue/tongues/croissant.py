"""Croissant 1.1 (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html): a dataset for machine learning.

Files of releases never change, so they carry their hashes; a dataset with a file whose bytes nobody vouches for is "live".
"""

from __future__ import annotations

import re
from typing import Any

from catalogue.tongues.described import DescribedDataset, File, Portal, Table, Words
from catalogue.tongues.schema_org import place_to_schema_org

VERSION = "http://mlcommons.org/croissant/1.1"
MEDIA_TYPE = "application/ld+json"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_DATA_TYPES = {
    "integer": "sc:Integer",
    "year": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "datetime": "sc:DateTime",
}


def dataset_to_croissant(dataset: DescribedDataset, portal: Portal) -> dict[str, Any]:
    """Return the dataset with its files, and a record set for every table whose CSV file is described."""
    files = {file.id: file for file in dataset.files if file.download_url or not file.checksum}
    tables = [
        (table, file)
        for file in files.values()
        if file.format == "CSV" and (table := dataset.table(file.table)) is not None
    ]
    publisher = dataset.publisher
    name = publisher.title.written_in(portal.locale) if publisher else portal.title
    agency = {"@type": "Organization", "name": name, "url": publisher.uri if publisher else f"{portal.url}/"}
    described = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "@id": dataset.uri,
        "conformsTo": VERSION,
        "citeAs": _citation(dataset, name, portal),
        "name": _texts(dataset.title, portal),
        "description": _texts(dataset.description, portal),
        "url": dataset.page,
        "identifier": dataset.identifier,
        "license": dataset.licence.url or dataset.licence.title,
        "creator": agency,
        "publisher": agency,
        "datePublished": dataset.issued[:10],
        "dateModified": dataset.modified[:10],
        "version": _semantic_version(dataset),
        "keywords": list(dataset.keywords),
        "inLanguage": list(dataset.languages),
        "spatialCoverage": place_to_schema_org(dataset.place, portal.locale),
        "isLiveDataset": any(file.checksum is None for file in files.values()) or None,
        "distribution": [_file_object(file, portal) for file in files.values()],
        "recordSet": [_record_set(table, file, portal) for table, file in tables],
    }
    return _without_empty(described)


def _semantic_version(dataset: DescribedDataset) -> str:
    """Return the version of the schema; Croissant wants three numbers."""
    return dataset.schema_version if re.fullmatch(r"\d+\.\d+\.\d+", dataset.schema_version) else "1.0.0"


def _citation(dataset: DescribedDataset, publisher: str, portal: Portal) -> str:
    """Return how to name the data in a text: who, when, what, which release, where."""
    release = f" {dataset.release}." if dataset.release else ""
    return f"{publisher} ({dataset.modified[:4]}). {dataset.title.written_in(portal.locale)}.{release} {dataset.uri}"


def _file_object(file: File, portal: Portal) -> dict[str, Any]:
    checksum = file.checksum
    described = {
        "@type": "cr:FileObject",
        "@id": file.id,
        "name": file.name or file.id,  # as it is downloaded; what it is called stands in the description
        "description": _texts(file.description, portal),
        "contentUrl": file.download_url or file.access_url,
        "contentSize": f"{file.size_bytes} B" if file.size_bytes is not None else None,
        "encodingFormat": file.media_type or "application/octet-stream",
        "sha256": checksum.value if checksum and checksum.algorithm == "sha256" else None,
        "md5": checksum.value if checksum and checksum.algorithm == "md5" else None,
    }
    return _without_empty(described)


def _record_set(table: Table, file: File, portal: Portal) -> dict[str, Any]:
    """Return the rows of a table, read from its CSV file."""
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{table.name}/{column.name}",
            "name": _texts(Words(column.name), portal),
            "description": _texts(column.description or column.title, portal),
            "dataType": _DATA_TYPES.get(column.type, "sc:Text"),
            "source": {"fileObject": {"@id": file.id}, "extract": {"column": column.name}},
        }
        for column in table.columns
    ]
    described = {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": _texts(Words(table.name), portal),
        "description": _texts(table.row or table.title, portal),
        "key": [{"@id": f"{table.name}/{name}"} for name in table.primary_key],
        "field": [_without_empty(field) for field in fields],
    }
    return _without_empty(described)


def _texts(words: Words, portal: Portal) -> dict[str, str]:
    """Return a text by language; Croissant 1.1 reads names and descriptions so."""
    return dict(words.tagged(portal.locale))


def _without_empty(described: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if value not in (None, "", [], {})}
