"""Attack 8: the bytes of a release hold no identifier of the source, in no file, however packed or disguised."""

from __future__ import annotations

import gzip
import logging
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attacks.channels import disguises, found_in, needles
from attacks.definitions import PRIVACY, patients, ward_hierarchy
from attacks.people import IDENTIFIERS, Person, make_patients, write_register
from attacks.road import Made, Office

from publisher.disclosure.guarantees import ALL_FORMATS

pytestmark = pytest.mark.slow
COUNT = 1_200
MARKER = "079203001234"


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return make_patients(COUNT, seed=8)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, people: list[Person]) -> tuple[Made, str]:
    """Return a release in every format, and all that was logged while it was made."""
    office = Office(tmp_path_factory.mktemp("formats"))
    write_register(people, office.drops / "register.csv")
    definition = office.define(patients(PRIVACY, formats=ALL_FORMATS), phuong=ward_hierarchy())
    lines: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        made = office.make(definition)
    finally:
        logging.getLogger().removeHandler(handler)
    assert made.refused == ""
    return made, "\n".join(lines)


def secrets(people: list[Person]) -> set[str]:
    """Return every identifier, and the exact dates of birth."""
    return {getattr(person, name) for person in people for name in (*IDENTIFIERS, "ngay_sinh")} - {""}


def test_no_identifier_stands_in_any_byte(whole: tuple[Made, str], people: list[Person]) -> None:
    made, log = whole
    assert {"kham_benh.parquet", "kham_benh.csv.gz", "kham_benh.xlsx"} <= {path.name for path in made.folder.iterdir()}
    search = needles(secrets(people))
    assert found_in(made.folder, search) == {}
    assert search.count_in(log.encode()) == 0
    run_log = (made.work.parents[2] / "publisher.db").read_bytes()
    assert search.count_in(run_log) == 0


def test_the_register_itself_is_full_of_them(people: list[Person], tmp_path: Path) -> None:
    write_register(people, tmp_path / "register.csv")
    [found] = found_in(tmp_path, needles(secrets(people))).values()
    assert found >= len(secrets(people))


def _gzip_name(folder: Path, text: bytes) -> None:
    path = folder / "kham_benh.csv.gz"
    content = gzip.decompress(path.read_bytes())
    with path.open("wb") as raw, gzip.GzipFile(filename=text.decode("latin-1"), mode="wb", fileobj=raw) as file:
        file.write(content)


def _zip_comment(folder: Path, text: bytes) -> None:
    with zipfile.ZipFile(folder / "kham_benh.xlsx", "a") as archive:
        archive.comment = text


def _deleted_row(folder: Path, text: bytes) -> None:
    with closing(sqlite3.connect(folder / "kham-benh.sqlite")) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE x (y)")
        database.executemany("INSERT INTO x VALUES (?)", [(text,)] * 50)
        database.execute("DROP TABLE x")
        database.commit()


def _footer(folder: Path, text: bytes) -> None:
    path = folder / "kham_benh.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata({"x": text}), path)


def _packed_page(folder: Path, text: bytes) -> None:
    path = folder / "kham_benh.parquet"
    rows = pq.read_table(path)
    hidden = pa.array([f"{place:04d} {text.decode('latin-1')}" for place in range(rows.num_rows)])
    pq.write_table(rows.append_column("x", hidden), path, compression="zstd", write_statistics=False)


def _json(folder: Path, text: bytes) -> None:
    path = folder / "datapackage.json"
    path.write_bytes(path.read_bytes().replace(b"{", b'{"x": "' + text + b'",', 1))


@pytest.mark.parametrize("plant", [_gzip_name, _zip_comment, _deleted_row, _footer, _packed_page, _json])
def test_a_planted_identifier_is_found_in_every_channel(
    whole: tuple[Made, str], tmp_path: Path, plant: Callable[[Path, bytes], None]
) -> None:
    release = tmp_path / "release"
    shutil.copytree(whole[0].folder, release)
    before = {path.name: path.stat().st_mtime_ns for path in release.iterdir()}
    plant(release, MARKER.encode())
    for name, written in before.items():
        if (release / name).stat().st_mtime_ns == written:
            (release / name).unlink()
    assert found_in(release, needles([MARKER])) != {}


@pytest.mark.parametrize("disguise", sorted(disguises(MARKER)))
def test_a_disguised_identifier_is_found(tmp_path: Path, disguise: str) -> None:
    (tmp_path / "x.json").write_bytes(b'{"x": "some words before ' + disguises(MARKER)[disguise] + b' and behind"}')
    assert found_in(tmp_path, needles([MARKER])) != {}
