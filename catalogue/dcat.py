"""DCAT-AP 3.0.1 (https://semiceu.github.io/DCAT-AP/releases/3.0.0/): the catalogue and its datasets as RDF.

Pure mappings from the package dicts of the CKAN API. URIs are made of ids, never of names, so that they outlive a renaming.
Classes of licences, formats and the like are stated inline, because validators cannot look them up elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from rdflib import BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, SKOS, XSD

ADMS = Namespace("http://www.w3.org/ns/adms#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
DCAT_VERSION = URIRef(f"{DCAT}version")  # newer than the namespace that rdflib knows
AUTHORITY = "http://publications.europa.eu/resource/authority"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
LICENCE_TYPES = "http://purl.org/adms/licencetype/"

PAGE_SIZE = 100
FORMATS = {
    "turtle": "text/turtle",
    "json-ld": "application/ld+json",
    "xml": "application/rdf+xml",
    "n3": "text/n3",
}
SERIALISERS = {"ttl": "turtle", "jsonld": "json-ld", "xml": "xml", "rdf": "xml", "n3": "n3"}

_LANGUAGES = {"vi": "VIE", "en": "ENG"}
_FREQUENCIES = {
    "hourly": "HOURLY",
    "daily": "DAILY",
    "weekly": "WEEKLY",
    "monthly": "MONTHLY",
    "quarterly": "QUARTERLY",
    "yearly": "ANNUAL",
    "static": "NEVER",
}
_FILE_TYPES = {"CSV", "JSON", "XLSX", "XLS", "XML", "ZIP", "GEOJSON", "PARQUET", "PDF", "HTML", "TSV", "GPKG"}


@dataclass(frozen=True)
class Portal:
    """What the descriptions say about the portal itself; `url` has no slash at its end."""

    url: str
    title: str
    description: str = ""
    locale: str = "vi"
    contact: str = ""


@dataclass(frozen=True)
class CatalogPage:
    """Where one page of the catalogue stands; `address` is that of the first page, without its number."""

    number: int
    total: int
    address: str

    @property
    def last(self) -> int:
        """Return the number of the last page; an empty catalogue has one page."""
        return max(1, -(-self.total // PAGE_SIZE))


def catalog_to_graph(
    portal: Portal, packages: Sequence[Mapping[str, Any]], page: CatalogPage, *, modified: str | None = None
) -> Graph:
    """Return the graph of one page of the catalogue.

    Args:
        portal: The portal.
        packages: Dicts as `package_show` gives them.
        page: Where the page stands.
        modified: Naive UTC time of the last change in the catalogue, null when it is empty.
    """
    graph = _new_graph()
    catalog = URIRef(f"{portal.url}/")
    graph.add((catalog, RDF.type, DCAT.Catalog))
    graph.add((catalog, DCTERMS.title, Literal(portal.title, lang=portal.locale)))
    graph.add((catalog, DCTERMS.description, Literal(portal.description or portal.title, lang=portal.locale)))
    graph.add((catalog, DCTERMS.publisher, _agent(graph, f"{portal.url}/#publisher", portal.title, portal.locale)))
    _typed(graph, catalog, FOAF.homepage, f"{portal.url}/", FOAF.Document)
    _add_languages(graph, catalog)
    if modified:
        graph.add((catalog, DCTERMS.modified, _instant(modified)))
    taxonomy = _typed(graph, catalog, DCAT.themeTaxonomy, f"{portal.url}/group", SKOS.ConceptScheme)
    graph.add((taxonomy, DCTERMS.title, Literal("Themes", lang="en")))
    for package in packages:
        graph.add((catalog, DCAT.dataset, _add_dataset(graph, package, portal)))
    _add_page(graph, page)
    return graph


def dataset_to_graph(portal: Portal, package: Mapping[str, Any]) -> Graph:
    """Return the graph of one dataset."""
    graph = _new_graph()
    _add_dataset(graph, package, portal)
    return graph


def dataset_uri(portal_url: str, package: Mapping[str, Any]) -> str:
    """Return the address that names the dataset for ever."""
    return f"{portal_url}/dataset/{package['id']}"


def _new_graph() -> Graph:
    graph = Graph()
    prefixes = {
        "adms": ADMS,
        "dcat": DCAT,
        "dcatap": DCATAP,
        "dct": DCTERMS,
        "hydra": HYDRA,
        "spdx": SPDX,
        "vcard": VCARD,
    }
    for prefix, namespace in prefixes.items():
        graph.bind(prefix, namespace, replace=True)
    return graph


# ---- datasets ------------------------------------------------------------------------------------------------------


def _add_dataset(graph: Graph, package: Mapping[str, Any], portal: Portal) -> URIRef:
    extras = {extra["key"]: extra["value"] for extra in package.get("extras", [])}
    dataset = URIRef(dataset_uri(portal.url, package))
    graph.add((dataset, RDF.type, DCAT.Dataset))
    graph.add((dataset, DCTERMS.identifier, Literal(package["id"])))
    _add_texts(graph, dataset, DCTERMS.title, portal, package.get("title") or package["name"], extras.get("title_en"))
    notes = package.get("notes") or package.get("title") or package["name"]
    _add_texts(graph, dataset, DCTERMS.description, portal, notes, extras.get("notes_en"))
    graph.add((dataset, DCTERMS.issued, _instant(package["metadata_created"])))
    graph.add((dataset, DCTERMS.modified, _instant(package["metadata_modified"])))
    for tag in package.get("tags", []):
        graph.add((dataset, DCAT.keyword, Literal(tag["name"], lang=portal.locale)))
    _typed(graph, dataset, DCAT.landingPage, f"{portal.url}/dataset/{package['name']}", FOAF.Document)
    _typed(graph, dataset, DCTERMS.accessRights, f"{AUTHORITY}/access-right/PUBLIC", DCTERMS.RightsStatement)
    _add_languages(graph, dataset)
    _add_owner(graph, dataset, package, portal)
    _add_themes(graph, dataset, package, portal)
    _add_coverage(graph, dataset, extras, portal)
    if extras.get("release"):
        graph.add((dataset, DCAT_VERSION, Literal(extras["release"])))
    service = _add_service(graph, dataset, package, portal) if extras.get("release") else None
    for resource in package.get("resources", []):
        graph.add((dataset, DCAT.distribution, _add_distribution(graph, resource, package, portal, service=service)))
    return dataset


def _add_owner(graph: Graph, dataset: URIRef, package: Mapping[str, Any], portal: Portal) -> None:
    organization = package.get("organization")
    if organization:
        uri = f"{portal.url}/organization/{organization['id']}"
        name = organization.get("title") or organization["name"]
        graph.add((dataset, DCTERMS.publisher, _agent(graph, uri, name, portal.locale)))
    name = package.get("maintainer") or package.get("author") or (organization or {}).get("title")
    email = package.get("maintainer_email") or package.get("author_email") or portal.contact
    if not (name or email):
        return
    contact = BNode(f"contact-{package['id']}")
    graph.add((dataset, DCAT.contactPoint, contact))
    graph.add((contact, RDF.type, VCARD.Kind))
    graph.add((contact, VCARD.fn, Literal(name or email)))
    if email:
        graph.add((contact, VCARD.hasEmail, URIRef(f"mailto:{quote(email, safe='@+._-')}")))


def _add_themes(graph: Graph, dataset: URIRef, package: Mapping[str, Any], portal: Portal) -> None:
    for group in package.get("groups", []):
        theme = _typed(graph, dataset, DCAT.theme, f"{portal.url}/group/{group['id']}", SKOS.Concept)
        title = group.get("title") or group["name"]
        graph.add((theme, SKOS.prefLabel, Literal(title, lang=portal.locale)))
        graph.add((theme, SKOS.inScheme, URIRef(f"{portal.url}/group")))


def _add_coverage(graph: Graph, dataset: URIRef, extras: Mapping[str, str], portal: Portal) -> None:
    """Add where, when and how often."""
    if code := _FREQUENCIES.get(extras.get("frequency", "")):
        _typed(graph, dataset, DCTERMS.accrualPeriodicity, f"{AUTHORITY}/frequency/{code}", DCTERMS.Frequency)
    if place := extras.get("spatial_text"):
        location = BNode(f"place-{dataset.rpartition('/')[2]}")
        graph.add((dataset, DCTERMS.spatial, location))
        graph.add((location, RDF.type, DCTERMS.Location))
        graph.add((location, SKOS.prefLabel, Literal(place, lang=portal.locale)))
    ends = {
        DCAT.startDate: _day(extras.get("temporal_start")),
        DCAT.endDate: _day(extras.get("temporal_end")) or _day(_summary(extras).get("as_of")),
    }
    if any(ends.values()):
        period = BNode(f"period-{dataset.rpartition('/')[2]}")
        graph.add((dataset, DCTERMS.temporal, period))
        graph.add((period, RDF.type, DCTERMS.PeriodOfTime))
        for predicate, day in ends.items():
            if day:
                graph.add((period, predicate, Literal(day, datatype=XSD.date)))


def _add_service(graph: Graph, dataset: URIRef, package: Mapping[str, Any], portal: Portal) -> URIRef:
    """Add the query service over the dataset's current release."""
    service = URIRef(f"{dataset}#query")
    endpoint = f"{portal.url}/query/{package['name']}"
    graph.add((service, RDF.type, DCAT.DataService))
    graph.add((service, DCTERMS.title, Literal(f"SQL and JSON: {package.get('title') or package['name']}", lang="en")))
    graph.add((service, DCAT.endpointURL, URIRef(endpoint)))
    graph.add((service, DCAT.endpointDescription, URIRef(f"{endpoint}/-/schema")))
    graph.add((service, DCAT.servesDataset, dataset))
    for predicate in (DCTERMS.publisher, DCAT.contactPoint, DCAT.theme, DCAT.keyword):
        for value in graph.objects(dataset, predicate):
            graph.add((service, predicate, value))
    _typed(graph, service, DCTERMS.accessRights, f"{AUTHORITY}/access-right/PUBLIC", DCTERMS.RightsStatement)
    return service


# ---- distributions -------------------------------------------------------------------------------------------------


def _add_distribution(
    graph: Graph, resource: Mapping[str, Any], package: Mapping[str, Any], portal: Portal, *, service: URIRef | None
) -> URIRef:
    place = URIRef(f"{dataset_uri(portal.url, package)}/resource/{resource['id']}")
    url = URIRef(_address(resource.get("url") or "", portal) or str(place))
    graph.add((place, RDF.type, DCAT.Distribution))
    name = resource.get("name") or resource.get("format") or resource["id"]
    _add_texts(graph, place, DCTERMS.title, portal, name, resource.get("name_en"))
    graph.add((place, DCTERMS.description, Literal(resource.get("description") or name, lang=portal.locale)))
    graph.add((place, DCAT.accessURL, url))
    if resource.get("hash") and resource.get("hash_algorithm") == "sha256":
        graph.add((place, DCAT.downloadURL, url))
        _add_checksum(graph, place, str(resource["hash"]), str(resource["id"]))
    if resource.get("size") is not None:
        graph.add((place, DCAT.byteSize, Literal(int(resource["size"]), datatype=XSD.nonNegativeInteger)))
    _add_format(graph, place, resource)
    _add_licence(graph, place, package)
    changed = resource.get("last_modified") or resource.get("metadata_modified")
    if changed:
        graph.add((place, DCTERMS.modified, _instant(changed)))
    _concept(graph, place, DCATAP.availability, f"{AUTHORITY}/planned-availability/AVAILABLE", "available")
    if service is not None and resource.get("datastore_active"):
        graph.add((place, DCAT.accessService, service))
    return place


def _add_checksum(graph: Graph, place: URIRef, sha256: str, resource_id: str) -> None:
    checksum = BNode(f"checksum-{resource_id}")
    graph.add((place, SPDX.checksum, checksum))
    graph.add((checksum, RDF.type, SPDX.Checksum))
    graph.add((checksum, SPDX.algorithm, SPDX.checksumAlgorithm_sha256))
    graph.add((SPDX.checksumAlgorithm_sha256, RDF.type, SPDX.ChecksumAlgorithm))
    graph.add((checksum, SPDX.checksumValue, Literal(sha256.lower(), datatype=XSD.hexBinary)))


def _add_format(graph: Graph, place: URIRef, resource: Mapping[str, Any]) -> None:
    name = str(resource.get("format") or "")
    if name.upper() in _FILE_TYPES:
        _typed(graph, place, DCTERMS["format"], f"{AUTHORITY}/file-type/{name.upper()}", DCTERMS.MediaTypeOrExtent)
    elif name:
        form = BNode(f"format-{resource['id']}")
        graph.add((place, DCTERMS["format"], form))
        graph.add((form, RDF.type, DCTERMS.MediaTypeOrExtent))
        graph.add((form, SKOS.prefLabel, Literal(name)))
    if resource.get("mimetype"):
        _typed(graph, place, DCAT.mediaType, MEDIA_TYPES + quote(resource["mimetype"]), DCTERMS.MediaType)
    if str(resource.get("compression") or "") in {"gz", "gzip"}:
        _typed(graph, place, DCAT.compressFormat, f"{MEDIA_TYPES}application/gzip", DCTERMS.MediaType)


def _add_licence(graph: Graph, place: URIRef, package: Mapping[str, Any]) -> None:
    address = package.get("license_url")
    if not address:
        return
    licence = _typed(graph, place, DCTERMS.license, address, DCTERMS.LicenseDocument)
    kind, words = ("Attribution", "Attribution")
    if package.get("license_id") in {"cc-zero", "odc-pddl"}:
        kind, words = ("PublicDomain", "Work in the public domain")
    if package.get("isopen"):
        _concept(graph, licence, DCTERMS.type, LICENCE_TYPES + kind, words)


# ---- pages and small parts -----------------------------------------------------------------------------------------


def _add_page(graph: Graph, page: CatalogPage) -> None:
    """Add where the page stands, under the names of Hydra in use and under those that older harvesters read."""
    joiner = "&" if "?" in page.address else "?"

    def address(number: int) -> str:
        return f"{page.address}{joiner}page={number}"

    place = URIRef(address(page.number))
    graph.add((place, RDF.type, HYDRA.PagedCollection))
    graph.add((place, HYDRA.totalItems, Literal(page.total)))
    graph.add((place, HYDRA.itemsPerPage, Literal(PAGE_SIZE)))
    links = {"first": 1, "last": page.last, "previous": page.number - 1, "next": page.number + 1}
    for name, number in links.items():
        if 1 <= number <= page.last:
            graph.add((place, HYDRA[name], URIRef(address(number))))
            graph.add((place, HYDRA[f"{name}Page"], Literal(address(number))))


def _typed(graph: Graph, subject: URIRef, predicate: URIRef, uri: str, kind: URIRef) -> URIRef:
    """Add a link to something that has a URI and say what it is."""
    target = URIRef(uri)
    graph.add((subject, predicate, target))
    graph.add((target, RDF.type, kind))
    return target


def _concept(graph: Graph, subject: URIRef, predicate: URIRef, uri: str, label: str) -> None:
    """Add a link to a term of a vocabulary with its English label."""
    graph.add((_typed(graph, subject, predicate, uri, SKOS.Concept), SKOS.prefLabel, Literal(label, lang="en")))


def _agent(graph: Graph, uri: str, name: str, locale: str) -> URIRef:
    agent = URIRef(uri)
    graph.add((agent, RDF.type, FOAF.Agent))
    graph.add((agent, FOAF.name, Literal(name, lang=locale)))
    _concept(graph, agent, DCTERMS.type, "http://purl.org/adms/publishertype/LocalAuthority", "Local authority")
    return agent


def _add_languages(graph: Graph, subject: URIRef) -> None:
    for code in _LANGUAGES.values():
        _typed(graph, subject, DCTERMS.language, f"{AUTHORITY}/language/{code}", DCTERMS.LinguisticSystem)


def _add_texts(
    graph: Graph, subject: URIRef, predicate: URIRef, portal: Portal, text: str, english: str | None
) -> None:
    graph.add((subject, predicate, Literal(text, lang=portal.locale)))
    if english:
        graph.add((subject, predicate, Literal(english, lang="en")))


def _instant(naive_utc: str) -> Literal:
    return Literal(f"{naive_utc.removesuffix('Z')}Z", datatype=XSD.dateTime)


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _summary(extras: Mapping[str, str]) -> dict[str, Any]:
    try:
        summary = json.loads(extras.get("release_summary") or "{}")
    except ValueError:
        return {}
    return summary if isinstance(summary, dict) else {}


def _address(url: str, portal: Portal) -> str:
    """Return an absolute address with everything quoted that RDF does not allow in one."""
    absolute = f"{portal.url}{url}" if url.startswith("/") else url
    return quote(absolute, safe=":/?#[]@!$&'()*+,;=%~") if "://" in absolute else ""


def fingerprint(graph: Graph) -> str:
    """Return a hash of what the graph says; the bytes of some formats change their order from process to process."""
    lines = sorted(" ".join(term.n3() for term in triple) for triple in graph)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def serialise(graph: Graph, extension: str) -> tuple[bytes, str]:
    """Return the graph as bytes and their media type, for an extension of `SERIALISERS`."""
    form = SERIALISERS[extension]
    return graph.serialize(format=form, encoding="utf-8"), FORMATS[form]
