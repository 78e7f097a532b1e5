"""The section `source` of a table that a database holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from publisher.policy import Strict
from publisher.sources.keys import WINDOW_MEANING, Secret, TimesOfDay


class ControlTotal(Strict):
    """A number that the source computes itself, in the same snapshot, and that the rows read must give as well.

    Sums of whole and decimal numbers must be equal to the last digit, sums of binary fractions (float) to 12 digits.
    """

    query: str | None = Field(None, description="One SELECT that returns the number, such as the agency's own ledger.")
    expression: str | None = Field(
        None, description="Instead of `query`: an aggregate over the table's own query, such as `sum(so_tien)`."
    )
    equals: str = Field(
        pattern=r"^(count|sum\(.+\))$",
        description="What it must equal: `count`, the number of rows, or `sum(COLUMN)` with a column of the query; "
        "nulls count as nothing, and a sum of nothing is 0.",
    )

    @model_validator(mode="after")
    def _asks_one_thing(self) -> ControlTotal:
        if (self.query is None) == (self.expression is None):
            raise ValueError("a control total needs either `query` or `expression`")
        return self

    @property
    def column(self) -> str | None:
        """The column that is summed; null for the number of rows."""
        return None if self.equals == "count" else self.equals.removeprefix("sum(").removesuffix(")").strip()


class SourcePartition(Strict):
    """The query is read in slices of one column, lowest first, rows without a value last; none is lost or read twice."""

    column: str = Field(description="Column of the query with whole numbers, dates or times; best one with an index.")
    slices: int | None = Field(None, ge=2, le=1000, description="Number of equally wide slices.")
    step: int | None = Field(
        None, ge=1, description="Instead of `slices`: width in units, for dates in days, for times in seconds."
    )
    connections: int = Field(
        1,
        ge=1,
        le=8,
        description="Slices asked for at the same time, all in one snapshot; more than one for PostgreSQL only.",
    )

    @model_validator(mode="after")
    def _has_one_width(self) -> SourcePartition:
        if (self.slices is None) == (self.step is None):
            raise ValueError("partition needs either `slices` or `step`")
        return self


class Incremental(Strict):
    """Only new and changed rows are asked for; they are merged by the primary key into a private copy of the last reading.

    The release is full all the same. `count_query` must then tell the number of all rows: when it differs from the merged
    copy, because rows were deleted, the table is read in full within the same snapshot; so it is when columns, the query
    or the key change, and after `phusa dataset forget`.
    """

    column: str = Field(description="Column of the query that grows with every insert and update: a time or a number.")
    overlap: int = Field(
        0,
        ge=0,
        description="How far behind the highest value to begin, for rows that are committed late: seconds for times, "
        "days for dates, else units.",
    )


class SqlSource(Strict):
    """Rows of one query, read in one read-only transaction and streamed."""

    kind: Literal["sql"]
    url: Secret = Field(description="SQLAlchemy address of the database; PostgreSQL is read through ADBC.")
    query: str = Field(description="One SELECT without parameters; its columns are the source names of the fields.")
    count_query: str | None = Field(None, description="One SELECT that returns the number of rows the query must give.")
    control_totals: list[ControlTotal] = Field(
        default_factory=list, description="Numbers that the source and the rows read must agree on."
    )
    batch_rows: int = Field(20_000, ge=100, le=1_000_000)
    statement_timeout_seconds: int = Field(600, ge=1)
    load_window: list[TimesOfDay] = Field(default_factory=list, description=WINDOW_MEANING)
    partition: SourcePartition | None = Field(None, description="Reads a large table in slices.")
    incremental: Incremental | None = Field(None, description="Asks only for what changed.")

    @model_validator(mode="after")
    def _increments_can_be_proven(self) -> SqlSource:
        if self.incremental is not None and self.count_query is None:
            raise ValueError("incremental needs `count_query`; without it, deleted rows would stay published unseen")
        return self
