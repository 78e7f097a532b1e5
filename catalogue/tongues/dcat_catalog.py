"""The catalogue as RDF, page by page: DCAT-AP 3.0.1 with the page links of Hydra; and RDF as bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, FOAF, RDF, SKOS
from rdflib.plugins.serializers.turtle import TurtleSerializer
from rdflib.term import Node

from catalogue.tongues.dcat import (
    DCAT,
    HYDRA,
    PREFIXES,
    add_agent,
    add_dataset,
    add_languages,
    add_words,
    instant,
    new_graph,
    typed,
)
from catalogue.tongues.described import DescribedDataset, Party, Portal, Words
from catalogue.tongues.terms import find_language
from catalogue.tongues.words import words_of

PAGE_SIZE = 100
FORMATS = {
    "turtle": "text/turtle",
    "json-ld": "application/ld+json",
    "xml": "application/rdf+xml",
    "n3": "text/n3",
}
SERIALISERS = {"ttl": "turtle", "jsonld": "json-ld", "xml": "xml", "rdf": "xml", "n3": "n3"}


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

    def of(self, number: int) -> str:
        """Return the address of a page."""
        return f"{self.address}{'&' if '?' in self.address else '?'}page={number}"


@dataclass(frozen=True)
class CatalogTimes:
    """When the first public dataset appeared and when one changed last, naive UTC; null in an empty catalogue."""

    issued: str | None = None
    modified: str | None = None


def catalog_to_graph(
    portal: Portal, datasets: Sequence[DescribedDataset], page: CatalogPage, times: CatalogTimes = CatalogTimes()
) -> Graph:
    """Return the graph of one page of the catalogue."""
    graph = new_graph()
    catalog = URIRef(f"{portal.url}/")
    graph.add((catalog, RDF.type, DCAT.Catalog))
    add_words(graph, catalog, DCTERMS.title, Words(portal.title), portal)
    add_words(graph, catalog, DCTERMS.description, Words(portal.description or portal.title), portal)
    publisher = Party(id="", name="", uri=f"{portal.url}/#publisher", title=Words(portal.title))
    graph.add((catalog, DCTERMS.publisher, add_agent(graph, publisher, portal)))
    typed(graph, catalog, FOAF.homepage, f"{portal.url}/", FOAF.Document)
    add_languages(graph, catalog, dict.fromkeys(filter(None, (find_language(portal.locale), "en"))))
    for predicate, moment in ((DCTERMS.issued, times.issued), (DCTERMS.modified, times.modified)):
        if moment:
            graph.add((catalog, predicate, instant(moment)))
    taxonomy = typed(graph, catalog, DCAT.themeTaxonomy, f"{portal.url}/group", SKOS.ConceptScheme)
    add_words(graph, taxonomy, DCTERMS.title, words_of("themes", portal.locale), portal)
    for dataset in datasets:
        graph.add((catalog, DCAT.dataset, add_dataset(graph, dataset, portal)))
    _add_page(graph, page)
    return graph


def _add_page(graph: Graph, page: CatalogPage) -> None:
    """Add where the page stands, under the names of Hydra in use and under those that older harvesters read."""
    place = URIRef(page.of(page.number))
    graph.add((place, RDF.type, HYDRA.PagedCollection))
    graph.add((place, HYDRA.totalItems, Literal(page.total)))
    graph.add((place, HYDRA.itemsPerPage, Literal(PAGE_SIZE)))
    links = {"first": 1, "last": page.last, "previous": page.number - 1, "next": page.number + 1}
    for name, number in links.items():
        if 1 <= number <= page.last:
            graph.add((place, HYDRA[name], URIRef(page.of(number))))
            graph.add((place, HYDRA[f"{name}Page"], Literal(page.of(number))))


def serialise(graph: Graph, extension: str) -> tuple[bytes, str]:
    """Return the graph as bytes and their media type, for an extension of `SERIALISERS`."""
    form = SERIALISERS[extension]
    if form == "turtle":
        stream = BytesIO()
        _Turtle(graph).serialize(stream)
        return stream.getvalue(), FORMATS[form]
    if form == "json-ld":
        return graph.serialize(format=form, encoding="utf-8", auto_compact=True), FORMATS[form]
    return graph.serialize(format=form, encoding="utf-8"), FORMATS[form]


class _Turtle(TurtleSerializer):
    """Turtle with our prefixes alone: the library asks every namespace that it ever saw, which takes twice the time."""

    def reset(self) -> None:
        """Forget the last graph."""
        super().reset()
        self._pnames: dict[URIRef, str | None] = {}

    def get_pname(self, uri: Node, gen_prefix: bool = True) -> str | None:  # noqa: ARG002  we make up none
        """Return a term with one of our prefixes, null when it has none."""
        if not isinstance(uri, URIRef):
            return None
        if uri not in self._pnames:
            found = _PNAME.fullmatch(uri)
            prefix = _PREFIX_BY_NAMESPACE.get(found[1]) if found else None
            if found and prefix:
                self.addNamespace(prefix, URIRef(found[1]))
            self._pnames[uri] = f"{prefix}:{found[2]}" if found and prefix else None
        return self._pnames[uri]


_PNAME = re.compile(r"(.*[/#])([A-Za-z][A-Za-z0-9_-]*)", re.DOTALL)
_PREFIX_BY_NAMESPACE = {str(namespace): prefix for prefix, namespace in PREFIXES.items()}
