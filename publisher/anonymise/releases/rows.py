"""Rows beside those of earlier releases: a class in which too little changed keeps the rows that it had.

In a class, a combination of the quasi-identifiers as they are published, the rows that came, went or are now different since the newest
release are none or at least k, and so is the difference of its size to that in any earlier release. A class for which that does not hold
says again what it said last: to the public, nothing happened in it. Classes are comparable because a table keeps the levels of its
newest release.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from publisher.anonymise.fields.treatments import KeyedPseudonym
from publisher.anonymise.plan import Plan
from publisher.anonymise.staging import ORDER, Left, measure_column, open_table, unit_column
from publisher.earlier import ROWS, Earlier, EarlierTable
from publisher.engines.local import new_parquet
from publisher.errors import DisclosureRisk
from publisher.published import PublishedTable, published_tables

_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class KeptRows:
    """What was kept of the newest release.

    Attributes:
        classes: how many say again what they said last; `absent`: how many stay unlisted because too few came.
        rows: published rows of the former; `instead_of`: rows that would have left in the place of both.
    """

    classes: int = 0
    absent: int = 0
    rows: int = 0
    instead_of: int = 0

    def counted(self, rows: Left) -> Left:
        """Return the rows that came and left with every class counted as it is published."""
        difference = self.rows - self.instead_of
        return Left(rows.came + difference, rows.leave + difference)

    def to_report(self) -> dict[str, Any]:
        """Return what the privacy report says of it."""
        return {"held_classes": self.classes + self.absent, "held_rows": self.rows}


NOTHING_KEPT = KeptRows()
"""Every class is published as it is now."""


def settle_rows(staged: Path, plan: Plan, earlier: Earlier, *, seed: int, places: int | None) -> KeptRows:
    """Put rows of the newest release in the place of those of classes in which too little changed; rewrites the staged file.

    `places` is how many places the source's order has, null where rows are shuffled.

    Raises:
        DisclosureRisk: rows went away although the policy says that they only come.
    """
    published = next((one for one in published_tables(plan.table) if one.aggregate is None), None)
    if published is None:
        return KeptRows()
    newest = next(iter(reversed(earlier.of(published.name))), None)
    if newest is None or not set(_compared(published)) <= set(pq.read_schema(newest.path).names):
        return KeptRows()  # another policy: the checker compares what can be
    with open_table(staged) as engine:
        return _Settling(engine, plan, published, newest, earlier).settle(
            staged, _Places(np.random.default_rng([seed, 7]), places)
        )


def _compared(published: PublishedTable) -> list[str]:
    """Return the columns that are compared; pseudonyms are new for each release."""
    return [field.name for field in published.fields if field.treatment != "pseudonymise"]


@dataclass(frozen=True)
class _Places:
    """Draws places in the order of rows: all of 64 bits where rows are shuffled, else among those of the source."""

    random: np.random.Generator
    places: int | None

    def draw(self, rows: int) -> pa.Array:
        most = 2**64 - 1 if self.places is None else self.places
        return pa.array(self.random.integers(0, most, rows, dtype=np.uint64, endpoint=True))


class _Settling:
    """Compares the treated rows with the newest release's, class by class."""

    def __init__(
        self,
        engine: duckdb.DuckDBPyConnection,
        plan: Plan,
        published: PublishedTable,
        newest: EarlierTable,
        earlier: Earlier,
    ) -> None:
        self._engine, self._plan, self._published = engine, plan, published
        self._newest, self._earlier = newest, earlier
        self._quasi = [field.name for field in published.fields if field.role == "quasi"]
        microdata = plan.table.privacy.microdata
        assert microdata is not None  # noqa: S101  the caller asks for tables with k
        self._k = microdata.k
        engine.read_parquet(str(newest.path)).create_view("former")

    def settle(self, staged: Path, places: _Places) -> KeptRows:
        self._compare()
        kept = self._kept()
        if kept.classes or kept.absent:
            self._rewrite(staged, places)
        return kept

    def _compare(self) -> None:
        """Name the classes in which too little changed `quiet`, with their size now (`now`) and last (`was`)."""
        mode = self._plan.table.privacy.releases.mode
        columns = ", ".join(f'"{name}"' for name in _compared(self._published))
        signed = f"SELECT {columns}, 1 AS w FROM leaving UNION ALL SELECT {columns}, -1 FROM former"  # noqa: S608  names of the definition
        quasi = "".join(f'"{name}", ' for name in self._quasi)
        group = f"GROUP BY {quasi.rstrip(', ')}" if quasi else ""
        self._engine.execute(f"""
            CREATE TEMP TABLE change AS SELECT {quasi} sum(n) FILTER (w > 0) AS came, -sum(w) FILTER (w < 0) AS went,
                sum(here) AS now, sum(there) AS was
            FROM (SELECT {columns}, sum(w) AS w, sum(greatest(w, 0)) AS here, -sum(least(w, 0)) AS there, sum(w) AS n
                  FROM ({signed}) GROUP BY {columns}) {group}
        """)  # noqa: S608
        if mode != "snapshot":
            self._refuse_losses(rows_may_change=mode == "cumulative")
        sizes = " UNION ALL ".join(self._sizes(one) for one in self._earlier.classes_of(self._published.name)) or None
        small = f"(greatest(coalesce(came, 0), coalesce(went, 0)) BETWEEN 1 AND {self._k - 1})"
        near = "false"
        if sizes:
            same = " AND ".join(f'past."{n}" IS NOT DISTINCT FROM change."{n}"' for n in self._quasi) or "true"
            gap = f"abs(past.{ROWS} - change.now) BETWEEN 1 AND {self._k - 1}"
            near = f"EXISTS (SELECT 1 FROM ({sizes}) past WHERE {same} AND {gap})"  # noqa: S608
        self._engine.execute(
            f"CREATE TEMP TABLE quiet AS SELECT {quasi} now, was FROM change WHERE now > 0 AND ({small} OR {near})"  # noqa: S608
        )

    def _sizes(self, one: EarlierTable) -> str:
        """Return a query for the sizes of classes of one earlier release; none where it had other quasi-identifiers."""
        known = set(pq.read_schema(one.path).names)
        columns = ", ".join([*(f'"{n}"' if n in known else f'NULL AS "{n}"' for n in self._quasi), ROWS])
        path = str(one.path).replace("'", "''")
        comparable = "" if set(self._quasi) <= known else " WHERE false"
        return f"SELECT {columns} FROM read_parquet('{path}'){comparable}"  # noqa: S608

    def _refuse_losses(self, *, rows_may_change: bool) -> None:
        lost = f"was - now >= {self._k}" if rows_may_change else f"went >= {self._k}"
        [[number]] = self._engine.execute(f"SELECT count(*) FROM change WHERE {lost}").fetchall()  # noqa: S608
        if number:
            mode = self._plan.table.privacy.releases.mode
            raise DisclosureRisk(
                f"In {number} classes of `{self._plan.table.name}` rows are missing that are public already, and its mode is {mode}.",
                step="anonymise",
                cure="see with the agency why rows went away, or declare `releases: {mode: snapshot}`",
            )

    def _kept(self) -> KeptRows:
        query = f"""SELECT count(*) FILTER (was >= {self._k}), count(*) FILTER (was < {self._k}),
            coalesce(sum(was) FILTER (was >= {self._k}), 0), coalesce(sum(now), 0) FROM quiet"""  # noqa: S608
        return KeptRows(*(int(number) for number in self._engine.execute(query).fetchall()[0]))

    def _rewrite(self, staged: Path, places: _Places) -> None:
        """Write the rows of all other classes, and the former ones of the quiet, in a new order of their own."""
        same = " AND ".join(f'quiet."{n}" IS NOT DISTINCT FROM r."{n}"' for n in self._quasi) or "true"
        schema = pq.read_schema(staged)
        wanted = ", ".join(f'"{name}"' for name in schema.names)
        rest = f"SELECT {wanted} FROM leaving r WHERE NOT EXISTS (SELECT 1 FROM quiet WHERE {same})"  # noqa: S608
        names = ", ".join(f'"{field.name}"' for field in self._published.fields)
        again = f"""SELECT {names} FROM former r
            WHERE EXISTS (SELECT 1 FROM quiet WHERE was >= {self._k} AND {same}) ORDER BY ALL"""  # noqa: S608
        output = staged.with_name(f"{staged.name}.settled")
        with new_parquet(output, schema) as writer:
            for batch in self._engine.sql(rest).to_arrow_reader(_BATCH_ROWS):
                writer.write_batch(batch.cast(schema))
            for batch in self._engine.sql(again).to_arrow_reader(_BATCH_ROWS):
                writer.write_batch(self._as_staged(batch, schema, places))
        output.replace(staged)

    def _as_staged(self, batch: pa.RecordBatch, schema: pa.Schema, places: _Places) -> pa.RecordBatch:
        """Return published rows in the form of staged ones: pseudonyms made anew, places drawn, each row a unit of its own."""
        columns = {}
        for field in schema:
            if field.name == ORDER:
                columns[field.name] = places.draw(batch.num_rows)
            elif field.name in batch.schema.names:
                columns[field.name] = self._anew(field.name, batch.column(field.name))
            else:
                columns[field.name] = self._behind(field, batch, places.random)
        return pa.RecordBatch.from_arrays([columns[f.name].cast(f.type) for f in schema], schema=schema)

    def _anew(self, name: str, values: pa.Array) -> pa.Array:
        treatment = self._plan.treatments[name]
        return treatment.apply(values, 0) if isinstance(treatment, KeyedPseudonym) else values

    def _behind(self, field: pa.Field, batch: pa.RecordBatch, random: np.random.Generator) -> pa.Array:
        """Return a unit key or a measured value of rows whose source is not looked at again."""
        for name in batch.schema.names:
            if field.name == measure_column(name) and pa.types.is_floating(field.type):
                values = batch.column(name)
                is_number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
                return values.cast(field.type) if is_number else pa.nulls(batch.num_rows, field.type)
        is_unit = any(field.name == unit_column(name) for name in self._plan.table.privacy.unit_key)
        if is_unit and pa.types.is_string(field.type):
            drawn = random.integers(0, 2**63, batch.num_rows, dtype=np.uint64)
            return pa.array([f"held {number:x}" for number in drawn.tolist()], pa.string())
        if is_unit and pa.types.is_integer(field.type):
            return pa.array(-1 - random.integers(0, 2**62, batch.num_rows, dtype=np.int64))
        return pa.nulls(batch.num_rows, field.type)
