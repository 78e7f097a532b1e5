"""CSV: the form that everything reads. One canon, so that its bytes can be compared and signed.

UTF-8 without a byte order mark, LF, a header of field names, quotes only where RFC 4180 needs them, null as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from publisher.formats.gzip_file import gzip_file
from publisher.formats.rows import all_text, column_to_text
from publisher.formats.sink import Sink
from publisher.published import PublishedTable


@contextmanager
def csv_gz_sink(table: PublishedTable, output: Path) -> Iterator[Sink]:
    """Write the released gzipped CSV file; the same rows give the same bytes.

    Null and the empty string both become an empty field (`""` where the table has one column only, since an empty line would
    be no row).

    Raises:
        StorageError: the file cannot be written.
    """
    with gzip_file(output) as write:
        write((",".join(field.name for field in table.fields) + "\n").encode())
        yield lambda batch: write(batch_to_csv(batch.columns))


def batch_to_csv(columns: Sequence[pa.Array], *, delimiter: str = ",") -> bytes:
    """Return the lines of one batch, each with its line end; released files have commas."""
    cells = [_column_to_cells(column, f'[{delimiter}"\r\n]') for column in columns]
    if len(cells) == 1:
        only = pc.fill_null(cells[0], "")
        cells = [pc.if_else(pc.equal(only, ""), '""', only)]
    lines = pc.binary_join_element_wise(*cells, delimiter, null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(lines, pa.scalar("\n"), "")
    return all_text(lines)


def _column_to_cells(column: pa.Array, needs_quotes: str) -> pa.Array:
    text = column_to_text(column)
    if not pa.types.is_string(column.type):
        return text
    special = pc.match_substring_regex(text, needs_quotes)
    if not pc.any(special).as_py():
        return text
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(special, quoted, text)
