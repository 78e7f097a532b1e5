"""The batch pass: every field treated, plus what later questions need, in one staged Parquet file inside the working folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.anonymise.plan import Plan
from publisher.anonymise.treatments import AsItIs, CapAt, CodeClimb, RoundTo, apply_by_value

ORDER = "__order"
"""Column of the staged file: the row's place in a shuffled or in the source's order."""

_BATCH_ROWS = 65_536
_STAYS_A_NUMBER = (AsItIs, RoundTo, CapAt)


def unit_column(name: str) -> str:
    """Return the staged name of a unit key field, whose source value never leaves."""
    return f"__unit_{name}"


def measure_column(name: str) -> str:
    """Return the staged name of a field that measures are taken of."""
    return f"__measure_{name}"


def check_codes(valid: Path, plan: Plan) -> None:
    """Ask every hierarchy about every code of the table.

    Raises:
        ReleaseRefused: a hierarchy does not know them all; names the field and the number of codes.
    """
    for name, treatment in plan.treatments.items():
        if isinstance(treatment, CodeClimb):
            with open_table(valid) as connection:
                treatment.positions(column(connection, f'SELECT DISTINCT "{name}" FROM source'))  # noqa: S608  own names


def stage_rows(valid: Path, plan: Plan, *, levels: Mapping[str, int], staged: Path, seed: int | None) -> int:
    """Write the treated rows batch by batch and return their number; null seed keeps the source's order."""
    treat = _Rows(plan, levels, seed)
    source = pq.ParquetFile(valid)
    with pq.ParquetWriter(staged, treat.batch(_empty(source.schema_arrow)).schema, compression="zstd") as writer:
        for batch in source.iter_batches(batch_size=_BATCH_ROWS):
            writer.write_batch(treat.batch(batch))
    return treat.rows


def write_treated(valid: Path, plan: Plan, *, schema: pa.Schema, output: Path) -> int:
    """Write the treated rows in the source's order straight to their table and return their number."""
    treat = _Rows(plan, {}, None)
    with pq.ParquetWriter(output, schema, compression="zstd") as writer:
        for batch in pq.ParquetFile(valid).iter_batches(batch_size=_BATCH_ROWS):
            writer.write_batch(treat.batch(batch).select(schema.names).cast(schema))
    return treat.rows


@contextmanager
def open_table(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a Parquet file as the view `source` of a query engine that spills to the file's folder.

    One thread, so that sums of floating-point numbers repeat to the last bit.
    """
    connection = duckdb.connect(":memory:")
    spill = path.parent / f".{path.stem}.spill"
    try:
        connection.execute("SET threads = 1")
        connection.execute("SET memory_limit = '250MB'")
        connection.execute("SET temp_directory = ?", [str(spill)])
        connection.read_parquet(str(path)).create_view("source")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def column(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Array:
    """Return the only column of a query's result as one array."""
    return connection.sql(query).to_arrow_table().column(0).combine_chunks()


class _Rows:
    """Treats batches one after the other; counts rows and draws the shuffled order."""

    def __init__(self, plan: Plan, levels: Mapping[str, int], seed: int | None) -> None:
        privacy = plan.table.privacy
        self._plan = plan
        self._levels = levels
        self._random = None if seed is None else np.random.PCG64(seed)
        self._measured = sorted({m.field for table in privacy.tables for m in table.measures if m.field})
        self.rows = 0

    def batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = {
            name: apply_by_value(treatment, batch.column(name), self._levels.get(name, 0))
            for name, treatment in self._plan.treatments.items()
        }
        for name in self._plan.table.privacy.unit_key:
            columns[unit_column(name)] = batch.column(name)
        for name in self._measured:
            treatment = self._plan.treatments.get(name)
            stays = isinstance(treatment, _STAYS_A_NUMBER)
            columns[measure_column(name)] = pc.cast(columns[name] if stays else batch.column(name), pa.float64())
        columns[ORDER] = self._order(batch.num_rows)
        return pa.RecordBatch.from_pydict(columns)

    def _order(self, rows: int) -> pa.Array:
        start, self.rows = self.rows, self.rows + rows
        if self._random is None:
            return pa.array(np.arange(start, self.rows, dtype=np.uint64))
        return pa.array(self._random.random_raw(rows), pa.uint64())


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
