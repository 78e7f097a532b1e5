"""Delimited text: confirmed against the bytes, parsed fast where that is safe, never losing rows to a broken quote."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.source_reader import Read, Rows, fields_of

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources import open_source
from publisher.sources.files import text_blocks
from publisher.sources.files.csv_files import CsvFile, _is_plain
from publisher.sources.files.formats import CsvFormat
from publisher.sources.files.spec import FileSource

MARKED = "0912345678-marked"
VIETNAMESE = "Ph\u01b0\u1eddng B\u1ebfn Ngh\u00e9, \u0111\u01b0\u1eddng L\u00ea L\u1ee3i"


def source(**more: Any) -> dict[str, Any]:
    return {"kind": "file", "location": ".", "pattern": "*.csv*", "format": {"kind": "csv", **more}}


def cp1258(text: str) -> bytes:
    """Encode as Windows software does: the vowel, then its tone as a mark of its own."""
    decomposed = unicodedata.normalize("NFD", text)
    for vowel in "\u0102\u0103\u00c2\u00e2\u00ca\u00ea\u00d4\u00f4\u01a0\u01a1\u01af\u01b0":
        decomposed = decomposed.replace(unicodedata.normalize("NFD", vowel), vowel)
    # a dot below sorts before a circumflex or horn, so those two are put together by hand
    for vowel, parts in {"\u00ea": "e\u0323\u0302", "\u01a1": "o\u031b\u0323", "\u00e2": "a\u0323\u0302"}.items():
        decomposed = decomposed.replace(parts, f"{vowel}\u0323")
    return decomposed.encode("cp1258")


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return tmp_path / "drop.csv"


def test_rows_come_in_the_files_own_order_and_words(read: Read, drop: Path) -> None:
    drop.write_text('id,name,note\n007,"a, ""b""",\n8,c,"two\nlines"\n\n9,d,"5"" pipe"\n')
    rows = read(source(), "id", "name", "note")
    assert rows.names == ["id", "name", "note"]
    assert rows.table.to_pydict() == {
        "id": ["007", "8", "9"], "name": ['a, "b"', "c", "d"], "note": ["", "two\nlines", '5" pipe'],
    }  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_marks_make_no_difference(read: Read, drop: Path, end: str, mark: bytes, last: bool) -> None:
    text = end.join(["id,name", "1,x", '2,"y"']) + (end if last else "")
    drop.write_bytes(mark + text.encode())
    assert read(source(), "id", "name").table.to_pydict() == {"id": ["1", "2"], "name": ["x", "y"]}


@pytest.mark.slow
def test_gzip_is_undone_and_a_broken_one_named(read: Read, tmp_path: Path) -> None:
    packed = gzip.compress(b"id,name\n" + b"".join(b"%d,%d\n" % (n, n * 7919) for n in range(300_000)))
    (tmp_path / "drop.csv.gz").write_bytes(packed)
    assert len(read(source(), "id", "name")) == 300_000
    for broken in (packed[: len(packed) // 2], b"no gzip at all", packed[:-8] + b"\0" * 8):
        (tmp_path / "drop.csv.gz").write_bytes(broken)
        with pytest.raises(SourceError, match="no intact gzip file"):
            read(source(), "id", "name")


def test_a_file_without_header_takes_the_fields_names(read: Read, drop: Path) -> None:
    drop.write_text("1,x\n2,y\n")
    assert read(source(header=False), "id", "name")[0] == {"id": "1", "name": "x"}
    with pytest.raises(SourceError, match="2 cells, the definition 3 fields"):
        read(source(header=False), "id", "name", "more")


def test_blanks_behind_delimiters_go_when_asked(read: Read, drop: Path) -> None:
    drop.write_text('id, name, note\n1, x, "a, b"\n')
    assert read(source(skip_initial_space=True), "id", "name", "note")[0] == {"id": "1", "name": "x", "note": "a, b"}


def test_headers_without_name_or_with_one_name_are_told_apart(read: Read, drop: Path) -> None:
    drop.write_text("name,,name, long\u0020\u0020name ,name_2\n1,2,3,4,5\n")
    assert read(source(), "name", "x").names == ["name", "column_2", "name_2", "long name", "name_2_2"]


def test_a_short_row_is_padded_and_a_long_one_refused(read: Read, drop: Path) -> None:
    drop.write_text("a,b,c\n1,2\n1,2,3,,\n")
    assert read(source(), "a", "b", "c").table.to_pydict() == {"a": ["1", "1"], "b": ["2", "2"], "c": [None, "3"]}
    drop.write_text(f"a,b,c\n1,2,3\n\n1,2,3,{MARKED}\n")
    with pytest.raises(SourceError, match=r"drop\.csv: line 4 has 4 cells where the header has 3") as raised:
        read(source(), "a", "b", "c")
    assert MARKED not in str(raised.value)


def test_an_empty_file_is_refused_and_one_with_only_a_header_is_not(read: Read, drop: Path) -> None:
    drop.write_text("\n")
    with pytest.raises(SourceError, match="is empty"):
        read(source(), "a", "b")
    drop.write_text("a,b\n")
    rows = read(source(), "a", "b")
    assert (len(rows), rows.names) == (0, ["a", "b"])


@pytest.mark.parametrize(("declared", "written"), [(";", ","), (",", ";"), (",", "\t"), (",", "|")])
def test_a_delimiter_the_header_does_not_have_is_refused(read: Read, drop: Path, declared: str, written: str) -> None:
    drop.write_text(written.join(["id", "name", "note"]) + "\n")
    with pytest.raises(SourceError, match="has no delimiter") as raised:
        read(source(delimiter=declared), "id", "name", "note")
    assert repr(written) in raised.value.cure


class TestEncodings:
    """What the definition says is confirmed; a mistake names the line and what would fit."""

    def test_windows_1258_comes_composed(self, read: Read, drop: Path) -> None:
        drop.write_bytes(b"id;name\n1;" + cp1258(VIETNAMESE) + b"\n")
        name = read(source(encoding="windows-1258", delimiter=";"), "id", "name")[0]["name"]
        assert name == VIETNAMESE == unicodedata.normalize("NFC", name)

    def test_utf_16_is_read(self, read: Read, drop: Path) -> None:
        drop.write_bytes(f"id,name\n1,{VIETNAMESE}\n".replace("B\u1ebfn Ngh\u00e9, ", "").encode("utf-16"))
        assert read(source(encoding="utf-16"), "id", "name")[0]["id"] == "1"

    @pytest.mark.parametrize(
        ("declared", "content", "line", "cure"),
        [
            ("utf-8", b"id,name\n1,x\n2," + cp1258("Ph\u01b0\u1eddng") + b"\n", 3, "windows-1258"),
            ("utf-8", "id,name\n1,per\u00f2 cos\u00ec citt\u00e0\n".encode("cp1252"), 2, "windows-1252"),
            ("utf-8", "id,name\n1,x\n".encode("utf-16"), 1, "utf-16"),
            ("utf-8", "id,name\n1,x\n".encode("utf-16-le"), 1, "utf-16"),
            ("utf-16", b"id,name\n1,x\n", 1, "utf-8"),
            ("windows-1258", f"id,name\n1,{VIETNAMESE}\n".encode(), 2, "utf-8"),
            ("windows-1258", codecs.BOM_UTF8 + b"id,name\n", 1, "utf-8"),
            ("windows-1258", b"id,name\n1,x\n2,\x8d\n", 3, "declare the encoding"),
            ("windows-1258", "id,name\n1,x\n2,cos\u00ec\n".encode("cp1252"), 3, "windows-1252"),
            ("windows-1252", f"id,name\n1,{VIETNAMESE}\n".encode(), 2, "utf-8"),
        ],
    )
    def test_another_encoding_is_refused_with_line_and_cure(
        self, read: Read, drop: Path, declared: str, content: bytes, line: int, cure: str
    ) -> None:
        drop.write_bytes(content)
        with pytest.raises(SourceError, match=f"line {line} is not {declared}") as raised:
            read(source(encoding=declared), "id", "name")
        assert cure in raised.value.cure

    def test_the_line_is_right_far_into_the_file(self, read: Read, drop: Path) -> None:
        drop.write_bytes(b"id,name\n" + b"1,xxxxxxxxxxxxxxxxxxxxxxxxxx\n" * 400_000 + b"2,\xff\n")
        with pytest.raises(SourceError, match="line 400002 is not utf-8"):
            read(source(), "id", "name")


class TestDecimalSign:
    def test_commas_become_points_and_points_no_decimals(self, read: Read, drop: Path) -> None:
        drop.write_text("id;share\nx,y;1,5\nb;1.5\nc;-200\n")
        rows = read(source(delimiter=";", decimal=","), *fields_of("id", share="number"))
        assert rows.table.to_pydict() == {"id": ["x,y", "b", "c"], "share": ["1.5", "1,5", "-200"]}

    @pytest.mark.parametrize(("declared", "written"), [(",", "1.5"), (".", "1,5")])
    def test_numbers_written_the_other_way_are_refused(
        self, read: Read, drop: Path, declared: str, written: str
    ) -> None:
        drop.write_text(f"id;share\na;{written}\n")
        with pytest.raises(SourceError, match="the numbers in `share` are written with"):
            read(source(delimiter=";", decimal=declared), *fields_of("id", share="number"))


def wide(rows: int, *, width: int = 200, quoted: int | None = None) -> list[str]:
    """Return lines of cells, `quoted` being the column that is in quotes."""
    cells = [f'"c{n}"' if n == quoted else f"c{n}" for n in range(width)]
    return [",".join(cells)] * rows


class TestBrokenQuotes:
    """200 columns, one broken quote: the run ends and names the line the quote opened on."""

    @pytest.mark.parametrize("quoted", [None, 150])
    @pytest.mark.parametrize("column", [0, 77, 199])
    def test_the_rest_of_the_file_is_not_swallowed(
        self, read: Read, drop: Path, quoted: int | None, column: int
    ) -> None:
        lines = wide(3000, quoted=quoted)
        cells = lines[1500].split(",")
        cells[column] = '"' + MARKED
        drop.write_text(
            "\n".join([",".join(f"h{n}" for n in range(200)), *lines[:1500], ",".join(cells), *lines[1501:]])
        )
        with pytest.raises(SourceError, match=r"drop\.csv: the quote that opens on line 1502") as raised:
            read(source(), "h0", "h1")
        assert MARKED not in str(raised.value)
        assert raised.value.cure

    def test_two_broken_quotes_do_not_heal_each_other(self, read: Read, drop: Path) -> None:
        lines = wide(3000)
        lines[10] = lines[10].replace("c5,", '"c5,')
        for column in (5, 6, 100):
            lines[40] = wide(1)[0].replace(f"c{column},", f'c{column}",')
            drop.write_text("\n".join([",".join(f"h{n}" for n in range(200)), *lines]))
            with pytest.raises(SourceError, match="the quote that opens on line 12 reaches into the rows below"):
                read(source(), "h0", "h1")

    @pytest.mark.slow
    def test_a_quote_open_to_the_end_is_found_without_reading_all_into_memory(self, read: Read, drop: Path) -> None:
        with drop.open("w") as file:
            file.write("a,b\n1,2\n3," + '"x\n')
            for _ in range(300_000):
                file.write("11111111111111111111111111111111,222222222222222222222222222222222\n")
        with pytest.raises(SourceError, match="line 3 is not closed within 16 MiB"):
            read(source(), "a", "b")

    def test_a_broken_quote_in_the_header_is_named(self, read: Read, drop: Path) -> None:
        drop.write_text('a,"b,c\n1,2,3\n')
        with pytest.raises(SourceError, match="the quote that opens on line 1 is never closed"):
            read(source(), "a", "b")

    def test_text_of_several_lines_with_commas_is_no_broken_quote(self, read: Read, drop: Path) -> None:
        prose = '"One, two, three, four,\nfive, six, seven, eight, nine, ten, eleven, twelve"'
        drop.write_text(",".join(f"h{n}" for n in range(12)) + "\n" + ",".join([prose, *"abcdefghijk"]) + "\n")
        assert len(read(source(), "h0", "h1")) == 1

    def test_a_carriage_return_inside_a_row_is_named(self, read: Read, drop: Path) -> None:
        drop.write_bytes(b"a,b\n1,x\ry\n2,z\n")
        with pytest.raises(SourceError, match="line 2 holds a carriage return"):
            read(source(), "a", "b")


def test_a_file_that_changes_while_it_is_read_is_not_taken(drop: Path, tmp_path: Path) -> None:
    drop.write_text("a,b\n1,2\n")
    spec = FileSource.model_validate(source() | {"settle_seconds": 0})
    with open_source(spec, fields=fields_of("a", "b"), secrets=Secrets({}), folder=tmp_path) as stream:
        batches = stream.batches()
        next(batches)
        with drop.open("a") as late:
            late.write("3,4\n")
        with pytest.raises(SourceError, match="changed while it was read"):
            list(batches)


CELL = st.text(alphabet='ab"\n\r,; \u1ec7', max_size=6)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8), block=st.integers(1, 60))
def test_what_a_writer_writes_is_read_back_whatever_the_block_size(
    rows: list[tuple[str, str, str]], block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL if block % 2 else csv.QUOTE_MINIMAL).writerows([("x", "y", "z"), *rows])
    path = tmp_path_factory.mktemp("csv") / "drop.csv"
    path.write_text(text.getvalue(), newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", block)
        batches = list(CsvFile(path, CsvFormat(kind="csv"), fields_of("x", "y", "z")).batches())
    assert [tuple(row.values()) for batch in batches for row in batch.to_pylist()] == rows


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(lines=st.lists(st.text(alphabet='a",', max_size=8), min_size=1, max_size=4))
def test_a_block_called_plain_means_the_same_to_a_strict_reader(lines: list[str]) -> None:
    data = "".join(f"{line}\n" for line in lines)
    if _is_plain(data.encode(), ","):
        records = list(csv.reader(io.StringIO(data, newline=""), strict=True))
        assert len(records) == len(lines)


class TestRealFiles:
    def columns(self, rows: Rows) -> set[str | None]:
        return {value for column in rows.table.columns for value in column.to_pylist()}

    def test_the_uci_file_with_semicolons_and_decimal_commas(self, read: Read, shared_data: Path) -> None:
        spec = source(delimiter=";", decimal=",") | {
            "location": str(shared_data / "messy"), "pattern": "air_quality_uci_semicolon.csv",
        }  # fmt: skip
        rows = read(spec, *fields_of("Date", **{"CO(GT)": "number", "NMHC(GT)": "integer"}))
        assert (len(rows), rows.names[-2:]) == (9471, ["column_16", "column_17"])
        assert (rows[0]["CO(GT)"], rows[0]["NMHC(GT)"]) == ("2.6", "150")

    def test_the_windows_1258_sample_equals_the_utf_8_one(self, read: Read, shared_data: Path) -> None:
        texts = []
        for encoding in ("windows-1258", "utf-8"):
            spec = source(encoding=encoding, delimiter="|", header=False)
            rows = read(spec | {"location": str(shared_data / "messy"), "pattern": f"vietnamese_{encoding}.txt"}, "a")
            texts.append(unicodedata.normalize("NFC", "\n".join(rows.table["a"].to_pylist())))
        assert texts[0].strip() == texts[1].strip()

    def test_the_viscii_sample_is_no_windows_1258(self, read: Read, shared_data: Path) -> None:
        spec = source(encoding="windows-1258", delimiter="|", header=False)
        with pytest.raises(SourceError, match="is not windows-1258"):
            read(spec | {"location": str(shared_data / "messy"), "pattern": "vietnamese_viscii.txt"}, "a")

    @pytest.mark.slow
    def test_boston_requests(self, read: Read, shared_data: Path) -> None:
        spec = source() | {"location": str(shared_data / "requests311"), "pattern": "boston_311_2011.csv.gz"}
        rows = read(spec, "case_enquiry_id", "open_dt")
        assert (len(rows), len(rows.names)) == (58_251, 29)

    def test_files_with_drifted_columns_are_taken_together_and_the_gaps_noted(
        self, read: Read, shared_data: Path
    ) -> None:
        spec = source() | {"location": str(shared_data / "requests311"), "pattern": "boston_311_animal_201[89].csv.gz"}
        rows = read(spec | {"take": "all"}, "case_enquiry_id")
        assert (len(rows), rows.names[-1]) == (7872 + 8928, "_id")
        assert rows.table["_id"].null_count == 7872
        assert any("lacks 1 columns that other files have" in note for note in rows.notes)

    @pytest.mark.slow
    def test_memory_is_bounded_by_the_block(self, shared_data: Path, root: Path) -> None:
        program = """
import sys
from pathlib import Path
from publisher.sources.files.csv_files import CsvFile
from publisher.sources.files.formats import CsvFormat
def peak():  # not getrusage, whose figure a child inherits from the process that started it
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
rows = sum(b.num_rows for p in sys.argv[1:] for b in CsvFile(Path(p), CsvFormat(kind="csv"), []).batches())
print(rows, (peak() - before) // 1024)
"""
        files = sorted(str(path) for path in (shared_data / "transport").glob("koeln_traffic_load_*.csv.gz"))
        environment = {**os.environ, "PYTHONPATH": str(root)}
        finished = subprocess.run(
            [sys.executable, "-c", program, *files], env=environment, capture_output=True, text=True, check=True
        )
        rows, megabytes = map(int, finished.stdout.split())
        assert rows == 924_834 + 964_167 + 964_126
        assert megabytes < 220
