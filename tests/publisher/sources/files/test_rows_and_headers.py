"""What texts are like around their rows: titles, headers of two rows, comments, footers, cells merged downwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from samples.source_reader import Read, fields_of

from publisher.errors import DescriptorError, SourceError
from publisher.sources.files.formats import Footer
from publisher.sources.files.rows import filled_down, without_last
from publisher.sources.text import text_batch

MARKED = "0912345678-marked"


def source(kind: str = "csv", **more: Any) -> dict[str, Any]:
    return {"kind": "file", "location": ".", "pattern": "drop.*", "format": {"kind": kind, **more}}


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return tmp_path / "drop.csv"


def test_titles_above_and_a_header_of_two_rows(read: Read, drop: Path) -> None:
    drop.write_text("Bao cao 2026\n\nWard,Persons,,\n,men,women,\n1,2,3,\n")
    rows = read(source(header_rows=[3, 4], header_fill=True), "Ward", "Persons men")
    assert rows.names == ["Ward", "Persons men", "Persons women", "Persons"]
    assert rows[0] == {"Ward": "1", "Persons men": "2", "Persons women": "3", "Persons": ""}
    rows = read(source(header_rows=[3, 4]), "Ward", "Persons men")
    assert rows.names == ["Ward", "Persons men", "women", "column_4"]


def test_data_may_begin_later_than_the_header_ends(read: Read, drop: Path) -> None:
    drop.write_text("id,name\n(code),(text)\n#x,#y\n1,a\n")
    assert read(source(first_row=4), "id", "name").table.to_pydict() == {"id": ["1"], "name": ["a"]}
    assert len(read(source(header=False, first_row=3), "id", "name")) == 2


def test_rows_with_one_cell_more_than_the_header_have_their_cure(read: Read, drop: Path) -> None:
    drop.write_text("a,b\n1,x,y\n2,x,z\n")
    with pytest.raises(SourceError, match="line 2 has 3 cells where the header has 2") as raised:
        read(source(), "a", "b")
    assert "declare `header: false` and `first_row: 2`" in raised.value.cure
    rows = read(source(header=False, first_row=2), "number", "a", "b")
    assert rows[1] == {"number": "2", "a": "x", "b": "z"}


def test_a_header_row_behind_the_end_is_named(read: Read, drop: Path) -> None:
    drop.write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match=r"drop\.csv has no header in row 9"):
        read(source(header_rows=[9]), "a", "b")


@pytest.mark.parametrize("rows", [3, 11_000])
def test_comments_are_left_out_and_lines_still_counted(read: Read, drop: Path, rows: int) -> None:
    drop.write_text('# made by a machine, with "quotes\n a,b\n' + "1,2\n# x\n" * rows + '"# no comment",2\n1,2,3\n')
    with pytest.raises(SourceError, match=f"line {2 * rows + 4} has 3 cells"):
        read(source(comment="#"), "a", "b")
    drop.write_text(drop.read_text().removesuffix("1,2,3\n"))
    read_rows = read(source(comment="#"), "a", "b")
    assert (len(read_rows), read_rows[rows]["a"]) == (rows + 1, "# no comment")


@pytest.mark.parametrize("rows", [2, 21_000])
def test_footers_end_the_data(read: Read, drop: Path, rows: int) -> None:
    drop.write_text("a,b\n" + "1,2\n" * rows + f"Total,{MARKED}\n,Source: office, with, commas\n\n")
    found = read(source(footer={"starts_with": ["Total", "Sum"]}), "a", "b")
    assert len(found) == rows
    assert found.notes[-1] == f"drop.csv: 2 rows from line {rows + 2} on were left out as footers"


def test_a_footer_in_the_midst_of_data_is_refused(read: Read, drop: Path) -> None:
    drop.write_text("a,b\nTotal,1\n" + "1,2\n" * 60)
    with pytest.raises(SourceError, match="below the footer at line 2, 61 more rows follow"):
        read(source(footer={"starts_with": ["Total"]}), "a", "b")


def test_a_number_of_footers_is_left_out(read: Read, drop: Path) -> None:
    drop.write_text("a,b\n1,2\n3,4\nsum,6\nsource,x\n")
    found = read(source(footer={"rows": 2}), "a", "b")
    assert found.table["a"].to_pylist() == ["1", "3"]
    assert "the last 2 rows" in found.notes[-1]


def test_a_footer_that_says_nothing_is_no_footer() -> None:
    with pytest.raises(ValidationError, match="starts_with"):
        Footer.model_validate({})


def test_cells_take_the_value_above_where_declared(read: Read, drop: Path) -> None:
    drop.write_text("ward,street,n\nA,x,1\n,y,2\n ,,3\nB,z,4\n")
    rows = read(source(fill_down=["ward"]), "ward", "street")
    assert rows.table["ward"].to_pylist() == ["A", "A", "A", "B"]
    assert rows.table["street"].to_pylist() == ["x", "y", "", "z"]
    with pytest.raises(DescriptorError, match="no column `district`"):
        read(source(fill_down=["district"]), "ward", "street")


def test_short_rows_are_refused_where_declared(read: Read, drop: Path) -> None:
    drop.write_text("a,b,c\n1,2,3\n1,2\n")
    assert read(source(), "a", "b", "c").table["c"].to_pylist() == ["3", None]
    with pytest.raises(SourceError, match="line 3 has 2 cells where the header has 3"):
        read(source(ragged="error"), "a", "b", "c")


@pytest.mark.parametrize(("quote", "line", "cells"), [("'", "'x,''y'',z'", ["x,'y',z"]), ("", '"x",5"', ['"x"', '5"'])])
def test_other_quotes_or_none(read: Read, drop: Path, quote: str, line: str, cells: list[str]) -> None:
    names = [f"c{n}" for n, _ in enumerate(cells)]
    drop.write_text(",".join(names) + f"\n{line}\n")
    assert list(read(source(quote=quote), *names)[0].values()) == cells


def test_old_line_ends_and_utf_16(read: Read, drop: Path) -> None:
    drop.write_bytes("\ufeffa;b\r1;\u1ec7\r2;y\r".encode("utf-16-le"))
    assert read(source(encoding="utf-16", delimiter=";"), "a", "b").table["b"].to_pylist() == ["\u1ec7", "y"]


CUTS = st.lists(st.integers(0, 5), min_size=1, max_size=8)


@settings(max_examples=40)
@given(cuts=CUTS, rows=st.integers(0, 12))
def test_the_last_rows_go_however_batches_are_cut(cuts: list[int], rows: int) -> None:
    numbers = iter(range(1000))
    batches = [text_batch(["n"], [[str(next(numbers)) for _ in range(size)]]) for size in cuts]
    kept = [value for batch in without_last(iter(batches), rows) for value in batch["n"].to_pylist()]
    assert kept == [str(number) for number in range(max(sum(cuts) - rows, 0))]


@settings(max_examples=40)
@given(values=st.lists(st.sampled_from(["a", "b", "", " ", None]), max_size=12), cut=st.integers(1, 12))
def test_values_come_down_however_batches_are_cut(values: list[str | None], cut: int) -> None:
    batches = [text_batch(["n"], [values[at : at + cut]]) for at in range(0, len(values), cut)]
    found = [value for batch in filled_down(iter(batches), ["n"], "x") for value in batch["n"].to_pylist()]
    expected: list[str | None] = []
    for value in values:
        expected.append(value if value and value.strip() else (expected[-1] if expected else None))
    assert found == expected


class TestFixedWidth:
    """Columns at positions."""

    COLUMNS = (
        {"name": "code", "start": 1, "width": 4},
        {"name": "name", "start": 5, "width": 6},
        {"name": "n", "start": 11, "width": 3},
    )

    def test_columns_are_cut_by_letters(self, read: Read, drop: Path) -> None:
        drop.write_text("0001 B\u1ebfn   12\r\n\n* note\n0002Ngh\u00e9\n0003 x     7 \n")
        rows = read(source("fixed_width", columns=self.COLUMNS, comment="*"), "code")
        assert rows.table.to_pydict() == {
            "code": ["0001", "0002", "0003"], "name": ["B\u1ebfn", "Ngh\u00e9", "x"], "n": ["12", None, "7"],
        }  # fmt: skip

    def test_titles_footers_and_the_encoding(self, read: Read, drop: Path) -> None:
        drop.write_bytes(b"Bao cao\n0001H\xb5 N\xe9i\nTotal     1\n")
        spec = source(
            "fixed_width", columns=self.COLUMNS, encoding="tcvn3", first_row=2, footer={"starts_with": ["Total"]}
        )
        rows = read(spec, "code")
        assert rows.table["name"].to_pylist() == ["H\u00e0 N\u1ed9i"]
        assert rows.notes[-1] == "drop.csv: 1 rows from line 3 on were left out as footers"

    def test_text_behind_the_last_column_is_not_lost_in_silence(self, read: Read, drop: Path) -> None:
        drop.write_text(f"0001 a     1\n0002 b     2 {MARKED}\n")
        with pytest.raises(
            SourceError, match=r"drop\.csv: line 2 goes on behind the last column, which ends at 13"
        ) as raised:
            read(source("fixed_width", columns=self.COLUMNS), "code")
        assert MARKED not in str(raised.value)


def test_the_decimal_sign_is_turned_only_in_numbers(read: Read, drop: Path) -> None:
    drop.write_text("a;b\n1.234,5;x,y\n")
    rows = read(source(delimiter=";", decimal=","), *fields_of("b", a="number"))
    assert rows[0] == {"a": "1,234.5", "b": "x,y"}
