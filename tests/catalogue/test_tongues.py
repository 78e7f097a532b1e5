"""The serialisers of one description: golden files, what each standard asks for, and how extras are read."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rdflib import Graph, URIRef
from rdflib.namespace import DCTERMS, RDF, RDFS
from samples.described_dataset import PACKAGE, PORTAL, URI, described, described_with_extras
from samples.golden import assert_golden

from catalogue.tongues.croissant import dataset_to_croissant
from catalogue.tongues.datapackage import dataset_to_datapackage
from catalogue.tongues.dcat import ADMS, DCAT, dataset_to_graph
from catalogue.tongues.dcat_catalog import serialise
from catalogue.tongues.dcat_us import catalog_head, dataset_to_dcat_us
from catalogue.tongues.described import Checksum, Period, Words
from catalogue.tongues.schema_org import (
    LONGEST_DESCRIPTION,
    SHORTEST_DESCRIPTION,
    breadcrumbs_to_schema_org,
    catalog_to_schema_org,
    dataset_to_schema_org,
)
from catalogue.tongues.terms import find_frequency, find_language
from catalogue.web.documents import json_bytes

AUTHORITY = "http://publications.europa.eu/resource/authority"


def test_golden_data_json() -> None:
    head = catalog_head(PORTAL, f"{PORTAL.url}/data.json")
    assert_golden("data.json", json_bytes({**head, "dataset": [dataset_to_dcat_us(described(), PORTAL)]}))


@pytest.mark.parametrize("language", ["vi", "en"])
def test_golden_schema_org(language: str) -> None:
    assert_golden(f"schema_org_{language}.jsonld", json_bytes(dataset_to_schema_org(described(), PORTAL, language)))


def test_golden_croissant() -> None:
    assert_golden("croissant.jsonld", json_bytes(dataset_to_croissant(described(), PORTAL)))


def test_golden_datapackage() -> None:
    assert_golden("datapackage.json", json_bytes(dataset_to_datapackage(described(), PORTAL)))


def test_data_json_has_what_the_standard_requires() -> None:
    required = ("title", "description", "keyword", "modified", "publisher", "contactPoint", "identifier", "accessLevel")
    text = {"type": "string", "minLength": 1}
    contact = {"required": ["fn", "hasEmail"], "properties": {"hasEmail": {"pattern": "^mailto:.+@"}}}
    properties = {"title": text, "modified": {"format": "date"}, "accessLevel": {"enum": ["public"]}}
    schema = {"type": "object", "required": list(required), "properties": {**properties, "contactPoint": contact}}
    for dataset in (described(), described(organization=None, maintainer=None, maintainer_email=None)):
        Draft202012Validator(schema).validate(dataset_to_dcat_us(dataset, PORTAL))


@pytest.mark.parametrize("notes", ["", "ngắn", "dài " * 3000, None])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_descriptions_have_the_length_that_search_engines_take(notes: str | None, language: str) -> None:
    extras = [extra for extra in PACKAGE["extras"] if extra["key"] != "notes_en"]
    for dataset in (described(notes=notes, extras=extras), described(notes=notes, title="x", organization=None)):
        text = dataset_to_schema_org(dataset, PORTAL, language)["description"]
        assert SHORTEST_DESCRIPTION <= len(text) <= LONGEST_DESCRIPTION


def test_home_page_and_trail_speak_schema_org() -> None:
    assert catalog_to_schema_org(PORTAL, "vi")["@type"] == "DataCatalog"
    trail = breadcrumbs_to_schema_org([("Trang đầu", "https://x/"), ("Dữ liệu", "https://x/dataset")])
    assert [item["position"] for item in trail["itemListElement"]] == [1, 2]


def test_croissant_gives_hashes_or_says_that_the_data_is_live() -> None:
    told = dataset_to_croissant(described(), PORTAL)
    assert told["isLiveDataset"] is True  # two of its resources are links
    released = dataset_to_croissant(described(resources=PACKAGE["resources"][:1]), PORTAL)
    assert "isLiveDataset" not in released
    assert [len(file["sha256"]) for file in released["distribution"]] == [64]
    assert [field["dataType"] for field in released["recordSet"][0]["field"]] == [
        *("sc:Text", "sc:Boolean", "sc:Integer", "sc:Date")
    ]


def test_names_in_a_data_package_are_its_own() -> None:
    resources = [PACKAGE["resources"][0] | {"id": f"r{n}"} for n in range(3)]
    names = [one["name"] for one in dataset_to_datapackage(described(resources=resources), PORTAL)["resources"]]
    assert names[0] == "stops"
    assert len(set(names)) == 3


# ---- how extras are read -------------------------------------------------------------------------------------------


def graph_of(**extras: str) -> tuple[Graph, URIRef]:
    dataset = described_with_extras(**extras)
    return dataset_to_graph(PORTAL, dataset), URIRef(dataset.uri)


@pytest.mark.parametrize(
    ("extra", "value", "predicate", "target"),
    [
        ("frequency", "monthly", DCTERMS.accrualPeriodicity, f"{AUTHORITY}/frequency/MONTHLY"),
        ("frequency", "R/P1W", DCTERMS.accrualPeriodicity, f"{AUTHORITY}/frequency/WEEKLY"),
        ("frequency", f"{AUTHORITY}/frequency/DAILY", DCTERMS.accrualPeriodicity, f"{AUTHORITY}/frequency/DAILY"),
        ("language", '["en"]', DCTERMS.language, f"{AUTHORITY}/language/ENG"),
        ("language", f"{AUTHORITY}/language/VIE", DCTERMS.language, f"{AUTHORITY}/language/VIE"),
        ("theme", f"{AUTHORITY}/data-theme/TRAN", DCAT.theme, f"{AUTHORITY}/data-theme/TRAN"),
        ("conforms_to", "https://gtfs.org/", DCTERMS.conformsTo, "https://gtfs.org/"),
        ("spatial", "https://www.geonames.org/1566083", DCTERMS.spatial, "https://www.geonames.org/1566083"),
        (
            *("access_rights", f"{AUTHORITY}/access-right/RESTRICTED"),
            *(DCTERMS.accessRights, f"{AUTHORITY}/access-right/RESTRICTED"),
        ),
    ],
)
def test_extras_become_terms(extra: str, value: str, predicate: URIRef, target: str) -> None:
    graph, node = graph_of(**{extra: value})
    assert {str(one) for one in graph.objects(node, predicate)} == {target}


def test_extras_become_texts() -> None:
    graph, node = graph_of(provenance="Khảo sát", identifier="VN-1", access_rights="Ai cũng xem được")
    assert str(graph.value(node, DCTERMS.identifier)) == "VN-1"
    assert str(graph.value(graph.value(node, DCTERMS.provenance), RDFS.label)) == "Khảo sát"
    assert str(graph.value(graph.value(node, DCTERMS.accessRights), RDFS.label)) == "Ai cũng xem được"


def test_a_dataset_may_bring_its_own_uri() -> None:
    assert described_with_extras(uri="https://id.example.vn/1").uri == "https://id.example.vn/1"
    for bad in ("no uri", "javascript:alert(1)", "mailto:a@b.vn", "urn:x"):
        assert described_with_extras(uri=bad).uri == URI


def test_both_languages_are_told() -> None:
    told = described_with_extras(title_en="Bus stops")
    assert told.title == Words("Trạm xe buýt", "Bus stops")
    fluent = described(title_translated={"vi": "Trạm", "en": "Stops"}, notes_translated={"en": "All of them"})
    assert fluent.title == Words("Trạm", "Stops")
    assert fluent.description.english == "All of them"


def test_what_changed_is_a_note_on_the_version() -> None:
    graph = dataset_to_graph(PORTAL, described())
    notes = {(str(note), note.language) for note in graph.objects(URIRef(URI), ADMS.versionNotes)}
    assert notes == {("12 rows added, 0 removed, 3 changed.", "en"), ("Thêm 12 dòng, bớt 0, sửa 3.", "vi")}
    assert str(graph.value(URIRef(URI), DCAT.previousVersion)) == f"{URI}/release/2026-11-21.1"


@pytest.mark.parametrize(
    ("start", "end", "period"),
    [
        ("2020", "2021-06", Period(date(2020, 1, 1), date(2021, 6, 1))),
        ("2020-02-30", "soon", Period()),
        ("", "2020-01-01T10:00:00Z", Period(None, date(2020, 1, 1))),
    ],
)
def test_periods_are_read_leniently(start: str, end: str, period: Period) -> None:
    assert described_with_extras(temporal_start=start, temporal_end=end).period == period


@pytest.mark.parametrize(
    ("resource", "checksum"),
    [
        ({"hash": "sha256:" + "0A" * 32}, Checksum("sha256", "0a" * 32)),
        ({"hash": "0a" * 16}, Checksum("md5", "0a" * 16)),
        ({"hash": "0a" * 20, "hash_algorithm": "SHA-1"}, Checksum("sha1", "0a" * 20)),
        ({"hash": "0a" * 32, "hash_algorithm": "blake2"}, None),
        ({"hash": "etag-1234"}, None),
    ],
)
def test_a_hash_counts_when_its_algorithm_is_certain(resource: dict[str, str], checksum: Checksum | None) -> None:
    told = described(resources=[{"id": "r", "url": "https://x.vn/a.csv", **resource}]).files[0]
    assert told.checksum == checksum
    assert bool(told.download_url) is bool(checksum)


@pytest.mark.parametrize("word", ["vi", "VIE", "vi-VN", f"{AUTHORITY}/language/VIE"])
def test_languages_are_known_in_every_spelling(word: str) -> None:
    assert find_language(word) == "vi"


def test_unknown_words_are_nothing() -> None:
    assert find_frequency("when we like") is None
    assert find_language("tlh") is None


def test_files_of_withdrawn_releases_are_not_told() -> None:
    from catalogue.tongues.described import Surroundings

    resource = PACKAGE["resources"][0] | {"release": "2026-11-20.1"}
    withdrawn = Surroundings(withdrawn=frozenset({"2026-11-20.1"}))
    assert described(resources=[resource]).files
    assert described(withdrawn, resources=[resource]).files == ()


EXTRA_KEYS = [
    *("spatial", "spatial_text", "temporal_start", "temporal_end", "frequency", "theme", "language", "identifier"),
    *("conforms_to", "provenance", "access_rights", "uri", "release", "release_summary", "title_translated"),
]
JUNK = st.one_of(
    st.text(max_size=40),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["coordinates", "vi", "en"]), inner)
        ),
        max_leaves=12,
    ).map(json.dumps),
    st.sampled_from(['https://x.vn/<>"{}|\\^`', "http://", "{", "[" * 2000, '{"coordinates": [[[[[[1]]]]]]}', "//x"]),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(EXTRA_KEYS), JUNK), JUNK)
def test_any_junk_in_extras_gives_documents_that_can_be_read(extras: dict[str, str], url: str) -> None:
    told = [{"key": key, "value": value} for key, value in extras.items()]
    resources = [{"id": "r", "url": url, "hash": url, "size": url, "format": url, "mimetype": url}]
    dataset = described(extras=told, resources=resources, url=url, license_url=url)
    for extension, form in (("ttl", "turtle"), ("xml", "xml")):
        graph = Graph().parse(data=serialise(dataset_to_graph(PORTAL, dataset), extension)[0], format=form)
        assert len(set(graph.subjects(RDF.type, DCAT.Dataset))) == 1
    for document in (
        dataset_to_schema_org(dataset, PORTAL, "vi"),
        dataset_to_croissant(dataset, PORTAL),
        dataset_to_datapackage(dataset, PORTAL),
        dataset_to_dcat_us(dataset, PORTAL),
    ):
        json.loads(json_bytes(document))
