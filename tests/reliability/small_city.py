"""One small dataset whose source is a CSV drop, for tests that break things around it."""

from __future__ import annotations

from pathlib import Path

ORGANIZATION = "name: so-thu\ntitle: Sở Thử\n"
DATASET = """\
name: thu-nghiem
title: Thử nghiệm
title_translated: {{en: Trial}}
description: Số liệu để thử.
licenses: [{{name: CC-BY-4.0, path: "https://creativecommons.org/licenses/by/4.0/", title: CC BY 4.0}}]
contact: {{name: Sở Thử}}
resources:
  - name: do_dac
    title: Đo đạc
    row: Mỗi dòng là một lần đo.
    schema:
      primaryKey: [ma]
      fields:
        - {{name: ma, type: integer, title: Mã, constraints: {{required: true}}}}
        - {{name: tram, title: Trạm}}
        - {{name: gia_tri, type: number, title: Giá trị}}
    source: {source}
    privacy:
      subject: none
      fields:
        ma: {{action: keep}}
        tram: {{action: keep}}
        gia_tri: {{action: keep}}
    sort_by: [ma]
release: {{cadence: daily, approval: {approval}, max_row_change: 0.5{release}}}
"""
FILE_SOURCE = '{kind: file, location: "env:DROPS", pattern: "*.csv", settle_seconds: 0, format: {kind: csv}}'


def write_definition(root: Path, *, source: str = FILE_SOURCE, approval: str = "standing", release: str = "") -> Path:
    """Write the definitions below the folder and return it."""
    folder = root / "so-thu" / "thu-nghiem"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "organization.yaml").write_text(ORGANIZATION, encoding="utf-8")
    text = DATASET.format(source=source, approval=approval, release=release)
    (folder / "dataset.yaml").write_text(text, encoding="utf-8")
    return root


def write_drop(folder: Path, *, rows: int = 100, first: int = 1, name: str = "drop.csv") -> None:
    """Write a CSV drop of so many good rows."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{number},tram-{number % 7},{number / 4}" for number in range(first, first + rows)]
    (folder / name).write_text("ma,tram,gia_tri\n" + "\n".join(lines) + "\n", encoding="utf-8")
