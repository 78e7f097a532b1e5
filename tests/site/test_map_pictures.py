"""A release with map forms: the picture on the page in both languages, the conversion in the dictionary, ranges of tiles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from samples.mapped_tables import mapped_table, write_map
from samples.sample_city import City

from publisher.formats.datapackage import table_to_schema
from publisher.manifest import file_entries

pytestmark = pytest.mark.slow

DATASET, RELEASE = "quan-trac-khong-khi", "2026-11-20.1"
SVG = f"/dataset/{DATASET}/map/places.svg"


@pytest.fixture(scope="module")
def mapped_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city whose release holds the map forms of a table, and says so in manifest and data package."""
    city = City(tmp_path_factory.mktemp("mapped"))
    city.publish(DATASET, RELEASE)
    folder = city.home / "storage" / "releases" / DATASET / RELEASE
    geometry = {"longitude": "x", "latitude": "y", "crs": "EPSG:9210"}
    table = mapped_table({"ma": "string", "x": "number", "y": "number"}, geometry)
    columns = {"ma": ["a", "b"], "x": [603_000.0, 603_900.0], "y": [1_191_500.0, 1_191_900.0]}
    write_map(folder, table, columns)
    package = json.loads((folder / "datapackage.json").read_text())
    package["resources"].insert(0, {"name": "places", "title": "Nơi", "schema": table_to_schema(table)})
    (folder / "datapackage.json").write_text(json.dumps(package))
    files = [
        entry for entry in file_entries(folder, {"places": 2}) if entry["path"] not in {"manifest.json", "manifest.sig"}
    ]
    (folder / "manifest.json").write_text(json.dumps({"dataset": DATASET, "release": RELEASE, "files": files}))
    yield city
    city.search.close()
    city.store.close()


@pytest.fixture
def client(mapped_city: City) -> FlaskClient:
    return mapped_city.app().test_client()


@pytest.mark.parametrize(("page", "alt"), [("", "Bản đồ vị trí của"), ("/en", "Map of where the")])
def test_the_page_shows_the_picture_with_words_for_it(client: FlaskClient, page: str, alt: str) -> None:
    html = client.get(f"{page}/dataset/{DATASET}?table=places").get_data(as_text=True)
    assert f'<img class="map" src="{SVG}" alt="{alt}' in html


def test_a_table_without_a_map_shows_none(client: FlaskClient) -> None:
    assert 'class="map"' not in client.get(f"/dataset/{DATASET}?table=tram").get_data(as_text=True)
    assert client.get(f"/dataset/{DATASET}/map/tram.svg").status_code == 404
    assert client.get("/dataset/nothing/map/places.svg").status_code == 404


def test_the_picture_runs_nothing_and_is_not_sent_twice(client: FlaskClient) -> None:
    answer = client.get(SVG)
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert answer.get_data(as_text=True).startswith("<svg ")
    assert client.get(SVG, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("", "Đã chuyển từ VN-2000 / TM-3 105-45 EPSG:9210 bằng phép Inverse of Vietnam TM-3 105-45 + VN-2000 to WGS 84 (2). Sai số"),
        ("/en", "Converted from VN-2000 / TM-3 105-45 EPSG:9210 by Inverse of Vietnam TM-3 105-45 + VN-2000 to WGS 84 (2). The conversion"),
    ],
)  # fmt: skip
def test_the_dictionary_declares_the_conversion(client: FlaskClient, page: str, words: str) -> None:
    assert words in client.get(f"{page}/dataset/{DATASET}/dictionary").get_data(as_text=True)


def test_a_map_reads_tiles_by_ranges(client: FlaskClient, mapped_city: City) -> None:
    from pmtiles.reader import Reader

    asked: list[int] = []

    def part(offset: int, length: int) -> bytes:
        with client.get(
            f"/r/{DATASET}/{RELEASE}/places.pmtiles", headers={"Range": f"bytes={offset}-{offset + length - 1}"}
        ) as answer:
            assert answer.status_code == 206
            assert answer.mimetype == "application/vnd.pmtiles"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            asked.append(len(answer.data))
            return answer.data

    reader = Reader(part)
    header = reader.header()
    assert header["max_zoom"] == 14
    assert reader.get(0, 0, 0)
    path: Path = mapped_city.home / "storage" / "releases" / DATASET / RELEASE / "places.pmtiles"
    assert reader.metadata()["vector_layers"][0]["id"] == "places"
    assert max(asked) < path.stat().st_size
