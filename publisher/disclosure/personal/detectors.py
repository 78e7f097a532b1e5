"""Detectors of personal data in columns: whole-column evidence, never a single cell's look alone.

Shapes are judged on a sample of a column's distinct texts; e-mail signs, twelve digits and numbers like a telephone's are looked for in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.disclosure.personal.codes import names_banks
from publisher.disclosure.personal.columns import distinct_texts, is_text
from publisher.disclosure.personal.csv_files import read_csv_batches
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.judging import Neighbours, detect_column
from publisher.disclosure.personal.words import header_says, plain_header

__all__ = ["detect_column", "detect_csv", "detect_parquet", "detect_table", "scan_file"]

_CHUNK_ROWS = 500_000
_BATCH_ROWS = 65_536
_OF_PEOPLE = frozenset(
    {"full_name", "personal_id", "old_personal_id", "birth_date", "health_insurance", "social_insurance", "person_code"}
)
_OF_ORGANISATIONS_TOO = frozenset({"address", "phone"})
_MOSTLY = 0.55
_ROWS_SEEN = 10_000


def detect_table(columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> list[Finding]:
    """Return what is personal in the columns, in their order; the surest finding of each kind.

    Columns also witness for each other: degrees are homes in a table about people, digits are accounts beside the names of banks,
    and a register of organisations has public addresses and landlines.
    """
    found = {name: detect_column(name, values) for name, values in columns.items()}
    neighbours = Neighbours(_is_about_people(found), any(_names_banks(values) for values in columns.values()))
    for name, values in columns.items():
        may_change = (neighbours.people and header_says(name, "coordinates")) or (
            neighbours.banks and not plain_header(name)
        )
        if may_change and not found[name]:
            found[name] = detect_column(name, values, neighbours)
    if _is_about_organisations(found, columns):
        found = {name: [one for one in findings if not _is_an_offices(one)] for name, findings in found.items()}
    return [finding for findings in found.values() for finding in findings]


def detect_parquet(path: Path) -> list[Finding]:
    """Return what is personal in a Parquet file; reads all of it, half a million rows at a time."""
    with pq.ParquetFile(path) as file:
        words = _columns_of_words(file)
    with pq.ParquetFile(path, read_dictionary=words) as file:
        return _merge(_chunks(file.iter_batches(batch_size=_BATCH_ROWS)))


def _columns_of_words(file: pq.ParquetFile) -> list[str]:
    """Return the columns of texts that take so few bytes a cell that they must stand in a dictionary, which is quick to count."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    return [
        field.name
        for place, field in enumerate(file.schema_arrow)
        if file.metadata.num_columns == len(file.schema_arrow)
        and is_text(field.type)
        and all(group.column(place).total_uncompressed_size < 2 * group.column(place).num_values for group in groups)
    ]


def detect_csv(path: Path) -> list[Finding]:
    """Return what is personal in a CSV file (plain or gzip; comma, semicolon, tab or bar); reads all of it.

    UTF-8, UTF-16 with a mark, else an old encoding that is judged column by column. Rows of another length than the header's count too.
    """
    return _merge(_chunks(read_csv_batches(path)))


def scan_file(path: Path) -> list[Finding]:
    """Return what is personal in a file for `phusa scan`: Parquet, else CSV."""
    return detect_parquet(path) if path.suffix == ".parquet" else detect_csv(path)


def _is_about_people(found: Mapping[str, Sequence[Finding]]) -> bool:
    """Tell whether rows are people: most columns are personal, two of them a person's own, and none names an organisation."""
    kinds = {finding.kind for findings in found.values() for finding in findings}
    others = [name for name in found if not header_says(name, "coordinates")]
    personal = sum(bool(found[name]) for name in others)
    public = any(header_says(name, kind) for name in others for kind in ("organisation", "public_asset"))
    return len(kinds & _OF_PEOPLE) >= 2 and personal > _MOSTLY * len(others) and not public


def _is_about_organisations(
    found: Mapping[str, Sequence[Finding]], columns: Mapping[str, pa.Array | pa.ChunkedArray]
) -> bool:
    """Tell whether rows are organisations: one column names one in each row, and nothing of a person was found."""
    kinds = {finding.kind for findings in found.values() for finding in findings}
    if not kinds or kinds - _OF_ORGANISATIONS_TOO:
        return False
    named = [columns[name].slice(0, _ROWS_SEEN) for name in columns if header_says(name, "organisation")]
    return any(len(pc.unique(values).drop_null()) >= 0.5 * len(values) for values in named)


def _is_an_offices(finding: Finding) -> bool:
    if finding.kind == "address":
        return not header_says(finding.column, "home")
    return finding.kind == "phone" and finding.reason.startswith("landline")


def _names_banks(values: pa.Array | pa.ChunkedArray) -> bool:
    if not is_text(values.type.value_type if pa.types.is_dictionary(values.type) else values.type):
        return False
    found = distinct_texts(values.slice(0, 1_000))
    return found is not None and len(found[0]) > 0 and names_banks(found[0])


def _chunks(batches: Iterator[pa.RecordBatch] | Sequence[pa.RecordBatch]) -> Iterator[pa.Table]:
    kept: list[pa.RecordBatch] = []
    for batch in batches:
        if kept and kept[0].schema != batch.schema:
            yield pa.Table.from_batches(kept)
            kept = []
        kept.append(batch)
        if sum(b.num_rows for b in kept) >= _CHUNK_ROWS:
            yield pa.Table.from_batches(kept)
            kept = []
    if kept:
        yield pa.Table.from_batches(kept)


def _merge(chunks: Iterator[pa.Table]) -> list[Finding]:
    found: dict[tuple[str, str], Finding] = {}
    for chunk in chunks:
        for finding in detect_table(dict(zip(chunk.column_names, chunk.columns, strict=True))):
            key = (finding.column, finding.kind)
            if key not in found or found[key].confidence < finding.confidence:
                found[key] = finding
    return list(found.values())
