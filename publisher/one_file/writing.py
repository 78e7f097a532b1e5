"""The tables that may leave, in the forms that were asked for; nothing appears under its name before it was checked."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from publisher.engines.working_files import new_file
from publisher.errors import DescriptorError, DisclosureRisk, DiskFull, EnvironmentFault, tells_of_full_disk
from publisher.formats.csv import batch_to_csv, csv_gz_sink
from publisher.published import PublishedTable

_BATCH_ROWS = 65_536
ENDINGS = (".csv", ".txt", ".tsv", ".parquet")
"""Of output files; a CSV has the source's delimiter, or commas when the source has none."""


def output_paths(output: Path, tables: Sequence[PublishedTable]) -> dict[str, Path]:
    """Return where each table goes: the rows, or the only table, to the file itself, each aggregate beside it with its name.

    Raises:
        DescriptorError: the file has no ending of a known form.
    """
    if output.suffix.lower() not in ENDINGS:
        raise DescriptorError(f"The output {output.name} has no known ending.", cure=f"use one of {', '.join(ENDINGS)}")
    first = tables[0].name if len(tables) == 1 or tables[0].aggregate is None else None
    return {
        table.name: output if table.name == first else output.with_name(f"{output.stem}.{table.name}{output.suffix}")
        for table in tables
    }


def refuse_replacing(taken: Sequence[Path], written: Sequence[Path]) -> None:
    """Refuse to write a file over one that the run reads, or two over each other.

    Raises:
        DescriptorError: names the file that would be written.
    """
    places = {path.resolve() for path in taken}
    for path in written:
        if path.resolve() in places:
            raise DescriptorError(
                f"{path.name} would replace a file that this run reads or writes as well.",
                cure="name another file for the output or the report",
            )
        places.add(path.resolve())


@contextmanager
def written_whole(output: Path) -> Iterator[Path]:
    """Give the path to write to; it takes the place of `output` when the block ends well, and vanishes otherwise.

    Raises:
        EnvironmentFault: the file cannot be written.
    """
    part = output.with_name(f".{output.name}.part")
    try:
        yield part
        part.replace(output)
    except OSError as error:
        fault = DiskFull if tells_of_full_disk(error) else EnvironmentFault
        raise fault(
            f"{output.name} cannot be written ({error.strerror or type(error).__name__}).",
            cure="free space there, give this user the right to write, or name another place",
        ) from None
    finally:
        part.unlink(missing_ok=True)


def write_checkable(source: Path, table: PublishedTable, folder: Path, *, mixed: bool) -> None:
    """Write a table into the folder to be checked, as Parquet and CSV.

    Args:
        source: its anonymised Parquet file.
        table: what it publishes.
        folder: receives `<table>.parquet` and `<table>.csv.gz`.
        mixed: rows in an order that follows from their published content alone, so that it says nothing of the source's
            order and the same content gives the same bytes.
    """
    schema = table.arrow_schema
    with (
        new_file(folder / f"{table.name}.parquet") as part,
        pq.ParquetWriter(part, schema, compression="zstd") as writer,
        csv_gz_sink(table, folder / f"{table.name}.csv.gz") as csv,
    ):
        for batch in _mixed(source, schema) if mixed else pq.ParquetFile(source).iter_batches():
            whole = batch.select(schema.names).cast(schema)
            writer.write_batch(whole)
            csv(whole)


def _mixed(source: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    names = [f'"{name}"' for name in schema.names]
    query = f"SELECT {', '.join(names)} FROM read_parquet(?) ORDER BY hash({', '.join(names)}), {', '.join(names)}"  # noqa: S608  quoted names
    spill = source.with_suffix(".spill")
    with closing(duckdb.connect(config={"threads": 2, "memory_limit": "1GB", "temp_directory": str(spill)})) as engine:
        yield from engine.sql(query, params=[str(source)]).to_arrow_reader(_BATCH_ROWS)
    shutil.rmtree(spill, ignore_errors=True)


def bring_out(checked: Path, table: PublishedTable, output: Path, *, delimiter: str | None) -> None:
    """Write a checked table to its place, whole or not at all.

    Args:
        checked: the folder that was checked.
        table: which of its tables.
        output: the file, whose ending says its form.
        delimiter: of a CSV; null for the form's own.

    Raises:
        DisclosureRisk: the written file does not hold what was checked.
        EnvironmentFault: it cannot be written.
    """
    with written_whole(output) as part:
        form = output.suffix.lower()
        if form == ".parquet":
            shutil.copyfile(checked / f"{table.name}.parquet", part)
        else:
            _write_text(checked, table, part, "\t" if form == ".tsv" else delimiter or ",")


def _write_text(checked: Path, table: PublishedTable, part: Path, sign: str) -> None:
    packed = checked / f"{table.name}.csv.gz"
    if sign == ",":
        with gzip.open(packed, "rb") as source, part.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        return
    with pq.ParquetFile(checked / f"{table.name}.parquet") as file, part.open("wb") as target:
        names = [pa.array([name], pa.string()) for name in table.arrow_schema.names]
        target.write(batch_to_csv(names, delimiter=sign))
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            target.write(batch_to_csv(batch.columns, delimiter=sign))
    if not _texts(packed, ",").equals(_texts(part, sign)):
        raise DisclosureRisk("The written file differs from the one that was checked.", cure="write CSV with commas")


def _texts(path: Path, sign: str) -> pa.Table:
    with pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None) as stream:
        return pa_csv.read_csv(
            stream,
            read_options=pa_csv.ReadOptions(autogenerate_column_names=True),
            parse_options=pa_csv.ParseOptions(delimiter=sign, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types={f"f{place}": pa.string() for place in range(10_000)}, strings_can_be_null=False
            ),
        )
