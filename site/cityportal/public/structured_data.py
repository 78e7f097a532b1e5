"""schema.org descriptions inside the pages, for search engines: https://schema.org/Dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import current_app, json
from markupsafe import Markup

from catalogue.tongues.described import DescribedDataset, Portal
from catalogue.tongues.schema_org import breadcrumbs_to_schema_org, catalog_to_schema_org, dataset_to_schema_org
from cityportal.bilingual import address_in, language
from cityportal.chrome import public_address, t
from cityportal.public.dataset import Dataset


def schema_org_dataset(described: DescribedDataset, portal: Portal) -> Markup:
    """Return the JSON-LD of a dataset in the language of the page."""
    spoken = language()
    return _markup(dataset_to_schema_org(described, _called_after_the_city(portal), spoken))


def schema_org_trail(dataset: Dataset) -> Markup:
    """Return the JSON-LD of where the page of a dataset stands: below its organization, below all data."""
    spoken = language()
    prefix = "/en" if spoken == "en" else ""
    trail = [(t("nav.data"), public_address(f"{prefix}/dataset"))]
    owner = dataset.organization
    if owner.name:
        trail.append((owner.title.written_in(spoken)[0], public_address(f"{prefix}/organization/{owner.name}")))
    trail.append((dataset.title.written_in(spoken)[0], public_address(f"{prefix}/dataset/{dataset.name}")))
    return _markup(breadcrumbs_to_schema_org(trail))


def schema_org_catalog(portal: Portal) -> Markup:
    """Return the JSON-LD of the portal as a catalogue of data."""
    described = catalog_to_schema_org(_called_after_the_city(portal), language())
    return _markup(described | {"url": public_address(address_in(language()) or "/")})


def _called_after_the_city(portal: Portal) -> Portal:
    return replace(portal, title=current_app.config["CITY"].written_in(language())[0])


def _markup(described: Mapping[str, Any]) -> Markup:
    """Return JSON that is safe inside a script element."""
    text = json.dumps(described)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704  escaped
