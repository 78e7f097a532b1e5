"""`croissant.json`: the release for programs that learn from data, in the words of Croissant 1.1.

Standard: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html. Files are named as they lie beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Descriptor = Mapping[str, Any]

VERSION = "http://mlcommons.org/croissant/1.1"
_TERMS = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject",
    "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField",
    "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField",
    "transform",
)  # fmt: skip
CONTEXT: dict[str, Any] = {
    "@language": "vi",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_DATA_TYPES = {
    "integer": "sc:Integer",
    "year": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "datetime": "sc:DateTime",
}


def package_to_croissant(package: Descriptor) -> dict[str, Any]:
    """Return the release with all its files, and a record set for each table, read from its CSV file."""
    publisher = next((c["title"] for c in package.get("contributors", []) if "publisher" in c.get("roles", [])), "")
    agency = {"@type": "Organization", "name": {"vi": publisher}} if publisher else None
    files = [one for one in package["resources"] if isinstance(one["path"], str)]
    described = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": VERSION,
        "name": _texts(package, "title"),
        "description": _texts(package, "description") or _texts(package, "title"),
        "url": f"urn:uuid:{package['id']}",
        "identifier": f"{package['name']}/{package['release']}",
        "citeAs": f"{publisher} ({package['as_of'][:4]}). {package['title']}. {package['release']}.",
        "license": (package.get("licenses") or [{}])[0].get("path"),
        "creator": agency,
        "publisher": agency,
        "datePublished": package["as_of"],
        "dateModified": package["as_of"],
        "version": package.get("version"),
        "keywords": package.get("keywords"),
        "distribution": [_file_object(one) for one in files],
        "recordSet": [_record_set(one) for one in files if one.get("format") == "csv"],
    }
    return _without_empty(described)


def _file_object(resource: Descriptor) -> dict[str, Any]:
    described = {
        "@type": "cr:FileObject",
        "@id": resource["path"],
        "name": {"vi": resource["path"]},
        "description": _texts(resource, "title"),
        "contentUrl": resource["path"],
        "contentSize": f"{resource['bytes']} B",
        "encodingFormat": resource["mediatype"],
        "sha256": str(resource["hash"]).removeprefix("sha256:"),
    }
    return _without_empty(described)


def _record_set(resource: Descriptor) -> dict[str, Any]:
    table, schema = resource["name"], resource["schema"]
    described = {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": {"vi": table},
        "description": _texts(resource, "description") or _texts(resource, "title"),
        "key": [{"@id": f"{table}/{name}"} for name in schema.get("primaryKey", [])],
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{table}/{field['name']}",
                "name": {"vi": field["name"]},
                "description": _texts(field, "description") or _texts(field, "title"),
                "dataType": _DATA_TYPES.get(field["type"], "sc:Text"),
                "source": {"fileObject": {"@id": resource["path"]}, "extract": {"column": field["name"]}},
            }
            for field in schema["fields"]
        ],
    }
    return _without_empty(described)


def _texts(descriptor: Descriptor, name: str) -> dict[str, str]:
    texts = {"vi": descriptor.get(name), **descriptor.get(f"{name}_translated", {})}
    return {language: str(text) for language, text in texts.items() if text}


def _without_empty(descriptor: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in descriptor.items() if value not in (None, "", [], {})}
