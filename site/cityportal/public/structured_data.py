"""schema.org descriptions inside the pages, for search engines: https://schema.org/Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app, json
from markupsafe import Markup

from cityportal.bilingual import language
from cityportal.chrome import public_address
from cityportal.public.dataset import Dataset, Distribution
from cityportal.public.dictionary import Table


def schema_org_dataset(dataset: Dataset, tables: Sequence[Table]) -> Markup:
    """Return the JSON-LD of a dataset, safe inside a script element."""
    release = dataset.release
    spoken = language()
    described = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": public_address(f"/dataset/{dataset.name}"),
        "url": public_address(f"/dataset/{dataset.name}"),
        "name": dataset.title.written_in(spoken)[0],
        "description": (dataset.notes or dataset.title).written_in(spoken)[0],
        "inLanguage": spoken,
        "identifier": dataset.id,
        "keywords": list(dataset.keywords),
        "license": dataset.license_url or dataset.license_id,
        "isAccessibleForFree": True,
        "version": release.id if release else None,
        "dateModified": release.published_at.date().isoformat() if release and release.published_at else None,
        "spatialCoverage": dataset.spatial,
        "creator": {"@type": "Organization", "name": dataset.organization.title.written_in(spoken)[0]},
        "includedInDataCatalog": {
            "@type": "DataCatalog",
            "name": current_app.config["CITY"].written_in(spoken)[0],
            "url": public_address("/"),
        },
        "variableMeasured": [
            {"@type": "PropertyValue", "name": column.name, "description": column.title.written_in(spoken)[0]}
            for table in tables
            for column in table.columns
        ],
        "distribution": [_distribution(one) for one in dataset.distributions if one.url],
    }
    text = json.dumps({key: value for key, value in described.items() if value not in (None, "", [])})
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704  escaped


def _distribution(one: Distribution) -> dict[str, Any]:
    described = {
        "@type": "DataDownload",
        "name": one.name.written_in(language())[0],
        "encodingFormat": one.format,
        "contentUrl": public_address(one.url) if one.url.startswith("/") else one.url,
        "contentSize": str(one.size_bytes) if one.size_bytes else None,
        "sha256": one.sha256 or None,
    }
    return {key: value for key, value in described.items() if value}
