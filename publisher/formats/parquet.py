"""Parquet: the form for analysts and engines, and the one that keeps every type."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from publisher.formats.datapackage import table_to_schema
from publisher.formats.rows import GROUP_ROWS, read_groups
from publisher.formats.whole_file import whole_file
from publisher.published import PublishedTable

ZSTD_LEVEL = 3


def write_parquet(source: Path, table: PublishedTable, output: Path, *, release: str) -> int:
    """Write the released Parquet file and return its rows; same rows and release give the same bytes.

    The source is Parquet in the table's Arrow schema, in release order. Row groups hold 131,072 rows, with statistics and
    a page index for range reads. The metadata names release, table and Table Schema and nothing else: neither the
    writer's machine nor the source's own metadata.

    Raises:
        ReleaseRefused: the columns are not those the policy publishes, or a number is not finite.
        StorageError: the file cannot be written.
    """
    rows = 0
    with (
        whole_file(output) as part,
        pq.ParquetWriter(
            part,
            table.arrow_schema,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            version="2.6",
            write_statistics=True,
            write_page_index=True,
            store_schema=False,
        ) as writer,
    ):
        for batch in read_groups(source, table):
            writer.write_batch(batch, row_group_size=GROUP_ROWS)
            rows += batch.num_rows
        writer.add_key_value_metadata(
            {
                "phusa.release": release,
                "phusa.table": table.name,
                "phusa.table_schema": json.dumps(table_to_schema(table), ensure_ascii=False, sort_keys=True),
            }
        )
    return rows
