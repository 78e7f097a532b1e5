"""A draft whose empty keys a person has filled in."""

from __future__ import annotations

from pathlib import Path

from publisher.definition import DatasetDefinition, load_dataset

ANSWERS = {
    "title:  # fill in": "title: Bảng kê",
    "description:  # fill in": "description: Dữ liệu của sở.",
    "contact: {name: }": "contact: {name: Sở Khoa học và Công nghệ}",
    "cadence:  # fill in": "cadence: monthly",
    "row:  # fill in": "row: Mỗi dòng là một mục.",
    "subject:  # fill in": "subject: business",
}


def fill(text: str) -> str:
    """Fill in every place that the draft leaves to a person."""
    for empty, answer in ANSWERS.items():
        lines = [
            f"{line[: len(line) - len(line.lstrip())]}{answer}" if line.strip().startswith(empty) else line
            for line in text.split("\n")
        ]
        text = "\n".join(lines)
    assert "# fill in" not in text
    return text


def load_filled(text: str, folder: Path, name: str) -> DatasetDefinition:
    """Write the filled draft into a folder of definitions and load it, as `phusa dataset check` does."""
    path = folder / "so-thu" / name / "dataset.yaml"
    path.parent.mkdir(parents=True)
    (folder / "so-thu" / "organization.yaml").write_text("name: so-thu\ntitle: Sở thử\n", encoding="utf-8")
    path.write_text(fill(text), encoding="utf-8")
    return load_dataset(path)
