"""Parquet: the form for analysts and engines, and the one that keeps every type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.formats.columns import code_fields
from publisher.formats.datapackage import table_to_schema
from publisher.formats.sink import Sink
from publisher.formats.whole_file import whole_file
from publisher.published import PublishedTable

ZSTD_LEVEL = 3
GROUP_ROWS = 131_072
BLOOM_FALSE_POSITIVES = 0.05
# A dictionary pays where values come again; the share of different ones is that of the first row group.
_DICTIONARY_SHARE = 0.5


@contextmanager
def parquet_sink(table: PublishedTable, output: Path, *, release: str | None) -> Iterator[Sink]:
    """Write the released Parquet file; same rows and release give the same bytes.

    Row groups hold 131,072 rows, with statistics and a page index for range reads, and Bloom filters for codes of many values. The
    metadata names the release (unless null), the table, its Table Schema and the order of the rows and nothing else: neither the writer's machine nor
    the source's own metadata.

    Raises:
        StorageError: the file cannot be written.
    """
    with whole_file(output) as part:
        groups = _RowGroups(part, table)
        try:
            yield groups.put
            groups.finish(
                ({"phusa.release": release} if release else {})
                | {
                    "phusa.table": table.name,
                    "phusa.table_schema": json.dumps(table_to_schema(table), ensure_ascii=False, sort_keys=True),
                }
            )
        finally:
            groups.close()


class _RowGroups:
    """Gathers batches into row groups; the first one decides how the columns are written."""

    def __init__(self, path: Path, table: PublishedTable) -> None:
        self._path = path
        self._table = table
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._writer: pq.ParquetWriter | None = None

    def put(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._rows += batch.num_rows
        while self._rows >= GROUP_ROWS:
            rows = pa.Table.from_batches(self._waiting)
            self._write(rows.slice(0, GROUP_ROWS))
            self._rows -= GROUP_ROWS
            self._waiting = rows.slice(GROUP_ROWS).to_batches()

    def finish(self, metadata: dict[str, str]) -> None:
        rows = pa.Table.from_batches(self._waiting, self._table.arrow_schema)
        if rows.num_rows or self._writer is None:
            self._write(rows)
        if self._writer is not None:
            self._writer.add_key_value_metadata(metadata)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _write(self, rows: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path,
                self._table.arrow_schema,
                compression="zstd",
                compression_level=ZSTD_LEVEL,
                version="2.6",
                write_statistics=True,
                write_page_index=True,
                store_schema=False,
                **_column_options(rows, self._table),
            )
        self._writer.write_table(rows, row_group_size=GROUP_ROWS)


def _column_options(rows: pa.Table, table: PublishedTable) -> dict[str, Any]:
    different = {name: pc.count_distinct(rows[name], mode="only_valid").as_py() for name in rows.column_names}
    repeated = [name for name, count in different.items() if count <= _DICTIONARY_SHARE * rows.num_rows]
    # Rows in the order of a column need no filter for it: the statistics of each group and page tell them apart.
    filtered = {*code_fields(table)} - {*repeated, *table.sort_by[:1]}
    schema = table.arrow_schema
    order = [pq.SortingColumn(schema.get_field_index(name), nulls_first=False) for name in table.sort_by]
    return {
        "use_dictionary": repeated or False,
        "sorting_columns": order or None,
        "bloom_filter_options": {
            name: {"ndv": max(1, different[name]), "fpp": BLOOM_FALSE_POSITIVES} for name in sorted(filtered)
        }
        or None,
    }
