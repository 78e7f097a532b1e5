"""Reads DCAT in any notation of RDF as the dataset dicts that CKAN would show.

The mapping follows https://www.w3.org/TR/vocab-dcat-3/ and DCAT-AP; what is said in several languages is read in the
portal's first and kept in English beside it.
"""

from __future__ import annotations

import json
import re
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

from rdflib import RDF, BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF
from rdflib.term import Node

from catalogue.importing.dcat_us import former_names, name_from, organization_of
from catalogue.importing.dumps import NAMESPACE, Record
from catalogue.licenses import license_of_url

_VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
_SCHEMA = Namespace("http://schema.org/")
_SPDX = Namespace("http://spdx.org/rdf/terms#")
_OWN_ID = re.compile(r"/dataset/([0-9a-f]{8}-[0-9a-f-]{27})/?\Z")
_OWN_RESOURCE_ID = re.compile(r"/resource/([0-9a-f]{8}-[0-9a-f-]{27})/?\Z")
_NOTATIONS = {".ttl": "turtle", ".jsonld": "json-ld", ".json": "json-ld", ".n3": "n3", ".nt": "nt"}


def read_graph(path: Path, text: str) -> Graph:
    """Return what the text says; its notation follows from the file's name, RDF/XML by default."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's reader of JSON-LD calls an old part of rdflib
        return Graph().parse(data=text, format=_NOTATIONS.get(suffix, "xml"))


class DcatReader:
    """Reads the datasets of one graph; `locale` is the language of the plain fields."""

    def __init__(self, graph: Graph, locale: str) -> None:
        self._graph = graph
        self._locale = locale

    def packages(self) -> Iterator[Record]:
        """Yield each dataset, in the order of their addresses."""
        for dataset in sorted(set(self._graph.subjects(RDF.type, DCAT.Dataset)), key=str):
            if self._text(dataset, DCTERMS.title):
                yield self._package(dataset)

    def _package(self, dataset: Node) -> Record:
        identifier = self._text(dataset, DCTERMS.identifier) or str(dataset)
        own = _OWN_ID.search(str(dataset))
        title = self._text(dataset, DCTERMS.title) or identifier
        distributions = sorted(self._graph.objects(dataset, DCAT.distribution), key=str)
        licenses = [str(place) for node in (dataset, *distributions) for place in self._all(node, DCTERMS.license)]
        known = next((found for place in licenses if (found := license_of_url(place))), None)
        contact = self._graph.value(dataset, DCAT.contactPoint)
        package_id = own.group(1) if own else str(uuid.uuid5(NAMESPACE, identifier))
        return {
            "id": package_id,
            "name": name_from(title, identifier),
            "former_names": former_names(identifier, str(dataset), self._text(dataset, DCAT.landingPage) or ""),
            "title": title,
            "notes": self._text(dataset, DCTERMS.description),
            "url": self._text(dataset, DCAT.landingPage),
            "version": self._text(dataset, URIRef(f"{DCAT}version")),
            "license_id": known.id if known else None,
            "maintainer": self._text(contact, _VCARD.fn),
            "maintainer_email": (self._text(contact, _VCARD.hasEmail) or "").removeprefix("mailto:") or None,
            "metadata_created": self._text(dataset, DCTERMS.issued),
            "metadata_modified": self._text(dataset, DCTERMS.modified),
            "organization": self._organization(dataset),
            "tags": [{"name": word} for word in dict.fromkeys(self._texts(dataset, DCAT.keyword))],
            "groups": [],
            "extras": [{"key": key, "value": value} for key, value in self._extras(dataset, identifier).items()],
            "resources": [self._resource(package_id, number, node) for number, node in enumerate(distributions)],
        }

    def _organization(self, dataset: Node) -> Record | None:
        publisher = self._graph.value(dataset, DCTERMS.publisher)
        return organization_of({"name": self._text(publisher, FOAF.name) or self._text(publisher, _VCARD.fn)})

    def _extras(self, dataset: Node, identifier: str) -> dict[str, str]:
        extras = {"identifier": identifier}
        if isinstance(dataset, URIRef):
            extras["uri"] = str(dataset)
        for field, predicate in (("title", DCTERMS.title), ("notes", DCTERMS.description)):
            english = self._text(dataset, predicate, locale="en")
            if english and english != self._text(dataset, predicate):
                extras[f"{field}_en"] = english
        period = self._graph.value(dataset, DCTERMS.temporal)
        plain = {
            "frequency": self._text(dataset, DCTERMS.accrualPeriodicity),
            "access_rights": self._text(dataset, DCTERMS.accessRights),
            "provenance": self._text(self._graph.value(dataset, DCTERMS.provenance), DCTERMS.description),
            "spatial_uri": self._text(dataset, DCTERMS.spatial),
            "temporal_start": self._text(period, DCAT.startDate) or self._text(period, _SCHEMA.startDate),
            "temporal_end": self._text(period, DCAT.endDate) or self._text(period, _SCHEMA.endDate),
        }
        lists = {
            "theme": self._all(dataset, DCAT.theme),
            "language": self._all(dataset, DCTERMS.language),
            "conforms_to": self._all(dataset, DCTERMS.conformsTo),
        }
        extras |= {key: value for key, value in plain.items() if value}
        return extras | {key: json.dumps(values) for key, values in lists.items() if values}

    def _resource(self, package_id: str, number: int, node: Node) -> Record:
        download, access = self._text(node, DCAT.downloadURL), self._text(node, DCAT.accessURL)
        own = _OWN_RESOURCE_ID.search(str(node))
        key = f"{package_id}/{node if isinstance(node, URIRef) else download or access or number}"
        media_type = (self._text(node, DCAT.mediaType) or "").rpartition("media-types/")[2]
        checksum = self._graph.value(node, _SPDX.checksum)
        return {
            "id": own.group(1) if own else str(uuid.uuid5(NAMESPACE, key)),
            "name": self._text(node, DCTERMS.title),
            "description": self._text(node, DCTERMS.description),
            "url": download or access or "",
            "format": (self._text(node, DCTERMS["format"]) or "").rpartition("/")[2],
            "mimetype": media_type or None,
            "size": self._text(node, DCAT.byteSize),
            "hash": self._text(checksum, _SPDX.checksumValue) or "",
            "created": self._text(node, DCTERMS.issued),
            "last_modified": self._text(node, DCTERMS.modified),
        }

    def _texts(self, subject: Node | None, predicate: URIRef) -> list[str]:
        """Return what is said in the portal's language or in none; in any other when there is nothing."""
        literals = [value for value in self._graph.objects(subject, predicate) if isinstance(value, Literal)]
        wanted = [value for value in literals if (value.language or self._locale)[:2] == self._locale]
        return sorted(str(value) for value in wanted or literals)

    def _text(self, subject: Node | None, predicate: URIRef, *, locale: str = "") -> str | None:
        """Return one value: in the language, else in none, else any; null without one."""
        if subject is None:
            return None
        wanted = locale or self._locale
        values = [value for value in self._graph.objects(subject, predicate) if not isinstance(value, BNode)]
        if locale:
            values = [value for value in values if isinstance(value, Literal) and value.language == locale]
        ranked = sorted(values, key=lambda value: (_distance(value, wanted), str(value)))
        return str(ranked[0]) if ranked else None

    def _all(self, subject: Node, predicate: URIRef) -> list[str]:
        return sorted(str(value) for value in self._graph.objects(subject, predicate) if not isinstance(value, BNode))


def _distance(value: Node, wanted: str) -> int:
    language = (value.language or "") if isinstance(value, Literal) else ""
    return 0 if language[:2] == wanted else 1 if not language else 2
