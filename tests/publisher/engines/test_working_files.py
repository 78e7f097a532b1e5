"""Files between two steps of a run."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from samples.working_tables import read_working, write_working

from publisher.engines.working_files import (
    MAX_BATCH_BYTES,
    MAX_BATCH_CELLS,
    MAX_BATCH_ROWS,
    new_working_file,
    read_batches,
    schema_of,
    sized_batches,
    working_file,
)
from publisher.errors import DiskFull, EnvironmentFault

TABLE = pa.table({"n": range(1000), "t": [f"text {n}" if n % 7 else None for n in range(1000)], "x": [1.5] * 1000})


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return write_working(TABLE, tmp_path / "new" / "rows.arrow", rows_per_batch=300)


def test_what_is_written_is_read_back_batch_by_batch(written: Path) -> None:
    assert [batch.num_rows for batch in read_batches(written)] == [300, 300, 300, 100]
    assert read_working(written).equals(TABLE)
    assert schema_of(written) == TABLE.schema


def test_only_the_named_columns_are_read_in_the_order_asked_for(written: Path) -> None:
    batches = list(read_batches(written, columns=["t", "n"]))
    assert pa.Table.from_batches(batches).equals(TABLE.select(["t", "n"]))


def test_an_empty_file_has_a_schema_and_no_batches(tmp_path: Path) -> None:
    path = write_working(TABLE.slice(0, 0), tmp_path / "empty.arrow")
    assert list(read_batches(path)) == []
    assert schema_of(path) == TABLE.schema


def test_a_file_that_was_not_finished_leaves_the_earlier_one(written: Path) -> None:
    with pytest.raises(ArithmeticError), new_working_file(written, TABLE.schema) as writer:
        writer.write_batch(TABLE.to_batches()[0])
        raise ArithmeticError
    assert read_working(written).equals(TABLE)
    assert [path.name for path in written.parent.iterdir()] == ["rows.arrow"]


def test_a_damaged_file_is_a_fault_around_us_and_names_no_content(written: Path) -> None:
    written.write_bytes(written.read_bytes()[:-500])
    with pytest.raises(EnvironmentFault, match=r"rows\.arrow.*Cure"):
        list(read_batches(written))
    with pytest.raises(EnvironmentFault, match=r"gone\.arrow.*Cure"):
        schema_of(written.with_name("gone.arrow"))


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    with (
        pytest.raises(DiskFull, match=r"no space left .*rows\.arrow.*Cure: free space"),
        working_file(tmp_path / "rows.arrow"),
        pa.OSFile("/dev/full", "wb") as file,
    ):
        file.write(b"x")


@pytest.mark.parametrize("cut", [1, 300, 1000])
def test_small_batches_are_joined(cut: int) -> None:
    [batch] = sized_batches(TABLE.to_batches(max_chunksize=cut))
    assert batch.equals(TABLE.combine_chunks().to_batches()[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "rows", "text"),
    [(1, 150_000, "x"), (100, 25_000, "x"), (2, 3_000, "x" * 20_000), (1, 3, "x" * (40 << 20))],
)
def test_large_batches_are_cut_to_few_rows_cells_and_bytes(columns: int, rows: int, text: str) -> None:
    column = pa.array([text], pa.string()).take(pa.array([0] * rows, pa.int64()))
    whole = pa.RecordBatch.from_arrays([column] * columns, names=[f"c{place}" for place in range(columns)])
    batches = list(sized_batches([whole]))
    assert sum(batch.num_rows for batch in batches) == rows
    for batch in batches:
        assert batch.num_rows <= MAX_BATCH_ROWS
        assert batch.num_rows * batch.num_columns <= MAX_BATCH_CELLS
        assert batch.nbytes < MAX_BATCH_BYTES * 1.1 or batch.num_rows == 1
