"""Rows about persons with seven quasi-identifiers and their hierarchies, for measuring the search of levels."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 65_536
SIZES = {"ward": 168, "ethnicity": 54, "occupation": 40, "education": 6, "marital": 5}
SKEW = {"ward": 0.5, "ethnicity": 2.6, "occupation": 1.1, "education": 0.7, "marital": 0.8}
PARENTS = {"ward": [8, 40], "ethnicity": [6], "occupation": [4, 12], "education": [2, 4], "marital": [2, 4]}
"""How many leaves share a value at each level between the leaf and `*`: 9,216 nodes with six levels of age and two of sex."""
AGES = [5, 10, 20, 40]
FEW = ("age", "sex", "ethnicity", "education", "marital")
MANY = ("age", "sex", "ward", "occupation", "marital")
"""Five fields each whose combinations are about a hundred thousand, or some millions in ten million rows."""
QUASI = ("age", "sex", "ward", "ethnicity", "occupation", "education", "marital")


def write_rows(rows: int, folder: Path) -> tuple[Path, Path]:
    """Write the rows as Parquet and as the working file that validation leaves; return both."""
    random = np.random.default_rng(5)
    sexes = pa.array(["Nam", "Nữ"])
    columns = {
        "age": pa.array(np.clip(random.gamma(4, 9, rows), 0, 99).astype(np.int64)),
        "sex": sexes.take(pa.array(random.integers(0, 2, rows))),
    }
    for name, size in SIZES.items():
        share = 1 / np.arange(1, size + 1) ** SKEW[name]
        columns[name] = leaves_of(name).take(pa.array(random.choice(size, rows, p=share / share.sum())))
    columns["disease"] = pa.array([f"B{n:02}" for n in range(40)]).take(pa.array(random.integers(0, 40, rows)))
    table = pa.table(columns)
    parquet, working = folder / f"rows{rows}.parquet", folder / f"rows{rows}.arrow"
    pq.write_table(table, parquet, compression="zstd")
    with pa.OSFile(str(working), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=BATCH_ROWS)
    return parquet, working


def leaves_of(name: str) -> pa.Array:
    """Return the codes of a field, as long as such codes are."""
    return pa.array([f"{name} {number:05}" for number in range(SIZES[name])])


def write_hierarchies(folder: Path) -> None:
    """Write one CSV file a quasi-identifier: a row a leaf, a column a level."""
    for name, widths in {**PARENTS, "age": AGES, "sex": []}.items():
        leaves = leaves_of(name).to_pylist() if name in SIZES else ["Nam", "Nữ"] if name == "sex" else range(100)
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["leaf", *(f"by {width}" for width in widths)])
            writer.writerows(
                [leaf, *(f"{n // w * w} to {n // w * w + w - 1}" for w in widths)] for n, leaf in enumerate(leaves)
            )


def table_definition(microdata: dict[str, Any]) -> dict[str, Any]:
    """Return the definition of the table under a policy of seven quasi-identifiers."""
    fields = [{"name": name, "title": name, "type": "integer" if name == "age" else "string"} for name in QUASI]
    treated = {
        name: {
            "action": "generalise",
            "hierarchy": f"{name}.csv",
            "role": "quasi",
            "levels": ["leaf", *(f"by {width}" for width in {**PARENTS, "age": AGES, "sex": []}[name]), "*"],
        }
        for name in QUASI
    }
    disease = {"name": "disease", "title": "disease", "type": "string"}
    return {
        "name": "persons",
        "title": "Persons",
        "row": "One person.",
        "schema": {"fields": [*fields, disease]},
        "source": {"kind": "sql", "url": "env:DB", "query": "SELECT 1"},
        "privacy": {
            "subject": "person",
            "fields": {**treated, "disease": {"action": "keep", "role": "sensitive"}},
            "microdata": microdata,
        },
    }
