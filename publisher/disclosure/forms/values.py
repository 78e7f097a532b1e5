"""What a column holds: its distinct values and how many rows share each; and the judges that look at them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_BATCH_ROWS = 131_072

Shared = Sequence[tuple[Any, int]]
"""Distinct values that are not null, each with its rows."""

Judge = Callable[[Shared], bool]
"""Tells whether all values of a column have one form."""


def shared_values(path: Path, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the distinct combinations of some columns without nulls, each followed by its rows."""
    if len(names) == 1:
        return _counted(path, names[0])
    columns = ", ".join(f'"{name}"' for name in names)
    known = " AND ".join(f'"{name}" IS NOT NULL' for name in names)
    query = f"SELECT {columns}, count(*) FROM read_parquet(?) WHERE {known} GROUP BY {columns}"  # noqa: S608  declared names
    with closing(duckdb.connect(":memory:")) as connection:
        connection.execute("SET memory_limit = '400MB'")
        return connection.execute(query, [str(path)]).fetchall()


def _counted(path: Path, name: str) -> list[tuple[Any, ...]]:
    """Count one column as Parquet keeps it: texts by their places in its dictionary, which are few to compare."""
    kind = pq.read_schema(path).field(name).type
    texts = [name] if pa.types.is_string(kind) else None
    with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
        batches = file.iter_batches(batch_size=_BATCH_ROWS, columns=[name], use_threads=False)
        counted = [pc.value_counts(batch.column(0)) for batch in batches]
    values = pa.chunked_array([pc.cast(one.field(0), kind) for one in counted], kind)
    rows = pa.chunked_array([one.field(1) for one in counted], pa.int64())
    shared = pa.table([values, rows], ["value", "rows"]).drop_null()
    shared = shared.group_by("value", use_threads=False).aggregate([("rows", "sum")])
    return list(zip(shared["value"].to_pylist(), shared["rows_sum"].to_pylist(), strict=True))


def each(fits: Callable[[Any], bool]) -> Judge:
    """Return a judge that looks at one value at a time."""
    return lambda values: all(fits(value) for value, _ in values)


def never(_: Shared) -> bool:
    """Judge what is not known here: nothing of it may leave."""
    return False
