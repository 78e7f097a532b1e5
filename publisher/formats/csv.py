"""CSV: the form that everything reads. One canon, so that its bytes can be compared and signed.

UTF-8 without a byte order mark, LF, a header of field names, quotes only where RFC 4180 needs them, null as nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from isal import isal_zlib

from publisher.formats.rows import column_to_text, read_groups
from publisher.formats.whole_file import whole_file
from publisher.published import PublishedTable

GZIP_LEVEL = 2
_GZIP_WINDOW = 31  # a gzip container; its header then carries neither time nor name
_BATCH_ROWS = 32_768
_NEEDS_QUOTES = '[",\r\n]'


def write_csv_gz(source: Path, table: PublishedTable, output: Path) -> int:
    """Write the released gzipped CSV file and return its rows; the same rows give the same bytes.

    The source is Parquet in the table's Arrow schema, in release order. Null and the empty string both become an empty
    field (`""` where the table has one column only, since an empty line would be no row).

    Raises:
        ReleaseRefused: the columns are not those the policy publishes, or a number is not finite.
        StorageError: the file cannot be written.
    """
    rows = 0
    gzip = isal_zlib.compressobj(GZIP_LEVEL, wbits=_GZIP_WINDOW)
    with whole_file(output) as part, part.open("wb") as file:
        file.write(gzip.compress((",".join(field.name for field in table.fields) + "\n").encode()))
        for batch in read_groups(source, table, rows=_BATCH_ROWS):
            file.write(gzip.compress(_batch_to_csv(batch.columns)))
            rows += batch.num_rows
        file.write(gzip.flush())
    return rows


def _batch_to_csv(columns: Sequence[pa.Array]) -> bytes:
    """Return the lines of one batch, each with its line end."""
    cells = [_column_to_cells(column) for column in columns]
    if len(cells) == 1:
        only = pc.fill_null(cells[0], "")
        cells = [pc.if_else(pc.equal(only, ""), '""', only)]
    lines = pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(lines, pa.scalar("\n"), "")
    return _all_text(lines)


def _column_to_cells(column: pa.Array) -> pa.Array:
    text = column_to_text(column)
    if not pa.types.is_string(column.type):
        return text
    special = pc.match_substring_regex(text, _NEEDS_QUOTES)
    if not pc.any(special).as_py():
        return text
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(special, quoted, text)


def _all_text(lines: pa.Array) -> bytes:
    # The values of a string array lie one after the other in its last buffer; offsets say where the first begins.
    _, offsets, values = lines.buffers()
    bounds = memoryview(offsets).cast("i")
    first, last = bounds[lines.offset], bounds[lines.offset + len(lines)]
    return bytes(memoryview(values)[first:last])
