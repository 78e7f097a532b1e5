"""Batch functions on one machine."""

from __future__ import annotations

import threading

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from publisher.engines.local import MAX_BATCH_BYTES, batch_rows, map_batches, new_parquet, one_ahead, read_batches
from publisher.errors import EnvironmentFault

SCHEMA = pa.schema([("n", pa.int64())])


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.parquet"
    pq.write_table(pa.table({"n": range(200_000), "t": ["x"] * 200_000}), path, row_group_size=30_000)
    return path


def double(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pc.multiply(batch.column("n"), 2)], schema=SCHEMA)


@pytest.mark.parametrize("ahead", [True, False])
def test_every_row_is_mapped_once_and_in_order(source, tmp_path, ahead):
    output = tmp_path / "new" / "output.parquet"
    assert map_batches(source, double, output, schema=SCHEMA, ahead=ahead) == 200_000
    assert pq.read_table(output)["n"].to_pylist() == list(range(0, 400_000, 2))
    assert pq.ParquetFile(output).metadata.row_group(0).column(0).compression == "ZSTD"


def test_only_the_named_columns_are_read(source, tmp_path):
    seen: list[list[str]] = []

    def note(batch: pa.RecordBatch) -> pa.RecordBatch:
        seen.append(batch.schema.names)
        return batch

    map_batches(source, note, tmp_path / "output.parquet", schema=SCHEMA, columns=["n"])
    assert {tuple(names) for names in seen} == {("n",)}


def test_an_empty_file_gives_an_empty_file(tmp_path):
    pq.write_table(SCHEMA.empty_table(), tmp_path / "source.parquet")
    assert map_batches(tmp_path / "source.parquet", double, tmp_path / "output.parquet", schema=SCHEMA) == 0
    assert pq.read_schema(tmp_path / "output.parquet") == SCHEMA


@pytest.mark.parametrize("ahead", [True, False])
def test_a_function_that_fails_leaves_no_file_and_no_thread(source, tmp_path, ahead):
    before = threading.active_count()

    def fail(batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.column("n")[0].as_py() > 50_000:
            raise ArithmeticError
        return double(batch)

    with pytest.raises(ArithmeticError):
        map_batches(source, fail, tmp_path / "output.parquet", schema=SCHEMA, ahead=ahead)
    assert {path.name for path in tmp_path.iterdir()} == {"source.parquet"}
    assert threading.active_count() == before


def test_an_earlier_file_stays_until_the_new_one_is_whole(tmp_path):
    output = tmp_path / "output.parquet"
    output.write_bytes(b"earlier")
    with pytest.raises(ArithmeticError), new_parquet(output, SCHEMA):
        raise ArithmeticError
    assert output.read_bytes() == b"earlier"


def test_a_folder_that_cannot_be_made_is_a_fault_around_us(source, tmp_path):
    with pytest.raises(EnvironmentFault, match=r"output\.parquet cannot be read or written"):
        map_batches(source, double, source / "output.parquet", schema=SCHEMA)


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "text"), [(1, "x"), (200, "x"), (2, "x" * 20_000)])
def test_batches_hold_few_cells_and_few_bytes(tmp_path, columns, text):
    path = tmp_path / "wide.parquet"
    rows = 3_000
    table = pa.table({f"c{i}": [f"{row}{text}" for row in range(rows)] for i in range(columns)})
    pq.write_table(table, path, compression="none", use_dictionary=False)
    batches = list(read_batches(path))
    assert sum(batch.num_rows for batch in batches) == rows
    assert all(batch.nbytes < 2 * MAX_BATCH_BYTES for batch in batches)
    assert batch_rows(pq.read_metadata(path)) <= 1_000_000 // columns


def test_named_columns_come_as_dictionaries(source):
    batch = next(read_batches(source, dictionaries=["t"]))
    assert pa.types.is_dictionary(batch.schema.field("t").type)


def test_one_item_is_made_ahead_and_not_two():
    made: list[int] = []

    def items():
        for number in range(5):
            made.append(number)
            yield number

    stream = one_ahead(items())
    assert next(stream) == 0
    assert next(stream) == 1
    stream.close()
    assert len(made) <= 3


def test_a_damaged_file_is_a_fault_around_us_and_names_no_content(source, tmp_path):
    source.write_bytes(source.read_bytes()[:-500])
    with pytest.raises(EnvironmentFault, match=r"source\.parquet.*ArrowInvalid.*Cure"):
        map_batches(source, double, tmp_path / "output.parquet", schema=SCHEMA)
