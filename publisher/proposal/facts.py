"""What every column holds, over the whole table: counts of forms, lengths and distinct values; DuckDB spills when it must."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from publisher.proposal.staging import StagedSource

MARKS = (
    "-", "--", "---", "—", "–", ".", "..", "...", "?", "na", "n/a", "#n/a", "n.a.", "null", "none", "nil", "nan", "không có",
    "khong co", "không có thông tin", "chưa có", "chưa có thông tin", "chưa xác định", "không xác định", "không rõ", "trống", "khuyết",
    "không áp dụng", "(blank)",
)  # fmt: skip
"""What offices write where there is nothing, in lower case."""

DATES = ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d", "%m/%d/%Y", "%m-%d-%Y", "%d/%m/%y")
TIMES = (
    "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M",
    "%Y/%m/%d %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S.%f",
)  # fmt: skip
"""Formats of days and moments, in the order in which they are preferred where several fit."""

PATTERNS = {
    "integer": r"[+-]?\d+",
    "digits": r"\d+",
    "leading_zero": r"0\d+",
    "long_digits": r"\d{16,}",
    "point": r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?",
    "comma": r"[+-]?\d+(?:,\d+)?",
    "dot_groups": r"[+-]?\d{1,3}(?:\.\d{3})*(?:,\d+)?",
    "comma_groups": r"[+-]?\d{1,3}(?:,\d{3})*(?:\.\d+)?",
    "two_groups": r"[+-]?\d{1,3}(?:[.,]\d{3}){2,}(?:[.,]\d+)?",
    "three_digits": r"[+-]?[1-9]\d{0,2}[.,]\d{3}",
    "iso_moment": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?",
    "clock": r"\d{1,2}:\d{2}:\d{2}",
    "short_clock": r"\d{1,2}:\d{2}",
    "dotted_clock": r"\d{1,2}\.\d{2}\.\d{2}",
    "month": r"\d{4}-(?:0[1-9]|1[0-2])",
    "year": r"(?:1[89]|20|21)\d{2}",
    "json": r"\s*[\[{].*[\]}]\s*",
}


@dataclass(frozen=True)
class ColumnFacts:
    """One column over the whole table; a mark for "nothing" is no value.

    Attributes:
        name: at the source.
        kind: its Arrow type there.
        rows: of the table.
        values: cells that hold a value.
        distinct: different values.
        marks: the marks that stand in the column, as they are written, with their cells.
        forms: for each pattern and each format of days and moments, how many values have it.
        shortest, longest: letters of a value; 0 without values.
        mean_length: letters of a value on average.
        few: all different values with their cells, most frequent first, when they are at most `FEW`; else empty.
    """

    name: str
    kind: pa.DataType
    rows: int
    values: int
    distinct: int
    marks: dict[str, int]
    forms: dict[str, int]
    shortest: int
    longest: int
    mean_length: float
    few: tuple[tuple[str, int], ...]

    def all_are(self, form: str) -> bool:
        """Tell whether every value has a form, and there is one."""
        return self.values > 0 and self.forms.get(form, 0) == self.values

    def share(self, form: str) -> float:
        """Return the share of values that have a form."""
        return self.forms.get(form, 0) / self.values if self.values else 0.0

    @property
    def is_text(self) -> bool:
        """Tell whether the source delivers text."""
        return bool(pa.types.is_string(self.kind))

    @property
    def is_unique(self) -> bool:
        """Tell whether every row has a value of its own."""
        return self.rows > 1 and self.distinct == self.values == self.rows


FEW = 40


@contextmanager
def opened(staged: StagedSource) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection in which the view `rows` has the columns `c0`, `c1`, … of the staged table, texts trimmed."""
    folder = staged.path.parent / "spill"
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1, "memory_limit": "1GB", "temp_directory": str(folder), "preserve_insertion_order": False,
    }  # fmt: skip
    with closing(duckdb.connect(config=settings)) as engine:
        columns = ", ".join(
            f"{_cell(field, name)} AS c{place}"
            for place, (field, name) in enumerate(zip(staged.schema, staged.schema.names, strict=True))
        )
        path = str(staged.path).replace("'", "''")
        engine.execute(f"CREATE VIEW rows AS SELECT {columns} FROM read_parquet('{path}')")  # noqa: S608  quoted names
        yield engine


def _cell(field: pa.Field, name: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    return f"nullif(trim({column}, ' \t\r\n\u00a0\ufeff'), '')" if pa.types.is_string(field.type) else column


def column_facts(engine: duckdb.DuckDBPyConnection, staged: StagedSource) -> list[ColumnFacts]:
    """Return the facts of every column, in the table's order."""
    return [_facts(engine, staged, place, field) for place, field in enumerate(staged.schema)]


def _facts(engine: duckdb.DuckDBPyConnection, staged: StagedSource, place: int, field: pa.Field) -> ColumnFacts:
    marks = ", ".join("'" + mark.replace("'", "''") + "'" for mark in MARKS)
    cell = f"c{place}" if pa.types.is_string(field.type) else f"c{place}::VARCHAR"
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE found AS SELECT {cell} AS t, count(*) AS n FROM rows WHERE c{place} IS NOT NULL GROUP BY 1"  # noqa: S608  our own names
    )
    marked = f"SELECT t, n FROM found WHERE lower(t) IN ({marks})"  # noqa: S608
    written = dict(_all(engine, marked)) if pa.types.is_string(field.type) else {}
    values = f"(SELECT * FROM found WHERE lower(t) NOT IN ({marks}))" if written else "found"  # noqa: S608
    forms = _forms() if pa.types.is_string(field.type) else {}
    sums = "".join(f", coalesce(sum(n) FILTER ({test}), 0)" for test in forms.values())
    query = f"SELECT coalesce(sum(n), 0), count(*), min(length(t)), max(length(t)), sum(length(t) * n) / sum(n){sums} FROM {values}"  # noqa: S608
    (total, distinct, shortest, longest, mean, *counted) = _all(engine, query)[0]
    few = _all(engine, f"SELECT t, n FROM {values} ORDER BY n DESC, t") if 0 < distinct <= FEW else []  # noqa: S608
    return ColumnFacts(
        name=field.name,
        kind=field.type,
        rows=staged.rows,
        values=int(total),
        distinct=int(distinct),
        marks={str(text): int(count) for text, count in written.items()},
        forms={form: int(count) for form, count in zip(forms, counted, strict=True)},
        shortest=int(shortest or 0),
        longest=int(longest or 0),
        mean_length=float(mean or 0),
        few=tuple((str(text), int(count)) for text, count in few),
    )


def first_row_without(engine: duckdb.DuckDBPyConnection, place: int, form: str) -> int | None:
    """Return the number, from 1, of the first row whose text, a mark for "nothing" apart, does not have a form; null when all have it."""
    marks = ", ".join("'" + mark.replace("'", "''") + "'" for mark in MARKS)
    numbered = f"SELECT row_number() OVER () AS n, c{place} AS t FROM rows"  # noqa: S608  our own names
    query = (
        f"SELECT min(n) FROM ({numbered}) WHERE t IS NOT NULL AND lower(t) NOT IN ({marks}) AND NOT ({_forms()[form]})"  # noqa: S608
    )
    ((row,),) = _all(engine, query)
    return None if row is None else int(row)


def _forms() -> dict[str, str]:
    patterns = {form: f"regexp_full_match(t, '{pattern}')" for form, pattern in PATTERNS.items()}
    # DuckDB reads `%Y` from two digits too; a year has four.
    days = {form: f"length(t) <= 19 AND try_strptime(t, '{form}') IS NOT NULL AND {_full_year(form)}" for form in DATES}
    moments = {form: f"try_strptime(t, '{form}') IS NOT NULL AND {_full_year(form)}" for form in TIMES}
    return patterns | days | moments


def _full_year(form: str) -> str:
    return "regexp_matches(t, '(?:^|[^0-9])[0-9]{4}(?:$|[^0-9])|^[0-9]{8}$')" if "%Y" in form else "true"


def _all(engine: duckdb.DuckDBPyConnection, query: str) -> Sequence[Any]:
    return engine.execute(query).fetchall()
