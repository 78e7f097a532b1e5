"""Memory is bounded by the batch: 2.85 million real rows under 600 MB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from publisher.engines.working_files import new_working_file, read_batches, sized_batches

NAMES = ["datetime_utc", "identifier", "auslastung", "valid"]
LIMIT_BYTES = 600 * 1024**2
SCRIPT = """
import json, sys
from pathlib import Path
from publisher.definition import TableDefinition
from publisher.validation import validate_table

folder = Path(sys.argv[1])
fields = [
    {"name": "datetime_utc", "type": "datetime", "format": "%Y-%m-%d %H:%M:%S", "constraints": {"required": True}},
    {"name": "identifier", "constraints": {"required": True, "pattern": "[A-Z]{2}[0-9]{3}"}},
    {"name": "auslastung", "type": "integer", "constraints": {"minimum": 0, "maximum": 3}},
    {"name": "valid", "type": "boolean"},
]
table = TableDefinition.model_validate({
    "name": "load", "title": "Load", "row": "One reading.",
    "schema": {"fields": [{"title": f["name"], **f} for f in fields], "primaryKey": ["datetime_utc", "identifier"]},
    "source": {"kind": "sql", "url": "env:SOURCE", "query": "SELECT 1"}, "privacy": {"subject": "none", "fields": {}},
})
report = validate_table(folder / "staged.arrow", table, valid=folder / "v.arrow", quarantine=folder / "q.parquet")
# Not getrusage, whose figure a child inherits from the process that started it.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
print(json.dumps({"peak": peak, **report.to_dict()}))
"""


@pytest.mark.slow
def test_real_traffic_rows_are_validated_in_bounded_memory(shared_data, root, tmp_path):
    rows = stage(sorted((shared_data / "transport").glob("koeln_traffic_load_*.csv.gz")), tmp_path / "staged.arrow")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["rows"] == rows > 2_800_000
    assert outcome["rows"] == outcome["valid_rows"] + outcome["invalid_rows"]
    assert sum(batch.num_rows for batch in read_batches(tmp_path / "v.arrow")) == outcome["valid_rows"]
    assert outcome["peak"] < LIMIT_BYTES


def stage(files: list[Path], output: Path) -> int:
    schema = pa.schema([(name, pa.string()) for name in NAMES])
    rows = 0
    with new_working_file(output, schema) as writer:
        for path in files:
            options = pacsv.ConvertOptions(column_types=schema)
            with pacsv.open_csv(pa.CompressedInputStream(str(path), "gzip"), convert_options=options) as reader:
                for batch in sized_batches(reader):
                    writer.write_batch(batch)
                    rows += batch.num_rows
    return rows
