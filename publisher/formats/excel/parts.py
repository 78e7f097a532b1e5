"""The parts of an XLSX file that do not depend on its rows: styles, relations, workbook, data dictionary.

Standard: ECMA-376, Office Open XML, part 1 (SpreadsheetML).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from publisher.formats.columns import code_fields
from publisher.formats.excel.limits import headings
from publisher.published import PublishedField, PublishedTable

GENERAL, HEADER, DATE, DATETIME, TEXT, WRAPPED = range(6)
"""Numbers of the cell formats below."""

DICTIONARY_SHEET = "Từ điển dữ liệu"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_DICTIONARY_HEADER = (
    "Cột", "Tên / Name", "Tiêu đề", "Title", "Kiểu / Type", "Đơn vị / Unit", "Mã / Code", "Mô tả", "Description",
)  # fmt: skip
_DICTIONARY_WIDTHS = (6, 24, 32, 32, 14, 14, 10, 60, 60)

CONTENT_TYPES = (
    f'{_DECLARATION}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet2.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_SHEET_TYPE}.styles+xml"/>'
    "</Types>"
)
ROOT_RELATIONS = (
    f'{_DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
WORKBOOK_RELATIONS = (
    f'{_DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet2.xml"/>'
    f'<Relationship Id="rId3" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>'
)
STYLES = (
    f'{_DECLARATION}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="6"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1">'
    '<alignment vertical="top" wrapText="1"/></xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def column_letters(number: int) -> str:
    """Return the name of a column, counted from 0: `A`, `Z`, `AA`."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def xml_text(text: str) -> str:
    """Return a text as a cell holds it; what XML cannot say is written `_xHHHH_`, as Excel does."""
    return escape(_UNSAFE.sub(lambda match: f"_x{ord(match[0]):04X}_", text))


def sheet_head(widths: Sequence[float]) -> str:
    """Return the beginning of a sheet up to its first row: the first row stays in sight, columns are as wide as given."""
    columns = "".join(
        f'<col min="{place}" max="{place}" width="{width}" customWidth="1"/>' for place, width in enumerate(widths, 1)
    )
    return (
        f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        f'<selection pane="bottomLeft"/></sheetView></sheetViews><cols>{columns}</cols><sheetData>\n'
    )


def sheet_foot(columns: int, rows: int) -> str:
    """Return the end of a sheet whose rows, the header among them, can be filtered."""
    return f'</sheetData><autoFilter ref="A1:{column_letters(columns - 1)}{rows}"/></worksheet>'


def text_row(number: int, texts: Sequence[str], style: int) -> str:
    """Return a row of texts; rows count from 1."""
    cells = "".join(
        f'<c r="{column_letters(place)}{number}" s="{style}" t="inlineStr">'
        f'<is><t xml:space="preserve">{xml_text(text)}</t></is></c>'
        for place, text in enumerate(texts)
    )
    return f'<row r="{number}">{cells}</row>\n'


def workbook(table: PublishedTable, rows: int) -> str:
    """Return the workbook: the table's sheet and that of the dictionary, and what Excel calls their filters."""
    name = table.name[:31]
    sheets = ((name, len(table.fields), rows), (DICTIONARY_SHEET, len(_DICTIONARY_HEADER), len(table.fields) + 1))
    listed = "".join(
        f'<sheet name={quoteattr(title)} sheetId="{place}" r:id="rId{place}"/>'
        for place, (title, _, _) in enumerate(sheets, 1)
    )
    filters = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{place}" hidden="1">'
        f"'{escape(title)}'!$A$1:${column_letters(columns - 1)}${last}</definedName>"
        for place, (title, columns, last) in enumerate(sheets)
    )
    return (
        f'{_DECLARATION}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets>'
        f"<definedNames>{filters}</definedNames></workbook>"
    )


def dictionary(table: PublishedTable) -> str:
    """Return the sheet that explains the columns in Vietnamese and English."""
    codes = set(code_fields(table))
    rows = [
        text_row(number, _dictionary_row(number - 2, field, heading, is_code=field.name in codes), WRAPPED)
        for number, (field, heading) in enumerate(zip(table.fields, headings(table.fields), strict=True), 2)
    ]
    header = text_row(1, _DICTIONARY_HEADER, HEADER)
    foot = sheet_foot(len(_DICTIONARY_HEADER), len(rows) + 1)
    return "".join([sheet_head(_DICTIONARY_WIDTHS), header, *rows, foot])


def _dictionary_row(place: int, field: PublishedField, heading: str, *, is_code: bool) -> tuple[str, ...]:
    return (
        column_letters(place),
        field.name,
        heading,
        field.title_translated.get("en", ""),
        field.type,
        field.unit or "",
        "✓" if is_code else "",
        field.description,
        field.description_translated.get("en", ""),
    )
