"""Parquet files: typed columns, whose cells Frictionless sees as pandas gives them, proven without pandas and without a Python cell.

pandas turns integers with nulls into floats, whole tables of numbers into floats when one column holds them, and null into `None`,
`NaN` or `NaT` as the column has it; Frictionless' report depends on it. A file with other columns is Frictionless' alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.validation.files.blocks import NotStrictError
from publisher.validation.files.chunks import Cells, Chunk, RowCheck
from publisher.validation.files.lanes import Lane
from publisher.validation.files.texts import Integers, bools_of, indices_of, numbers_of
from publisher.validation.layouts import Mask

KindName = Literal["integer", "float", "boolean", "text", "date", "timestamp", "other"]

_CHUNK_ROWS = 65_536
_SAMPLE_ROWS = 128
_FIRST_NUMBER = 2
_FIRST_MICROSECOND, _LAST_MICROSECOND = -62_135_596_800_000_000, 253_402_300_799_999_999


@dataclass(frozen=True)
class ColumnKind:
    """What the cells of a column are, the Arrow type that checks take, and the type that pandas gives its numbers."""

    name: KindName
    arrow: pa.DataType
    number: Any = None

    def read(self, column: pa.Array) -> pa.Array:
        """Return a column of the file in the form that checks take."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        return column if column.type == self.arrow else column.cast(self.arrow)

    def cells(self, column: pa.Array) -> list[Any]:
        """Return cells as pandas gives them."""
        if self.name == "float":
            return list(self.floats(column).tolist())
        if self.name == "timestamp" and column.null_count:
            from pandas import NaT

            return [NaT if cell is None else cell for cell in column.to_pylist()]
        return list(column.to_pylist())

    def floats(self, column: pa.Array) -> Any:
        """Return the numbers of a column as pandas has them; null is NaN."""
        values = np.array(numbers_of(column, column.type.to_pandas_dtype()), self.number)
        if column.null_count:
            values[nulls_of(column)] = np.nan
        return values


def nulls_of(column: pa.Array) -> Mask:
    """Return which values are null."""
    if not column.null_count:
        return np.zeros(len(column), np.bool_)
    return ~bools_of(column.is_valid())


class ParquetColumns:
    """Some rows of the columns of a Parquet file."""

    def __init__(self, arrays: list[pa.Array], kinds: list[ColumnKind]) -> None:
        self.arrays = arrays
        self._kinds = kinds

    def cells(self, rows: Integers) -> list[Cells]:
        """Return the cells of some rows."""
        indices = indices_of(rows)
        columns = [kind.cells(array.take(indices)) for kind, array in zip(self._kinds, self.arrays, strict=True)]
        return [list(cells) for cells in zip(*columns, strict=True)]


class ParquetTable:
    """A Parquet file whose cells are known to us."""

    def __init__(self, path: str, names: list[str], kinds: list[ColumnKind]) -> None:
        self.path = path
        self.names = names
        self.kinds = kinds

    def chunks(self, rows: int = _CHUNK_ROWS) -> Iterator[ParquetColumns]:
        """Yield the rows of the file, no more than so many at once."""
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=rows):
                yield self._columns(batch.columns)

    def row(self, number: int) -> Cells:
        """Return the cells of one row, counted from 0; the row group it lies in is read."""
        with pq.ParquetFile(self.path) as file:
            for group in range(file.metadata.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                if number < size:
                    table = file.read_row_group(group).slice(number, 1).combine_chunks()
                    return self._columns([column.chunk(0) for column in table.columns]).cells(np.zeros(1, np.int64))[0]
                number -= size
        raise IndexError(number)

    def rows(self) -> Iterator[Cells]:
        """Yield the labels, then all rows, few at a time: for the sample that Frictionless looks at."""
        yield list(self.names)
        for columns in self.chunks(_SAMPLE_ROWS):
            yield from columns.cells(np.arange(len(columns.arrays[0])))

    def _columns(self, arrays: list[pa.Array]) -> ParquetColumns:
        read = [kind.read(array) for kind, array in zip(self.kinds, arrays, strict=True)]
        for kind, array in zip(self.kinds, read, strict=True):
            if kind.name == "timestamp" and len(array) > array.null_count:
                ends = pc.min_max(array.cast(pa.int64()))
                if ends["min"].as_py() < _FIRST_MICROSECOND or ends["max"].as_py() > _LAST_MICROSECOND:
                    raise NotStrictError("a time lies outside the years 1 to 9999")
        return ParquetColumns(read, self.kinds)


def parquet_table(path: str) -> ParquetTable | None:
    """Return the table of a Parquet file, null when only pandas knows what Frictionless would make of it."""
    if "=" in path:  # a folder that names a partition adds a column
        return None
    try:
        with pq.ParquetFile(path) as file:
            schema, with_nulls = file.schema_arrow, _columns_with_nulls(file)
    except (OSError, pa.ArrowException):
        return None
    if _has_index(schema) or not len(schema) or len(set(schema.names)) < len(schema):
        return None
    kinds = [_kind(one.type, has_nulls=has_nulls) for one, has_nulls in zip(schema, with_nulls, strict=True)]
    known = [kind for kind in kinds if kind is not None]
    if len(known) < len(kinds) or not _keeps_nulls(known, with_nulls):
        return None
    return ParquetTable(path, schema.names, _as_one_frame(known))


def _columns_with_nulls(file: pq.ParquetFile) -> list[bool]:
    """Return which columns hold null; pandas chooses their type by it."""
    if any(pa.types.is_nested(one.type) for one in file.schema_arrow):
        return [True] * len(file.schema_arrow)
    found = []
    for place, name in enumerate(file.schema_arrow.names):
        groups = [
            file.metadata.row_group(group).column(place).statistics for group in range(file.metadata.num_row_groups)
        ]
        if all(group is not None and group.has_null_count for group in groups):
            found.append(any(group.null_count for group in groups))
        else:
            found.append(any(batch.column(0).null_count for batch in file.iter_batches(columns=[name])))
    return found


def _keeps_nulls(kinds: list[ColumnKind], with_nulls: list[bool]) -> bool:
    """Return whether null stays in each row what its column makes of it.

    pandas looks at each row of a mixed frame anew: where only texts or only times stand beside the nulls, these become `None` or `NaT`.
    """
    names = {kind.name for kind in kinds}
    if (
        names <= {"integer", "float"}
        or names == {"text"}
        or (names == {"timestamp"} and len({k.arrow for k in kinds}) == 1)
    ):
        return True
    if "float" not in names and not any(with_nulls):
        return True
    settled = {"integer", "boolean", "date", "other"}
    return any(kind.name in settled and not has_nulls for kind, has_nulls in zip(kinds, with_nulls, strict=True))


def _has_index(schema: pa.Schema) -> bool:
    """Return whether pandas wrote columns as an index, which come first and are a primary key."""
    written = (schema.metadata or {}).get(b"pandas")
    return written is not None and any(isinstance(one, str) for one in json.loads(written).get("index_columns", []))


def _kind(arrow: pa.DataType, *, has_nulls: bool) -> ColumnKind | None:
    kind = pa.types
    if kind.is_integer(arrow) or kind.is_float32(arrow) or kind.is_float64(arrow):
        return _number_kind(arrow, has_nulls=has_nulls)
    if kind.is_timestamp(arrow):
        return _timestamp_kind(arrow, has_nulls=has_nulls)
    if kind.is_dictionary(arrow):
        arrow = arrow.value_type
    if kind.is_string(arrow) or kind.is_large_string(arrow):
        return ColumnKind("text", pa.string())
    names: list[tuple[bool, KindName]] = [
        (kind.is_boolean(arrow), "boolean"),
        (kind.is_date32(arrow), "date"),
        (arrow == pa.time64("us") or kind.is_time32(arrow) or kind.is_decimal128(arrow), "other"),
    ]
    return next((ColumnKind(name, arrow) for fits, name in names if fits), None)


def _number_kind(arrow: pa.DataType, *, has_nulls: bool) -> ColumnKind:
    if pa.types.is_integer(arrow) and has_nulls:
        return ColumnKind("float", arrow, np.dtype(np.float64))
    return ColumnKind("integer" if pa.types.is_integer(arrow) else "float", arrow, np.dtype(arrow.to_pandas_dtype()))


def _timestamp_kind(arrow: pa.DataType, *, has_nulls: bool) -> ColumnKind | None:
    if arrow.unit == "ns" or arrow.tz not in {None, "UTC"} or (has_nulls and find_spec("pandas") is None):
        return None
    return ColumnKind("timestamp", pa.timestamp("us", arrow.tz))


def _as_one_frame(kinds: list[ColumnKind]) -> list[ColumnKind]:
    """Return the kinds of columns read row by row: a frame of numbers alone has one type for all."""
    if any(kind.number is None for kind in kinds):
        return kinds
    common = np.result_type(*(kind.number for kind in kinds))
    if common.kind != "f":
        return kinds
    return [ColumnKind("float", kind.arrow, common) for kind in kinds]


class ParquetRows:
    """Rows of a Parquet file, by number; the first one has number 2."""

    def __init__(self, table: ParquetTable, columns: ParquetColumns, first_number: int) -> None:
        self._table = table
        self._columns: ParquetColumns | None = columns
        self._first_number = first_number

    def row(self, number: int) -> Cells:
        """Return the cells of a row."""
        if self._columns is not None:
            return self._columns.cells(np.array([number - self._first_number]))[0]
        return self._table.row(number - _FIRST_NUMBER)

    def release(self) -> None:
        """Let go the columns."""
        self._columns = None


def parquet_lane(table: ParquetTable, check: RowCheck) -> Lane:
    """Yield the checked rows of a file; its labels are row 1."""
    number = _FIRST_NUMBER
    for columns in table.chunks():
        numbers = np.arange(number, number + len(columns.arrays[0]), dtype=np.int64)
        yield ParquetRows(table, columns, number), check.check(Chunk(columns, numbers))
        number += len(numbers)
