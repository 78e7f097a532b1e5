"""What tasks do with files of a release: write the pieces of a long series, and take files to the object storage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.definition import Partition
from publisher.engines.spark.handed_secrets import HandedSecrets, NotingSecrets
from publisher.engines.spark.tasks import Cluster
from publisher.formats.parts import parquet_parts_sink, periods_of
from publisher.formats.rows import CUT_ROWS, released_rows
from publisher.published import PublishedTable
from publisher.secrets import Secrets
from publisher.settings import StorageSettings
from publisher.storage import open_storage
from publisher.upload import Upload, upload_file


@dataclass(frozen=True)
class _Piece:
    """The rows of one period, from `start` to before `stop`."""

    period: str
    start: int
    stop: int


def write_parts_on_cluster(
    cluster: Cluster, table: PublishedTable, partition: Partition, source: Path, folder: Path
) -> None:
    """Write the pieces of a table, a task for each, with the sink and to the bytes of the local engine.

    Raises:
        StorageError: a file cannot be written.
        ReleaseRefused: the rows are not in the order of the field.
    """
    pieces = _pieces(source, partition)
    if len({piece.period for piece in pieces}) < len(pieces):  # the local sink says what is wrong
        pieces = [_Piece("", 0, pieces[-1].stop)]
    cluster.run(partial(_write_piece, table, partition, source, folder), pieces)


def _pieces(source: Path, partition: Partition) -> list[_Piece]:
    pieces: list[_Piece] = []
    row = 0
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(columns=[partition.field]):
            runs = pc.run_end_encode(periods_of(batch.column(0), partition.period))
            for period, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
                start = (
                    pieces.pop().start if pieces and pieces[-1].period == period else pieces[-1].stop if pieces else 0
                )
                pieces.append(_Piece(period, start, row + end))
            row += batch.num_rows
    return pieces


def _write_piece(table: PublishedTable, partition: Partition, source: Path, folder: Path, piece: _Piece) -> None:
    with parquet_parts_sink(table, partition, folder) as put:
        for batch in _rows(source, table, piece):
            put(batch)


def _rows(source: Path, table: PublishedTable, piece: _Piece) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a piece, cut where the rows of the whole table are cut: the bytes of a file rest on it."""
    with pq.ParquetFile(source) as file:
        groups, first = [], None
        row = 0
        whole_from = piece.start // CUT_ROWS * CUT_ROWS
        for number in range(file.num_row_groups):
            rows = file.metadata.row_group(number).num_rows
            if row < piece.stop and row + rows > whole_from:
                first = row if first is None else first
                groups.append(number)
            row += rows
        at = first or 0
        for batch in released_rows(_from(file, groups, whole_from - at), table):
            at = max(at, whole_from)
            low, high = max(piece.start - at, 0), min(piece.stop - at, batch.num_rows)
            if low < high:
                yield batch.slice(low, high - low)
            at += batch.num_rows


def _from(file: pq.ParquetFile, groups: Sequence[int], skip: int) -> Iterator[pa.RecordBatch]:
    for batch in file.iter_batches(row_groups=list(groups), use_threads=False):
        taken = min(skip, batch.num_rows)
        skip -= taken
        yield batch.slice(taken)


def upload_on_cluster(cluster: Cluster, files: Sequence[Upload], settings: StorageSettings, secrets: Secrets) -> None:
    """Let tasks take the files to S3 and read them back, one each.

    Raises:
        StorageError: the storage failed, or gave back other bytes than it was given.
    """
    noting = NotingSecrets(secrets)
    open_storage(settings, noting)
    cluster.run(partial(_upload, settings, HandedSecrets(noting.resolved)), files)


def _upload(settings: StorageSettings, secrets: HandedSecrets, file: Upload) -> None:
    upload_file(open_storage(settings, secrets), file)
