"""One pass over a table's rows for all its forms: each form is a sink with a thread and a short queue of its own.

A sink is opened by a context manager, `xxx_sink(table, output, …)`, and is then called with one record batch after the other, in
the table's Arrow schema and in release order. When the block ends well the file is there whole; when it raises, no file is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from queue import Queue

import pyarrow as pa

Sink = Callable[[pa.RecordBatch], None]
"""Takes the next rows of a table."""

OpenedSink = AbstractContextManager[Sink]
"""Gives the sink when it is entered; completes or removes the file when it is left. Both happen in the sink's own thread."""

QUEUE_BATCHES = 2


class _Stopped(Exception):  # noqa: N818  not an error of the sink that it stops
    """The rows have ended early; what was written is thrown away."""


def feed(batches: Iterable[pa.RecordBatch], sinks: Mapping[str, OpenedSink]) -> int:
    """Read the batches once and hand each to every sink; return the number of rows.

    The reader waits for the slowest sink: no queue holds more than two batches. When the reading or a sink fails, all sinks
    stop, so that every file that is not complete by then is removed.

    Args:
        batches: of one table, each small enough to be held several times.
        sinks: by the name of the form, which their threads carry.

    Raises:
        Exception: the first that the reading or a sink raised.
    """
    writers = [_Writer(name, sink) for name, sink in sinks.items()]
    rows = 0
    for writer in writers:
        writer.start()
    complete = False
    try:
        for batch in batches:
            if any(writer.error for writer in writers):
                break
            for writer in writers:
                writer.queue.put(batch)
            rows += batch.num_rows
        else:
            complete = not any(writer.error for writer in writers)
    finally:
        for writer in writers:
            writer.queue.put(_END if complete else _STOP)
        for writer in writers:
            writer.join()
    for writer in writers:
        if writer.error is not None:
            raise writer.error
    return rows


class _Signal:
    """What follows the last batch."""


_END = _Signal()
_STOP = _Signal()


class _Writer(threading.Thread):
    """Runs one sink. `error` is what it raised; null while all is well, or when it was only told to stop."""

    def __init__(self, name: str, sink: OpenedSink) -> None:
        super().__init__(name=f"write {name}", daemon=True)
        self.queue: Queue[pa.RecordBatch | _Signal] = Queue(QUEUE_BATCHES)
        self.error: BaseException | None = None
        self._sink = sink
        self._ended = False

    def run(self) -> None:
        """Write what comes until the end; afterwards take what still comes, so that the reader never waits for a dead sink."""
        try:
            with self._sink as put:
                self._write(put)
        except _Stopped:
            pass
        except BaseException as error:  # noqa: BLE001  raised again by the thread that reads
            self.error = error
        while not self._ended:
            self._ended = isinstance(self.queue.get(), _Signal)

    def _write(self, put: Sink) -> None:
        while not isinstance(item := self.queue.get(), _Signal):
            put(item)
        self._ended = True
        if item is _STOP:
            raise _Stopped
