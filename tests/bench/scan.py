"""Cells a second of `phusa scan` over long columns, beside a pass of bare regular expressions over the same cells.

Columns are of the look that agency files have: names, ID numbers, telephones, addresses, dates, codes, amounts, notes. The peer matches
every cell against one expression for each of six kinds (no check digit, no whole-column evidence), as a first script would.
"""

from __future__ import annotations

import random
import re
import sys
import time
from pathlib import Path

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1] / "publisher" / "disclosure" / "personal"))

from made import personal, public
from made.worlds import TUNING

from publisher.disclosure.personal.detectors import detect_table

_PEER = [
    re.compile(pattern)
    for pattern in (
        r"^0\d{11}$",
        r"^\d{9}$",
        r"^(?:\+84|0)[35789]\d{8}$",
        r"^[\w.+-]+@[\w-]+\.[\w.]+$",
        r"^\d{2}[A-Z]\d?-\d{3}\.?\d{2}$",
        r"^[A-Z]{2}[1-5]\d{12}$",
    )
]
_PUBLIC = ("ma_ho_so", "so_tien", "ngay_cap", "giai_trinh", "ten_duong", "ma_so_thue")
_PERSONAL = {
    "ho_ten": personal.full_name,
    "cccd": personal.personal_id,
    "sdt": personal.mobile_grouped,
    "dia_chi": personal.home_in_town,
    "email": personal.email,
    "ngay_sinh": personal.birth_date,
}


def make_columns(rows: int, *, seed: int = 5) -> dict[str, pa.Array]:
    """Return twelve columns of texts, half of them personal, nearly all cells different where such columns are."""
    draw = random.Random(seed)
    makers = _PERSONAL | {header: make for (header, _), make in public.PUBLIC if header in _PUBLIC}
    return {header: pa.array([make(draw, TUNING) for _ in range(rows)]) for header, make in makers.items()}


def measure(rows: int = 500_000) -> dict[str, float]:
    """Return millions of cells a second of processor time, of the detectors and of the peer."""
    columns = make_columns(rows)
    cells = rows * len(columns)
    start = time.process_time()
    findings = detect_table(columns)
    scan = time.process_time() - start
    start = time.process_time()
    hits = sum(
        bool(pattern.match(cell)) for values in columns.values() for cell in values.to_pylist() for pattern in _PEER
    )
    peer = time.process_time() - start
    return {
        "cells": float(cells),
        "scan, million cells a second": round(cells / scan / 1e6, 2),
        "bare expressions, million cells a second": round(cells / peer / 1e6, 2),
        "columns found": float(len({finding.column for finding in findings})),
        "cells the peer marks": float(hits),
    }


if __name__ == "__main__":
    for what, number in measure(*map(int, sys.argv[1:2])).items():
        print(f"{what}: {number:,}")
