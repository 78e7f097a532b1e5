"""DCAT-AP 3.0.1 (https://semiceu.github.io/DCAT-AP/releases/3.0.0/): one dataset as RDF.

Classes of licences, formats and the like are stated inline, because validators cannot look them up elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from urllib.parse import quote

from rdflib import BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, FOAF, RDF, RDFS, SKOS, XSD

from catalogue.tongues.described import Checksum, DescribedDataset, File, Licence, Party, Portal, Release, Words
from catalogue.tongues.terms import AUTHORITY, file_type_uri, find_frequency, language_uri
from catalogue.tongues.words import words_of

ADMS = Namespace("http://www.w3.org/ns/adms#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
GEOSPARQL = Namespace("http://www.opengis.net/ont/geosparql#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
LICENCE_TYPES = "http://purl.org/adms/licencetype/"
PREFIXES = {
    "adms": ADMS,
    "dcat": DCAT,
    "dcatap": DCATAP,
    "dct": DCTERMS,
    "foaf": FOAF,
    "geo": GEOSPARQL,
    "hydra": HYDRA,
    "rdf": RDF,
    "rdfs": RDFS,
    "skos": SKOS,
    "spdx": SPDX,
    "vcard": VCARD,
    "xsd": XSD,
}


def new_graph() -> Graph:
    """Return an empty graph that knows our prefixes and no others: a serialiser asks every one for every term."""
    graph = Graph(bind_namespaces="none")
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    return graph


def dataset_to_graph(portal: Portal, dataset: DescribedDataset) -> Graph:
    """Return the graph of one dataset."""
    graph = new_graph()
    add_dataset(graph, dataset, portal)
    return graph


def releases_to_graph(portal: Portal, dataset: DescribedDataset) -> Graph:
    """Return the graph of one dataset with all its releases, which DCAT calls versions and datasets too."""
    graph = dataset_to_graph(portal, dataset)
    node = URIRef(dataset.uri)
    known = {release.id: URIRef(release.uri) for release in dataset.releases}
    for release in dataset.releases:
        graph.add((node, DCAT.hasVersion, known[release.id]))
        if release.id == dataset.release:
            graph.add((node, DCAT.hasCurrentVersion, known[release.id]))
        _add_release(graph, release, dataset, portal)
        if release.parent in known:
            graph.add((known[release.id], DCAT.previousVersion, known[release.parent]))
    return graph


def _add_release(graph: Graph, release: Release, dataset: DescribedDataset, portal: Portal) -> None:
    version, node = URIRef(release.uri), URIRef(dataset.uri)
    graph.add((version, RDF.type, DCAT.Dataset))
    graph.add((version, DCAT.isVersionOf, node))
    graph.add((version, DCAT.version, Literal(release.id)))
    graph.add((version, DCTERMS.identifier, Literal(f"{dataset.identifier}/{release.id}")))
    graph.add((version, DCTERMS.issued, instant(release.issued)))
    title = words_of("release_of", portal.locale, title=dataset.title, release=release.id)
    add_words(graph, version, DCTERMS.title, title, portal)
    add_words(graph, version, DCTERMS.description, dataset.description, portal)
    add_words(graph, version, ADMS.versionNotes, release.notes, portal)
    typed(graph, version, DCAT.landingPage, release.page, FOAF.Document)
    for predicate in (DCTERMS.publisher, DCAT.contactPoint, DCAT.theme, DCAT.keyword, DCTERMS.accessRights):
        for value in graph.objects(node, predicate):
            graph.add((version, predicate, value))


# ---- datasets ------------------------------------------------------------------------------------------------------


def add_dataset(graph: Graph, dataset: DescribedDataset, portal: Portal) -> URIRef:
    """Add a dataset, or a series of datasets, with all that belongs to it; return its node."""
    node = URIRef(dataset.uri)
    graph.add((node, RDF.type, DCAT.DatasetSeries if dataset.is_series else DCAT.Dataset))
    add_words(graph, node, DCTERMS.title, dataset.title, portal)
    add_words(graph, node, DCTERMS.description, dataset.description, portal)
    graph.add((node, DCTERMS.issued, instant(dataset.issued)))
    graph.add((node, DCTERMS.modified, instant(dataset.modified)))
    _add_owner(graph, node, dataset, portal)
    _add_coverage(graph, node, dataset, portal)
    if dataset.is_series:
        return node
    graph.add((node, DCTERMS.identifier, Literal(dataset.identifier)))
    for keyword in dataset.keywords:
        graph.add((node, DCAT.keyword, Literal(keyword, lang=portal.locale)))
    for page in filter(None, (dataset.page, dataset.source_page)):
        typed(graph, node, DCAT.landingPage, page, FOAF.Document)
    _add_rights(graph, node, dataset, portal)
    add_languages(graph, node, dataset.languages)
    _add_themes(graph, node, dataset, portal)
    _add_origin(graph, node, dataset, portal)
    _add_versions(graph, node, dataset, portal)
    service = _add_service(graph, node, dataset, portal) if dataset.query_url else None
    for file in dataset.files:
        graph.add((node, DCAT.distribution, _add_file(graph, file, dataset.licence, portal)))
        if service is not None and file.is_queryable:
            graph.add((URIRef(file.uri), DCAT.accessService, service))
    return node


def _add_owner(graph: Graph, node: URIRef, dataset: DescribedDataset, portal: Portal) -> None:
    owner = dataset.publisher
    if owner:
        graph.add((node, DCTERMS.publisher, add_agent(graph, owner, portal)))
    name = dataset.contact or (owner.title.local if owner else "") or dataset.contact_email
    if not name:
        return
    contact = BNode(f"contact-{dataset.id}")
    graph.add((node, DCAT.contactPoint, contact))
    graph.add((contact, RDF.type, VCARD.Kind))
    graph.add((contact, VCARD.fn, Literal(name)))
    if dataset.contact_email:
        graph.add((contact, VCARD.hasEmail, URIRef(mail_address(dataset.contact_email))))


def _add_themes(graph: Graph, node: URIRef, dataset: DescribedDataset, portal: Portal) -> None:
    for theme in dataset.themes:
        concept = typed(graph, node, DCAT.theme, theme.uri, SKOS.Concept)
        title = theme.title or Words(english=theme.uri.rstrip("/").rpartition("/")[2])
        add_words(graph, concept, SKOS.prefLabel, title, portal)
        if theme.name:
            graph.add((concept, SKOS.inScheme, URIRef(f"{portal.url}/group")))


def _add_rights(graph: Graph, node: URIRef, dataset: DescribedDataset, portal: Portal) -> None:
    if dataset.access_rights:
        typed(graph, node, DCTERMS.accessRights, dataset.access_rights, DCTERMS.RightsStatement)
        return
    statement = BNode(f"rights-{_tail(node)}")
    graph.add((node, DCTERMS.accessRights, statement))
    graph.add((statement, RDF.type, DCTERMS.RightsStatement))
    graph.add((statement, RDFS.label, Literal(dataset.rights, lang=portal.locale)))


def _add_coverage(graph: Graph, node: URIRef, dataset: DescribedDataset, portal: Portal) -> None:
    """Add where, when and how often."""
    if frequency := find_frequency(dataset.frequency):
        typed(graph, node, DCTERMS.accrualPeriodicity, frequency.uri, DCTERMS.Frequency)
    place = dataset.place
    if place:
        location = URIRef(place.uri) if place.uri else BNode(f"place-{_tail(node)}")
        graph.add((node, DCTERMS.spatial, location))
        graph.add((location, RDF.type, DCTERMS.Location))
        add_words(graph, location, SKOS.prefLabel, place.name, portal)
    if place.box:  # not the shape itself: the shapes of DCAT-AP contradict each other on locn:geometry
        west, south, east, north = place.box
        ring = ", ".join(
            f"{x:g} {y:g}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))
        )
        centre = f"POINT({(west + east) / 2:g} {(south + north) / 2:g})"
        graph.add((location, DCAT.bbox, Literal(f"POLYGON(({ring}))", datatype=GEOSPARQL.wktLiteral)))
        graph.add((location, DCAT.centroid, Literal(centre, datatype=GEOSPARQL.wktLiteral)))
    if dataset.period:
        period = BNode(f"period-{_tail(node)}")
        graph.add((node, DCTERMS.temporal, period))
        graph.add((period, RDF.type, DCTERMS.PeriodOfTime))
        _add_day(graph, period, DCAT.startDate, dataset.period.start)
        _add_day(graph, period, DCAT.endDate, dataset.period.end)


def _add_day(graph: Graph, period: BNode, predicate: URIRef, day: date | None) -> None:
    if day:
        graph.add((period, predicate, Literal(day, datatype=XSD.date)))


def _add_origin(graph: Graph, node: URIRef, dataset: DescribedDataset, portal: Portal) -> None:
    """Add what the data follows and where it comes from."""
    for standard in dataset.conforms_to:
        typed(graph, node, DCTERMS.conformsTo, standard, DCTERMS.Standard)
    if dataset.provenance:
        statement = BNode(f"provenance-{_tail(node)}")
        graph.add((node, DCTERMS.provenance, statement))
        graph.add((statement, RDF.type, DCTERMS.ProvenanceStatement))
        add_words(graph, statement, RDFS.label, dataset.provenance, portal)


def _add_versions(graph: Graph, node: URIRef, dataset: DescribedDataset, portal: Portal) -> None:
    """Add the current release and the way to the one before; harvesters take every dcat:Dataset for one of ours."""
    if version := dataset.release or dataset.schema_version:
        graph.add((node, DCAT.version, Literal(version)))
    add_words(graph, node, ADMS.versionNotes, dataset.notes, portal)
    known = {release.id: release for release in dataset.releases}
    current = known.get(dataset.release)
    if current and current.parent in known:
        graph.add((node, DCAT.previousVersion, URIRef(known[current.parent].uri)))
    for series in dataset.series:
        parent = typed(graph, node, DCAT.inSeries, series.uri, DCAT.DatasetSeries)
        add_words(graph, parent, DCTERMS.title, series.title, portal)
        add_words(graph, parent, DCTERMS.description, series.description or series.title, portal)


def _add_service(graph: Graph, node: URIRef, dataset: DescribedDataset, portal: Portal) -> URIRef:
    """Add the query service over the dataset's current release."""
    service = URIRef(f"{dataset.uri}#query")
    graph.add((service, RDF.type, DCAT.DataService))
    add_words(graph, service, DCTERMS.title, words_of("query", portal.locale, title=dataset.title), portal)
    graph.add((service, DCAT.endpointURL, URIRef(dataset.query_url)))
    graph.add((service, DCAT.endpointDescription, URIRef(f"{dataset.query_url}/-/schema")))
    graph.add((service, DCAT.servesDataset, node))
    for predicate in (DCTERMS.publisher, DCAT.contactPoint, DCAT.theme, DCAT.keyword, DCTERMS.accessRights):
        for value in graph.objects(node, predicate):
            graph.add((service, predicate, value))
    return service


# ---- distributions -------------------------------------------------------------------------------------------------


def _add_file(graph: Graph, file: File, licence: Licence, portal: Portal) -> URIRef:
    place = URIRef(file.uri)
    graph.add((place, RDF.type, DCAT.Distribution))
    add_words(graph, place, DCTERMS.title, file.title, portal)
    add_words(graph, place, DCTERMS.description, file.description, portal)
    graph.add((place, DCAT.accessURL, URIRef(file.access_url)))
    if file.download_url:
        graph.add((place, DCAT.downloadURL, URIRef(file.download_url)))
    if file.checksum:
        _add_checksum(graph, place, file.checksum, file.id)
    if file.size_bytes is not None:
        graph.add((place, DCAT.byteSize, Literal(file.size_bytes, datatype=XSD.nonNegativeInteger)))
    _add_format(graph, place, file)
    _add_licence(graph, place, licence)
    for predicate, moment in ((DCTERMS.issued, file.issued), (DCTERMS.modified, file.modified)):
        if moment:
            graph.add((place, predicate, instant(moment)))
    availability = f"{AUTHORITY}/planned-availability/AVAILABLE"
    _concept(graph, place, DCATAP.availability, availability, words_of("available", portal.locale), portal)
    return place


def _add_checksum(graph: Graph, place: URIRef, told: Checksum, file_id: str) -> None:
    checksum, algorithm = BNode(f"checksum-{file_id}"), SPDX[f"checksumAlgorithm_{told.algorithm}"]
    graph.add((place, SPDX.checksum, checksum))
    graph.add((checksum, RDF.type, SPDX.Checksum))
    graph.add((checksum, SPDX.algorithm, algorithm))
    graph.add((algorithm, RDF.type, SPDX.ChecksumAlgorithm))
    graph.add((checksum, SPDX.checksumValue, Literal(told.value, datatype=XSD.hexBinary)))


def _add_format(graph: Graph, place: URIRef, file: File) -> None:
    known = file_type_uri(file.format)
    if known:
        typed(graph, place, DCTERMS["format"], known, DCTERMS.MediaTypeOrExtent)
    elif file.format:
        form = BNode(f"format-{file.id}")
        graph.add((place, DCTERMS["format"], form))
        graph.add((form, RDF.type, DCTERMS.MediaTypeOrExtent))
        graph.add((form, SKOS.prefLabel, Literal(file.format)))
    if file.media_type:
        typed(graph, place, DCAT.mediaType, MEDIA_TYPES + quote(file.media_type), DCTERMS.MediaType)
    if file.is_gzip:
        typed(graph, place, DCAT.compressFormat, f"{MEDIA_TYPES}application/gzip", DCTERMS.MediaType)


def _add_licence(graph: Graph, place: URIRef, licence: Licence) -> None:
    if not licence.url:
        return
    document = typed(graph, place, DCTERMS.license, licence.url, DCTERMS.LicenseDocument)
    if licence.is_open:
        is_public_domain = licence.id in {"cc-zero", "odc-pddl"}
        kind, label = ("PublicDomain", "Public domain") if is_public_domain else ("Attribution", "Attribution")
        term = typed(graph, document, DCTERMS.type, LICENCE_TYPES + kind, SKOS.Concept)
        graph.add((term, SKOS.prefLabel, Literal(label, lang="en")))


# ---- small parts ---------------------------------------------------------------------------------------------------


def add_agent(graph: Graph, party: Party, portal: Portal) -> URIRef:
    """Add an organization and return its node."""
    agent = URIRef(party.uri)
    graph.add((agent, RDF.type, FOAF.Agent))
    add_words(graph, agent, FOAF.name, party.title, portal)
    kind = typed(graph, agent, DCTERMS.type, "http://purl.org/adms/publishertype/LocalAuthority", SKOS.Concept)
    graph.add((kind, SKOS.prefLabel, Literal("Local authority", lang="en")))
    return agent


def add_languages(graph: Graph, node: URIRef, codes: Iterable[str]) -> None:
    """Add the languages that something is written in."""
    for code in codes:
        typed(graph, node, DCTERMS.language, language_uri(code), DCTERMS.LinguisticSystem)


def add_words(graph: Graph, node: URIRef | BNode, predicate: URIRef, words: Words, portal: Portal) -> None:
    """Add a text in each of its languages."""
    for language, text in words.tagged(portal.locale):
        graph.add((node, predicate, Literal(text, lang=language)))


def typed(graph: Graph, node: URIRef, predicate: URIRef, uri: str, kind: URIRef) -> URIRef:
    """Add a link to something that has a URI and say what it is."""
    target = URIRef(uri)
    graph.add((node, predicate, target))
    graph.add((target, RDF.type, kind))
    return target


def instant(naive_utc: str) -> Literal:
    """Return a time of the catalogue as RDF writes it."""
    return Literal(f"{naive_utc.removesuffix('Z')}Z", datatype=XSD.dateTime, normalize=False)


def mail_address(email: str) -> str:
    """Return the address as a link."""
    return f"mailto:{quote(email, safe='@+._-')}"


def _concept(graph: Graph, node: URIRef, predicate: URIRef, uri: str, label: Words, portal: Portal) -> None:
    """Add a link to a term of a vocabulary with its label."""
    add_words(graph, typed(graph, node, predicate, uri, SKOS.Concept), SKOS.prefLabel, label, portal)


def _tail(node: URIRef) -> str:
    """Return what makes names of blank nodes of a dataset its own."""
    return quote(str(node).rpartition("/")[2], safe="").replace("%", "_")
