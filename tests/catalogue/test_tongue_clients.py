"""Programs that others wrote read our open formats over HTTP: rdflib, mlcroissant, frictionless, feedparser, harvesters."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from rdflib import Graph
from rdflib.namespace import DCTERMS, RDF
from samples.sample_city import City, id_of
from werkzeug.serving import make_server

from catalogue.actions import create
from catalogue.tongues.dcat import DCAT, HYDRA
from catalogue.web.action_api import action_api_blueprint
from catalogue.web.open_formats import open_formats_blueprint

pytestmark = pytest.mark.slow
REQUESTS, AIR = "phan-anh-1022", "quan-trac-khong-khi"
DATASETS = 215


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city with released files behind HTTP, and two hundred datasets more."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    city = City(tmp_path_factory.mktemp("city"), site_url=f"http://127.0.0.1:{port}")
    city.publish(REQUESTS, "2026-11-20.1")
    city.publish(REQUESTS, "2026-11-21.1", parent="2026-11-20.1", changes={"added": 3, "removed": 0, "changed": 1})
    city.publish(AIR, "2026-11-20.1")
    for n in range(DATASETS - 2):
        city.act(create.package_create, {"name": f"bo-{n}", "title": f"Bộ {n}", "owner_org": "so-tai-chinh"})
    app = city.app()
    app.register_blueprint(action_api_blueprint(city.services))
    app.register_blueprint(open_formats_blueprint(city.services))
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield city
    server.shutdown()
    thread.join()
    server.server_close()
    city.search.close()
    city.store.close()


def test_rdflib_reads_the_catalogue_to_its_last_page(city: City) -> None:
    address, seen, totals = f"{city.site_url}/catalog.ttl", [], set()
    while address:
        page = Graph().parse(address, format="turtle")
        totals.add(int(str(next(page.objects(None, HYDRA.totalItems)))))
        seen += [str(one) for one in page.subjects(RDF.type, DCAT.Dataset)]
        address = str(next(page.objects(None, HYDRA.next), ""))
    assert totals == {DATASETS}
    assert len(seen) == len(set(seen)) == DATASETS


def test_rdflib_negotiates_the_page_of_a_dataset(city: City) -> None:
    told = Graph().parse(f"{city.site_url}/dataset/{id_of(REQUESTS)}")  # it prefers RDF in its header Accept
    assert {str(one) for one in told.subjects(RDF.type, DCAT.Dataset)} == {f"{city.site_url}/dataset/{id_of(REQUESTS)}"}
    assert {title.language for title in told.objects(None, DCTERMS.title)} >= {"vi", "en"}


def test_a_dcat_harvester_finds_every_dataset_once_and_then_only_changes(city: City) -> None:
    """The pattern of ckanext-harvest's DCAT harvester: pages by `page` until one repeats or fails, ids from the URIs."""
    found: list[str] = []
    for number in range(1, 10):
        answer = requests.get(f"{city.site_url}/catalog.rdf", params={"page": number}, timeout=30)
        if answer.status_code == 404:
            break
        page = Graph().parse(data=answer.content, format="xml")
        found += [str(page.value(one, DCTERMS.identifier)) for one in page.subjects(RDF.type, DCAT.Dataset)]
    assert len(found) == len(set(found)) == DATASETS
    changed = requests.post(
        f"{city.site_url}/api/3/action/dcat_datasets_list", json={"modified_since": "2100-01-01T00:00:00"}, timeout=30
    ).json()
    assert changed["result"] == []


def test_the_actions_tell_the_same_as_the_addresses(city: City) -> None:
    def call(name: str, **params: object) -> str:
        answer = requests.get(f"{city.site_url}/api/3/action/{name}", params=params, timeout=30).json()
        assert answer["success"], answer
        return str(answer["result"])

    address = f"{city.site_url}/dataset/{REQUESTS}.ttl"
    assert call("dcat_dataset_show", id=REQUESTS, format="ttl") == requests.get(address, timeout=30).text
    shown = call("dcat_catalog_show", format="ttl", page=2)
    assert shown == requests.get(f"{city.site_url}/catalog.ttl?page=2", timeout=30).text
    searched = Graph().parse(data=call("dcat_catalog_search", q="title:phản", format="xml"), format="xml")
    assert len(set(searched.subjects(RDF.type, DCAT.Dataset))) == 1
    refused = requests.get(f"{city.site_url}/api/3/action/dcat_dataset_show?id={REQUESTS}&format=pdf", timeout=30)
    assert refused.status_code == 409


# mlcroissant and what it builds on still use calls that their own libraries have given notice of.
@pytest.mark.filterwarnings("ignore")
def test_mlcroissant_reads_the_records_of_our_csv(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    from etils import epath
    from mlcroissant._src.core import constants

    monkeypatch.setattr(constants, "DOWNLOAD_PATH", epath.Path(tmp_path))  # downloads belong into the test's folder
    document = requests.get(f"{city.site_url}/dataset/{REQUESTS}/croissant.jsonld", timeout=30).json()
    dataset = mlcroissant.Dataset(jsonld=document)
    assert not dataset.metadata.ctx.issues.errors
    records = list(dataset.records("phan_anh"))
    assert len(records) == 40
    assert records[0]["phan_anh/phuong"].decode() == "Phường Bến Thành"
    assert records[0]["phan_anh/so_phan_anh"] == 1214


def test_frictionless_reads_the_data_package_and_its_rows(city: City) -> None:
    from frictionless import Package

    package = Package.from_descriptor(f"{city.site_url}/dataset/{REQUESTS}/datapackage.json")
    rows = package.get_resource("phan_anh").read_rows()
    assert len(rows) == 40
    assert rows[0]["phuong"] == "Phường Bến Thành"
    assert rows[0]["so_phan_anh"] == 1214


@pytest.mark.filterwarnings("ignore")  # the mapper between CKAN's dicts and data packages was written for Python 3.7
def test_frictionless_reads_a_dataset_through_its_ckan_support(city: City) -> None:
    from frictionless import Package
    from frictionless.portals import CkanControl

    package = Package(control=CkanControl(baseurl=city.site_url, dataset=REQUESTS))
    assert package.name == REQUESTS
    assert package.title
    assert any(str(resource.path).endswith("/phan_anh.csv.gz") for resource in package.resources)


def test_feedparser_reads_the_feeds(city: City) -> None:
    feedparser = pytest.importorskip("feedparser", reason="feedparser is not installed")
    address, entries = f"{city.site_url}/feeds/dataset.atom", []
    while address:
        body = requests.get(address, timeout=30).content
        feed = feedparser.parse(body)
        assert not feed.bozo, feed.get("bozo_exception")
        entries += feed.entries
        address = next((link.href for link in feed.feed.links if link.rel == "next"), "")
    assert len({entry.id for entry in entries}) == DATASETS
    releases = feedparser.parse(requests.get(f"{city.site_url}/dataset/{REQUESTS}/releases.atom", timeout=30).content)
    assert [entry.id.rpartition("/")[2] for entry in releases.entries] == ["2026-11-21.1", "2026-11-20.1"]
    assert "3 rows added" in releases.entries[0].summary


def test_the_page_of_a_dataset_names_its_other_forms(city: City) -> None:
    html = requests.get(f"{city.site_url}/dataset/{REQUESTS}", headers={"Accept": "text/html"}, timeout=30)
    for media_type, ending in (
        ("text/turtle", "ttl"),
        ("application/ld+json", "jsonld"),
        ("application/rdf+xml", "rdf"),
        ("text/n3", "n3"),
    ):
        assert f'<link rel="alternate" type="{media_type}" href="/dataset/{id_of(REQUESTS)}.{ending}">' in html.text
        assert f'</dataset/{id_of(REQUESTS)}.{ending}>; rel="alternate"; type="{media_type}"' in html.headers["Link"]
    assert "Accept" in html.headers["Vary"]
    script = html.text.partition('<script type="application/ld+json">')[2].partition("</script>")[0]
    assert json.loads(script)["@id"] == f"{city.site_url}/dataset/{id_of(REQUESTS)}"
