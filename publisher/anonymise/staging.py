"""The batch pass: rows of small classes left out, every field of the others treated; and the staged file for later questions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.fields.treatments import NUMBERS_STAY, apply_by_value
from publisher.anonymise.plan import Plan
from publisher.anonymise.search.microdata import Choice
from publisher.engines.local import new_parquet, one_ahead
from publisher.engines.working_files import Table, first_row_of, read_batches, schema_of

ORDER = "__order"
"""Column of the staged file: the row's place in a shuffled or in the source's order."""


def unit_column(name: str) -> str:
    """Return the staged name of a unit key field, whose source value never leaves."""
    return f"__unit_{name}"


def measure_column(name: str) -> str:
    """Return the staged name of a field that measures are taken of."""
    return f"__measure_{name}"


@dataclass(frozen=True)
class Left:
    """How many rows came, and how many of them leave."""

    came: int
    leave: int


def stage_rows(valid: Table, plan: Plan, choice: Choice | None, *, staged: Path, seed: int | None) -> Left:
    """Write the treated rows that leave, with what aggregates and order need; null seed keeps the source's order."""
    rows = _Rows(plan, choice, seed, first_row=first_row_of(valid))
    kinds = schema_of(valid)
    nothing = pa.RecordBatch.from_pylist([], pa.schema([kinds.field(name) for name in rows.names]))
    return _write(valid, rows, schema=rows.batch(nothing).schema, output=staged)


def write_treated(valid: Table, plan: Plan, choice: Choice | None, *, schema: pa.Schema, output: Path) -> Left:
    """Write the treated rows that leave in the source's order straight to their table."""
    rows = _Rows(plan, choice, None, first_row=first_row_of(valid))
    return _write(valid, rows, schema=schema, output=output)


def _write(valid: Table, rows: _Rows, *, schema: pa.Schema, output: Path) -> Left:
    with new_parquet(output, schema) as writer, closing(one_ahead(rows.read(valid))) as batches:
        for batch in batches:
            writer.write_batch(batch.select(schema.names).cast(schema))
    return Left(rows.came - first_row_of(valid), rows.leave)


@contextmanager
def open_table(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a staged file as the view `leaving` of a query engine that spills to the file's folder.

    One thread, so that sums of floating-point numbers repeat to the last bit.
    """
    connection = duckdb.connect(":memory:")
    spill = path.parent / f".{path.stem}.spill"
    try:
        connection.execute("SET threads = 1")
        connection.execute("SET memory_limit = '250MB'")
        connection.execute("SET temp_directory = ?", [str(spill)])
        connection.read_parquet(str(path)).create_view("leaving")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


class _Rows:
    """Leaves out and treats valid rows, one batch after the other; counts them and draws the shuffled order."""

    def __init__(self, plan: Plan, choice: Choice | None, seed: int | None, *, first_row: int = 0) -> None:
        privacy = plan.table.privacy
        self.came, self.leave = first_row, 0
        self._plan = plan
        self._choice = choice
        self._levels: Mapping[str, int] = choice.levels if choice else {}
        self._random = None if seed is None else np.random.PCG64(seed).advance(first_row)
        self._measured = sorted({m.field for table in privacy.tables for m in table.measures if m.field})
        needed = {*plan.treatments, *self._measured, *privacy.unit_key}
        self.names = [field.name for field in plan.table.schema_.fields if field.name in needed]

    def read(self, valid: Table) -> Iterator[pa.RecordBatch]:
        """Yield the treated batches of a whole table."""
        for batch in read_batches(valid, columns=self.names):
            yield self.batch(batch)

    def batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows of a batch that leave, treated."""
        order = self._order(batch.num_rows)
        if self._choice is not None:
            leaving = self._choice.leaving(batch)
            if not leaving.all():
                batch, order = batch.filter(pa.array(leaving)), order.filter(pa.array(leaving))
        self.leave += batch.num_rows
        columns = {
            name: apply_by_value(treatment, batch.column(name), self._levels.get(name, 0))
            for name, treatment in self._plan.treatments.items()
        }
        for name in self._plan.table.privacy.unit_key:
            columns[unit_column(name)] = batch.column(name)
        for name in self._measured:
            treatment = self._plan.treatments.get(name)
            stays = isinstance(treatment, NUMBERS_STAY)
            columns[measure_column(name)] = pc.cast(columns[name] if stays else batch.column(name), pa.float64())
        columns[ORDER] = order
        return pa.RecordBatch.from_pydict(columns)

    def _order(self, rows: int) -> pa.Array:
        start, self.came = self.came, self.came + rows
        if self._random is None:
            return pa.array(np.arange(start, self.came, dtype=np.uint64))
        return pa.array(self._random.random_raw(rows), pa.uint64())
