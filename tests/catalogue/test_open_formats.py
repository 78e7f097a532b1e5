"""The addresses of the open formats: paging, negotiation, caches, what strangers never see, and what HTTP asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, RDF
from samples.portal_on_disk import SamplePortal, id_of, open_portal

from catalogue.model import DatasetRelease, Package
from catalogue.tongues.dcat import DCAT, HYDRA
from catalogue.web.document_cache import DocumentCache
from catalogue.web.documents import Draft
from catalogue.web.open_formats import open_formats_blueprint

pytestmark = pytest.mark.slow

SITE = "https://data.example.vn"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamplePortal]:
    portal = open_portal(tmp_path_factory.mktemp("portal"))
    portal.add_group("so-gtvt", "Sở Giao thông")
    portal.add_group("do-thi", "Đô thị", is_organization=False)
    for n in range(103):
        portal.add_dataset(f"d{n:03}", title=f"Bộ {n}", organization="so-gtvt", tags=["một"], groups=["do-thi"])
    portal.publish("d000", "2026-11-21.1")
    portal.publish("d000", "2026-11-22.1")
    portal.add_dataset("khac", title="Của ai khác", license_id="cc-by", maintainer_email="a@b.vn")
    portal.add_dataset("chuoi", title="Chuỗi số liệu", type="dataset_series")
    portal.add_dataset("trong-chuoi", title="Trong chuỗi", extras={"in_series": "chuoi"})
    portal.add_dataset("rieng", organization="so-gtvt", private=True, tags=["một"], groups=["do-thi"])
    portal.publish("rieng", "2026-11-22.1")
    portal.add_dataset("nhap", organization="so-gtvt", state="draft")
    portal.add_dataset("xoa", organization="so-gtvt", state="deleted")
    yield portal
    portal.search.close()
    portal.store.close()


def client_of(portal: SamplePortal) -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(open_formats_blueprint(portal.services))
    for rule in ("/", "/dataset/<name>", "/organization/<name>"):
        app.add_url_rule(rule, rule, lambda name="": f"<p>page of {name}</p>")
    return app.test_client()


@pytest.fixture(scope="module")
def client(portal: SamplePortal) -> FlaskClient:
    return client_of(portal)


PUBLIC = 106
ADDRESSES = [
    "/catalog.ttl",
    "/catalog.jsonld?page=2",
    "/dataset/d000.ttl",
    "/dataset/d000/releases.ttl",
    "/dataset/d000/croissant.jsonld",
    "/dataset/d000/datapackage.json",
    "/dataset/d000/releases.atom",
    "/data.json",
    "/organization/so-gtvt/data.json",
    "/feeds/dataset.atom",
    "/feeds/organization/so-gtvt.atom",
    "/feeds/group/do-thi.atom",
    "/feeds/tag/một.atom",
    "/feeds/custom.atom?q=Bộ",
]


@pytest.mark.parametrize("address", [*ADDRESSES, "/api/3/openapi.json"])
def test_every_document_can_be_cached_and_read_by_other_sites(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, answer.data
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "public" in answer.headers["Cache-Control"]
    again = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    head = client.head(address)
    assert (head.status_code, head.data, head.headers["Content-Type"]) == (200, b"", answer.headers["Content-Type"])
    assert head.headers["ETag"] == answer.headers["ETag"]
    if "Last-Modified" in answer.headers:
        since = {"If-Modified-Since": answer.headers["Last-Modified"]}
        assert client.get(address, headers=since).status_code == 304
    preflight = client.options(address)
    assert "If-None-Match" in preflight.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/catalog.ttl?page=3", 404),
        ("/catalog.ttl?page=0", 409),
        ("/catalog.ttl?page=٣", 409),
        ("/catalog.ttl?page=99999999", 409),
        ("/catalog.ttl?modified_since=yesterday", 409),
        ("/catalog.ttl?profiles=nobody_knows", 409),
        ("/catalog.ttl?profiles=croissant", 409),
        ("/catalog.ttl?q={!x}", 409),
        ("/catalog.csv", 404),
        ("/dataset/absent.ttl", 404),
        ("/dataset/rieng.ttl", 404),
        ("/dataset/nhap.ttl", 404),
        ("/dataset/xoa.ttl", 404),
        ("/dataset/d001.ttl?profiles=nobody_knows", 409),
        ("/dataset/rieng/croissant.jsonld", 404),
        ("/dataset/rieng/datapackage.json", 404),
        ("/dataset/rieng/releases.atom", 404),
        ("/dataset/rieng/release/2026-11-22.1", 404),
        ("/dataset/d000/releases.atom?page=2", 404),
        ("/organization/absent/data.json", 404),
        ("/organization/do-thi/data.json", 404),
        ("/feeds/dataset.atom?page=99", 404),
        ("/feeds/organization/do-thi.atom", 404),
    ],
)
def test_what_is_not_answered_is_told_in_words(client: FlaskClient, address: str, status: int) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    if status == 409:
        assert answer.content_type.startswith("text/plain")
        assert answer.data
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_faults_name_the_parameter_and_the_cure(client: FlaskClient) -> None:
    assert client.get("/catalog.ttl?page=x").get_data(as_text=True) == "page: Must be a number from 1 on"
    assert "euro_dcat_ap_3" in client.get("/dataset/d001.ttl?profiles=x").get_data(as_text=True)


# ---- negotiation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/turtle", "text/turtle"),
        ("application/ld+json", "application/ld+json"),
        ("application/rdf+xml, text/html;q=0.5", "application/rdf+xml"),
        ("text/html;q=0.3, text/n3;q=0.4", "text/n3"),
        ("text/turtle;q=0.5, application/ld+json;q=0.9, */*;q=0.1", "application/ld+json"),
        ("text/turtle;q=0.5, text/html", "text/html"),
        ("text/turtle;q=0, */*", "text/html"),
        ("*/*", "text/html"),
        ("application/json", "text/html"),
        (BROWSER, "text/html"),
        ("", "text/html"),
    ],
)
@pytest.mark.parametrize("address", ["/", "/dataset/d001", f"/dataset/{id_of('d001')}"])
def test_pages_answer_in_the_form_that_a_client_likes_best(
    client: FlaskClient, address: str, accept: str, media_type: str
) -> None:
    answer = client.get(address, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.mimetype == media_type
    assert "Accept" in answer.headers["Vary"]


def test_the_catalogue_itself_leads_people_to_its_pages(client: FlaskClient) -> None:
    assert client.get("/catalog", headers={"Accept": "text/turtle"}).mimetype == "text/turtle"
    page = client.get("/catalog", headers={"Accept": BROWSER})
    assert (page.status_code, page.headers["Location"], page.headers["Vary"]) == (302, "/dataset", "Accept")


def test_a_negotiated_answer_tells_its_own_address_and_is_cached_like_it(client: FlaskClient) -> None:
    turtle = {"Accept": "text/turtle"}
    answer = client.get("/dataset/d001", headers=turtle)
    assert answer.headers["Content-Location"] == "/dataset/d001.ttl"
    assert answer.headers["ETag"] == client.get("/dataset/d001.ttl").headers["ETag"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get("/dataset/d001", headers={**turtle, "If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.get("/dataset/rieng", headers=turtle).status_code == 404
    assert "Vary" not in client.get("/organization/so-gtvt", headers=turtle).headers


# ---- pages, profiles, versions -------------------------------------------------------------------------------------


def graph_of(client: FlaskClient, address: str) -> Graph:
    answer = client.get(address)
    assert answer.status_code == 200, answer.data
    return Graph().parse(data=answer.data, format="turtle")


def test_link_headers_lead_through_the_catalogue(client: FlaskClient) -> None:
    links = client.get("/catalog.ttl?q=B%E1%BB%99").headers["Link"]
    assert f'<{SITE}/catalog.ttl?q=B%E1%BB%99&page=2>; rel="next"' in links
    assert 'rel="prev"' not in links
    assert f'<{SITE}/dataset/d001>; rel="canonical"' in client.get("/dataset/d001.ttl").headers["Link"]


def test_pages_keep_their_datasets_in_the_order_of_ids(client: FlaskClient) -> None:
    first, second = (graph_of(client, f"/catalog.ttl?page={n}") for n in (1, 2))
    ids = [sorted(str(one) for one in page.objects(URIRef(f"{SITE}/"), DCAT.dataset)) for page in (first, second)]
    assert [len(page) for page in ids] == [100, PUBLIC - 100]
    plain = [sorted(one.rpartition("/")[2] for one in page) for page in ids]
    assert plain[0][-1] < plain[1][0]
    assert str(next(first.objects(None, HYDRA.totalItems))) == str(PUBLIC)


# The RDF library warns about itself when it reads JSON-LD.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
def test_profiles_choose_the_vocabulary(client: FlaskClient) -> None:
    told = graph_of(client, "/dataset/d000.ttl?profiles=schemaorg")
    assert len(set(told.subjects(RDF.type, URIRef("https://schema.org/Dataset")))) == 1
    assert not set(told.subjects(RDF.type, DCAT.Dataset))
    both = graph_of(client, "/dataset/d000.ttl?profiles=euro_dcat_ap_3,schemaorg")
    assert set(both.subjects(RDF.type, DCAT.Dataset))
    assert set(both.subjects(RDF.type, URIRef("https://schema.org/Dataset")))


def test_releases_are_versions(client: FlaskClient) -> None:
    node = URIRef(f"{SITE}/dataset/{id_of('d000')}")
    alone = graph_of(client, "/dataset/d000.ttl")
    assert set(alone.subjects(RDF.type, DCAT.Dataset)) == {node}
    assert str(alone.value(node, DCAT.version)) == "2026-11-22.1"
    history = graph_of(client, "/dataset/d000/releases.ttl")
    versions = set(history.objects(node, DCAT.hasVersion))
    assert versions == {URIRef(f"{node}/release/{release}") for release in ("2026-11-21.1", "2026-11-22.1")}
    assert history.value(node, DCAT.hasCurrentVersion) == URIRef(f"{node}/release/2026-11-22.1")
    led = client.get(f"/dataset/{id_of('d000')}/release/2026-11-21.1")
    assert (led.status_code, led.headers["Location"]) == (302, "/r/d000/2026-11-21.1/")


def test_series_are_told_apart_from_datasets(client: FlaskClient) -> None:
    series = URIRef(f"{SITE}/dataset_series/{id_of('chuoi')}")
    told = graph_of(client, f"/dataset_series/{id_of('chuoi')}.ttl")
    assert set(told.subjects(RDF.type, DCAT.DatasetSeries)) == {series}
    member = graph_of(client, "/dataset/trong-chuoi.ttl")
    assert set(member.objects(None, DCAT.inSeries)) == {series}
    assert Literal("Chuỗi số liệu", lang="vi") in set(member.objects(series, DCTERMS.title))


def test_data_json_tells_every_public_dataset_once(client: FlaskClient) -> None:
    told = json.loads(client.get("/data.json").data)
    assert told["conformsTo"] == "https://project-open-data.cio.gov/v1.1/schema"
    assert len({dataset["identifier"] for dataset in told["dataset"]}) == len(told["dataset"]) == PUBLIC
    owned = json.loads(client.get(f"/organization/{id_of('so-gtvt')}/data.json").data)
    assert len(owned["dataset"]) == 103


# ---- changes -------------------------------------------------------------------------------------------------------


def test_documents_follow_changes_at_once(tmp_path) -> None:
    portal = open_portal(tmp_path)
    portal.add_dataset("mot", title="Trước")
    portal.add_dataset("hai", title="Hai")
    client = client_of(portal)
    addresses = ["/dataset/mot.ttl", "/catalog.ttl", "/feeds/dataset.atom", "/data.json", "/catalog.xml?q=Sau"]
    before = {address: client.get(address) for address in addresses}
    untouched = client.get("/dataset/hai.ttl").headers["ETag"]
    portal.change("mot", title="Sau")
    for address in addresses:
        after = client.get(address, headers={"If-None-Match": before[address].headers["ETag"]})
        assert after.status_code == 200, address
        assert "Sau" in after.get_data(as_text=True), address
    assert client.get("/dataset/hai.ttl", headers={"If-None-Match": untouched}).status_code == 304
    portal.change("mot", state="deleted")
    assert client.get("/dataset/mot.ttl").status_code == 404
    assert "Sau" not in client.get("/catalog.ttl").get_data(as_text=True)
    portal.search.close()
    portal.store.close()


def test_the_cache_stays_within_its_bytes() -> None:
    cache = DocumentCache(largest_bytes=1000)
    for n in range(50):
        cache.keep(("page", n), 1, Draft("text/plain", f"tag{n}", None, bytes), b"x" * 90)
        assert cache.size_bytes <= 1000
    assert cache.find(("page", 49), 1) is not None
    assert cache.find(("page", 49), 2) is None
    assert cache.find(("page", 0), 1) is None
    assert cache.body_of("tag49") == b"x" * 90
    assert cache.body_of("tag0") is None
    cache.keep(("big",), 1, Draft("text/plain", "big", None, bytes), b"x" * 1001)
    cache.keep(("search", "metadata_modified:[NOW-1DAY TO *]"), 1, Draft("text/plain", "now", None, bytes), b"x")
    assert cache.find(("big",), 1) is None
    assert cache.body_of("now") is None


# ---- visibility ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["active", "draft", "deleted"]),
            st.booleans(),
            st.sampled_from(["published", "superseded", "rolled_back", "withdrawn"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_tongue_tells_what_the_public_may_not_know(tmp_path_factory, drawn: list[tuple[str, bool, str]]) -> None:
    portal = open_portal(tmp_path_factory.mktemp("portal"))
    portal.add_group("co-quan", "Cơ quan")
    portal.add_group("chu-de", "Chủ đề", is_organization=False)
    hidden, shown = [], []
    for n, (state, private, release_state) in enumerate(drawn):
        word = f"dauhieu{n}x"
        portal.add_dataset(
            word, title=word, organization="co-quan", groups=["chu-de"], tags=["nhan"], state=state, private=private
        )
        (shown if state == "active" and not private else hidden).append(word)
        _remember_release(
            portal, word, f"bi-mat-{n}.1" if release_state == "withdrawn" else f"cong-khai-{n}.1", release_state
        )
        if release_state == "withdrawn":
            hidden.append(f"bi-mat-{n}.1")
    client = client_of(portal)
    everything = "".join(client.get(address).get_data(as_text=True) for address in _all_addresses(drawn))
    assert [word for word in hidden if word in everything] == []
    assert [word for word in shown if word not in everything] == []
    portal.search.close()
    portal.store.close()


def _remember_release(portal: SamplePortal, name: str, release: str, state: str) -> None:
    """Let the catalogue know one more release, with a resource of its own."""
    now = portal.tick()
    with portal.store.write() as session:
        package = session.get(Package, id_of(name))
        assert package is not None
        session.add(DatasetRelease(dataset_id=package.id, release=release, summary={}, published_at=now, state=state))
        package.extras = {"release": "2026-11-22.1"}
        package.resources = [_resource(name, release, now)]


def _resource(name: str, release: str, now: datetime) -> Any:
    from catalogue.model import Resource

    url = f"{SITE}/r/x/{release}/x.csv"
    return Resource(
        id=id_of(f"{name}/r"),
        position=0,
        url=url,
        format="CSV",
        created=now,
        metadata_modified=now,
        extras={"release": release},
    )


def _all_addresses(drawn: list[tuple[str, bool, str]]) -> list[str]:
    general = [
        *(f"/catalog.{extension}" for extension in ("ttl", "jsonld", "xml", "n3")),
        *("/data.json", "/organization/co-quan/data.json", "/feeds/dataset.atom", "/feeds/organization/co-quan.atom"),
        *(
            "/feeds/group/chu-de.atom",
            "/feeds/tag/nhan.atom",
            "/feeds/custom.atom?q=*:*",
            "/catalog.ttl?fq=state:deleted",
        ),
    ]
    each = ("{}.ttl", "{}/releases.ttl", "{}/croissant.jsonld", "{}/datapackage.json", "{}/releases.atom")
    names = [f"dauhieu{n}x" for n in range(len(drawn))]
    # What is refused says nothing but "not found".
    return general + [f"/dataset/{form.format(key)}" for key in (id_of(name) for name in names) for form in each]


def test_feeds_are_dated_by_their_newest_entry(client: FlaskClient) -> None:
    feed = ET.fromstring(client.get("/feeds/organization/so-gtvt.atom").data)  # noqa: S314  our own answer
    atom = "{http://www.w3.org/2005/Atom}"
    assert feed.findtext(f"{atom}id") == f"{SITE}/feeds/organization/{id_of('so-gtvt')}.atom"
    newest = max(entry.findtext(f"{atom}updated") or "" for entry in feed.findall(f"{atom}entry"))
    assert feed.findtext(f"{atom}updated") == newest
    assert datetime.fromisoformat(newest) > datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=1)
