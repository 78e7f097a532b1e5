"""What answers hold: JSON in pieces, NDJSON, GeoJSON, delimited text; packed, broken off, or far too large."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from samples.source_reader import Read, fields_of
from servers.http import HttpServer, Reply, Request

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources import open_source
from publisher.sources.spec import RestSource

MARKED = "0912345678-marked"


def rest(**more: Any) -> dict[str, Any]:
    return {"kind": "rest", "url": "env:SERVICE", "requests_per_second": 10_000, "retries": 0, **more}


def serve(server: HttpServer, body: Any, **headers: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    server.routes["/rows"] = lambda _: Reply(body, headers=named)
    return {"SERVICE": f"{server.url}/rows"}


def test_ndjson_is_one_object_a_line(read: Read, http_server: HttpServer) -> None:
    body = "\ufeff".encode() + b'{"id": 1.0, "n": "a\\nb"}\r\n\n{"id": 2}\n{"id": 3, "late": true}'
    got = read(rest(body="ndjson"), "id", secrets=serve(http_server, body))
    assert got.table.to_pylist() == [
        {"id": "1.0", "n": "a\nb", "late": None}, {"id": "2", "n": None, "late": None}, {"id": "3", "n": None, "late": "true"},
    ]  # fmt: skip


def test_delimited_text_comes_with_its_own_header_on_every_page(read: Read, http_server: HttpServer) -> None:
    def route(request: Request) -> Reply:
        start = int(request.query["offset"])
        rows = [f'{n};"Phường {n}; Quận {n}"' for n in range(start, min(start + 3, 8))]
        return Reply("\r\n".join(["id;name", *rows, ""]).encode() if rows else b"")

    http_server.routes["/rows"] = route
    spec = rest(body={"kind": "csv", "delimiter": ";"}, paging={"style": "offset", "size": 3})
    got = read(spec, "id", "name", secrets={"SERVICE": f"{http_server.url}/rows"})
    assert got.table["id"].to_pylist() == [str(n) for n in range(8)]
    assert got[7]["name"] == "Phường 7; Quận 7"


def test_geojson_features_are_rows_of_properties_and_geometry(read: Read, http_server: HttpServer) -> None:
    geometry = {"type": "Point", "coordinates": [106.70, 10.77]}
    features = [
        {"type": "Feature", "id": "a", "properties": {"name": "x", "where": {"ward": "P1"}}, "geometry": geometry},
        {"type": "Feature", "id": "b", "properties": None, "geometry": None},
    ]
    body = {"type": "FeatureCollection", "features": features, "numberMatched": 2}
    got = read(rest(body="geojson", total="numberMatched"), "id", "geometry", "properties.where.ward",
               secrets=serve(http_server, body))  # fmt: skip
    assert got.expected == 2
    assert got.table.to_pylist() == [
        {"id": "a", "geometry": '{"type":"Point","coordinates":[106.7,10.77]}', "properties.where.ward": "P1",
         "properties.name": "x"},
        {"id": "b", "geometry": None, "properties.where.ward": None, "properties.name": None},
    ]  # fmt: skip
    with pytest.raises(SourceError, match="each of type Feature"):
        read(rest(body="geojson"), "id", secrets=serve(http_server, {"features": [{"type": "Point", "id": 1}]}))


def test_nested_objects_are_opened_where_a_source_name_says_so(read: Read, http_server: HttpServer) -> None:
    rows = [
        {"id": 1, "place": {"ward": {"code": "01", "name": "A"}, "house": 5}, "kept": {"x": 1}, "a.b": "flat"},
        {"id": 2, "place": None, "kept": None, "a.b": None},
        {"id": 3, "place": {"ward": "A"}},
    ]
    got = read(rest(), "id", "place.ward.code", "a.b", secrets=serve(http_server, rows))
    assert got.table.to_pylist() == [
        {"id": "1", "place.ward.code": "01", "a.b": "flat", "place.ward.name": "A", "place.house": "5", "kept": '{"x":1}',
         "place.ward": None},
        {"id": "2", "place.ward.code": None, "a.b": None, "place.ward.name": None, "place.house": None, "kept": None,
         "place.ward": None},
        {"id": "3", "place.ward.code": None, "a.b": None, "place.ward.name": None, "place.house": None, "kept": None,
         "place.ward": "A"},
    ]  # fmt: skip


@pytest.mark.slow
def test_one_large_answer_needs_no_memory_of_its_size(http_server: HttpServer, tmp_path: Path) -> None:
    body = b'{"rows": [' + b",".join(b'{"id": %d, "text": "%s"}' % (n, b"x" * 400) for n in range(50_000)) + b"]}"
    secrets = serve(http_server, gzip.compress(body, 1), Content_Encoding="gzip")
    tracemalloc.start()
    spec = RestSource.model_validate(rest(rows="rows"))
    with open_source(spec, fields=fields_of("id", "text"), secrets=Secrets(secrets), folder=tmp_path) as stream:
        rows = sum(batch.num_rows for batch in stream.batches())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 50_000
    assert peak < len(body) / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "packed", [gzip.compress, zlib.compress, lambda b: gzip.compress(b[:20]) + gzip.compress(b[20:])]
)
def test_packed_answers_are_unpacked(read: Read, http_server: HttpServer, packed: Any) -> None:
    body = json.dumps([{"id": n} for n in range(2000)]).encode()
    secrets = serve(http_server, packed(body), Content_Encoding="gzip")
    assert len(read(rest(), "id", secrets=secrets)) == 2000


@pytest.mark.slow
def test_limits_hold_while_an_answer_swells(read: Read, http_server: HttpServer) -> None:
    bomb = gzip.compress(b"[" + b" " * 80_000_000 + b"]", 9)
    secrets = serve(http_server, bomb, Content_Encoding="gzip")
    tracemalloc.start()
    with pytest.raises(SourceError, match="max_answer_bytes"):
        read(rest(max_answer_bytes=20_000_000), "id", secrets=secrets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    with pytest.raises(SourceError, match="more than max_bytes"):
        read(rest(max_bytes=20_000_000), "id", secrets=secrets)


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:-1], lambda b: b[:30] + b"\x00" * 30 + b[60:]])
def test_a_packed_answer_that_breaks_off_is_asked_again_and_never_believed(
    read: Read, http_server: HttpServer, damage: Any
) -> None:
    body = gzip.compress(b"".join(b'{"id": %d}\n' % n for n in range(5000)))
    secrets = serve(http_server, damage(body), Content_Encoding="gzip")
    with pytest.raises(SourceError, match="breaks off"):
        read(rest(body="ndjson"), "id", secrets=secrets)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"id": 1}\n{"id": ', "not NDJSON"),
        (f'{{"id": 1}}\n["{MARKED}"]'.encode(), "every line"),
        (f'{{"id": "{MARKED}\\ud8'.encode(), "not NDJSON"),
        (b'{"id": "\xff"}', "not NDJSON"),
    ],
)
def test_broken_lines_are_refused_without_their_words(
    read: Read, http_server: HttpServer, body: bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as raised:
        read(rest(body="ndjson"), "id", secrets=serve(http_server, body))
    assert MARKED not in str(raised.value)
