"""`csv-metadata.json`: the released CSV tables in the words of CSV on the Web.

Standard: https://www.w3.org/TR/tabular-metadata/. Addresses are those of the plain CSV files beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Descriptor = Mapping[str, Any]

_DATATYPES: dict[str, Any] = {
    "string": "string",
    "integer": "integer",
    "number": "double",
    "boolean": {"base": "boolean", "format": "true|false"},
    "date": {"base": "date", "format": "yyyy-MM-dd"},
    "datetime": "datetime",
    "time": "time",
    "year": "gYear",
    "yearmonth": "gYearMonth",
    "duration": "duration",
    "object": "json",
    "array": "json",
    "geojson": "json",
}


def package_to_csvw(package: Descriptor) -> dict[str, Any]:
    """Return the table group of a release's CSV files, from its data package.

    `name` and `titles` are what stands in the file's header; what a column is called for people are its `dc:title`s.
    """
    licence = (package.get("licenses") or [{}])[0].get("path")
    publisher = next((c["title"] for c in package.get("contributors", []) if "publisher" in c.get("roles", [])), None)
    described = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "vi"}],
        "dc:title": _texts(package, "title"),
        "dc:description": _texts(package, "description"),
        "dc:license": {"@id": licence} if licence else None,
        "dc:publisher": {"schema:name": publisher} if publisher else None,
        "dc:identifier": f"{package['name']}/{package['release']}",
        "dc:modified": {"@value": package["as_of"], "@type": "date"},
        "dialect": {
            "encoding": "utf-8", "lineTerminators": ["\n"], "delimiter": ",", "quoteChar": '"', "doubleQuote": True,
            "header": True, "headerRowCount": 1, "trim": False,
        },
        "tables": [_table(one) for one in package["resources"] if one.get("format") == "csv"],
    }  # fmt: skip
    return _without_empty(described)


def _table(resource: Descriptor) -> dict[str, Any]:
    schema = resource["schema"]
    described = {
        "@type": "Table",
        "url": str(resource["path"]).removesuffix(".gz"),
        "dc:title": _texts(resource, "title"),
        "dc:description": _texts(resource, "description"),
        "tableSchema": _without_empty(
            {
                "columns": [_column(field) for field in schema["fields"]],
                "primaryKey": schema.get("primaryKey"),
            }
        ),
    }
    return _without_empty(described)


def _column(field: Descriptor) -> dict[str, Any]:
    described = {
        "@type": "Column",
        "name": field["name"],
        "titles": field["name"],
        "datatype": _DATATYPES.get(field["type"], "string"),
        "null": "",
        "dc:title": _texts(field, "title"),
        "dc:description": _texts(field, "description"),
        "schema:unitText": field.get("unit"),
    }
    return {name: value for name, value in described.items() if value not in (None, [])}


def _texts(descriptor: Descriptor, name: str) -> list[dict[str, str]]:
    """Return a text in Vietnamese and in the other languages it has."""
    texts = {"vi": descriptor.get(name), **descriptor.get(f"{name}_translated", {})}
    return [{"@value": str(text), "@language": language} for language, text in texts.items() if text]


def _without_empty(descriptor: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in descriptor.items() if value not in (None, "", [], {})}
