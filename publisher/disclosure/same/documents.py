"""G1 for the documents beside the data: what they count and measure is counted and measured in the released rows, not in others.

`quality.json` shows ends of ranges, frequent values and sums, `datapackage.json` how many rows and bytes each file has.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.published import PublishedTable

_QUALITY_KEYS = {"profiles", "score", "series", "tables", "weights"}
_PROFILE_KEYS = {"name", "empty", "distinct", "is_estimate", "minimum", "maximum", "frequent", "total"}
_NEEDS_CELLS = {"minimum", "maximum", "frequent", "total"}
_TOLD_TO = 1e-9
"""Sums are told with twelve digits."""


def wrong_documents(folder: Path, tables: Sequence[PublishedTable]) -> list[str]:
    """Compare the documents that a release folder has with its data files; names, numbers of rows and columns only are told."""
    faults: list[str] = []
    if (quality := folder / "quality.json").is_file():
        faults += _wrong_quality(json.loads(quality.read_bytes()), folder, {table.name: table for table in tables})
    if (package := folder / "datapackage.json").is_file():
        faults += _wrong_package(json.loads(package.read_bytes()), folder, tables)
    return faults


def _wrong_quality(said: Mapping[str, Any], folder: Path, tables: Mapping[str, PublishedTable]) -> Iterator[str]:
    if more := set(said) - _QUALITY_KEYS:
        yield f"quality.json has {len(more)} undeclared parts"
    about_people = [table for table in tables.values() if table.source.privacy.subject != "none"]
    leave = {table.source.name for table in about_people if table.aggregate is None}
    hidden = {table.source.name for table in about_people} - leave
    if any(one.get("table") in hidden and {"rows", "valid_rows"} & set(one) for one in said.get("tables", [])):
        yield "quality.json tells how many rows stand behind cells of which some are hidden"
    for profile in said.get("profiles", []):
        table = tables.get(profile["table"])
        if table is None:
            yield "quality.json tells of a table that is not published"
            continue
        with pq.ParquetFile(folder / f"{table.name}.parquet") as file:
            if profile["rows"] != file.metadata.num_rows:
                yield f"quality.json counts other rows of {table.name}"
            for column in profile["columns"]:
                yield from _wrong_column(column, file, table)


def _wrong_column(told: Mapping[str, Any], file: pq.ParquetFile, table: PublishedTable) -> Iterator[str]:
    name = told["name"]
    if name not in table.arrow_schema.names or set(told) - _PROFILE_KEYS:
        yield f"quality.json tells something of {table.name} that is not published"
        return
    if not _NEEDS_CELLS & set(told):
        return
    cells = file.read([name]).column(name)
    if not _is_measured(told, cells):
        yield f"quality.json tells numbers or values of the column {name} of {table.name} that its cells do not have"


def _is_measured(told: Mapping[str, Any], cells: pa.ChunkedArray) -> bool:
    """Tell whether ends, sum, empty cells and frequent values are those of the cells."""
    if told.get("empty", 0) != cells.null_count:
        return False
    if "total" in told and not math.isclose(float(pc.sum(cells).as_py() or 0), told["total"], rel_tol=_TOLD_TO):
        return False
    ends = pc.min_max(cells).as_py() if {"minimum", "maximum"} & set(told) else {}
    if any(_in_json(ends[of]) != told[end] for end, of in (("minimum", "min"), ("maximum", "max")) if end in told):
        return False
    if "frequent" not in told:
        return True
    counts = {_in_json(one["values"]): one["counts"] for one in pc.value_counts(cells).to_pylist()}
    return all(counts.get(one["value"]) == one["count"] for one in told["frequent"])


def _in_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def _wrong_package(said: Mapping[str, Any], folder: Path, tables: Sequence[PublishedTable]) -> Iterator[str]:
    for resource in said.get("resources", []):
        named = resource.get("path", "")  # a list where a series leaves in pieces
        paths = [folder / Path(str(one)).name for one in (named if isinstance(named, list) else [named])]
        if not all(path.is_file() for path in paths):
            yield "datapackage.json tells of a file that is not there"
            continue
        size, names = sum(path.stat().st_size for path in paths), ", ".join(path.name for path in paths)
        if resource.get("bytes", size) != size:
            yield f"datapackage.json tells another size of {names}"
        elif "rows" in resource and not all(resource["rows"] in _rows_of(path, folder, tables) for path in paths):
            yield f"datapackage.json counts other rows of {names}"


def _rows_of(path: Path, folder: Path, tables: Sequence[PublishedTable]) -> set[int]:
    """Return how many rows a file has: by its own footer, or as many as the table that it is a form of."""
    if path.suffix == ".parquet":
        return {pq.read_metadata(path).num_rows}
    mine = [table.name for table in tables if path.name.startswith(f"{table.name}.")]
    return {pq.read_metadata(folder / f"{name}.parquet").num_rows for name in mine}
