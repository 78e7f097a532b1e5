"""One batch ahead of the writer, and Parquet files that are there whole or not at all."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from publisher.engines.local import new_parquet, one_ahead
from publisher.errors import EnvironmentFault

SCHEMA = pa.schema([("n", pa.int64())])


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    output = tmp_path / "new" / "output.parquet"
    with new_parquet(output, SCHEMA) as writer:
        writer.write_batch(pa.record_batch({"n": [1, 2]}))
        assert not output.exists()
    assert pq.read_table(output)["n"].to_pylist() == [1, 2]


def test_an_earlier_file_stays_until_the_new_one_is_whole(tmp_path):
    output = tmp_path / "output.parquet"
    output.write_bytes(b"earlier")
    with pytest.raises(ArithmeticError), new_parquet(output, SCHEMA):
        raise ArithmeticError
    assert output.read_bytes() == b"earlier"


def test_a_folder_that_cannot_be_made_is_a_fault_around_us(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(EnvironmentFault, match=r"output\.parquet cannot be read or written"),
        new_parquet(tmp_path / "file" / "output.parquet", SCHEMA),
    ):
        pass


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
