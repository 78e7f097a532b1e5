"""How a delimited text is written: its encoding over all bytes, delimiter and header by its first rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence

from publisher.errors import SourceError
from publisher.sources.files.encodings.decoding import decode
from publisher.sources.files.encodings.recognition import likely_encoding
from publisher.sources.files.formats import CsvFormat
from publisher.sources.files.payload import Payload

DELIMITERS = ",;\t|"
_SAMPLE_BYTES = 1 << 20
_SAMPLE_ROWS = 400
_PREAMBLE = 30
NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*%?")
_DAY = re.compile(r"\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}.*")
_YEAR = re.compile(r"(?:1[89]|20|21)\d{2}")


def guess_csv(payload: Payload) -> tuple[CsvFormat, int]:
    """Return the format of a delimited file, and how many columns it has.

    Raises:
        SourceError: it is empty, or no delimiter cuts its rows into equal cells.
    """
    encoding, start = _encoding(payload)
    # Cut at the end of a line, so that no letter is cut; UTF-16 has two bytes for each of these.
    whole = start[: len(start) // 2 * 2] if encoding == "utf-16" else start[: start.rfind(b"\n") + 1] or start
    text = (whole.decode("utf-16") if encoding == "utf-16" else decode(whole, encoding)).lstrip("\ufeff")
    if not text.strip():
        raise SourceError(f"{payload.name} is empty.", cure="name another file")
    delimiter, rows = _best_cut(text)
    width = _width(rows)
    first = _first_row(rows, width)
    has_header = is_header(rows[first], rows[first + 1 :])
    settings: dict[str, object] = {"kind": "csv", "encoding": encoding, "delimiter": delimiter}
    if not has_header:
        settings["header"] = False
        if first:
            settings["first_row"] = first + 1
    elif any(any(cell.strip() for cell in row) for row in rows[:first]):
        settings["header_rows"] = [first + 1]
    return CsvFormat.model_validate(settings), len(rows[first])


def is_header(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Tell whether a row names columns: no numbers but years, and no cell that comes again among the values below it."""
    cells = [cell.strip() for cell in row]
    named = [cell for cell in cells if cell]
    if not named:
        return False
    numbers = [cell for cell in named if NUMBER.fullmatch(cell) or _DAY.fullmatch(cell)]
    if any(not _YEAR.fullmatch(cell) for cell in numbers):
        return False
    repeated = sum(
        any(place < len(other) and other[place].strip() == cell for other in below)
        for place, cell in enumerate(cells)
        if cell
    )
    return repeated <= len(named) // 3


def _encoding(payload: Payload) -> tuple[str, bytes]:
    """Return the encoding, and the first bytes; UTF-8 only when all bytes of the file are."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, beyond, is_utf8 = b"", b"", True
    with payload.open() as stream:
        while block := stream.read(_SAMPLE_BYTES):
            start = start or block
            if block.startswith((b"\xff\xfe", b"\xfe\xff")) and block is start:
                return "utf-16", start
            if not beyond and not block.isascii():
                beyond = block
            try:
                is_utf8 = bool(is_utf8 and decoder.decode(block) is not None)
            except UnicodeDecodeError:
                is_utf8 = False
                break
    if is_utf8 or not beyond:
        return "utf-8", start
    likely = likely_encoding(beyond, "windows-1252")
    if likely and likely != "utf-8":
        return likely, start
    # Old Macs end lines with a carriage return alone.
    if b"\r" in start and b"\n" not in start:
        return "mac-roman", start
    return ("latin-1" if re.search(rb"[\x81\x8d\x8f\x90\x9d]", beyond) else "windows-1252"), start


def _best_cut(text: str) -> tuple[str, list[list[str]]]:
    """Return the delimiter that cuts most rows into the same number of cells, and the rows cut by it."""
    cuts = {delimiter: _cut(text, delimiter) for delimiter in DELIMITERS}

    def even(delimiter: str) -> tuple[float, int]:
        filled = [len(row) for row in cuts[delimiter] if row]
        width, rows = Counter(filled).most_common(1)[0]
        return (rows / len(filled) if width > 1 else 0.0), width

    best = max(DELIMITERS, key=even)
    return best, cuts[best]


def _cut(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    try:
        for row in reader:
            rows.append(row)
            if len(rows) == _SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # a cell longer than the parser takes; the rows before it are enough
    return rows or [[]]


def _width(rows: Sequence[Sequence[str]]) -> int:
    return Counter(len(row) for row in rows if row).most_common(1)[0][0]


def _first_row(rows: Sequence[Sequence[str]], width: int) -> int:
    """Return the place of the first row as wide as the table that has most of its cells filled."""
    for place, row in enumerate(rows[:_PREAMBLE]):
        if len(row) == width and sum(bool(cell.strip()) for cell in row) > width / 2:
            return place
    return next((place for place, row in enumerate(rows) if row), 0)
