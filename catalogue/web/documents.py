"""Documents of the catalogue in its open formats, drafted for a caller: what they say is known, the bytes are made on demand.

A draft's ETag follows from what goes into the document and not from its bytes, because making these is the expensive part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlencode

from rdflib import Graph
from sqlalchemy import func, select

from catalogue.actions.context import Context
from catalogue.actions.read import package_search, package_show
from catalogue.errors import NotFound, ValidationError
from catalogue.model import ChangeLog, Package
from catalogue.times import read_time, show_time
from catalogue.tongues.croissant import MEDIA_TYPE as CROISSANT_TYPE
from catalogue.tongues.croissant import dataset_to_croissant
from catalogue.tongues.datapackage import dataset_to_datapackage
from catalogue.tongues.dcat import dataset_to_graph, releases_to_graph
from catalogue.tongues.dcat_catalog import (
    FORMATS,
    PAGE_SIZE,
    SERIALISERS,
    CatalogPage,
    CatalogTimes,
    catalog_to_graph,
    serialise,
)
from catalogue.tongues.described import DescribedDataset, Portal
from catalogue.tongues.descriptions import describe_all, describe_one
from catalogue.tongues.schema_org import dataset_to_schema_org

JSON_TYPE = "application/json"
DCAT_PROFILES = frozenset(
    {"euro_dcat_ap", "euro_dcat_ap_2", "euro_dcat_ap_3", "euro_dcat_ap_scheming", "dcat_ap", "dcat_ap_3"}
)
PROFILES = DCAT_PROFILES | {"schemaorg", "croissant"}
SEARCH_PARAMETERS = ("q", "fq", "modified_since")


@dataclass(frozen=True)
class Draft:
    """A document about to be written; `modified` is naive UTC, `links` are pairs of relation and address."""

    media_type: str
    etag: str
    modified: datetime | None
    write: Callable[[], bytes]
    links: tuple[tuple[str, str], ...] = ()


def catalog_draft(context: Context, portal: Portal, params: Mapping[str, str], extension: str) -> Draft:
    """Return one page of the catalogue as RDF: 100 datasets in the order of their ids.

    Args:
        context: of the caller, who sees what package_search shows them.
        portal: that is described.
        params: `page`, `q`, `fq`, `modified_since` and `profiles` as texts.
        extension: one of SERIALISERS.

    Raises:
        NotFound: the page is beyond the last.
        ValidationError: a parameter cannot be read.
    """
    if set(read_profiles(params.get("profiles"))) - DCAT_PROFILES:
        raise ValidationError({"profiles": ["A whole catalogue comes in DCAT-AP; see /dataset/<id> for the others"]})
    kept = {name: params[name] for name in (*SEARCH_PARAMETERS, "profiles") if params.get(name)}
    number = read_page(params.get("page"))
    found, total = _searched(context, kept, number)
    address = f"{portal.url}/catalog.{extension}{'?' if kept else ''}{urlencode(kept)}"
    page = CatalogPage(number, total, address)
    if number > page.last:
        raise NotFound("The catalogue has no such page")
    times = _times(context)
    datasets = describe_all(context, found, portal)
    near = {"first": 1, "prev": number - 1, "next": number + 1, "last": page.last}
    return Draft(
        media_type=FORMATS[SERIALISERS[extension]],
        etag=_tag(extension, portal, page, times, datasets),
        modified=newest_change_at(context),
        write=lambda: serialise(catalog_to_graph(portal, datasets, page, times), extension)[0],
        links=tuple((name, page.of(n)) for name, n in near.items() if 1 <= n <= page.last),
    )


def catalog_page(context: Context, portal: Portal, params: Mapping[str, str]) -> list[DescribedDataset]:
    """Return the descriptions of one page of the catalogue, for whoever writes them in another way."""
    kept = {name: params[name] for name in SEARCH_PARAMETERS if params.get(name)}
    return describe_all(context, _searched(context, kept, read_page(params.get("page")))[0], portal)


def dataset_draft(
    context: Context, portal: Portal, name_or_id: str, extension: str, *, profiles: str | None = None
) -> Draft:
    """Return one dataset as RDF.

    Raises:
        NotFound: there is none.
        NotAuthorized: the caller may not read it.
        ValidationError: a profile is unknown.
    """
    chosen = read_profiles(profiles)
    dataset = shown_dataset(context, portal, name_or_id)
    return Draft(
        media_type=FORMATS[SERIALISERS[extension]],
        etag=_tag(extension, portal, dataset, tuple(chosen)),
        modified=_changed_at(context, dataset),
        write=lambda: serialise(_graph(dataset, portal, chosen), extension)[0],
        links=(("canonical", dataset.page),),
    )


def releases_draft(context: Context, portal: Portal, name_or_id: str, extension: str) -> Draft:
    """Return a dataset with all its public releases as RDF; it raises what `dataset_draft` does."""
    dataset = shown_dataset(context, portal, name_or_id)
    return Draft(
        media_type=FORMATS[SERIALISERS[extension]],
        etag=_tag(extension, portal, dataset, "releases"),
        modified=_changed_at(context, dataset),
        write=lambda: serialise(releases_to_graph(portal, dataset), extension)[0],
        links=(("canonical", dataset.page),),
    )


def croissant_draft(context: Context, portal: Portal, name_or_id: str) -> Draft:
    """Return a dataset as Croissant; it raises what `dataset_draft` does."""
    return _json_draft(context, portal, name_or_id, dataset_to_croissant, CROISSANT_TYPE)


def datapackage_draft(context: Context, portal: Portal, name_or_id: str) -> Draft:
    """Return a dataset as a data package; it raises what `dataset_draft` does."""
    return _json_draft(context, portal, name_or_id, dataset_to_datapackage, JSON_TYPE)


def shown_dataset(context: Context, portal: Portal, name_or_id: str) -> DescribedDataset:
    """Return the description of a dataset with its tables and releases; it raises what `package_show` does."""
    return describe_one(context, package_show(context, {"id": name_or_id}), portal)


def json_bytes(document: object) -> bytes:
    """Return a document as people and programs read it."""
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def read_page(written: str | None) -> int:
    """Return the number of a page.

    Raises:
        ValidationError: it is none.
    """
    text = written or "1"
    if not (text.isascii() and text.isdecimal() and len(text) <= 7 and int(text) > 0):
        raise ValidationError({"page": ["Must be a number from 1 on"]})
    return int(text)


def read_profiles(written: str | None) -> list[str]:
    """Return the names in a list with commas or blanks.

    Raises:
        ValidationError: one is unknown.
    """
    names = (written or "").replace(",", " ").split()
    if set(names) - PROFILES:
        raise ValidationError({"profiles": [f"Known are {', '.join(sorted(PROFILES))}"]})
    return names


def newest_change_at(context: Context) -> datetime | None:
    """Return when anything changed last, null in an untouched catalogue."""
    return context.session.scalar(select(ChangeLog.at).order_by(ChangeLog.seq.desc()).limit(1))


@cache
def program_version() -> str:
    """Return the version of the program, because a new one may write the same in another way."""
    try:
        return version("phusa")
    except PackageNotFoundError:
        return ""


def _searched(context: Context, kept: Mapping[str, str], number: int) -> tuple[list[dict[str, Any]], int]:
    found = package_search(
        context,
        {
            "q": kept.get("q", ""),
            "fq": [kept.get("fq", ""), _since(kept.get("modified_since"))],
            "sort": "id asc",
            "rows": PAGE_SIZE,
            "start": (number - 1) * PAGE_SIZE,
            "facet": "false",
        },
    )
    return found["results"], int(found["count"])


def _since(text: str | None) -> str:
    """Return the filter for datasets changed since an ISO time; empty when none is given."""
    if not text:
        return ""
    try:
        moment = read_time(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise ValidationError({"modified_since": ["Date format incorrect"]}) from None
    return f"metadata_modified:[{moment.isoformat()}Z TO *]"


def _times(context: Context) -> CatalogTimes:
    public = (Package.state == "active", Package.private.is_(False))
    found = context.session.execute(
        select(func.min(Package.metadata_created), func.max(Package.metadata_modified)).where(*public)
    ).one()
    return CatalogTimes(show_time(found[0]), show_time(found[1]))


def _changed_at(context: Context, dataset: DescribedDataset) -> datetime | None:
    at = context.session.scalar(
        select(ChangeLog.at).where(ChangeLog.package_id == dataset.id).order_by(ChangeLog.seq.desc()).limit(1)
    )
    return at or (read_time(dataset.modified) if dataset.modified else None)


def _json_draft(
    context: Context,
    portal: Portal,
    name_or_id: str,
    serialiser: Callable[[DescribedDataset, Portal], dict[str, Any]],
    media_type: str,
) -> Draft:
    dataset = shown_dataset(context, portal, name_or_id)
    return Draft(
        media_type=media_type,
        etag=_tag(serialiser.__name__, portal, dataset),
        modified=_changed_at(context, dataset),
        write=lambda: json_bytes(serialiser(dataset, portal)),
        links=(("canonical", dataset.page),),
    )


def _graph(dataset: DescribedDataset, portal: Portal, profiles: list[str]) -> Graph:
    """Return the dataset in the words of all the profiles; without any, of DCAT-AP."""
    graph = dataset_to_graph(portal, dataset) if not profiles or DCAT_PROFILES & set(profiles) else Graph()
    if "schemaorg" in profiles:
        described = dataset_to_schema_org(dataset, portal, portal.locale)
        graph.parse(data=json.dumps(described | {"@context": {"@vocab": "https://schema.org/"}}), format="json-ld")
    if "croissant" in profiles:
        graph.parse(data=json.dumps(dataset_to_croissant(dataset, portal)), format="json-ld")
    return graph


def _tag(*parts: object) -> str:
    return hashlib.sha256(repr((program_version(), *parts)).encode()).hexdigest()[:32]
