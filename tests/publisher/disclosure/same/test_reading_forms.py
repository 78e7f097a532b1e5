"""What the checker finds in XLSX, CSV for Excel, NDJSON and indexes of words that are not what was released."""

from __future__ import annotations

import gzip
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sample_release import RELEASE, sample_rows, write_source

from publisher.disclosure.guarantees import ALL_FORMATS
from publisher.disclosure.same.excel import excel_files, wrong_excel_csv, wrong_xlsx
from publisher.disclosure.same.ndjson import wrong_ndjson
from publisher.disclosure.same.sqlite import wrong_sqlite
from publisher.formats.release_files import write_release_files
from publisher.published import PublishedTable

Change = Callable[[bytes], bytes]


def replaced(old: bytes, new: bytes) -> Change:
    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return change


def change_member(path: Path, member: str, change: Change) -> None:
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content[member] = change(content.get(member, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def faults(check: Callable[..., list[str]], path: Path, table: PublishedTable) -> list[str]:
    """Return what a check finds; a check that could not run has failed too."""
    try:
        return check(path, path.with_name("tickets.parquet"), table)
    except Exception as error:  # noqa: BLE001  as the guarantees take it
        return [type(error).__name__]


def test_good_files_pass_and_are_those_declared(released: Path, table: PublishedTable) -> None:
    assert excel_files(released, [table], ALL_FORMATS) == {"tickets.xlsx", "tickets.excel.csv"}
    assert faults(wrong_xlsx, released / "tickets.xlsx", table) == []
    assert faults(wrong_excel_csv, released / "tickets.excel.csv", table) == []
    assert faults(wrong_ndjson, released / "tickets.ndjson.gz", table) == []


SHEET, DICTIONARY = "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"


@pytest.mark.parametrize(
    ("member", "change"),
    [
        (SHEET, replaced("Đường Lê Lợi".encode(), "Đường Lê Lai".encode())),
        (SHEET, replaced(b"<v>1.5</v>", b"<v>1.6</v>")),
        (SHEET, replaced(b"<v>46348</v>", b"<v>46349</v>")),
        (SHEET, replaced(b'<c r="A5" s="0"><v>3</v>', b'<c r="A5" s="0"><f>1+2</f><v>3</v>')),
        (SHEET, replaced(b'<row r="3">', b'<row r="4">')),
        (SHEET, replaced(b'<c r="A5"', b'<c r="Z5"')),
        (SHEET, replaced(b'<row r="5">', b'<!-- more --><row r="5">')),
        (SHEET, replaced(b"</sheetData>", b'<row r="42"><c r="A42"/></row></sheetData>')),
        (SHEET, replaced(b"</worksheet>", b"<headerFooter/></worksheet>")),
        (SHEET, replaced('<t xml:space="preserve">Tên<'.encode(), b'<t xml:space="preserve">x<')),
        (DICTIONARY, replaced("Tên gọi".encode(), b"somebody")),
        (SHEET, replaced(b"<sheetData>", b"<!-- somebody --><sheetData>")),
        (DICTIONARY, replaced(b"<sheetData>", b"<!-- somebody --><sheetData>")),
        ("xl/workbook.xml", replaced(b"<definedNames>", b'<definedNames><definedName name="x">"somebody"</definedName>')),
        ("xl/styles.xml", lambda content: content + b"<!-- somebody -->"),
        ("[Content_Types].xml", lambda content: content + b"<!-- somebody -->"),
        ("_rels/.rels", lambda content: content + b"<!-- somebody -->"),
        ("xl/_rels/workbook.xml.rels", lambda content: content + b"<!-- somebody -->"),
        ("docProps/core.xml", lambda _: b"<creator>somebody</creator>"),
    ],
)  # fmt: skip
def test_other_workbooks_are_found(member: str, change: Change, released: Path, table: PublishedTable) -> None:
    change_member(released / "tickets.xlsx", member, change)
    assert faults(wrong_xlsx, released / "tickets.xlsx", table) != []


def test_a_workbook_that_was_only_packed_anew_passes(released: Path, table: PublishedTable) -> None:
    """So every change above is found for its own sake."""
    change_member(released / "tickets.xlsx", SHEET, lambda content: content)
    assert faults(wrong_xlsx, released / "tickets.xlsx", table) == []


def _between_members(content: bytes) -> bytes:
    start = int.from_bytes(content[-6:-2], "little")
    moved = (start + len(b"somebody")).to_bytes(4, "little")
    return content[:start] + b"somebody" + content[start:-6] + moved + content[-2:]


@pytest.mark.parametrize(
    "change", [lambda content: b"somebody" + content, lambda content: content + b"somebody", _between_members]
)
def test_bytes_beside_the_members_of_a_workbook_are_found(
    change: Change, released: Path, table: PublishedTable
) -> None:
    path = released / "tickets.xlsx"
    path.write_bytes(change(path.read_bytes()))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None, "every reader opens it"
    assert faults(wrong_xlsx, path, table) != []


@pytest.mark.parametrize(
    "change",
    [
        replaced("Đường Lê Lợi".encode(), "Đường Lê Lai".encode()),
        replaced("Đường Lê Lợi".encode(), b"=HYPERLINK(1)"),
        replaced(b";1,5;", b";1.5;"),
        replaced(b"\xef\xbb\xbf", b""),
        replaced("Tên".encode(), b"x"),
        lambda content: content + b"40;;;;;;;\r\n",
    ],
)
def test_other_csv_for_excel_is_found(change: Change, released: Path, table: PublishedTable) -> None:
    path = released / "tickets.excel.csv"
    path.write_bytes(change(path.read_bytes()))
    assert faults(wrong_excel_csv, path, table) != []


@pytest.mark.parametrize(
    "change",
    [
        replaced(b'"amount":1.5', b'"amount":1.6'),
        replaced(b'"name":null', b'"name":""'),
        replaced(b'{"id":0', b'{"owner":"x","id":0'),
        lambda content: content[: content.rindex(b"{")],
        lambda _: b"",
    ],
)
def test_other_ndjson_is_found(change: Change, released: Path, table: PublishedTable) -> None:
    path = released / "tickets.ndjson.gz"
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes())), mtime=0))
    assert faults(wrong_ndjson, path, table) != []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIRTUAL TABLE more_words USING fts5(\"name\", content='')",
        'CREATE VIRTUAL TABLE more_words USING fts5("owner", content="tickets", tokenize=\'unicode61\')',
        "DELETE FROM tickets_words_docsize WHERE id = 1",
        "CREATE VIEW more AS SELECT 1",
        "CREATE TABLE tickets_words_more (x)",
        "PRAGMA application_id = 79203",
        "PRAGMA user_version = 79203",
        "UPDATE sqlite_stat1 SET stat = stat || ' somebody'",
        "INSERT INTO sqlite_stat1 VALUES ('somebody', NULL, '1')",
    ],
)
def test_other_tables_beside_the_index_of_words_are_found(
    statement: str, released: Path, table: PublishedTable
) -> None:
    with closing(sqlite3.connect(released / "d.sqlite")) as database, database:
        database.execute(statement)
    assert wrong_sqlite(released / "d.sqlite", {"tickets": released / "tickets.parquet"}, [table]) != []


def test_bytes_behind_the_last_page_of_sqlite_are_found(released: Path, table: PublishedTable) -> None:
    path = released / "d.sqlite"
    assert wrong_sqlite(path, {"tickets": released / "tickets.parquet"}, [table]) == []
    for more in (b"x", b"x" * 4096):
        path.write_bytes(path.read_bytes() + more)
        assert wrong_sqlite(path, {"tickets": released / "tickets.parquet"}, [table]) != []


def test_a_table_with_no_place_in_excel_has_no_file_and_none_is_declared(tmp_path: Path, table: PublishedTable) -> None:
    rows = {**sample_rows(count=3), "name": ["a", "x" * 32_768, "b"]}
    source = write_source(tmp_path / "source.parquet", rows, table)
    (tmp_path / "r").mkdir()
    write_release_files([(table, source)], tmp_path / "r", dataset="d", release=RELEASE, formats=["parquet", "xlsx"])
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["tickets.parquet"]
    assert excel_files(tmp_path / "r", [table], ["parquet", "xlsx"]) == set()
