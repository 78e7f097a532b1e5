"""DCAT-AP: the shapes of the standard, stable URIs, paging, and the addresses over HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from rdflib import Graph, Literal, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCTERMS, RDF, SH
from samples.described_dataset import PACKAGE, PORTAL, URI, described
from samples.golden import assert_golden
from samples.portal_on_disk import id_of, open_portal

from catalogue.tongues.dcat import DCAT, HYDRA, dataset_to_graph, releases_to_graph
from catalogue.tongues.dcat_catalog import CatalogPage, CatalogTimes, catalog_to_graph, serialise
from catalogue.web.open_formats import open_formats_blueprint

# The RDF library warns about itself when it reads JSON-LD or N3.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
DATASET = URIRef(URI)


@pytest.fixture(scope="session")
def shapes(root: Path) -> Path:
    folder = root.parent / "shared" / "shapes"
    if not folder.is_dir():
        pytest.skip("the DCAT-AP shapes are not beside this checkout (../shared/shapes)")
    return folder


def complaints(graph: Graph, shapes: Path) -> set[tuple[str, str]]:
    """Return path and severity of every complaint."""
    import pyshacl

    read_back = Graph().parse(data=serialise(graph, "ttl")[0], format="turtle")
    rules = Graph().parse(shapes, format="turtle")
    for shape, part in list(rules.subject_objects(SH.property)):
        if (part, SH.path, None) not in rules:  # the published file names a few parts that it does not define
            rules.remove((shape, SH.property, part))
    _, report, _ = pyshacl.validate(read_back, shacl_graph=rules, allow_warnings=False)
    return {
        (str(report.value(result, SH.resultPath)), str(report.value(result, SH.resultSeverity)).rpartition("#")[2])
        for result in report.subjects(RDF.type, SH.ValidationResult)
    }


def page_graph() -> Graph:
    times = CatalogTimes(issued=str(PACKAGE["metadata_created"]), modified=str(PACKAGE["metadata_modified"]))
    return catalog_to_graph(PORTAL, [described()], CatalogPage(1, 1, f"{PORTAL.url}/catalog.ttl"), times)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["dcat-ap-3.0.1-shapes.ttl", "dcat-ap-3.0.1-SHACL.ttl"])
def test_catalogue_dataset_and_releases_pass_the_shapes(shapes: Path, file: str) -> None:
    for graph in (page_graph(), dataset_to_graph(PORTAL, described()), releases_to_graph(PORTAL, described())):
        found = complaints(graph, shapes / file)
        assert {complaint for complaint in found if complaint[1] == "Violation"} == set()


def test_recommendations_are_followed_but_for_what_nobody_told_us(shapes: Path) -> None:
    found = complaints(dataset_to_graph(PORTAL, described()), shapes / "dcat-ap-3.0.1-shapes-recommended.ttl")
    paths = {path.rpartition("/")[2].rpartition("#")[2] for path, _ in found}
    # The query service follows no standard, the series has no owner, one resource no format.
    assert paths <= {"conformsTo", "contactPoint", "publisher", "format"}, paths


@pytest.mark.parametrize("extension", ["ttl", "jsonld", "xml", "rdf", "n3"])
def test_every_format_says_the_same(extension: str) -> None:
    data, media_type = serialise(page_graph(), extension)
    form = {"text/turtle": "turtle", "application/ld+json": "json-ld", "application/rdf+xml": "xml", "text/n3": "n3"}
    read_back = Graph().parse(data=data, format=form[media_type])
    assert isomorphic(read_back, Graph().parse(data=page_graph().serialize(format="nt"), format="nt"))


def test_golden_dataset() -> None:
    assert_golden("dcat_dataset.ttl", serialise(dataset_to_graph(PORTAL, described()), "ttl")[0])
    assert_golden("dcat_releases.ttl", serialise(releases_to_graph(PORTAL, described()), "ttl")[0])
    assert_golden("dcat_catalog.ttl", serialise(page_graph(), "ttl")[0])


@pytest.mark.slow
def test_turtle_does_not_depend_on_the_process(root: Path) -> None:
    code = (
        "import sys; sys.path[:0] = ['tests/catalogue'];"
        "from test_dcat import page_graph, serialise; print(serialise(page_graph(), 'ttl'))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ".:tests"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_uris_are_made_of_ids() -> None:
    graph = dataset_to_graph(PORTAL, described())
    renamed = dataset_to_graph(PORTAL, described(name="other-name"))
    assert set(graph.subjects(RDF.type, DCAT.Dataset)) == {DATASET} == set(renamed.subjects(RDF.type, DCAT.Dataset))
    assert set(graph.subjects(RDF.type, DCAT.Distribution)) == set(renamed.subjects(RDF.type, DCAT.Distribution))
    assert Literal("Bus stops", lang="en") in set(graph.objects(DATASET, DCTERMS.title))


def test_pages_are_linked() -> None:
    address = f"{PORTAL.url}/catalog.ttl?q=x"
    graph = catalog_to_graph(PORTAL, [described()], CatalogPage(2, 201, address))
    page = URIRef(f"{address}&page=2")
    found = {name: str(graph.value(page, HYDRA[name])) for name in ("first", "previous", "next", "last", "nextPage")}
    assert found == {
        "first": f"{address}&page=1",
        "previous": f"{address}&page=1",
        "next": f"{address}&page=3",
        "last": f"{address}&page=3",
        "nextPage": f"{address}&page=3",
    }
    assert int(str(graph.value(page, HYDRA.totalItems))) == 201
    last = catalog_to_graph(PORTAL, [], CatalogPage(3, 201, address))
    assert list(last.objects(None, HYDRA.next)) == []


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    portal = open_portal(tmp_path_factory.mktemp("portal"))
    portal.add_group("so-gtvt", "Sở Giao thông")
    for n in range(103):
        portal.add_dataset(f"d{n:03}", title=f"Bộ {n}", organization="so-gtvt", tags=["một"])
    portal.publish("d000", "2026-11-22.1")
    portal.add_dataset("rieng", organization="so-gtvt", private=True)
    portal.publish("rieng", "2026-11-22.1")
    app = Flask("test")
    app.register_blueprint(open_formats_blueprint(portal.services))
    yield app.test_client()
    portal.search.close()
    portal.store.close()


@pytest.mark.slow
def test_the_catalogue_is_paged_to_its_end(client) -> None:
    address, seen, pages = "/catalog.ttl", set(), 0
    while address:
        graph = Graph().parse(data=client.get(address).data, format="turtle")
        assert int(str(next(graph.objects(None, HYDRA.totalItems)))) == 103
        seen |= set(graph.subjects(RDF.type, DCAT.Dataset))
        following = next(graph.objects(None, HYDRA.next), None)
        address = str(following).removeprefix("https://data.example.vn") if following else ""
        pages += 1
    assert (len(seen), pages) == (103, 2)


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/catalog.jsonld?q=title:12", 1),
        ("/catalog.xml?fq=organization:none", 0),
        ("/catalog.rdf?modified_since=2026-11-01T09:42:00", 3),
        (f"/dataset/{id_of('d001')}.ttl", 1),
        ("/dataset/d001.jsonld?profiles=euro_dcat_ap_3", 1),
    ],
)
def test_addresses(client, path: str, count: int) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    form = {"jsonld": "json-ld", "xml": "xml", "rdf": "xml", "ttl": "turtle"}[path.partition("?")[0].rpartition(".")[2]]
    assert len(set(Graph().parse(data=answer.data, format=form).subjects(RDF.type, DCAT.Dataset))) == count
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/dataset/rieng.ttl", 404),
        ("/dataset/absent.ttl", 404),
        ("/dataset/d001.csv", 404),
        ("/catalog.ttl?page=0", 409),
        ("/catalog.ttl?page=x", 409),
        ("/catalog.ttl?modified_since=yesterday", 409),
        (f"/datastore/dump/{id_of('rieng/wards')}", 404),
        ("/datastore/dump/nope", 404),
        (f"/datastore/dump/{id_of('d000/wards')}?format=xls", 409),
    ],
)
def test_what_is_not_answered(client, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_dump_over_http(client) -> None:
    answer = client.get(f"/datastore/dump/{id_of('d000/wards')}?bom=true&limit=2")
    assert answer.data.decode().startswith("\ufeff_id,ward,")
    assert answer.data.decode().count("\n") == 3
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Release"] == "2026-11-22.1"
