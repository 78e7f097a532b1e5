"""The search itself: what is planted in a release is found in every form, and not shown."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from real.real_city import RealCity
from real.traces import traces

pytestmark = pytest.mark.slow
PLANTED = "12 Nowhere Lane"


def test_a_planted_address_is_found_in_every_form_and_not_shown(city: RealCity, tmp_path: Path) -> None:
    clean = city.publish("administrative-units")
    assert traces({PLANTED}, clean, public=()) == []
    folder = tmp_path / "release"
    shutil.copytree(clean.folder, folder)
    leaking = replace(clean, folder=folder)
    with gzip.open(folder / "units.csv.gz", "ab") as file:
        file.write(f"01,,{PLANTED}\n".encode())
    table = pq.read_table(folder / "units.parquet")
    place = table.schema.get_field_index("commune")
    column = pa.array([PLANTED, *table["commune"].to_pylist()[1:]])
    pq.write_table(table.set_column(place, "commune", column), folder / "units.parquet", compression="zstd")
    with closing(sqlite3.connect(folder / "administrative-units.sqlite")) as database:
        database.execute("UPDATE units SET commune = ? WHERE commune_code = '00001'", [PLANTED])
        database.commit()
    (folder / "quality.json").write_text(f'{{"note": "{PLANTED}"}}')
    found = traces({PLANTED, "not there at all"}, leaking, public=("Phường Phúc Xá",))
    assert {place.split(":")[0] for place in found} >= {
        "units.csv.gz", "units.parquet unpacked", "administrative-units.sqlite", "quality.json",
    }  # fmt: skip
    assert all(place.endswith(": 1 of 2") for place in found)
    assert PLANTED not in "".join(found)
