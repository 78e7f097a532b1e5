"""Rows of a service's pages on their way: nested objects opened, counted, and fingerprinted page by page."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from publisher.sources.json_text import json_texts
from publisher.sources.row_spool import RowSpool
from publisher.sources.text import text_schema


class PageRows:
    """The rows of one walk through a service.

    Args:
        path: the scratch file of their spool.
        declared: source names of the fields; one with dots opens the objects it leads through.
    """

    def __init__(self, path: Path, declared: Sequence[str], *, always_open: Sequence[str] = ()) -> None:
        self._spool = RowSpool(path)
        self._declared = list(declared)
        self._opened = set(always_open)
        for name in declared:
            steps = name.split(".")
            self._opened.update(".".join(steps[:length]) for length in range(1, len(steps)))
        self.start_page()

    def clear(self) -> None:
        """Forget all rows."""
        self._spool.clear()
        self.start_page()

    def start_page(self) -> None:
        """Count and fingerprint from here on."""
        self.page_rows = 0
        self._digest = hashlib.blake2b(digest_size=16)

    @property
    def page_digest(self) -> bytes:
        """Equal for pages with the same rows."""
        return self._digest.digest()

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row of JSON values.

        Raises:
            UnicodeError: it holds half a letter.
        """
        self.page_rows += 1
        self._digest.update(repr(row).encode("utf-8", "surrogatepass"))
        if self._opened:
            opened: dict[str, Any] = {}
            self._open(row, "", opened)
            row = opened
        self._spool.add(json_texts(row))

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Keep rows that are text already."""
        self.page_rows += batch.num_rows
        for column in batch.columns:
            for buffer in column.buffers():
                self._digest.update(buffer or b"")
        self._spool.add_batch(batch)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows: declared names in the definition's order, then whatever else the service sent.

        A declared name that no row has is left out, so that its absence is seen as drift; without rows, all declared
        names are shown.
        """
        rows = self._spool.finished(self._declared)
        if not rows.schema.names:
            yield pa.RecordBatch.from_pylist([], text_schema(self._declared))
        yield from rows.batches()

    def _open(self, row: dict[str, Any], above: str, opened: dict[str, Any]) -> None:
        for key, value in row.items():
            name = above + key
            if name in self._opened and isinstance(value, dict):
                self._open(value, f"{name}.", opened)
            elif value is not None or name not in self._opened:  # an object that is null has no fields
                opened[name] = value
