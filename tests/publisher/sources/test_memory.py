"""What is remembered of sources: believed only under the same recipe, private, and forgotten on command."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sample_release import sample_definition

from publisher.cli import SETTINGS, dataset
from publisher.extraction import extract_table
from publisher.facilities import Facilities, open_facilities
from publisher.lease import Lease
from publisher.settings import PublisherSettings
from publisher.sources import Surroundings
from publisher.sources.memory import FILE, recall, remember

REVISION = [{"url": "", "parameters": "{}", "etag": '"a"'}]


def test_a_reading_is_recalled_under_its_own_recipe_only(tmp_path: Path) -> None:
    around = Surroundings(memory=tmp_path / "m", recipe="one")
    assert recall(around) is None
    remember(around, REVISION, {"rows": 3})
    assert recall(around) == (REVISION, {"rows": 3})
    assert recall(replace(around, recipe="two")) is None
    assert recall(replace(around, memory=None)) is None
    (tmp_path / "m" / FILE).write_text("{")
    assert recall(around) is None


@pytest.mark.parametrize("revision", [None, []])
def test_a_source_that_gives_nothing_to_ask_by_is_forgotten(
    tmp_path: Path, revision: list[dict[str, str]] | None
) -> None:
    around = Surroundings(memory=tmp_path / "m", recipe="one")
    remember(around, REVISION, {})
    remember(around, revision, {})
    assert recall(around) is None
    assert list((tmp_path / "m").iterdir()) == []


@pytest.fixture
def city(tmp_path: Path) -> Facilities:
    with closing(sqlite3.connect(tmp_path / "city.db")) as database, database:
        database.execute("CREATE TABLE t (id INTEGER, at TEXT)")
        database.execute("INSERT INTO t VALUES (1, '2026-11-22')")
    environment = {"SAMPLE_URL": f"sqlite:///{tmp_path / 'city.db'}"}
    return open_facilities(PublisherSettings(home=tmp_path / "home", definitions=tmp_path / "datasets"), environment)


def run_forget(city: Facilities) -> Result:
    """Run the command as the composer of commands does."""

    @click.group()
    @click.pass_context
    def phusa(context: click.Context) -> None:
        context.meta[SETTINGS] = lambda: city.settings

    phusa.add_command(dataset)
    return CliRunner().invoke(phusa, ["dataset", "forget", "requests"])


def test_a_table_s_memory_lies_in_the_home_until_it_is_forgotten(
    city: Facilities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"kind": "sql", "url": "env:SAMPLE_URL", "query": "SELECT id, at FROM t",
              "count_query": "SELECT count(*) FROM t", "incremental": {"column": "at"}}  # fmt: skip
    definition = sample_definition()
    table = definition.resources[0].model_copy(
        update={"source": type(definition.resources[0].source).model_validate(source)}
    )
    around = city.surroundings(definition, table)
    assert (around.key, around.time_zone) == (("id",), "Asia/Ho_Chi_Minh")
    for _ in range(2):
        extract = extract_table(
            table, tmp_path / "out", definition=definition, secrets=city.secrets, surroundings=around
        )
        assert extract.rows == 1
    base = city.memory_folder("requests") / "tickets" / "base.parquet"
    assert base.is_file()
    monkeypatch.setattr("publisher.definition.dataset_paths", lambda _: {"requests": tmp_path})
    with Lease(city.store, "requests", seconds=60):
        answer = run_forget(city)
        assert answer.exit_code != 0
        assert base.is_file()
    answer = run_forget(city)
    assert answer.output == "requests: the next run reads everything.\n"
    assert not base.exists()
    assert run_forget(city).output == "requests: nothing was remembered.\n"
