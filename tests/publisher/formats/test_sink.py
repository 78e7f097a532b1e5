"""One reader, many sinks: order, bounded queues, and nothing half-written when anything fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from publisher.errors import StorageError
from publisher.formats.sink import QUEUE_BATCHES, Sink, feed
from publisher.formats.whole_file import whole_file


def batches(count: int) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        yield pa.record_batch({"n": [number]})


@contextmanager
def kept(seen: list[int], *, seconds: float = 0.0) -> Iterator[Sink]:
    def put(batch: pa.RecordBatch) -> None:
        time.sleep(seconds)
        seen.append(batch["n"][0].as_py())

    yield put
    seen.append(-1)


@contextmanager
def written(path: Path) -> Iterator[Sink]:
    with whole_file(path) as part:
        part.write_bytes(b"half")
        yield lambda _: None


@contextmanager
def failing(*, at: int) -> Iterator[Sink]:
    def put(batch: pa.RecordBatch) -> None:
        if batch["n"][0].as_py() == at:
            raise StorageError("The disk is full.", step="write", cure="free space")

    yield put
    if at < 0:
        raise StorageError("The disk is full.", step="write", cure="free space")


def test_every_sink_gets_all_batches_in_order_and_is_completed() -> None:
    seen: list[list[int]] = [[], []]
    assert feed(batches(20), {"a": kept(seen[0]), "b": kept(seen[1], seconds=0.001)}) == 20
    assert seen == [[*range(20), -1]] * 2


def test_a_slow_sink_holds_the_reader_back() -> None:
    slow: list[int] = []
    ahead: list[int] = []

    def watched() -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(batches(30)):
            ahead.append(number - len(slow))
            yield batch

    feed(watched(), {"fast": kept([]), "slow": kept(slow, seconds=0.002)})
    assert max(ahead) <= QUEUE_BATCHES + 2


@pytest.mark.parametrize("at", [0, 25, -1])
def test_a_sink_that_fails_ends_the_pass_with_its_error(at: int, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="full"):
        feed(batches(30), {"file": written(tmp_path / "f"), "failing": failing(at=at)})
    # A sink that fails as its file is completed comes too late to stop others: what is there is whole.
    assert [path.name for path in tmp_path.iterdir()] in ([], ["f"] if at < 0 else [])
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("write ")]


def test_a_reader_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from batches(3)
        raise OSError("the source went away")

    with pytest.raises(OSError, match="went away"):
        feed(broken(), {"a": written(tmp_path / "a"), "b": written(tmp_path / "b")})
    assert list(tmp_path.iterdir()) == []


def test_a_sink_that_cannot_be_opened_is_an_error() -> None:
    @contextmanager
    def closed() -> Iterator[Sink]:
        raise StorageError("The folder is not there.", step="write", cure="make it")
        yield

    with pytest.raises(StorageError, match="not there"):
        feed(batches(10), {"closed": closed(), "other": kept([])})
