"""The actions that answer with DCAT, for clients that know no other door. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import optional_text, required_text, words
from catalogue.config_options import settings_in_force
from catalogue.errors import ValidationError
from catalogue.tongues.dcat_catalog import SERIALISERS
from catalogue.tongues.dcat_us import dataset_to_dcat_us
from catalogue.tongues.described import Portal
from catalogue.tongues.descriptions import portal_of
from catalogue.web.documents import SEARCH_PARAMETERS, catalog_draft, catalog_page, dataset_draft

__all__ = ["dcat_catalog_search", "dcat_catalog_show", "dcat_dataset_show", "dcat_datasets_list"]


def dcat_dataset_show(context: Context, params: Params) -> str:
    """Return the dataset whose id or name is `id` as RDF in DCAT-AP: `format` is xml, rdf, ttl, n3 or jsonld."""
    name_or_id = required_text(params, "id")
    extension, profiles = _format(params), ",".join(words(params, "profiles"))
    return dataset_draft(_reading(context), _portal(context), name_or_id, extension, profiles=profiles).write().decode()


def dcat_catalog_show(context: Context, params: Params) -> str:
    """Return one page of the catalogue as RDF in DCAT-AP, 100 datasets, `format` as in dcat_dataset_show."""
    return catalog_draft(_reading(context), _portal(context), _harvest(params), _format(params)).write().decode()


def dcat_catalog_search(context: Context, params: Params) -> str:
    """Return one page of the datasets that match `q` and `fq` as RDF in DCAT-AP."""
    return dcat_catalog_show(context, params)


def dcat_datasets_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return one page of the catalogue as JSON in the words of data.json, 100 datasets."""
    portal = _portal(context)
    return [
        dataset_to_dcat_us(dataset, portal) for dataset in catalog_page(_reading(context), portal, _harvest(params))
    ]


def _reading(context: Context) -> Context:
    """Return the context for reading what other actions give: dicts, not the stored texts that HTTP sends on."""
    return replace(context, wants_texts=False)


def _portal(context: Context) -> Portal:
    return portal_of(settings_in_force(context.session, context.settings))


def _format(params: Params) -> str:
    form = optional_text(params, "format") or "xml"
    if form not in SERIALISERS:
        raise ValidationError({"format": [f"Must be one of {', '.join(SERIALISERS)}"]})
    return form


def _harvest(params: Params) -> dict[str, str]:
    told = {name: optional_text(params, name) or "" for name in ("page", *SEARCH_PARAMETERS)}
    return told | {"profiles": ",".join(words(params, "profiles"))}
