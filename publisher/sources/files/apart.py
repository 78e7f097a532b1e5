"""Workbooks and Parquet files are read by a process of its own: damaged ones can make their libraries abort or take all memory.

The process knows no secret, has bounds for memory and time, and leaves Arrow files in the scratch folder.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from publisher.errors import DescriptorError, DiskFull, EnvironmentFault, SourceError
from publisher.sources.files.archives import refuse_hostile_workbook
from publisher.sources.files.formats import ExcelFormat, ParquetFormat
from publisher.sources.files.payload import Payload
from publisher.sources.row_spool import ArrowFile

if TYPE_CHECKING:
    from publisher.table_schema import FieldDefinition

MEMORY_BYTES = 4 << 30
PROCESSOR_SECONDS = 1_200
MODULE = "publisher.sources.files.reader_process"
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""Variables of the environment that the process may see; all others may be secrets."""
ERRORS = {kind.__name__: kind for kind in (SourceError, DescriptorError, EnvironmentFault, DiskFull)}


def read_apart(
    payloads: Sequence[Payload],
    format_: ExcelFormat | ParquetFormat,
    fields: Sequence[FieldDefinition],
    scratch: Path,
) -> list[ArrowFile]:
    """Read files into Arrow files in the scratch folder.

    Raises:
        SourceError: a file is damaged, would take too much memory or time, or is not what the definition says.
    """
    files: list[dict[str, str]] = []
    for number, payload in enumerate(payloads):
        path = payload.as_file(scratch)
        if isinstance(format_, ExcelFormat):
            refuse_hostile_workbook(path, payload.name)
        files.append({"path": str(path), "name": payload.name, "output": str(scratch / f"apart-{number}.arrow")})
    request = {
        "format": format_.model_dump(mode="json"),
        "types": {field.at_source: field.type for field in fields},
        "files": files,
    }
    answers, is_whole = answers_apart(request)
    for answer in answers:
        if "error" in answer:
            raise ERRORS[answer["error"]](answer["message"], cure=answer["cure"])
    if not is_whole or len(answers) < len(payloads):
        raise SourceError(
            f"{payloads[min(len(answers), len(payloads) - 1)].name} cannot be read within {MEMORY_BYTES >> 30} GiB of memory and {PROCESSOR_SECONDS // 60} minutes, or is damaged.",
            cure="open it in its own program and save only what is needed, or have it delivered as CSV",
        )
    return [
        ArrowFile(
            Path(file["output"]), pa.ipc.read_schema(pa.py_buffer(bytes.fromhex(answer["schema"]))), answer["notes"]
        )
        for file, answer in zip(files, answers, strict=True)
    ]


def answers_apart(request: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """Return what a process of its own answered to the request, and whether it came to its end."""
    finished = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=json.dumps(request).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        preexec_fn=_bound,
        check=False,
    )
    return [json.loads(line) for line in finished.stdout.splitlines()], finished.returncode == 0


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return passed | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "RUST_BACKTRACE": "0"}


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
