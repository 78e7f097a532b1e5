"""No bytes crash a reader, hang it, or fill the memory: the outcome is rows, or an error of ours without any cell value."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from samples.source_reader import fields_of

from publisher.errors import PublisherError
from publisher.secrets import Secrets
from publisher.sources import open_source
from publisher.sources.files.spec import FileSource

MARKED = "0912345678"
ROUNDS = 25


def mutated(seed: bytes, other: bytes, luck: random.Random) -> bytes:
    """Return the bytes with one to four wounds: flipped, cut, doubled, spliced with another file, or noise put in."""
    data = bytearray(seed)
    for _ in range(luck.randint(1, 4)):
        at = luck.randrange(len(data) + 1)
        end = min(len(data), at + luck.choice([1, 2, 4, 16, 200]))
        match luck.randrange(7):
            case 0 if data:
                data[at % len(data)] ^= 1 << luck.randrange(8)
            case 1:
                del data[at:]
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end] * luck.choice([1, 3, 50])
            case 4:
                data[at:end] = other[at:end] if luck.random() < 0.5 else other[: luck.randrange(len(other) + 1)]
            case 5:
                data[at:end] = luck.randbytes(luck.choice([1, 3, 40]))
            case _:
                data[at:at] = luck.choice(
                    [b'"', b"\r", b"\n", b"\0", b",", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"[", b"\\", b"\xc3", b"'"]
                )
    return bytes(data)


def table(delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    rows = [["id", "name", "n"]] + [
        [str(n), f'"B\u1ebfn {delimiter} {MARKED}"' if n % 3 else "x", f"{n}.5"] for n in range(9)
    ]
    return "\n".join(delimiter.join(row) for row in rows).encode(encoding, "replace")


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


OBJECTS = [{"id": n, "name": MARKED, "list": [1.5, {"k": None}]} for n in range(4)]
FEATURES = [
    {"type": "Feature", "id": n, "properties": {"a": MARKED}, "geometry": {"type": "Point", "coordinates": [1.5, 2]}}
    for n in range(3)
]
COLUMNS = [{"name": "a", "start": 1, "width": 3}, {"name": "b", "start": 4, "width": 40}]
CSV: dict[str, Any] = {"kind": "csv"}
SEEDS: dict[str, tuple[str, dict[str, Any], bytes]] = {
    "plain": ("d.csv", CSV, table()),
    "everything": (
        "d.csv",
        {**CSV, "delimiter": ";", "decimal": ",", "comment": "#", "header_rows": [1, 2], "header_fill": True,
         "footer": {"starts_with": ["8"], "rows": 1}, "fill_down": ["id 0"], "quote": "'", "ragged": "error"},
        table(";"),
    ),
    "no_header": ("d.csv", {**CSV, "header": False, "skip_initial_space": True}, table()),
    **{
        encoding: ("d.csv", {**CSV, "encoding": encoding}, table(encoding="cp1258"))
        for encoding in ("windows-1258", "windows-1252", "tcvn3", "tcvn3-capitals", "vni", "viscii", "viqr", "mac-roman")
    },
    "utf-16": ("d.csv", {**CSV, "encoding": "utf-16"}, table(encoding="utf-16")),
    "fixed_width": ("d.txt", {"kind": "fixed_width", "columns": COLUMNS, "footer": {"rows": 1}}, table()),
    "json": ("d.json", {"kind": "json", "rows": "data.rows"}, json.dumps({"x": [1], "data": {"rows": OBJECTS}}).encode()),
    "ndjson": ("d.json", {"kind": "ndjson"}, b"\n".join(json.dumps(row).encode() for row in OBJECTS)),
    "geojson": ("d.json", {"kind": "geojson"}, json.dumps({"type": "FeatureCollection", "features": FEATURES}).encode()),
    "gzip": ("d.csv.gz", CSV, gzip.compress(table())),
    "zip": ("d.zip", CSV, zipped("d.csv", table())),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDS)
def test_wounded_files_give_rows_or_an_error_of_ours(name: str, tmp_path: Path) -> None:
    file, format_, seed = SEEDS[name]
    luck = random.Random(name)
    spec = FileSource.model_validate(
        {"kind": "file", "location": ".", "pattern": file, "format": format_, "settle_seconds": 0}
    )
    fields = fields_of("id", "name", n="number")
    read = 0
    errors: list[PublisherError] = []
    for number in range(ROUNDS):
        other = SEEDS[luck.choice(list(SEEDS))][2]
        (tmp_path / file).write_bytes(mutated(seed, other, luck) if number else seed)
        try:
            with open_source(spec, fields=fields, secrets=Secrets({}), folder=tmp_path) as stream:
                read += sum(batch.num_rows for batch in stream.batches())
        except PublisherError as error:
            errors.append(error)
    assert not any(MARKED in str(error) for error in errors)
    assert all(error.cure for error in errors)
    assert read or name == "everything"


def workbooks(shared: Path | None) -> Iterator[tuple[str, bytes]]:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(csv_cells()):
            sheet.write_row(row, 0, cells)
        sheet.merge_range(12, 0, 13, 1, "x")
    yield "xlsx", stream.getvalue()
    if shared is not None:
        yield "xls", (shared / "messy" / "gso_units_da_nang.xls").read_bytes()
        yield "xls", (shared / "messy" / "readxl_dates-1904.xls").read_bytes()


def csv_cells() -> list[list[Any]]:
    return [["id", "name", "n"], *([n, MARKED, n / 2] for n in range(8))]


def with_wounded_part(workbook: bytes, luck: random.Random) -> bytes:
    """Wound one part of a zipped workbook and zip it again, so that the wound is not only found by its checksum."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        parts = [name for name in old.namelist() if name.startswith("xl/") and "theme" not in name]
        chosen = luck.choice(parts)
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, mutated(content, content[::-1], luck) if name == chosen else content)
    return stream.getvalue()


PROGRAM = """
import json, sys
from publisher.errors import PublisherError
from publisher.sources.files.apart import _bound
from publisher.sources.files.reader_process import read_file
import resource
_bound()
resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
for line in sys.stdin:
    file = json.loads(line)
    print(file["number"], flush=True)
    try:
        rows = sum(batch.num_rows for batch in read_file(file, file["format"], {"id": "date", "n": "number"}).batches())
    except PublisherError as error:
        assert "0912345678" not in str(error), "a value is told"
        assert error.cure
    except MemoryError:
        pass
print("done", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["excel", "parquet"])
def test_wounded_workbooks_and_parquet_files_only_ever_end_their_own_process(
    kind: str, tmp_path: Path, root: Path, request: pytest.FixtureRequest
) -> None:
    luck = random.Random(kind)
    shared = None
    with suppress(pytest.skip.Exception):
        shared = request.getfixturevalue("shared_data")
    waiting = []
    for number in range(ROUNDS):
        ending, data = wounded(kind, shared, luck)
        path = tmp_path / f"{number}.{ending}"
        path.write_bytes(data)
        file = {"number": number, "path": str(path), "name": path.name, "output": str(tmp_path / "rows.arrow")}
        waiting.append(file | {"format": {"kind": kind} | ({"fill_down": []} if kind == "excel" else {})})
    deaths = 0
    while waiting:
        lines = "\n".join(map(json.dumps, waiting))
        finished = subprocess.run(
            [sys.executable, "-c", PROGRAM], input=lines, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(root)},
        )  # fmt: skip
        seen = finished.stdout.split()
        if seen[-1:] == ["done"]:
            break
        # An abort or a kill is what the process of its own is for; an exception of Python is a fault of ours.
        assert finished.returncode < 0, finished.stderr[-2000:]
        deaths += 1
        waiting = [file for file in waiting if file["number"] > int(seen[-1])]
    assert deaths <= ROUNDS / 8


def wounded(kind: str, shared: Path | None, luck: random.Random) -> tuple[str, bytes]:
    if kind == "parquet":
        stream = io.BytesIO()
        pq.write_table(pa.table({"id": [1, 2], "name": [MARKED, None], "list": [[1], []]}), stream)
        return "parquet", mutated(stream.getvalue(), stream.getvalue()[::-1], luck)
    ending, data = luck.choice(list(workbooks(shared)))
    if ending == "xlsx" and luck.random() < 0.7:
        return ending, with_wounded_part(data, luck)
    return ending, mutated(data, data[::-1], luck)


MEASURE = """
import json, sys
from pathlib import Path
from pydantic import TypeAdapter
from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources import open_source
from publisher.sources.spec import SourceSpec
def peak():  # not getrusage, whose figure a child inherits from the process that started it
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
spec = TypeAdapter(SourceSpec).validate_python(json.loads(sys.argv[1]))
before = peak()
try:
    with open_source(spec, fields=[], secrets=Secrets({}), folder=Path(sys.argv[2])) as stream:
        rows = sum(batch.num_rows for batch in stream.batches())
    said = f"{rows} rows"
except SourceError as error:
    said = str(error)
print(json.dumps([said, (peak() - before) // 1024]))
"""
SPARSE_BYTES = 400_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start", "format_", "expected"),
    [
        ("line.csv", b"a,b\n1,", {"kind": "csv"}, "zero bytes"),
        ("line.json", b'[{"a": "', {"kind": "json"}, "intact JSON|16 MiB"),
        ("line.xlsx", b"PK", {"kind": "excel"}, "no intact workbook|within 4 GiB"),
    ],
)
def test_a_large_sparse_file_is_refused_within_bounded_memory(
    tmp_path: Path, root: Path, name: str, start: bytes, format_: dict[str, Any], expected: str
) -> None:
    with (tmp_path / name).open("wb") as file:
        file.write(start)
        file.truncate(SPARSE_BYTES)
    said, megabytes = measured(tmp_path, root, name, format_)
    assert any(part in said for part in expected.split("|"))
    assert megabytes < SPARSE_BYTES / 2_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "body", "format_", "expected"),
    [
        (b"a,b\n1,", b"x", {"kind": "csv"}, "longer than 64 MiB"),
        (b'a,b\n1,"', b"x,yyyyyy\n", {"kind": "csv"}, "is not closed within 16 MiB"),
        (b"", b"y", {"kind": "fixed_width", "columns": COLUMNS}, "longer than 64 MiB"),
        (b'[{"a": "', b"z", {"kind": "json"}, "longer than 16 MiB"),
        (b'[{"a": [', b"1,", {"kind": "json"}, "longer than 16 MiB"),
        (b'{"a": "', b"z", {"kind": "ndjson"}, "longer than 16 MiB"),
    ],
)
def test_a_gigabyte_on_one_line_is_refused_within_bounded_memory(
    tmp_path: Path, root: Path, start: bytes, body: bytes, format_: dict[str, Any], expected: str
) -> None:
    """The gigabyte comes out of a small gzip file made of repeated members, as no disk of a test should hold it."""
    block = gzip.compress(body * (10_000_000 // len(body)), 1)
    noise = gzip.compress(start, 1)
    with (tmp_path / "line.x.gz").open("wb") as file:
        file.write(noise)
        file.writelines(block for _ in range(100))
    said, megabytes = measured(tmp_path, root, "line.x.gz", format_)
    assert expected in said or "200 to 1" in said
    assert megabytes < 900  # a record of 16 MiB in short lines, each an object of Python


def measured(folder: Path, root: Path, name: str, format_: dict[str, Any]) -> tuple[str, int]:
    spec = {"kind": "file", "location": str(folder), "pattern": name, "format": format_, "settle_seconds": 0}
    finished = subprocess.run(
        [sys.executable, "-c", MEASURE, json.dumps(spec), str(folder)],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    said, megabytes = json.loads(finished.stdout)
    return said, megabytes
