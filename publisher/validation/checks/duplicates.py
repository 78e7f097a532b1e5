"""`duplicate-row`: rows that Frictionless writes as the same text, all fields joined by commas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.engines.local import new_parquet
from publisher.engines.working_files import Table, first_row_of, read_batches
from publisher.table_schema import FieldDefinition
from publisher.validation.checks.rows import Failure, Rows
from publisher.validation.columns import FieldCheck
from publisher.validation.hashes import Hashes, RepeatedHashes, hash_rows
from publisher.validation.keys import RowNumbers, open_duckdb, repeats_among
from publisher.validation.rows import Fault

_PLAIN_NUMBER = r"\A-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,6})?\z"
_SUSPECTS = pa.schema([("row", pa.int64()), ("text", pa.string())])


class DuplicateCheck:
    """Tells the rows that were found to repeat an earlier one."""

    def __init__(self, repeats: RowNumbers) -> None:
        self._repeats = repeats

    def faults(self, rows: Rows) -> list[Fault]:
        """Return the repeating rows of a batch."""
        low, high = np.searchsorted(self._repeats, [rows.first_row, rows.first_row + rows.count])
        if low == high:
            return []
        mask = np.zeros(rows.count, np.bool_)
        mask[self._repeats[low:high] - rows.first_row] = True
        return [Fault("duplicate-row", None, mask)]

    def failures(self, row_count: int) -> list[Failure]:  # noqa: ARG002  it is about rows
        """Return nothing."""
        return []


def find_duplicates(staged: Path, checks: Sequence[FieldCheck], *, folder: Path) -> RowNumbers:
    """Return the rows, from 0 and ascending, that repeat an earlier row; reads the file once, and again when there are suspects.

    Raises:
        EnvironmentFault: the disk is full.
    """
    runs = folder / "rows"
    runs.mkdir()
    seen = RepeatedHashes(runs)
    for _, texts in row_texts(staged, checks):
        seen.add(hash_rows([texts]))
    suspected = seen.found()
    if not len(suspected):
        return np.zeros(0, np.int64)
    path = folder / "rows.parquet"
    with new_parquet(path, _SUSPECTS) as writer:
        for batch, _ in suspected_rows(staged, checks, suspected):
            writer.write_batch(batch)
    with open_duckdb(folder / "spill") as connection:
        connection.read_parquet(str(path)).create_view("suspects")
        return repeats_among(connection, ["text"])


def suspected_rows(
    staged: Table, checks: Sequence[FieldCheck], suspected: Hashes
) -> Iterator[tuple[pa.RecordBatch, Hashes]]:
    """Yield number and text of the rows whose text has one of the hashes, batch by batch, with the hash of each."""
    for first_row, texts in row_texts(staged, checks):
        hashes = hash_rows([texts])
        places = np.flatnonzero(np.isin(hashes, suspected))
        found = [pa.array(places + first_row), texts.take(pa.array(places))]
        yield pa.RecordBatch.from_arrays(found, schema=_SUSPECTS), hashes[places]


def row_texts(staged: Table, checks: Sequence[FieldCheck]) -> Iterator[tuple[int, pa.Array]]:
    """Yield what Frictionless writes for the rows batch by batch, with the number of the batch's first row."""
    names = [check.definition.name for check in checks]
    first_row = first_row_of(staged)
    for batch in read_batches(staged, columns=names):
        texts = [_told(check, column) for check, column in zip(checks, batch.columns, strict=True)]
        joined = pc.binary_join_element_wise(*texts, ",", null_handling="replace", null_replacement="None")
        yield first_row, joined
        first_row += batch.num_rows


def _told(check: FieldCheck, column: pa.Array) -> pa.Array:
    """Return what Python prints for the values of Frictionless; null for null."""
    field = check.definition
    if field.type in {"string", "any"} and field.format in {None, "default"}:
        return check.texts(column)
    if field.type in {"integer", "year", "date", "boolean"}:
        values = pc.cast(check.check(column).values, pa.string())
        return pc.utf8_capitalize(values) if field.type == "boolean" else values
    texts = check.texts(column)
    plain = _is_plain_number(field, texts)
    encoded = pc.if_else(plain, pa.scalar(None, pa.string()), texts).dictionary_encode()
    values = (check.judge.value(text) for text in encoded.dictionary.to_pylist())
    told = pa.array([None if value is None else str(value) for value in values], pa.string()).take(encoded.indices)
    return pc.if_else(plain, texts, told)


def _is_plain_number(field: FieldDefinition, texts: pa.Array) -> pa.Array:
    """Return which texts are decimals that Python prints as they are written."""
    written_otherwise = field.decimalChar or field.groupChar or field.bareNumber is False or field.floatNumber
    if field.type != "number" or written_otherwise:
        return pa.repeat(pa.scalar(value=False), len(texts))
    return pc.fill_null(pc.match_substring_regex(texts, _PLAIN_NUMBER), False)
