"""Leaks planted for the gate and the checker: columns of each kind of personal data, and release files that somebody spoiled."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from attacks.definitions import PRIVACY, QUASI, dataset, patients, ward_hierarchy
from attacks.people import Person, make_patients, write_register
from attacks.road import Made, Office

from publisher.disclosure import gate, guarantees
from publisher.sandbox.people import make_plates

Patch = pytest.MonkeyPatch
COUNT = 400
_HOME = tempfile.TemporaryDirectory(prefix="phusa-planted-")
TABLE = "kham_benh"
HEADER = "f12"
"""It says nothing."""


@dataclass(frozen=True)
class PlantedColumn:
    """A column of one kind of personal data that a policy keeps under a harmless name; the gate must refuse the release."""

    kind: str
    values: Callable[[Sequence[Person]], list[str]]

    def disable(self, patch: Patch) -> None:
        detect = gate.detect_parquet
        patch.setattr(gate, "detect_parquet", lambda path: [one for one in detect(path) if one.kind != self.kind])

    def succeeds(self, folder: Path) -> bool:
        office = Office(folder)
        values = self.values(make_patients(COUNT, seed=16))
        (office.drops / "danh-muc.csv").write_text("\n".join([HEADER, *(f'"{value}"' for value in values)]) + "\n")
        privacy = {"subject": "none", "fields": {HEADER: {"action": "keep"}}}
        content = dataset("danh-muc", "danh_muc", [{"name": HEADER, "title": HEADER}], privacy)
        made = office.make(office.define(content))
        return made.refused == "" and made.rows("danh_muc")[HEADER].to_pylist() == values


def _plates(people: Sequence[Person]) -> list[str]:
    return make_plates(np.random.default_rng(5), len(people))


def _insurance(people: Sequence[Person]) -> list[str]:
    draw = random.Random(5)
    return [
        f"{draw.choice(['DN', 'HX', 'HT', 'TE', 'GD'])}4{draw.choice(['79', '01'])}{draw.randrange(10**10):010d}"
        for _ in people
    ]


COLUMNS = [
    PlantedColumn("personal_id", lambda people: [one.so_cccd for one in people]),
    PlantedColumn("full_name", lambda people: [one.ho_ten for one in people]),
    PlantedColumn("phone", lambda people: [one.dien_thoai for one in people]),
    PlantedColumn("email", lambda people: [one.email for one in people]),
    PlantedColumn("address", lambda people: [one.dia_chi for one in people]),
    PlantedColumn("plate", _plates),
    PlantedColumn("health_insurance", _insurance),
]


@dataclass(frozen=True)
class SpoiledFile:
    """A release of which one file was changed behind the anonymiser's back; one check must notice."""

    name: str
    check: str
    spoil: Callable[[Path], None]
    formats: tuple[str, ...] = ("parquet",)

    def disable(self, patch: Patch) -> None:
        patch.setattr(guarantees, self.check, lambda *_, **__: [])

    def succeeds(self, folder: Path) -> bool:
        made = _release(self.formats)
        spoiled = folder / "release"
        shutil.copytree(made.folder, spoiled)
        self.spoil(spoiled)
        if self.check != "wrong_documents":
            _describe_anew(spoiled)
        report = made.document("privacy.json")["tables"][TABLE]
        return guarantees.check_release(
            spoiled,
            made.tables,
            dataset=made.definition.name,
            today=date(2026, 11, 22),
            definitions=made.definition.folder,
            rows_before={TABLE: report["rows"]},
            formats=self.formats,
        ).passed


def _describe_anew(folder: Path) -> None:
    """Let the documents tell of the files as they are now, so that only the check in question can notice."""
    (folder / "quality.json").unlink()
    path = folder / "datapackage.json"
    package = json.loads(path.read_text(encoding="utf-8"))
    rows = pq.read_metadata(folder / f"{TABLE}.parquet").num_rows
    for resource in package["resources"]:
        resource["bytes"] = (folder / resource["path"]).stat().st_size
        resource.update({"rows": rows} if "rows" in resource else {})
    path.write_text(json.dumps(package, ensure_ascii=False), encoding="utf-8")


@cache
def _release(formats: tuple[str, ...]) -> Made:
    """Return a good release, made once for each list of formats."""
    office = Office(Path(_HOME.name) / "-".join(formats))
    write_register(make_patients(3 * COUNT, seed=17), office.drops / "register.csv")
    made = office.make(office.define(patients(PRIVACY, formats=formats), phuong=ward_hierarchy()))
    assert made.refused == ""
    return made


def _rewrite(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / f"{TABLE}.parquet"
        pq.write_table(change(_smallest_class_first(pq.read_table(path))), path, store_schema=False)

    return spoil


def _smallest_class_first(rows: pa.Table) -> pa.Table:
    """Return the rows sorted by the size of their class; how they are shuffled is another in each run, and a large class more than may be left out."""
    classes = list(zip(*(rows[name].to_pylist() for name in QUASI), strict=True))
    sizes = Counter(classes)
    return rows.take(sorted(range(len(classes)), key=lambda place: (sizes[classes[place]], str(classes[place]))))


def _of_one_class(rows: pa.Table) -> Any:
    """Return which rows stand in the class of the first row."""
    mask = pa.array([True] * rows.num_rows)
    for name in QUASI:
        same = (
            pc.fill_null(pc.equal(rows[name], rows[name][0]), fill_value=False)
            if rows[name][0].is_valid
            else rows[name].is_null()
        )
        mask = pc.and_(mask, same)
    return mask


def _two_alone(rows: pa.Table) -> pa.Table:
    """Leave two of a class, of whom one has another diagnosis."""
    mine = np.array(_of_one_class(rows).to_pylist())
    others = np.array(pc.not_equal(rows["chan_doan"], rows["chan_doan"][0]).to_pylist())
    keep = ~mine
    keep[[0, int(np.flatnonzero(mine & others)[0])]] = True
    return rows.filter(pa.array(keep))


def _one_diagnosis(rows: pa.Table) -> pa.Table:
    place = rows.column_names.index("chan_doan")
    values = pc.if_else(_of_one_class(rows), rows["chan_doan"][0], rows["chan_doan"])
    return rows.set_column(place, "chan_doan", values)


def _another_level(rows: pa.Table) -> pa.Table:
    place = rows.column_names.index("nam_sinh")
    return rows.set_column(place, "nam_sinh", pc.if_else(_of_one_class(rows), "1961-1970", rows["nam_sinh"]))


def _many_gone(rows: pa.Table) -> pa.Table:
    return rows.filter(pc.not_equal(pc.fill_null(rows["gioi_tinh"], ""), "nam"))


def _csv_cell(folder: Path) -> None:
    path = folder / f"{TABLE}.csv.gz"
    text = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(text.replace(b",nam,", b",nu,", 1), mtime=0))


def _sqlite_cell(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "kham-benh.sqlite")) as database:
        database.execute(f"UPDATE {TABLE} SET chan_doan = 'Z99' WHERE rowid = 3")
        database.commit()


def _json_name(folder: Path) -> None:
    path = folder / "datapackage.json"
    path.write_text(path.read_text(encoding="utf-8").replace("{", '{"by": "Nguyễn Văn An",', 1), encoding="utf-8")


def _metadata(folder: Path) -> None:
    path = folder / f"{TABLE}.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata({"x": "y"}), path)


def _between_columns(folder: Path) -> None:
    path = folder / f"{TABLE}.parquet"
    content = path.read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    path.write_bytes(content[:start] + b"x" + content[start:])


def _other_rows(folder: Path) -> None:
    path = folder / "quality.json"
    quality = json.loads(path.read_text(encoding="utf-8"))
    told = next(one for one in quality["profiles"][0]["columns"] if "frequent" in one)
    told["frequent"][0]["count"] += 1
    path.write_text(json.dumps(quality), encoding="utf-8")


def _another_file(folder: Path) -> None:
    (folder / "x.txt").write_text("x")


FILES = [
    SpoiledFile("metadata of Parquet", "wrong_parquet", _metadata),
    SpoiledFile("bytes of Parquet", "wrong_bytes", _between_columns),
    SpoiledFile("documents", "wrong_documents", _other_rows),
    SpoiledFile("undeclared files", "wrong_files", _another_file),
    SpoiledFile("CSV equals Parquet", "wrong_csv", _csv_cell, ("parquet", "csv")),
    SpoiledFile("SQLite equals Parquet", "wrong_sqlite", _sqlite_cell, ("parquet", "sqlite")),
    SpoiledFile("texts", "personal_texts", _json_name),
    SpoiledFile("k", "small_classes", _rewrite(_two_alone)),
    SpoiledFile("l", "uniform_classes", _rewrite(_one_diagnosis)),
    SpoiledFile("suppressed share", "left_out", _rewrite(_many_gone)),
    SpoiledFile("forms", "wrong_forms", _rewrite(_another_level)),
]
