"""What rows of texts and sheets have in common: joined headers, footers, cells that are filled from above."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import DescriptorError, SourceError
from publisher.sources.files.formats import Footer

MOST_FOOTERS = 50


def joined_header(rows: Sequence[Sequence[str | None]], *, fill: bool) -> list[str]:
    """Return one text for each column: its cells from top to bottom, joined by a space.

    Args:
        rows: the header rows, of any lengths.
        fill: an empty cell of a row above the last takes the text to its left.
    """
    if len(rows) == 1:
        return [cell or "" for cell in rows[0]]
    width = max(map(len, rows), default=0)
    full = [[(cell or "").strip() for cell in row] + [""] * (width - len(row)) for row in rows]
    for row in full[:-1] if fill else ():
        for position in range(1, width):
            row[position] = row[position] or row[position - 1]
    return [" ".join(" ".join(parts).split()) for parts in zip(*full, strict=True)]


def is_footer(cells: Sequence[str | None], footer: Footer | None) -> bool:
    """Tell whether the first filled cell of a row starts as footers do."""
    if footer is None or not footer.starts_with:
        return False
    first = next((text for cell in cells if (text := (cell or "").strip())), "")
    return first.startswith(tuple(footer.starts_with))


def footer_note(name: str, position: str, count: int) -> str:
    """Return the note that footers were left out.

    Raises:
        SourceError: there are too many below the first for footers.
    """
    if count > MOST_FOOTERS:
        raise SourceError(
            f"{name}: below the footer at {position}, {count} more rows follow.",
            cure="the text in `footer` may begin a row of data too; write more of it",
        )
    return f"{name}: {count} rows from {position} on were left out as footers"


def without_last(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the batches without the last rows of them all."""
    kept: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        kept.append(batch)
        held += batch.num_rows
        while kept and held - kept[0].num_rows >= rows:
            first = kept.pop(0)
            held -= first.num_rows
            yield first
    for batch in kept:
        wanted = min(batch.num_rows, max(held - rows, 0))
        held -= batch.num_rows
        if wanted:
            yield batch.slice(0, wanted)


def filled_down(batches: Iterator[pa.RecordBatch], columns: Sequence[str], name: str) -> Iterator[pa.RecordBatch]:
    """Yield the batches with the empty cells of these columns holding the value above.

    Raises:
        DescriptorError: the file has no such column.
    """
    above: dict[str, pa.Scalar] = {}
    for batch in batches:
        for column in columns:
            position = batch.schema.get_field_index(column)
            if position < 0:
                raise DescriptorError(
                    f"{name} has no column `{column}`, which `fill_down` names.", cure="correct `fill_down`"
                )
            values = batch.column(position)
            blank = pc.equal(pc.utf8_trim_whitespace(values), "")
            values = pc.if_else(pc.fill_null(blank, True), pa.scalar(None, pa.string()), values)
            if (before := above.get(column)) is not None and len(values):
                values = pc.fill_null_forward(
                    pa.concat_arrays([pa.array([before.as_py()], pa.string()), values])
                ).slice(1)
            else:
                values = pc.fill_null_forward(values)
            if len(values):
                above[column] = values[-1]
            batch = batch.set_column(position, batch.schema.field(position), values)  # noqa: PLW2901  the next of them
        yield batch
