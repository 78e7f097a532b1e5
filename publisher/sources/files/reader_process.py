"""The process that reads files whose libraries may abort: a request on standard input, one answer line for each file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from publisher.errors import PublisherError, SourceError
from publisher.sources.files.formats import ExcelFormat, ParquetFormat
from publisher.sources.row_spool import ArrowFile


def main() -> int:
    """Answer the request on standard output."""
    for answer in answers(json.load(sys.stdin)):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if "error" in answer:
            return 1
    return 0


def answers(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an answer for each file; the first that fails is the last."""
    for file in request["files"]:
        try:
            read = read_file(file, request["format"], request["types"])
        except PublisherError as error:
            yield {"error": type(error).__name__, "message": error.message, "cure": error.cure}
            return
        except MemoryError:
            yield {
                "error": "SourceError",
                "message": f"{file['name']} takes more memory than a file may.",
                "cure": "have only what is needed saved, or delivered as CSV",
            }
            return
        yield {"schema": read.schema.serialize().to_pybytes().hex(), "notes": read.notes}


def read_file(file: dict[str, str], format_: dict[str, Any], types: dict[str, str]) -> ArrowFile:
    """Read one file into the Arrow file that the request names.

    Raises:
        PublisherError: the file is damaged, or is not what the definition says.
    """
    path, output = Path(file["path"]), Path(file["output"])
    try:
        if format_["kind"] == "parquet":
            from publisher.sources.files.parquet_files import spool_parquet

            ParquetFormat.model_validate(format_)
            return spool_parquet(path, file["name"], output)
        from publisher.sources.files.excel_files import spool_workbook

        return spool_workbook(path, file["name"], ExcelFormat.model_validate(format_), types=types, output=output)
    except BaseException as error:
        # Some damaged files make a reader panic, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise SourceError(f"{file['name']} is damaged.", cure="have it delivered again") from None


if __name__ == "__main__":
    sys.exit(main())
