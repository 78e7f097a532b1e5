"""CPU seconds of checking a CSV file: ours, plain Frictionless and a bare streaming read by pyarrow, in one run.

`python tests/bench/validation.py [--rows 200000] [--repeat 3] [--file FILE --schema SCHEMA.json]`. Every figure is user and system
time of a whole process, imports included, in the order A B C A B C …; medians are compared. Without a file, service requests of 17
fields are made, clean and with 0.1 % dirty rows, and a file with stray quotes, whose cells come from Frictionless' own reader.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CATEGORIES = ["Đất đai", "Hộ tịch", "Xây dựng", "Thuế", "Môi trường", "Tiếng ồn", "Giao thông", "Khác"]
WORDS = [
    "đường",
    "hẻm",
    "phường",
    "hư",
    "ngập",
    "nước",
    "đèn",
    "rác",
    "tồn đọng",
    "nhiều ngày",
    "đề nghị",
    "xử lý",
    "cây xanh",
]
REQUIRED: dict[str, Any] = {"required": True}
SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "request_id", "type": "string", "constraints": {**REQUIRED, "pattern": r"SR\d{10}"}},
        {"name": "receipt_no", "type": "integer", "constraints": {**REQUIRED, "unique": True, "minimum": 100000000}},
        {"name": "created_at", "type": "datetime", "constraints": {**REQUIRED, "minimum": "2019-01-01T00:00:00Z"}},
        {"name": "closed_at", "type": "datetime"},
        {"name": "category", "type": "string", "constraints": {**REQUIRED, "enum": CATEGORIES}},
        {"name": "district", "type": "string", "constraints": {"pattern": r"\d{3}"}},
        {"name": "ward_code", "type": "string", "constraints": {**REQUIRED, "pattern": r"\d{5}"}},
        {"name": "channel", "type": "string", "constraints": {**REQUIRED, "enum": ["web", "app", "phone", "post"]}},
        {"name": "status", "type": "string", "constraints": {**REQUIRED, "enum": ["new", "done", "rejected"]}},
        {"name": "duration_hours", "type": "number", "constraints": {"minimum": 0, "maximum": 20000}},
        {"name": "satisfaction", "type": "integer", "constraints": {"minimum": 1, "maximum": 5}},
        {"name": "lat", "type": "number", "constraints": {**REQUIRED, "minimum": 8, "maximum": 24}},
        {"name": "lon", "type": "number", "constraints": {**REQUIRED, "minimum": 102, "maximum": 110}},
        {"name": "description", "type": "string", "constraints": {"maxLength": 500}},
        {"name": "citizen_id", "type": "string", "constraints": {**REQUIRED, "pattern": r"\d{12}"}},
        {"name": "phone", "type": "string", "constraints": {"pattern": r"0\d{9}"}},
        {"name": "birth_date", "type": "date", "constraints": {"minimum": "1900-01-01"}},
    ],
    "primaryKey": ["request_id"],
}
LOOSE = "stray-quotes"
DIRT = ["", "x", "-1", "2024-13-45", "hôm qua", "SR12", "99999999", '"1,5"']
OURS = """
import json, sys
from publisher.validation import validate_file
report = validate_file(sys.argv[1], json.load(open(sys.argv[2])), limit_errors=0)
print(len(report.tasks[0].errors))
"""
FRICTIONLESS = """
import json, sys
from frictionless import Resource, Schema, system
system.trusted = True
report = Resource(path=sys.argv[1], schema=Schema.from_descriptor(json.load(open(sys.argv[2])))).validate(limit_errors=0)
print(len(report.tasks[0].errors))
"""
STREAM = """
import sys
import pyarrow, pyarrow.csv
names = open(sys.argv[1]).readline().strip().split(",")
reader = pyarrow.csv.open_csv(
    sys.argv[1],
    pyarrow.csv.ReadOptions(block_size=8 << 20),
    pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda row: "skip"),
    pyarrow.csv.ConvertOptions(column_types={name: pyarrow.string() for name in names}, strings_can_be_null=False),
)
print(sum(batch.num_rows for batch in reader))
"""
PROGRAMS = {"ours": OURS, "frictionless": FRICTIONLESS, "stream": STREAM}


def main() -> None:
    """Make the files, run the programs in turn, print medians and ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--skip", action="append", default=[], choices=list(PROGRAMS), help="a program not to run")
    parser.add_argument("--file", type=Path, help="measure this file instead")
    parser.add_argument("--schema", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        schema = arguments.schema or folder / "schema.json"
        if not arguments.schema:
            schema.write_text(json.dumps(SCHEMA), encoding="utf-8")
        files = {arguments.file.name: arguments.file} if arguments.file else _made(folder, arguments.rows)
        for title, file in files.items():
            programs = [
                one for one in PROGRAMS if one not in arguments.skip and not (one == "stream" and LOOSE in title)
            ]
            _compare(title, file, schema, programs, arguments.repeat)


def _made(folder: Path, rows: int) -> dict[str, Path]:
    files = {}
    for title, dirty in (("clean", 0.0), ("dirty", 0.001), (LOOSE, 0.001)):
        path = folder / f"{title}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(",".join(field["name"] for field in SCHEMA["fields"]) + "\n")
            lines = (line.replace(" nước", ' 5" nước') for line in _rows(rows, dirty))
            file.writelines(lines if title == LOOSE else _rows(rows, dirty))
        files[f"{title}, {rows} rows"] = path
    return files


def _compare(title: str, file: Path, schema: Path, programs: list[str], repeat: int) -> None:
    seconds: dict[str, list[float]] = {program: [] for program in programs}
    peak = dict.fromkeys(programs, 0)
    said: dict[str, str] = {}
    for _ in range(repeat):
        for program in programs:
            took, memory, said[program] = _run(PROGRAMS[program], file, schema)
            seconds[program].append(took)
            peak[program] = max(peak[program], memory)
    print(f"{title}, {file.stat().st_size / 1e6:.0f} MB")
    for program in programs:
        what = "rows" if program == "stream" else "errors"
        print(
            f"  {program:<13}{median(seconds[program]):8.2f} CPU s  {peak[program] / 1024:6.0f} MB  {said[program]} {what}"
        )
    for program in programs[1:]:
        print(f"  ours : {program}  1 : {median(seconds[program]) / median(seconds['ours']):.2f}")
    if "frictionless" in said and said["ours"] != said["frictionless"]:
        sys.exit("the reports differ")


def _run(program: str, file: Path, schema: Path) -> tuple[float, int, str]:
    """Return CPU seconds, peak memory in KiB and the output of one process."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, str(file), str(schema)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read().strip()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        sys.exit(f"a program failed on {file}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, output


def _rows(count: int, dirty: float) -> Iterator[str]:
    numbers = random.Random(20261122)
    phrases = [" ".join(numbers.choices(WORDS, k=numbers.randint(6, 15))) for _ in range(5000)]
    phrases = [f'"{phrase[:12]}, {phrase[12:]}"' if place % 3 == 0 else phrase for place, phrase in enumerate(phrases)]
    for number in range(1, count + 1):
        cells = _row(number, numbers, phrases)
        if numbers.random() < dirty:
            cells[numbers.randrange(len(cells))] = numbers.choice(DIRT)
        yield ",".join(cells) + "\n"


def _row(number: int, numbers: random.Random, phrases: list[str]) -> list[str]:
    draw = numbers.random
    day = f"{2020 + int(draw() * 5)}-{1 + int(draw() * 12):02}-{1 + int(draw() * 28):02}"
    return [
        f"SR{number:010}",
        str(100_000_000 + number),
        f"{day}T{number % 24:02}:{number % 60:02}:00Z",
        f"{day}T23:59:59Z" if draw() < 0.8 else "",
        CATEGORIES[int(draw() * 8)],
        str(760 + int(draw() * 24)),
        str(26_700 + int(draw() * 322)),
        ["web", "app", "phone", "post"][int(draw() * 4)],
        ["new", "done", "rejected"][int(draw() * 3)],
        f"{draw() * 400:.1f}",
        str(1 + int(draw() * 5)) if draw() < 0.35 else "",
        f"{10.4 + draw() * 0.75:.6f}",
        f"{106.35 + draw() * 0.65:.6f}",
        phrases[int(draw() * 5000)],
        f"{int(draw() * 10**12):012}",
        f"0{900_000_000 + int(draw() * 99_999_999)}",
        f"{1930 + int(draw() * 80)}-{1 + int(draw() * 12):02}-{1 + int(draw() * 28):02}",
    ]


if __name__ == "__main__":
    main()
