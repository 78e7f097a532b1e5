"""Work for many: the two ways in which a step uses the cluster.

`run` hands each task one item. `shuffle` lets each task cut its rows into buckets and gives every bucket, whole, to one reducer.
Rows travel as Arrow's own bytes in one binary column, so that no value passes through types of Spark; facts travel pickled.
"""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from publisher.errors import EnvironmentFault, PublisherError

Item = TypeVar("Item")
Result = TypeVar("Result")
Emitted = Iterable[tuple[int, bytes]]
"""Buckets, from 0, with bytes for each."""

_COLUMNS = "bucket int, task int, place int, body binary"
_SCHEMA = pa.schema([("bucket", pa.int32()), ("task", pa.int32()), ("place", pa.int32()), ("body", pa.binary())])
_FAILED = -1


class Cluster:
    """What the steps ask of a session of Spark; `rows_for_one` is how many rows one task, or one bucket, is made for."""

    def __init__(self, session: Any, *, rows_for_one: int = 500_000) -> None:
        self._session = session
        self.rows_for_one = rows_for_one

    def buckets_for(self, rows: int) -> int:
        """Return into how many buckets so many rows are cut."""
        return max(1, -(-rows // self.rows_for_one))

    def run(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Return what the work gives for each item, in order; lost tasks are done again, so that it may be done twice.

        Raises:
            PublisherError: the first, by order of items, that a task raised.
            EnvironmentFault: the cluster failed.
        """

        def emit(item: Item) -> Emitted:
            yield 0, pickle.dumps(work(item))

        return _collected(self._emitted(emit, items))

    def shuffle(
        self, emit: Callable[[Item], Emitted], reduce: Callable[[list[bytes]], Result], items: Sequence[Item]
    ) -> list[Result]:
        """Return what is made of each bucket that something fell into, in order of buckets.

        Args:
            emit: yields buckets, with bytes for each, for one item.
            reduce: takes all bytes of a bucket, in order of items and as each was yielded.
            items: one for each task.

        Raises:
            PublisherError: one that a task raised.
            EnvironmentFault: the cluster failed.
        """

        def reduced(rows: pa.Table) -> pa.Table:
            [bucket] = rows.column("bucket").slice(0, 1).to_pylist()
            if bucket == _FAILED:
                return rows.slice(0, 1).select(_SCHEMA.names).cast(_SCHEMA)
            in_order = rows.sort_by([("task", "ascending"), ("place", "ascending")])

            def emit_bucket() -> Emitted:
                yield bucket, pickle.dumps(reduce(in_order.column("body").to_pylist()))

            return pa.Table.from_batches(_rows(bucket, emit_bucket), _SCHEMA)

        frame = self._emitted(emit, items).groupBy("bucket").applyInArrow(reduced, _COLUMNS)
        return _collected(frame)

    def _emitted(self, emit: Callable[[Item], Emitted], items: Sequence[Item]) -> Any:
        def every(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for number in (number for batch in batches for number in batch.column(0).to_pylist()):
                yield from _rows(number, partial(emit, items[number]))

        return self._session.range(0, len(items), 1, len(items)).mapInArrow(every, _COLUMNS)


def _rows(task: int, emit: Callable[[], Emitted]) -> Iterator[pa.RecordBatch]:
    """Yield a row for each of the bytes; what goes wrong becomes the last row, for Spark would log its text with values."""
    try:
        for place, (bucket, body) in enumerate(emit()):
            yield _row(bucket, task, place, body)
    except PublisherError as error:
        yield _row(_FAILED, task, 0, pickle.dumps(error))
    except Exception as error:  # noqa: BLE001  its text may quote a cell
        where = Path(traceback.extract_tb(error.__traceback__)[-1].filename).name
        fault = EnvironmentFault(
            f"Unforeseen {type(error).__name__} in {where}, in a task of the cluster.",
            cure="run again; if it happens again, tell the operator this line",
        )
        yield _row(_FAILED, task, 0, pickle.dumps(fault))


def _row(bucket: int, task: int, place: int, body: bytes) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"bucket": bucket, "task": task, "place": place, "body": body}], _SCHEMA)


def _collected(frame: Any) -> list[Any]:
    """Return what tasks gave, in order of tasks."""
    try:
        rows = frame.toArrow()
    except Exception as error:
        raise EnvironmentFault(
            f"The cluster failed ({type(error).__name__}).",
            cure="look at the log of Spark's driver and executors, then run again",
        ) from error
    found = sorted(zip(*(rows.column(name).to_pylist() for name in ("bucket", "task", "body")), strict=True))
    # Only our own tasks write into this column.
    results = [pickle.loads(body) for _, _, body in found]  # noqa: S301
    for (bucket, _, _), result in zip(found, results, strict=True):
        if bucket == _FAILED:
            raise result
    return results
