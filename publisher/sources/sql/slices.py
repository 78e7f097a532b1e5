"""A large table read in slices of one column, one after the other or several at a time; the rows come in slice order."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from queue import Full, Queue
from typing import Any

import pyarrow as pa

from publisher.errors import SourceError
from publisher.sources.sql.dialects import Watermark, literal
from publisher.sources.sql.session import SqlSession, part_of
from publisher.sources.sql.spec import SourcePartition, SqlSource

MOST_SLICES = 10_000
WAITING_BATCHES = 2
"""Batches of a slice that lie ready while earlier slices are still read; a bound on memory."""
LOOK_SECONDS = 0.2

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  an origin to count from, in whatever zone the column is

Item = tuple[pa.RecordBatch | None, BaseException | None]
"""A batch, what went wrong, or null at a slice's end."""


def whole_batches(session: SqlSession, spec: SqlSource) -> Iterator[pa.RecordBatch]:
    """Read the whole query, in slices when the definition says so."""
    return sliced_batches(session, spec, spec.partition) if spec.partition else session.batches(spec.query)


def sliced_batches(session: SqlSession, spec: SqlSource, partition: SourcePartition) -> Iterator[pa.RecordBatch]:
    """Read the query slice by slice; together the slices are the whole, whatever bounds the column has.

    Raises:
        SourceError: the column cannot be sliced, or as while reading the query whole.
        DescriptorError: several connections are asked for where they would not see the same rows.
    """
    queries = slice_queries(session, spec, partition)
    if partition.connections == 1 or len(queries) == 1:
        for query in queries:
            yield from session.batches(query)
        return
    with session.siblings(min(partition.connections, len(queries))) as sessions:
        yield from _several_at_a_time(queries, sessions)


def slice_queries(session: SqlSession, spec: SqlSource, partition: SourcePartition) -> list[str]:
    """Return one query for each slice: open below the first bound and above the last, then the rows without a value."""
    column = session.quoted(partition.column)
    [(lowest, highest)] = session.rows(part_of(spec.query, "1 = 1", columns=f"min({column}), max({column})"))
    if lowest is None:
        return [spec.query]
    bounds = [literal(b, session.dialect, column=partition.column) for b in bounds_between(lowest, highest, partition)]
    edges = zip(["", *bounds], [*bounds, ""], strict=True)
    conditions = [
        " AND ".join(part for part in (low and f"{column} >= {low}", high and f"{column} < {high}") if part)
        for low, high in edges
    ]
    conditions = [condition or f"{column} IS NOT NULL" for condition in conditions]
    return [part_of(spec.query, condition) for condition in [*conditions, f"{column} IS NULL"]]


def bounds_between(lowest: Any, highest: Any, partition: SourcePartition) -> list[Watermark]:
    """Return where the second slice begins, the third, and so on.

    Raises:
        SourceError: the column has no whole numbers, dates or times, or far too many slices.
    """
    low, high = _position(lowest, partition.column), _position(highest, partition.column)
    if partition.slices is not None:
        positions = [low + (high - low) * part // partition.slices for part in range(1, partition.slices)]
    else:
        step = partition.step or 1
        first = low // step + 1  # slices begin at multiples of the step, so that they are the same tomorrow
        if high // step - first > MOST_SLICES:
            raise SourceError(
                f"`partition` would cut `{partition.column}` into more than {MOST_SLICES} slices.",
                cure="raise `step`, or give `slices`",
            )
        positions = [number * step for number in range(first, high // step + 1)]
    return [_value(position, lowest) for position in sorted({p for p in positions if p > low})]


def _position(value: Any, column: str) -> int:
    """Return a value as a whole number: itself, days or seconds since 1970."""
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - EPOCH) // timedelta(seconds=1)
    if isinstance(value, date):
        return (value - EPOCH.date()).days
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _whole(value)
    if number is None:
        raise SourceError(
            f"`partition` cuts by `{column}`, which holds no whole numbers, dates or times.",
            cure="choose another column, or cast it in the query",
        )
    return number


def _whole(value: Any) -> int | None:
    """Return the whole number below a decimal number."""
    return int(value // 1) if isinstance(value, Decimal) and value.is_finite() else None


def _value(position: int, like: Any) -> Watermark:
    if isinstance(like, datetime):
        return (EPOCH + timedelta(seconds=position)).replace(tzinfo=like.tzinfo)
    if isinstance(like, date):
        return EPOCH.date() + timedelta(days=position)
    return position


def _several_at_a_time(queries: Sequence[str], sessions: Sequence[SqlSession]) -> Iterator[pa.RecordBatch]:
    """Let every session read each n-th slice ahead, as far as its queue takes, and hand the slices out in order."""
    stop = threading.Event()
    queues: list[Queue[Item]] = [Queue(WAITING_BATCHES) for _ in sessions]
    readers = [
        threading.Thread(target=_read_ahead, args=(queries[n :: len(sessions)], session, queues[n], stop))
        for n, session in enumerate(sessions)
    ]
    for reader in readers:
        reader.start()
    try:
        for number in range(len(queries)):
            while True:
                batch, error = queues[number % len(sessions)].get()
                if error is not None:
                    raise error
                if batch is None:
                    break
                yield batch
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def _read_ahead(queries: Sequence[str], session: SqlSession, queue: Queue[Item], stop: threading.Event) -> None:
    try:
        for query in queries:
            for batch in session.batches(query):
                if not _put(queue, (batch, None), stop):
                    return
            if not _put(queue, (None, None), stop):
                return
    except BaseException as error:  # noqa: BLE001  raised again by whoever takes it from the queue
        _put(queue, (None, error), stop)


def _put(queue: Queue[Item], item: Item, stop: threading.Event) -> bool:
    """Wait for room; return false when nobody takes anything any more."""
    while not stop.is_set():
        try:
            queue.put(item, timeout=LOOK_SECONDS)
        except Full:
            continue
        return True
    return False
