"""Packed files: gzip and zip are undone within bounds; hostile archives are refused before they do harm."""

from __future__ import annotations

import gzip
import io
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from samples.source_reader import Read

from publisher.errors import SourceError
from publisher.sources.files import archives


def source(pattern: str = "*.zip", **more: Any) -> dict[str, Any]:
    return {"kind": "file", "location": ".", "pattern": pattern, "format": {"kind": "csv"}, **more}


def pack(path: Path, members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_the_one_file_of_a_zip_is_read(read: Read, tmp_path: Path, method: int) -> None:
    pack(tmp_path / "d.zip", {"d.csv": "id\n1\n", "__MACOSX/._d.csv": "x", "folder/": ""}, method)
    rows = read(source(), "id")
    assert rows.table.to_pydict() == {"id": ["1"]}
    assert rows.notes == ["File taken: d.zip"]


def test_members_are_chosen_by_a_glob_and_read_in_name_order(read: Read, tmp_path: Path) -> None:
    pack(tmp_path / "d.zip", {"b/2.csv": "id\n2\n", "a/1.csv": "id\n1\n", "readme.txt": "hello"})
    assert read(source(member="*.csv"), "id").table["id"].to_pylist() == ["1", "2"]
    with pytest.raises(SourceError, match="holds 3 files where one is expected") as raised:
        read(source(), "id")
    assert "`member`" not in raised.value.message
    assert "member" in raised.value.cure
    with pytest.raises(SourceError, match=r"no file that matches `\*\.xls`"):
        read(source(member="*.xls"), "id")


@pytest.mark.usefixtures("in_this_process")
def test_a_workbook_in_a_zip_is_read(read: Read, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "x.xlsx") as book:
        book.add_worksheet().write_column(0, 0, ["id", 1])
    pack(tmp_path / "d.zip", {"x.xlsx": (tmp_path / "x.xlsx").read_bytes()})
    assert read(source() | {"format": {"kind": "excel"}}, "id")[0] == {"id": "1"}


@pytest.mark.parametrize("name", ["../up.csv", "/etc/x.csv", "a/../../x.csv", "..\\x.csv", "C:\\x.csv"])
def test_names_that_lead_out_are_refused(read: Read, tmp_path: Path, name: str) -> None:
    pack(tmp_path / "d.zip", {name: "id\n1\n"})
    with pytest.raises(SourceError, match="names that lead out of its folder"):
        read(source(), "id")


@pytest.mark.parametrize("name", ["x.zip", "x.csv.gz", "x.7z", "x.rar"])
def test_an_archive_in_an_archive_is_refused(read: Read, tmp_path: Path, name: str) -> None:
    pack(tmp_path / "d.zip", {name: "id\n1\n"})
    with pytest.raises(SourceError, match="archives in the archive"):
        read(source(), "id")


def test_a_file_packed_twice_or_misnamed_is_told(read: Read, tmp_path: Path) -> None:
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(gzip.compress(b"id\n1\n")))
    with pytest.raises(SourceError, match="holds an archive, not a text"):
        read(source("*.gz"), "id")
    pack(tmp_path / "d.csv", {"d.csv": "id\n1\n"})
    with pytest.raises(SourceError, match="holds an archive, not a text") as raised:
        read(source("*.csv"), "id")
    assert ".zip" in raised.value.cure


def test_an_encrypted_zip_is_refused_with_its_cure(read: Read, tmp_path: Path) -> None:
    pack(tmp_path / "d.zip", {"d.csv": "id\n1\n"})
    data = bytearray((tmp_path / "d.zip").read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # bit 0 says that the bytes are encrypted
        data[data.index(signature) + flags] |= 1
    (tmp_path / "d.zip").write_bytes(data)
    with pytest.raises(SourceError, match=r"d\.zip is encrypted") as raised:
        read(source(), "id")
    assert "without password" in raised.value.cure


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_bounds_are_refused(read: Read, tmp_path: Path, method: int) -> None:
    pack(tmp_path / "d.zip", {"d.csv": "id\n1\n"}, method)
    with pytest.raises(SourceError, match="a method that is not read here"):
        read(source(), "id")


def test_two_members_of_one_name_are_refused(read: Read, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("d.csv", "id\n1\n")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("d.csv", "id\n2\n")
    with pytest.raises(SourceError, match="two files of one name"):
        read(source(), "id")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_broken_zip_is_refused(read: Read, tmp_path: Path, share: float) -> None:
    pack(tmp_path / "d.zip", {"d.csv": "id\n" + "\n".join(map(str, range(5000)))})
    whole = (tmp_path / "d.zip").read_bytes()
    (tmp_path / "d.zip").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SourceError, match="no intact zip file"):
        read(source(), "id")


def test_a_damaged_member_is_found_by_its_checksum(read: Read, tmp_path: Path) -> None:
    pack(tmp_path / "d.zip", {"d.csv": "id\n" + "\n".join(map(str, range(5000)))}, zipfile.ZIP_STORED)
    data = bytearray((tmp_path / "d.zip").read_bytes())
    data[5000] ^= 1
    (tmp_path / "d.zip").write_bytes(data)
    with pytest.raises(SourceError, match="no intact zip file"):
        read(source(), "id")


class TestBombs:
    """Little that becomes much."""

    @pytest.mark.slow
    @pytest.mark.parametrize("ending", ["gz", "zip"])
    def test_packed_more_than_tables_ever_are(self, read: Read, tmp_path: Path, ending: str) -> None:
        content = b"id\n" + b"0\n" * 40_000_000
        if ending == "gz":
            (tmp_path / "d.csv.gz").write_bytes(gzip.compress(content, 9))
        else:
            pack(tmp_path / "d.zip", {"d.csv": content})
        with pytest.raises(SourceError, match="packed more than 200 to 1"):
            read(source(f"*.{ending}"), "id")

    def test_the_definition_bounds_all_files_together(self, read: Read, tmp_path: Path) -> None:
        rows = "".join(f"{number * 7919}\n" for number in range(2_000))
        pack(tmp_path / "d.zip", {f"{n}.csv": f"id\n{rows}" for n in range(4)})
        enough = 5 * len(rows)
        assert len(read(source(member="*.csv", max_unpacked_bytes=enough), "id")) == 8_000
        with pytest.raises(SourceError, match="larger than allowed") as raised:
            read(source(member="*.csv", max_unpacked_bytes=3 * len(rows)), "id")
        assert "max_unpacked_bytes" in raised.value.cure

    def test_too_many_members(self, read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
        pack(tmp_path / "d.zip", {f"{n}.csv": "id\n1\n" for n in range(4)})
        with pytest.raises(SourceError, match="more than 3 files"):
            read(source(member="*"), "id")

    def workbook(self, path: Path) -> None:
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet().write_column(0, 0, ["id", 1])

    def test_a_workbook_that_claims_too_much(self, read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workbook(tmp_path / "d.xlsx")
        monkeypatch.setattr(archives, "WORKBOOK_BYTES", 2000)
        with pytest.raises(SourceError, match="would take more than"):
            read(source("*.xlsx") | {"format": {"kind": "excel"}}, "id")

    @pytest.mark.slow
    def test_a_workbook_that_hides_its_size(self, read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The directory claims 100 bytes for a part that unpacks to 64 MiB."""
        self.workbook(tmp_path / "small.xlsx")
        name = "xl/worksheets/sheet1.xml"
        with zipfile.ZipFile(tmp_path / "small.xlsx") as old, zipfile.ZipFile(tmp_path / "d.xlsx", "w", 8) as new:
            for info in old.infolist():
                extra = b" " * (64 << 20) if info.filename == name else b""
                new.writestr(info.filename, old.read(info) + extra)
            true_size = new.getinfo(name).file_size
        data = (tmp_path / "d.xlsx").read_bytes().replace(struct.pack("<I", true_size), struct.pack("<I", 100))
        (tmp_path / "d.xlsx").write_bytes(data)
        monkeypatch.setattr(archives, "WORKBOOK_BYTES", 32 << 20)
        with pytest.raises(SourceError, match="would take more than"):
            read(source("d.xlsx") | {"format": {"kind": "excel"}}, "id")

    @pytest.mark.slow
    def test_a_workbook_with_a_cell_at_the_far_corner(self, read: Read, tmp_path: Path) -> None:
        """The library lays out every cell up to the last one, here half a terabyte."""
        with xlsxwriter.Workbook(tmp_path / "d.xlsx") as book:
            sheet = book.add_worksheet()
            sheet.write(0, 0, "id")
            sheet.write(1_048_575, 16_383, "x")
        with pytest.raises(SourceError, match=r"d\.xlsx cannot be read within 4 GiB of memory"):
            read(source("*.xlsx") | {"format": {"kind": "excel"}}, "id")


@pytest.mark.usefixtures("in_this_process")
def test_the_scratch_folder_is_gone_afterwards(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "scratch").mkdir()
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        book.add_worksheet().write_column(0, 0, ["id", 1])
    pack(tmp_path / "d.zip", {"x.xlsx": stream.getvalue()})
    read(source() | {"format": {"kind": "excel"}}, "id")
    assert list((tmp_path / "scratch").iterdir()) == []
    shutil.rmtree(tmp_path / "scratch")
