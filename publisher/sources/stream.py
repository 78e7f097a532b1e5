"""Streams of bytes that sources read, and what every source gives: record batches, its own claim about their number, and notes for the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pyarrow as pa

from publisher.sources.memory import Revision


class Readable(Protocol):
    """A stream that gives bytes until there are none."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""


class SourceStream(Protocol):
    """Rows of one table on their way in; to be read once."""

    notes: list[str]
    """What a steward should know and that is no fault, such as the name of the file taken; never a cell value."""

    @property
    def expected_rows(self) -> int | None:
        """How many rows the source itself claims; null when it makes no claim, final once all batches are read."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows under the source's own column names; every batch has the same schema."""


class Unchanged(Exception):  # noqa: N818  good news, not an error
    """The source says that nothing changed since the reading that is remembered; there are no batches."""


@runtime_checkable
class RevisedStream(SourceStream, Protocol):
    """A stream whose source can tell the next time that nothing changed; its batches may then raise `Unchanged`."""

    @property
    def revision(self) -> Revision | None:
        """What the next reading asks by, once all batches are read; null when the source gave nothing to ask by."""


@dataclass
class PlainStream:
    """A stream over an iterator that exists already."""

    source: Iterator[pa.RecordBatch]
    expected_rows: int | None = None
    notes: list[str] = field(default_factory=list)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        return self.source
