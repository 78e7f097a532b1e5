"""JSON, NDJSON and GeoJSON files: exact numbers, nested values as text, any order of keys, bounded memory."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from samples.source_reader import Read

from publisher.errors import SourceError

MARKED = "0912345678-marked"


def source(kind: str, pattern: str = "drop.json", **more: Any) -> dict[str, Any]:
    return {"kind": "file", "location": ".", "pattern": pattern, "format": {"kind": kind, **more}}


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return tmp_path / "drop.json"


def test_rows_at_a_path(read: Read, drop: Path) -> None:
    drop.write_text(
        '\ufeff{"meta": {"rows": [1]}, "data": {"total": 2, "items": [{"a": 1}, {"b": "x", "a": null}], "z": []}}'
    )
    rows = read(source("json", rows="data.items"), "a")
    assert rows.table.to_pydict() == {"a": ["1", None], "b": [None, "x"]}


def test_values_are_written_as_they_came(read: Read, drop: Path) -> None:
    drop.write_text(
        '[{"n": 1.50, "big": 12345678901234567890123, "yes": true, "e": 1e5, "list": [1.0, {"k": "\u1ec7"}], "t": "e\u0323\u0302"}]'
    )
    assert read(source("json"), "n")[0] == {
        "n": "1.50", "big": "12345678901234567890123", "yes": "true", "e": "1e5", "list": '[1.0,{"k":"\u1ec7"}]', "t": "\u1ec7",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("", "", "is empty"),
        ("[{]", "", "no intact JSON"),
        ('[{"a": 1}, {"a"', "", "ends in the middle"),
        ('[{"a": 1}', "", "ends in the middle"),
        ('[{"a": 1} {"a": 2}]', "", "no intact JSON"),
        ('[{"a": 1},]', "", "no intact JSON"),
        ('[{"a": 1}] x', "", "goes on behind its document"),
        ('[{"a": 1}, 7]', "", "row 2 is no object"),
        ('[{"a": 1}, {}]', "", "row 2 is no object"),
        ('[{"a": 1, "a": 2}]', "", "states a key twice"),
        ('{"rows": [{"a": 1}], "rows": []}', "rows", "states `rows` twice"),
        ('{"rows": {"a": 1}}', "rows", "has no list at `rows`"),
        ('{"rows": []}', "data", "has no list at `data`"),
        ('[{"a": "\\ud800"}]', "", "row 1 holds half a letter"),
        ("[" * 100_000, "", "row 1|nested too deeply|no intact JSON"),
        ('{"a":' * 5_000, "b", "nested too deeply"),
        ("Stt;Ten\n1;x\n", "", "no intact JSON"),
    ],
)
def test_what_is_no_such_json_is_told(read: Read, drop: Path, text: str, path: str, message: str) -> None:
    drop.write_text(text)
    with pytest.raises(SourceError, match=message) as raised:
        read(source("json", rows=path), "a")
    assert raised.value.message.startswith("drop.json")
    assert raised.value.cure


def test_no_value_is_told(read: Read, drop: Path) -> None:
    drop.write_text(f'[{{"a": "{MARKED}"}}, "{MARKED}", {MARKED}]')
    with pytest.raises(SourceError) as raised:
        read(source("json"), "a")
    assert MARKED not in str(raised.value)


def test_bytes_that_are_no_utf_8_are_told(read: Read, drop: Path) -> None:
    drop.write_bytes(b'[{"a": "\xe9"}]')
    with pytest.raises(SourceError, match="is not UTF-8"):
        read(source("json"), "a")


def test_lines_of_objects(read: Read, drop: Path) -> None:
    drop.write_text('{"a": 1}\n\n{"a": 2, "b": {"c": []}}\r\n\x1e{"a": 3}')
    rows = read(source("ndjson"), "a")
    assert rows.table.to_pydict() == {"a": ["1", "2", "3"], "b": [None, '{"c":[]}', None]}
    drop.write_text('{"a": 1}\n[2]\n')
    with pytest.raises(SourceError, match="row 2 is no object"):
        read(source("ndjson"), "a")


def test_features_become_properties_and_geometry(read: Read, drop: Path) -> None:
    point = {"type": "Point", "coordinates": [107.5, 16.40]}
    features = [
        {
            "type": "Feature",
            "id": 7,
            "properties": {"name": "A", "id": "own", "geometry": "text"},
            "geometry": point,
            "bbox": [1],
        },
        {"type": "Feature", "properties": None, "geometry": None},
    ]
    drop.write_text(
        json.dumps({"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:3405"}}, "features": features})
    )
    rows = read(source("geojson"), "name")
    assert rows[0] == {
        "id": "7",
        "name": "A",
        "id_2": "own",
        "geometry_2": "text",
        "geometry": '{"type":"Point","coordinates":[107.5,16.4]}',
    }
    assert rows[1]["geometry"] is None
    assert any("another reference system than WGS 84" in note for note in rows.notes)
    drop.write_text("\n".join(json.dumps(feature) for feature in features))
    assert len(read(source("geojson"), "name")) == 2
    drop.write_text('{"type": "Topology", "objects": {}}')
    with pytest.raises(SourceError, match="entry 1 is no GeoJSON feature"):
        read(source("geojson"), "name")


@pytest.mark.slow
def test_the_communes_of_hue(read: Read, shared_data: Path) -> None:
    spec = source("geojson", "hue_commune_boundaries_2026.ndjson.gz") | {"location": str(shared_data / "admin")}
    rows = read(spec, "id")
    with gzip.open(shared_data / "admin" / "hue_commune_boundaries_2026.ndjson.gz") as lines:
        expected = sum(len(json.loads(line)["features"]) for line in lines)
    assert len(rows) == expected
    assert {json.loads(text)["type"] for text in rows.table["geometry"].to_pylist()} <= {"Polygon", "MultiPolygon"}
    assert rows.table["id"].null_count == 0
