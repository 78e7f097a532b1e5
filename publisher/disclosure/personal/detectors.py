"""Detectors of personal data in columns: whole-column evidence, never a single cell's look alone.

Every text of a column counts: shapes are judged on a sample of its distinct texts, e-mails and numbers inside texts on all of them.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from publisher.disclosure.personal import numbers, wordings
from publisher.disclosure.personal.columns import Column, distinct_texts, sample_column
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.spans import find_spans
from publisher.disclosure.personal.words import header_says

_CHUNK_ROWS = 500_000
_BATCH_ROWS = 65_536
_MOST_TEXTS = 20_000
_LONG_NUMBER = r"\d(?:[ .\-]?\d){8}"
_DETECTORS = (
    numbers.personal_id,
    numbers.old_personal_id,
    numbers.health_insurance,
    numbers.social_insurance,
    numbers.passport,
    numbers.phone,
    numbers.plate,
    wordings.full_name,
    wordings.address,
    wordings.birth_date,
)


def detect_table(columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> list[Finding]:
    """Return what is personal in the columns, in their order; the surest finding of each kind."""
    return [finding for name, values in columns.items() for finding in detect_column(name, values)]


def detect_column(name: str, values: pa.Array | pa.ChunkedArray) -> list[Finding]:
    """Return what is personal in one column, the surest first."""
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        return _dates_of_birth(name, values)
    found = distinct_texts(values)
    if found is None or not len(found[0]):
        return []
    texts, counts = found
    whole = not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type))
    if whole and not _may_name_people(texts):
        return []
    column = sample_column(name, texts, counts, whole_numbers=whole)
    findings = [finding for detect in _DETECTORS if (finding := detect(column))]
    if len(column.texts) < len(texts):
        findings = [*_rare_ids(column, texts, counts), *findings]
    if not whole:
        findings += _inside_texts(column, texts, counts, {finding.kind for finding in findings})
    surest = {finding.kind: finding for finding in sorted(findings, key=lambda finding: finding.confidence)}
    return sorted(surest.values(), key=lambda finding: -finding.confidence)


def detect_parquet(path: Path) -> list[Finding]:
    """Return what is personal in a Parquet file; reads all of it, half a million rows at a time."""
    return _merge(_chunks(pq.ParquetFile(path).iter_batches(batch_size=_BATCH_ROWS)))


def detect_csv(path: Path) -> list[Finding]:
    """Return what is personal in a CSV file (plain or gzip; UTF-8 or Windows-1258; comma, semicolon, tab or bar); reads all of it."""
    encoding = "utf-8" if _is_utf8(path) else "cp1258"
    with _open_text(path, encoding) as file:
        first = file.readline()
    delimiter = max(",;\t|", key=first.count)
    header = [name.strip().lstrip("\ufeff") for name in next(csv.reader([first], delimiter=delimiter), [])]
    names = [name if name not in header[:place] else f"{name} {place}" for place, name in enumerate(header)]
    with pa.input_stream(str(path), compression="detect") as stream:
        reader = pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(column_names=names, skip_rows=1, encoding=encoding, block_size=1 << 24),
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=lambda _row: "skip"
            ),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
        return _merge(_chunks(reader))


def scan_file(path: Path) -> list[Finding]:
    """Return what is personal in a file for `phusa scan`: Parquet, else CSV."""
    return detect_parquet(path) if path.suffix == ".parquet" else detect_csv(path)


def _dates_of_birth(name: str, values: pa.Array | pa.ChunkedArray) -> list[Finding]:
    if not header_says(name, "birth_date") or values.null_count == len(values):
        return []
    return [Finding(name, "birth_date", 1.0, 0.95, "the name says so and the cells are full dates")]


def _may_name_people(texts: pa.Array) -> bool:
    """Tell whether whole numbers are long enough to name a person: nine digits or more."""
    return bool(pc.any(pc.greater_equal(pc.utf8_length(texts), 9)).as_py())


def _rare_ids(column: Column, texts: pa.Array, counts: npt.NDArray[np.int64]) -> list[Finding]:
    """Search all texts of a thinned column for twelve digits: a few ID numbers among other codes must not slip through."""
    twelve = np.asarray(pc.match_substring_regex(texts, r"^\d{12}(?:\.0)?$").to_numpy(zero_copy_only=False), bool)
    if not twelve.any():
        return []
    kept = sample_column(column.name, texts.filter(pa.array(twelve)), counts[twelve], whole_numbers=False)
    finding = numbers.personal_id(kept)
    return [replace(finding, share=round(finding.share * kept.cells / column.cells, 4))] if finding else []


def _inside_texts(column: Column, texts: pa.Array, counts: npt.NDArray[np.int64], known: set[str]) -> list[Finding]:
    """Search all texts of a column, not only the sample, for e-mails and numbers between other words."""
    findings = []
    holding = np.asarray(pc.match_substring(texts, "@").to_numpy(zero_copy_only=False), bool)
    if holding.any():
        kept = texts.filter(pa.array(holding))
        findings += [found for found in [wordings.email(column, holding=kept, counts=counts[holding])] if found]
    worded = pc.and_(pc.match_substring_regex(texts, _LONG_NUMBER), pc.match_substring_regex(texts, r"\p{L}{2}|[;,/]"))
    places = np.flatnonzero(worded.to_numpy(zero_copy_only=False))[:_MOST_TEXTS]
    cells: dict[str, int] = {}
    for place, text in zip(places, texts.take(pa.array(places)).to_pylist(), strict=True):
        for kind in {span.kind for span in find_spans(text)} - known - {"email"}:
            cells[kind] = cells.get(kind, 0) + int(counts[place])
    for kind, number in cells.items():
        findings.append(
            Finding(column.name, kind, round(number / column.cells, 4), 0.7, "between other words of a text")
        )
    return findings


def _chunks(batches: Iterator[pa.RecordBatch] | Sequence[pa.RecordBatch]) -> Iterator[pa.Table]:
    kept: list[pa.RecordBatch] = []
    for batch in batches:
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


def _is_utf8(path: Path) -> bool:
    try:
        with _open_text(path, "utf-8") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _open_text(path: Path, encoding: str) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")
