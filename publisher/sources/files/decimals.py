"""The decimal sign of a text file: confirmed on its first rows, then brought to points."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import SourceError


def confirm_decimal(batch: pa.RecordBatch, numbers: Sequence[str], declared: str, name: str) -> None:
    """Compare the declared decimal sign with how the numbers of these columns are written.

    Raises:
        SourceError: a column is written with the other sign only.
    """
    other = "," if declared == "." else "."
    for column in numbers:
        written = {sign: _count_written(batch[column], sign) for sign in (declared, other)}
        if written[other] and not written[declared]:
            raise SourceError(
                f"{name} declares the decimal sign `{declared}`, but the numbers in `{column}` are written with `{other}`.",
                cure=f"declare `decimal: '{other}'`, or `groupChar` for that field",
            )


def _count_written(column: pa.Array, sign: str) -> int:
    found = pc.match_substring_regex(column, rf"^\s*[-+]?\d+{re.escape(sign)}\d+\s*$")
    return int(pc.sum(found).as_py() or 0)


def with_points(batch: pa.RecordBatch, numbers: Sequence[str]) -> pa.RecordBatch:
    """Return the batch with decimal commas as points; points become commas, so that they are no decimals by accident."""
    for column in numbers:
        text = batch[column]
        for written, meant in ((".", "\0"), (",", "."), ("\0", ",")):
            text = pc.replace_substring(text, written, meant)
        batch = batch.set_column(batch.schema.get_field_index(column), column, text)
    return batch
