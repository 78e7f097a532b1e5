"""DCAT-AP: the shapes of the standard, stable URIs, paging, and the addresses over HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, RDF, SH
from samples.golden import assert_golden
from samples.portal_on_disk import id_of, open_portal

from catalogue.dcat import HYDRA, CatalogPage, Portal, catalog_to_graph, dataset_to_graph, serialise
from catalogue.open_formats import open_formats_blueprint

# The RDF library warns about itself when it reads JSON-LD or N3.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PORTAL = Portal(url="https://data.example.vn", title="Dữ liệu mở", description="Cổng dữ liệu", contact="a@example.vn")
PACKAGE = {
    "id": "6a0c1f1e-0000-4000-8000-000000000001",
    "name": "tram-xe-buyt",
    "title": "Trạm xe buýt",
    "notes": "Vị trí các trạm.\nCập nhật hằng ngày.",
    "metadata_created": "2026-11-01T08:00:00.000001",
    "metadata_modified": "2026-11-22T03:00:00.000000",
    "license_id": "cc-by",
    "license_url": "https://creativecommons.org/licenses/by/4.0/",
    "isopen": True,
    "maintainer": "Phòng dữ liệu",
    "maintainer_email": "du-lieu@example.vn",
    "organization": {"id": "6a0c1f1e-0000-4000-8000-000000000002", "name": "so-gtvt", "title": "Sở Giao thông"},
    "groups": [{"id": "6a0c1f1e-0000-4000-8000-000000000003", "name": "transport", "title": "Giao thông"}],
    "tags": [{"name": "xe buýt"}, {"name": "trạm dừng"}],
    "extras": [
        {"key": "title_en", "value": "Bus stops"},
        {"key": "notes_en", "value": "Where the stops are."},
        {"key": "frequency", "value": "daily"},
        {"key": "spatial_text", "value": "Thành phố Hồ Chí Minh"},
        {"key": "temporal_start", "value": "2020-01-01"},
        {"key": "release", "value": "2026-11-22.1"},
        {"key": "release_summary", "value": '{"as_of": "2026-11-22"}'},
    ],
    "resources": [
        {
            "id": "6a0c1f1e-0000-4000-8000-000000000004",
            "name": "Trạm (CSV)",
            "name_en": "Stops (CSV)",
            "description": "Toàn bộ trạm",
            "format": "CSV",
            "mimetype": "text/csv",
            "compression": "gzip",
            "url": "https://data.example.vn/r/tram-xe-buyt/2026-11-22.1/stops.csv.gz",
            "size": 12345,
            "hash": "AB" * 32,
            "hash_algorithm": "sha256",
            "last_modified": "2026-11-22T03:00:00",
            "datastore_active": True,
        },
        {"id": "6a0c1f1e-0000-4000-8000-000000000005", "name": "SQLite", "format": "SQLite", "url": "/x y/[z].db"},
        {"id": "6a0c1f1e-0000-4000-8000-000000000006", "name": None, "format": "", "url": ""},
    ],
}
DATASET = URIRef("https://data.example.vn/dataset/6a0c1f1e-0000-4000-8000-000000000001")


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
    return catalog_to_graph(
        PORTAL, [PACKAGE], CatalogPage(1, 1, f"{PORTAL.url}/catalog.ttl"), modified=str(PACKAGE["metadata_modified"])
    )


@pytest.mark.parametrize("file", ["dcat-ap-3.0.1-shapes.ttl", "dcat-ap-3.0.1-SHACL.ttl"])
def test_catalogue_and_dataset_pass_the_shapes(shapes: Path, file: str) -> None:
    for graph in (page_graph(), dataset_to_graph(PORTAL, PACKAGE)):
        found = complaints(graph, shapes / file)
        assert {complaint for complaint in found if complaint[1] == "Violation"} == set()


def test_recommendations_are_followed_but_for_what_nobody_told_us(shapes: Path) -> None:
    found = complaints(dataset_to_graph(PORTAL, PACKAGE), shapes / "dcat-ap-3.0.1-shapes-recommended.ttl")
    paths = {path.rpartition("/")[2].rpartition("#")[2] for path, _ in found}
    unknown = {"bbox", "centroid", "conformsTo", "license"}  # no coordinates, no standard, one resource without all
    assert paths <= unknown | {"format"}, paths


@pytest.mark.parametrize("extension", ["ttl", "jsonld", "xml", "rdf", "n3"])
def test_every_format_says_the_same(extension: str) -> None:
    data, media_type = serialise(page_graph(), extension)
    form = {"text/turtle": "turtle", "application/ld+json": "json-ld", "application/rdf+xml": "xml", "text/n3": "n3"}
    assert len(Graph().parse(data=data, format=form[media_type])) == len(page_graph())


def test_golden_dataset() -> None:
    assert_golden("dcat_dataset.ttl", serialise(dataset_to_graph(PORTAL, PACKAGE), "ttl")[0])
    assert_golden("dcat_catalog.ttl", serialise(page_graph(), "ttl")[0])


@pytest.mark.slow
def test_fingerprints_do_not_depend_on_the_process(root: Path) -> None:
    code = (
        "import sys; sys.path[:0] = ['tests/catalogue'];"
        "from test_dcat import page_graph, serialise;"
        "from catalogue.dcat import fingerprint; print(fingerprint(page_graph()), serialise(page_graph(), 'ttl'))"
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
    graph = dataset_to_graph(PORTAL, PACKAGE)
    renamed = dataset_to_graph(PORTAL, PACKAGE | {"name": "other-name"})
    assert set(graph.subjects(RDF.type, DCAT.Dataset)) == {DATASET} == set(renamed.subjects(RDF.type, DCAT.Dataset))
    assert set(graph.subjects(RDF.type, DCAT.Distribution)) == set(renamed.subjects(RDF.type, DCAT.Distribution))
    assert Literal("Bus stops", lang="en") in set(graph.objects(DATASET, DCTERMS.title))


def test_pages_are_linked() -> None:
    address = f"{PORTAL.url}/catalog.ttl?q=x"
    graph = catalog_to_graph(PORTAL, [PACKAGE], CatalogPage(2, 201, address))
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
