"""Frictionless' table resource, fed with the rows that are not proven clean. Imports frictionless: import this inside functions.

Frictionless opens the file, sniffs its dialect, reads the header and makes every error itself; only the stream of rows between its
parser and its checks is another. Written against frictionless 5.21; the differential test guards each upgrade.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from frictionless import Dialect, Parser, Plugin, system
from frictionless.formats import ParquetControl
from frictionless.resources import TableResource

from publisher.validation.files.blocks import NotStrictError, TextFormat, strict_blocks, text_format
from publisher.validation.files.cells import CellCheck
from publisher.validation.files.chunks import CellChecks, Cells, RowCheck, RowFilter
from publisher.validation.files.extended import categories_of, unique_keys_of
from publisher.validation.files.hashing import FileHashes
from publisher.validation.files.keys import KeySpec
from publisher.validation.files.lanes import ArrowReader, TextColumns, arrow_lane, cells_lane
from publisher.validation.files.lookup import KeyRows, SelfLookup, reference_check
from publisher.validation.files.parquet import ParquetTable, parquet_lane
from publisher.validation.files.stream import SuspectStream
from publisher.validation.files.summary import ProofSummary
from publisher.validation.files.typed_cells import TypedCells

_HEAD = 1 << 20
_SAMPLE_ROWS = 100
_SECOND_ROW = 2
PARQUET = "phusa-parquet"
"""Format of the resources whose Parquet files we read; Frictionless' own would go to pandas."""

_MARKS = {"utf-8": b"", "utf-8-sig": b"\xef\xbb\xbf"}
Numbered = Iterator[tuple[int, Cells]]


class ProvenDialect(Dialect):
    """A dialect whose content is what `stream` makes of the parser's cells."""

    stream: Callable[[Iterator[Cells]], Numbered] | None = None

    def read_enumerated_content_stream(self, cell_stream: Any) -> Numbered:
        """Return numbered rows: those of a sample as Frictionless does, those of the file as `stream` says."""
        if self.stream is None or isinstance(cell_stream, list):
            numbered: Numbered = super().read_enumerated_content_stream(cell_stream)
            return numbered
        return self.stream(cell_stream)


@dataclass
class Proving:
    """What belongs to the proving of one resource.

    `origin` makes the options of the same resource anew. `extended` adds `categories` and `uniqueKeys`. `stream` is null until rows
    were asked for; so are `fields`, those that the header expects.
    """

    origin: Callable[[], dict[str, Any]]
    extended: bool
    parquet: ParquetTable | None = None
    summary: ProofSummary = field(default_factory=ProofSummary)
    stream: SuspectStream | None = None
    numbered: Any = None
    fields: list[Any] = field(default_factory=list)


class ProvenTable(TableResource):
    """A CSV or TSV file whose clean rows are proven and passed by."""

    proving: Proving
    is_opening = False

    def open(self) -> Any:
        """Open as Frictionless does."""
        self.is_opening = True
        try:
            return super().open()  # type: ignore[no-untyped-call]
        finally:
            self.is_opening = False

    def to_copy(self, **options: Any) -> Any:
        """Return a plain copy; while opening one that only knows the keys, for foreign keys into the table itself."""
        plain = plain_copy(self, **options)
        return SelfLookup(plain, lambda: _distinct_keys(self)) if self.is_opening else plain


def plain_copy(resource: Any, **options: Any) -> TableResource:
    """Return a copy of a resource that reads all rows, as Frictionless' own `to_copy` makes it."""
    options |= {"basepath": resource.basepath, "detector": resource.detector}
    return TableResource.from_descriptor(resource.to_descriptor(), **options)


def prove(resource: ProvenTable) -> None:
    """Make the resource's dialect pass by what is proven; call before it is opened."""

    def stream(cell_stream: Iterator[Cells]) -> Numbered:
        resource.proving.numbered = _suspects(resource, cell_stream)
        return resource.proving.numbered  # type: ignore[no-any-return]

    if resource.proving.parquet is not None:
        resource.dialect.add_control(ParquetControl())  # a dialect that says nothing would be put aside
    resource.dialect.stream = stream


def _suspects(resource: ProvenTable, cell_stream: Iterator[Cells]) -> Numbered:
    proving = resource.proving
    check = row_check(resource, extended=proving.extended)
    proving.fields = resource.header.get_expected_fields()
    suspects = proving.stream = SuspectStream(resource.stats, keys=len(check.keys), summary=proving.summary)
    try:
        if proving.parquet is not None:
            yield from _from_parquet(resource, proving.parquet, check, suspects)
            return
        try:
            yield from _from_blocks(resource, check, suspects)
        except NotStrictError as reason:
            proving.summary.fallback = str(reason)
            skip = suspects.records + _first_number(resource) - 1
            with tempfile.TemporaryFile() as spool:
                lane = cells_lane(
                    cell_stream, check, width=len(check.cells), skip=skip, spool=spool if check.keys else None
                )
                yield from suspects.feed(lane, name="cells")
    finally:
        proving.summary.judged_values = sum(cell.judged for cell in check.cells)


def _from_blocks(resource: ProvenTable, check: RowCheck, suspects: SuspectStream) -> Numbered:
    start, text, dialect = _content_start(resource, check.filter)
    path = str(resource.normpath)
    with open(path, "rb") as file:  # noqa: PTH123  frictionless' paths are strings
        head = file.read(start)
    with FileHashes(head) as hashes:
        reader = _reader(check, dialect)
        number = _first_number(resource)
        lane = arrow_lane(hashes.of(strict_blocks(path, start, text)), reader, check, first_number=number)
        yield from suspects.feed(lane, name="arrow")
        resource.stats.md5, resource.stats.sha256 = hashes.digests()
        resource.stats.bytes = hashes.size


def _from_parquet(resource: ProvenTable, table: ParquetTable, check: RowCheck, suspects: SuspectStream) -> Numbered:
    if _first_number(resource) != _SECOND_ROW or check.filter.is_needed:
        raise NotStrictError("the dialect skips rows of a Parquet file")
    yield from suspects.feed(parquet_lane(table, check), name="parquet")


class _ParquetCells(Parser):
    """Frictionless' parser for the Parquet files that we read ourselves."""

    def read_cell_stream_create(self) -> Any:
        """Yield labels and rows."""
        return self.resource.proving.parquet.rows()  # type: ignore[attr-defined]


class _ParquetPlugin(Plugin):
    """Gives our resources their parser; for all other resources it is not there."""

    def create_parser(self, resource: Any) -> Parser | None:
        """Return the parser of our format."""
        return _ParquetCells(resource) if resource.format == PARQUET and isinstance(resource, ProvenTable) else None


system.register("phusa-parquet", _ParquetPlugin())


def _reader(check: RowCheck, dialect: Any) -> ArrowReader:
    in_keys = {place for key in check.keys for place in key.fields}
    judged = {place for place, cell in enumerate(check.cells) if not cell.has_language} - in_keys
    return ArrowReader(dialect, len(check.cells), dictionaries=judged, plain=in_keys)


def _content_start(resource: ProvenTable, rows: RowFilter) -> tuple[int, TextFormat, Any]:
    """Return the place of the first byte of content, how it is written, and Python's dialect for it.

    Raises:
        NotStrictError: the file has to be read as Frictionless reads it.
    """
    if resource.encoding not in _MARKS or resource.compression or resource.extrapaths:
        raise NotStrictError("the file is not plain UTF-8")
    if rows.comment_rows:
        raise NotStrictError("rows are skipped by their number")
    dialect = _csv_control(resource).to_python()
    text = text_format(dialect, plain_newlines_only=resource.format == "tsv")
    if text is None:
        raise NotStrictError("the dialect is none that Arrow reads")
    mark = _MARKS[resource.encoding]
    with open(str(resource.normpath), "rb") as file:  # noqa: PTH123  frictionless' paths are strings
        head = file.read(_HEAD)
    return _behind_records(head, mark, dialect, _first_number(resource) - 1), text, dialect


def _csv_control(resource: ProvenTable) -> Any:
    return resource.dialect.get_control("csv")


def _first_number(resource: ProvenTable) -> int:
    """Return the number of the first row of content."""
    return int(resource.dialect.create_first_content_row())  # type: ignore[no-untyped-call]


def _behind_records(head: bytes, mark: bytes, dialect: Any, records: int) -> int:
    """Return the place behind the first records, read as Python reads them."""
    place = len(mark) if head.startswith(mark) else 0

    def lines() -> Iterator[str]:
        nonlocal place
        raw = head[place:]
        whole = raw if len(head) < _HEAD else raw[: raw.rfind(b"\n") + 1]
        for line in io.TextIOWrapper(io.BytesIO(whole), "utf-8", newline=""):
            place += len(line.encode())
            yield line

    try:
        reader = csv.reader(lines(), dialect=dialect)
        for _ in range(records):
            if next(reader, None) is None:
                break
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotStrictError("the header has to be read by Python") from error
    if len(head) == _HEAD and place > _HEAD // 2:
        raise NotStrictError("the header is longer than 512 KiB")
    return place


def row_check(resource: ProvenTable, *, extended: bool) -> RowCheck:
    """Return the checks of all rows, made of what Frictionless found when it opened the resource."""
    fields = resource.header.get_expected_fields()
    names = [one.name for one in fields]
    keys = _keys(resource, names, extended=extended)
    in_keys = {place for key in keys for place in key.fields}
    cells: list[CellChecks] = []
    for place, one in enumerate(fields):
        texts = CellCheck(one, is_key=place in in_keys, categories=categories_of(one) if extended else None)
        parquet = resource.proving.parquet
        cells.append(texts if parquet is None else TypedCells(texts, one, parquet.kinds[place]))
    dialect = resource.dialect
    rows = RowFilter(dialect.comment_char, frozenset(dialect.comment_rows), dialect.skip_blank_rows)
    return RowCheck(cells, keys, rows, _references(resource, names, cells))


def _keys(resource: ProvenTable, names: list[str], *, extended: bool) -> list[KeySpec]:
    fields = resource.header.get_expected_fields()
    keys = [KeySpec("unique", (place,)) for place, one in enumerate(fields) if one.constraints.get("unique")]
    declared = resource.schema.primary_key
    if declared and set(declared) <= set(names):
        if not resource.dialect.header_case:
            lowered = [name.lower() for name in declared]
            declared = [name for name in names if name.lower() in lowered]
        keys.append(KeySpec("primary", tuple(names.index(name) for name in declared)))
    for key in unique_keys_of(resource.schema) if extended else []:
        if set(key) <= set(names):
            keys += [KeySpec("unique", tuple(names.index(name) for name in key))]
    return keys


def _references(resource: ProvenTable, names: list[str], cells: list[CellChecks]) -> list[Callable[[list[Any]], Any]]:
    checks: list[Callable[[list[Any]], Any]] = []
    for reference in resource.schema.foreign_keys:
        target = reference["fields"]
        known = (resource.lookup.get(reference["reference"]["resource"]) or {}).get(
            tuple(reference["reference"]["fields"])
        )
        if known is None or not set(target) <= set(names):
            continue
        places = [names.index(name) for name in target]
        checks.append(reference_check(cells, places, known))
    return checks


def _distinct_keys(resource: ProvenTable) -> KeyRows:
    """Yield the combinations of values that foreign keys into the table itself may refer to.

    Raises:
        NotStrictError: the file has to be read as Frictionless reads it.
    """
    fields = resource.header.get_expected_fields()
    wanted = {name for key in resource.schema.foreign_keys for name in key["reference"]["fields"]}
    places = [place for place, one in enumerate(fields) if one.name in wanted]
    if not places:
        return
    dialect = resource.dialect
    rows = RowFilter(dialect.comment_char, frozenset(dialect.comment_rows), dialect.skip_blank_rows)
    start, text, python_dialect = _content_start(resource, rows)
    if rows.is_needed:
        raise NotStrictError("rows are skipped")
    reader = ArrowReader(python_dialect, len(fields), dictionaries=set(places), plain=set(), only=set(places))
    seen: set[tuple[str | None, ...]] = set()
    for block in strict_blocks(str(resource.normpath), start, text):
        chunk = reader.read(block)
        columns = chunk.columns
        assert isinstance(columns, TextColumns)  # noqa: S101  the reader makes these
        single = len(places) == 1  # then distinct texts are distinct keys
        seen.update(zip(*((array.unique() if single else array).to_pylist() for array in columns.arrays), strict=True))
        seen.update(
            tuple(cells[place] if place < len(cells) else None for place in places) for _, cells in chunk.ragged
        )
    readers = [fields[place].create_cell_reader() for place in places]
    names = [fields[place].name for place in places]
    for texts in seen:
        yield {name: read(text)[0] for name, read, text in zip(names, readers, texts, strict=True)}


def fresh_copy(resource: ProvenTable) -> TableResource:
    """Return the resource that Frictionless would have made of the same path, schema and dialect."""
    return TableResource(**resource.proving.origin())


def stats_up_to(resource: ProvenTable) -> dict[str, Any]:
    """Return hashes and bytes as Frictionless has them when it stops behind the row that was yielded last.

    The hashes are null unless it met the end of the file. Lines are pulled from the same loader, in the same steps.
    """
    stream = resource.proving.stream
    twin = fresh_copy(resource)
    twin.schema.foreign_keys = []  # only its bytes count
    number = stream.last_number if stream else 0
    lines = stream.lines_up_to(number) if stream and number > _SAMPLE_ROWS else None
    if lines is None:
        with twin:
            deque(islice(twin.cell_stream, number), maxlen=0)
    else:
        with system.create_loader(twin) as loader:
            deque(islice(loader.text_stream, lines), maxlen=0)
    return {name: getattr(twin.stats, name) for name in ("md5", "sha256", "bytes")}


def raising_field(resource: Any) -> tuple[str, int | None] | None:
    """Return the field whose reader raises, and the row (null: on no cell at all); null when no reader does."""
    for one in resource.schema.fields:
        try:
            one.create_cell_reader()
        except Exception:  # noqa: BLE001  which one it is does not matter
            return one.name, None
    proving = getattr(resource, "proving", None)
    if proving is None or proving.stream is None or proving.stream.last_cells is None:
        return None
    names_keys = {name for key in _key_names(resource) for name in key}
    for one, cell in zip(proving.fields, proving.stream.last_cells, strict=False):
        try:
            value, _ = one.create_cell_reader()(cell)
            if one.name in names_keys:
                hash(value)
        except Exception:  # noqa: BLE001  which one it is does not matter
            return one.name, proving.stream.last_number
    return None


def _key_names(resource: Any) -> list[list[str]]:
    unique = [one.name for one in resource.schema.fields if one.constraints.get("unique")]
    return [unique, list(resource.schema.primary_key), *(list(key["fields"]) for key in resource.schema.foreign_keys)]
