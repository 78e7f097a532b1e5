"""What the anonymiser makes, the checker accepts: real census rows and an invented register with roll-ups."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.working_tables import write_working

from publisher.anonymise import anonymise_table
from publisher.definition import TableDefinition
from publisher.published import arrow_schema
from publisher.secrets import Secrets

Make = Callable[..., TableDefinition]


def _publish(release: Any, table: TableDefinition, columns: dict[str, list[Any]]) -> dict[str, Any]:
    valid = release.definitions / "valid.arrow"
    write_working(pa.table(columns, schema=arrow_schema(table.schema_.fields)), valid)
    made = anonymise_table(
        valid,
        table,
        folder=release.definitions,
        output=release.definitions / "anonymised",
        secrets=Secrets({"PSEUDO_KEY": "0123456789abcdef"}),
        release="2026-11-22.1",
        seed=1022,
    )
    release.write(table, {published.name: pq.read_table(path).to_pydict() for published, path in made.tables})
    return made.report


@pytest.mark.slow
def test_the_census_table_is_published_with_k_5(release: Any, make_table: Make, shared_data: Path) -> None:
    with gzip.open(shared_data / "persons" / "adult_train.csv.gz", "rt", encoding="utf-8") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    schools = sorted({row[3] for row in rows})
    lines = [f"{school},{'school' if school[0].isdigit() else 'degree'}" for school in schools]
    (release.definitions / "education.csv").write_text("\n".join(["leaf,kind", *lines]), encoding="utf-8")
    fields = {
        "age": "integer",
        "education": "string",
        "race": "string",
        "sex": "string",
        "weight": "integer",
        "income": "string",
    }
    policy = {
        "subject": "person",
        "fields": {
            "age": {"action": "generalise_number", "widths": [1, 5, 10, 40], "top": 80, "role": "quasi"},
            "education": {
                "action": "generalise",
                "hierarchy": "education.csv",
                "levels": ["leaf", "kind", "*"],
                "role": "quasi",
            },
            "race": {"action": "keep", "role": "quasi"},
            "sex": {"action": "keep", "role": "quasi"},
            "income": {"action": "keep", "role": "sensitive"},
        },
        "microdata": {"k": 5, "suppression_limit": 0.02},
    }
    places = {"age": 0, "education": 3, "race": 8, "sex": 9, "weight": 2, "income": 14}
    columns = {
        name: [int(row[n]) if fields[name] == "integer" else row[n] for row in rows] for name, n in places.items()
    }
    report = _publish(release, make_table(fields, policy), columns)["ho_so"]
    assert release.failed(rows_before={"ho_so": len(rows)}) == set()
    assert report["smallest_class"] >= 5
    assert 0 < report["suppressed_share"] <= 0.02
    assert "weight" in report["dropped"]


@pytest.mark.slow
def test_rows_pseudonyms_and_roll_ups_pass_together(release: Any, make_table: Make) -> None:
    draw = random.Random(6)
    count = {"name": "n", "kind": "count", "title": "n"}
    mean = {"name": "tb", "kind": "mean", "field": "tien", "title": "t"}
    policy = {
        "subject": "person",
        "unit_key": ["ma"],
        "fields": {
            "ma": {"action": "pseudonymise", "key": "env:PSEUDO_KEY"},
            "ngay": {"action": "generalise_date", "levels": ["month", "quarter", "year", "*"], "role": "quasi"},
            "khu": {"action": "keep", "role": "quasi"},
            "tien": {"action": "top_code", "at": 500, "role": "sensitive"},
        },
        "microdata": {"k": 5, "suppression_limit": 0.1},
        "tables": [
            {"id": "theo_khu_ngay", "title": "x", "row": "x", "group_by": ["khu", "ngay"], "measures": [count, mean]},
            {
                "id": "theo_khu",
                "title": "x",
                "row": "x",
                "group_by": ["khu"],
                "measures": [count, mean],
            },
        ],
    }

    rows = 900
    columns = {
        "ma": [f"079203{draw.randrange(500):06d}" for _ in range(rows)],
        "ngay": [date(2025, draw.randint(1, 12), draw.randint(1, 28)) for _ in range(rows)],
        "khu": [draw.choice("AAAAAABBBBC") if draw.random() < 0.97 else None for _ in range(rows)],
        "tien": [draw.choice([None, draw.randint(0, 900)]) for _ in range(rows)],
    }
    _publish(release, make_table({"ma": "string", "ngay": "date", "khu": "string", "tien": "integer"}, policy), columns)
    assert release.failed(rows_before={"ho_so": rows}) == set()
    files = b"".join(path.read_bytes() for path in release.folder.iterdir())
    text = gzip.decompress((release.folder / "ho_so.csv.gz").read_bytes())
    assert not any(value.encode() in files + text for value in set(columns["ma"]))
