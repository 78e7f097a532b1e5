"""G1 for what is around the cells of a workbook: the archive has the declared parts and no byte beside them, and no part holds more than words.

The parts that no row goes into are compared with what the definition alone makes of them, so nothing of a row can stand in them.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from publisher.formats.excel.limits import headings
from publisher.formats.excel.parts import (
    CONTENT_TYPES,
    HEADER,
    ROOT_RELATIONS,
    STYLES,
    WORKBOOK_RELATIONS,
    dictionary,
    sheet_head,
    text_row,
    workbook,
)
from publisher.published import PublishedTable

SHEET = "xl/worksheets/sheet1.xml"
_LOCAL_HEADER, _CENTRAL_HEADER, _END = 30, 46, 22
_WIDTH = re.compile(rb' width="(\d+(?:\.\d+)?)"')


def wrong_frame(path: Path, archive: zipfile.ZipFile, table: PublishedTable, rows: int) -> list[str]:
    """Compare everything of a workbook but its first sheet with what the definition makes of it; `rows` counts without the header."""
    wanted = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": ROOT_RELATIONS,
        SHEET: "",
        "xl/worksheets/sheet2.xml": dictionary(table),
        "xl/styles.xml": STYLES,
        "xl/workbook.xml": workbook(table, rows + 1),
        "xl/_rels/workbook.xml.rels": WORKBOOK_RELATIONS,
    }
    if archive.namelist() != list(wanted) or _has_more_bytes(path, archive):
        return ["other parts than declared"]
    wrong = [name for name, text in wanted.items() if name != SHEET and archive.read(name) != text.encode()]
    return [f"the part {name} is not what the definition says" for name in wrong]


def is_declared_head(head: bytes, table: PublishedTable) -> bool:
    """Tell whether a sheet begins with its titles and nothing else; only the widths of its columns follow the rows."""
    widths = [float(width) for width in _WIDTH.findall(head)]
    return head == (sheet_head(widths) + text_row(1, headings(table.fields), HEADER)).encode()


def _has_more_bytes(path: Path, archive: zipfile.ZipFile) -> bool:
    """Tell whether there is anything before, between or behind the members and their directory, or anything said of them."""
    place = listed = 0
    with path.open("rb") as file:
        for one in archive.infolist():
            file.seek(one.header_offset)
            own = file.read(_LOCAL_HEADER)
            names = int.from_bytes(own[26:28], "little") + int.from_bytes(own[28:30], "little")
            if one.header_offset != place or names != len(one.filename) or one.comment or one.extra:
                return True
            place += _LOCAL_HEADER + names + one.compress_size
            listed += _CENTRAL_HEADER + names
    whole = place + listed + _END
    return archive.start_dir != place or bool(archive.comment) or path.stat().st_size != whole
