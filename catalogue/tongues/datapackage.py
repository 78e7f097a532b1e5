"""`datapackage.json` of any dataset in the words of Data Package v2, https://datapackage.org/standard/data-package/.

Paths are full addresses, so the descriptor can be read from where it is.
"""

from __future__ import annotations

import re
from typing import Any

from catalogue.tongues.described import Column, DescribedDataset, File, Portal, Table, Words

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")
_TABULAR = {"CSV", "TSV"}


def dataset_to_datapackage(dataset: DescribedDataset, portal: Portal) -> dict[str, Any]:
    """Return the descriptor; a dataset without files keeps an empty list, which the standard forbids elsewhere."""
    names = _names(dataset)
    licence = {"name": dataset.licence.id, "path": dataset.licence.url, "title": dataset.licence.title}
    owner = dataset.publisher.title.local if dataset.publisher else portal.title
    contributors = [
        {"title": owner, "path": dataset.publisher.uri if dataset.publisher else "", "roles": ["publisher"]},
        {"title": dataset.contact, "email": dataset.contact_email, "roles": ["contact"]} if dataset.contact else {},
    ]
    described = {
        "$schema": PROFILE,
        "id": dataset.id,
        "name": dataset.name,
        **_texts("title", dataset.title),
        **_texts("description", dataset.description),
        "homepage": dataset.page,
        "version": dataset.schema_version,
        "release": dataset.release,
        "created": f"{dataset.issued}Z" if dataset.issued else "",
        "modified": f"{dataset.modified}Z" if dataset.modified else "",
        "keywords": list(dataset.keywords),
        "licenses": [_without_empty(licence)] if licence["name"] else [],
        "contributors": [_without_empty(one) for one in contributors if one],
        "sources": [{"title": dataset.source_page, "path": dataset.source_page}] if dataset.source_page else [],
        "spatial": dataset.place.name.local or dataset.place.uri,
    }
    resources = [_resource(file, names[file.id], dataset.table(file.table)) for file in dataset.files]
    return {**_without_empty(described), "resources": resources}


def _names(dataset: DescribedDataset) -> dict[str, str]:
    """Return a name per file that no other has: that of the table for its CSV file, else made of the file's own."""
    names: dict[str, str] = {}
    for file in dataset.files:
        is_table = file.table and file.format == "CSV"
        wanted = file.table if is_table else _NOT_IN_NAMES.sub("-", file.name.casefold()).strip("-._")
        names[file.id] = wanted if wanted and wanted not in names.values() else f"{wanted or 'file'}-{file.id}"
    return names


def _resource(file: File, name: str, table: Table | None) -> dict[str, Any]:
    is_table = file.format in _TABULAR and bool(file.download_url)
    checksum = file.checksum
    described = {
        "name": name,
        "type": "table" if is_table else "",
        "path": file.download_url or file.access_url,
        **_texts("title", file.title),
        **_texts("description", file.description),
        "format": file.format.casefold(),
        "mediatype": file.media_type,
        "encoding": "utf-8" if is_table else "",
        "compression": "gz" if file.is_gzip else "",
        "bytes": file.size_bytes,
        "hash": f"{checksum.algorithm}:{checksum.value}" if checksum else "",
        "rows": file.rows,
        "schema": _schema(table) if table and is_table else {},
    }
    return _without_empty(described)


def _schema(table: Table) -> dict[str, Any]:
    schema = {"fields": [_field(column) for column in table.columns], "primaryKey": list(table.primary_key)}
    return _without_empty(schema)


def _field(column: Column) -> dict[str, Any]:
    described = {
        "name": column.name,
        "type": column.type,
        **_texts("title", column.title),
        **_texts("description", column.description),
        "unit": column.unit,
    }
    return _without_empty(described)


def _texts(key: str, words: Words) -> dict[str, Any]:
    """Return a text, and its English under the key that our own descriptors use."""
    return {key: words.local or words.english, f"{key}_translated": {"en": words.english} if words.english else {}}


def _without_empty(described: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if value not in (None, "", [], {})}
