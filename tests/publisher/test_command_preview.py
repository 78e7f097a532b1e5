"""`phusa dataset preview` reads the source and tells what a policy and its neighbours cost, and nothing is released."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from publisher.cli import SETTINGS, dataset
from publisher.errors import SourceError
from publisher.settings import PublisherSettings

pytestmark = pytest.mark.slow

FIELDS: dict[str, dict[str, Any]] = {
    "tuoi": {"action": "generalise_number", "widths": [1, 5, 10, 20, "*"], "role": "quasi"},
    "khu": {"action": "generalise", "hierarchy": "khu.csv", "levels": ["ma", "quan"], "role": "quasi"},
    "gioi": {"action": "keep", "role": "quasi"},
    "benh": {"action": "keep", "role": "sensitive"},
}
TABLE = {"id": "theo_quan", "title": "Theo quận", "row": "Một giới.", "group_by": ["gioi"],
         "measures": [{"name": "so", "kind": "count", "title": "Số"}], "small_cell": {"min": 5}}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    draw = random.Random(5)
    with closing(sqlite3.connect(tmp_path / "city.db")) as database, database:
        database.execute("CREATE TABLE ho_so (ma, tuoi INTEGER, khu, gioi, benh)")
        rows = [
            (
                f"MARK{n}",
                int(draw.gammavariate(4, 9)),
                f"K{draw.randint(0, 11):02}",
                draw.choice("AB"),
                draw.choice("xyz"),
            )
            for n in range(900)
        ]
        database.executemany("INSERT INTO ho_so VALUES (?, ?, ?, ?, ?)", rows)
    monkeypatch.setenv("CITY_DB", f"sqlite:///{tmp_path / 'city.db'}")
    return tmp_path


def preview(home: Path, **privacy: Any) -> Result:
    folder = home / "definitions" / "so-y-te" / "ho-so"
    folder.mkdir(parents=True)
    (folder.parent / "organization.yaml").write_text("name: so-y-te\ntitle: Sở\n")
    (folder / "khu.csv").write_text("ma,quan\n" + "\n".join(f"K{n:02},Q{n // 4}" for n in range(12)))
    types = {"ma": "string", "tuoi": "integer", "khu": "string", "gioi": "string", "benh": "string"}
    table = {
        "name": "ho_so",
        "title": "x",
        "row": "Một người.",
        "schema": {"fields": [{"name": name, "type": kind, "title": name} for name, kind in types.items()]},
        "source": {"kind": "sql", "url": "env:CITY_DB", "query": "SELECT * FROM ho_so"},
        "privacy": {"subject": "person", "fields": FIELDS, **privacy},
    }
    content = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "ho-so",
        "title": "Hồ sơ",
        "description": "Hồ sơ.",
        "licenses": [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/", "title": "CC BY"}],
        "contact": {"name": "Sở"},
        "resources": [table],
        "release": {"cadence": "daily"},
    }
    (folder / "dataset.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))

    @click.group()
    @click.pass_context
    def phusa(context: click.Context) -> None:
        context.meta[SETTINGS] = lambda: PublisherSettings(home=home / "home", definitions=home / "definitions")

    phusa.add_command(dataset)
    return CliRunner().invoke(phusa, ["dataset", "preview", "ho-so"])


def cost(output: str, change: str) -> tuple[int, int, float, float]:
    """Return smallest group before and after, share left out and loss of one line."""
    line = next(line for line in output.splitlines() if line.startswith(f"  {change} "))
    found = re.search(r"(\d+) +(\d+) +([0-9.]+)% +([0-9.]+)", line.removeprefix(f"  {change}"))
    assert found is not None, line
    return int(found[1]), int(found[2]), float(found[3]) / 100, float(found[4])


def test_the_policy_and_its_neighbours_are_told_with_group_share_and_loss(home: Path) -> None:
    answer = preview(home, microdata={"k": 5, "suppression_limit": 0.02})
    assert answer.exit_code == 0, answer.output
    text = answer.output
    assert "  stays inside: ma\n" in text
    assert "ho_so: 900 rows read, 900 of them valid" in text
    before, after, share, loss = cost(text, "this policy")
    assert 1 <= before <= after
    assert after >= 5
    assert share <= 0.02
    finest = cost(text, "every field at its finest")
    assert finest[0] == 1
    assert finest[2] > 0.5
    assert "refused: too much is left out" in text
    assert cost(text, "k=3")[3] <= loss <= cost(text, "k=10")[3]
    assert cost(text, "suppression_limit=0.04")[3] <= loss <= cost(text, "suppression_limit=0")[3]
    assert cost(text, "suppression_limit=0")[2] == 0
    assert cost(text, "khu dropped")[3] >= loss
    assert {"gioi dropped", "tuoi dropped"} <= {line.strip().split("  ")[0] for line in text.splitlines()}
    assert re.search(r"tuoi (finer|coarser) \(\d+\)", text)


def test_nothing_is_released_kept_or_shown_of_the_rows(home: Path) -> None:
    answer = preview(home, microdata={"k": 5, "suppression_limit": 0.1}, tables=[TABLE])
    assert answer.exit_code == 0, answer.output
    assert re.search(r"theo_quan: 2 cells, 0 of them hidden", answer.output)
    assert "MARK" not in answer.output
    left = [path for path in (home / "home").rglob("*") if path.is_file() and not path.name.startswith("publisher.db")]
    assert all(b"MARK" not in path.read_bytes() for path in left)
    assert not [path for path in left if path.suffix in {".arrow", ".parquet"}]


def test_what_cannot_be_released_is_said_with_the_ways_out(home: Path) -> None:
    answer = preview(home, microdata={"k": 300, "suppression_limit": 0})
    assert answer.exit_code == 1
    assert "no acceptable levels" in answer.output
    assert re.search(r"drop (it|them): loss 0\.\d+, 0\.0% of the rows left out", answer.output)


def test_a_source_that_cannot_be_read_ends_the_preview(home: Path) -> None:
    (home / "city.db").write_bytes(b"no database" * 100)
    answer = preview(home, microdata={"k": 5})
    assert isinstance(answer.exception, SourceError)
    assert not list((home / "home" / "work").glob("*/*"))
