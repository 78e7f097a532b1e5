"""Drafts of the synthetic city's systems hold no personal value, and drop what the city's own definitions drop for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from publisher.proposal.propose import propose_dataset
from publisher.sandbox.city import SyntheticCity
from publisher.secrets import Secrets

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyntheticCity]:
    city = SyntheticCity(tmp_path_factory.mktemp("city"), now=datetime(2026, 11, 22, 9, 0), scale=0.01)
    city.build()
    yield city
    city.stop()


@pytest.fixture(scope="module")
def drafts(city: SyntheticCity) -> dict[str, str]:
    """Return the draft of every table and file of the city."""
    secrets = Secrets(city.environment())
    made = {}
    for system in ("CALL_CENTRE", "ONE_STOP"):
        address = f"PHUSA_SANDBOX_{system}_URL"
        with closing(sqlite3.connect(city.environment()[address].removeprefix("sqlite:///"))) as database:
            tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            made[table] = propose_dataset(f"env:{address}", secrets=secrets, table=table)[1]
    for path in sorted([*(city.folder / "business").iterdir(), *(city.folder / "statistics").iterdir()]):
        made[path.name] = propose_dataset(str(path), secrets=secrets)[1]
    return made


def test_no_personal_value_of_the_city_is_in_a_draft(city: SyntheticCity, drafts: dict[str, str]) -> None:
    everything = "\n".join(drafts.values())
    found = {value for value in city.personal_values() if value and len(value) > 5 and value in everything}
    assert not found


def test_windows_1258_is_found_in_the_business_register(drafts: dict[str, str]) -> None:
    forms = [
        yaml.safe_load(text)["resources"][0]["source"]["format"]
        for name, text in drafts.items()
        if name.endswith(".csv")
    ]
    assert forms
    assert {form["encoding"] for form in forms} == {"windows-1258"}


def test_nothing_that_the_citys_policies_drop_for_people_is_kept(root: Path, drafts: dict[str, str]) -> None:
    """Compare by the columns' names at the source with the definitions in `datasets/`."""
    personal = {"ho_ten", "cccd", "dien_thoai", "email", "dia_chi", "ngay_sinh", "noi_dung", "nguoi_nop", "so_giay_to"}
    for name, text in drafts.items():
        table = yaml.safe_load(text)["resources"][0]
        source = {field["name"]: field.get("source_name", field["name"]) for field in table["schema"]["fields"]}
        kept = {source[field].lower() for field, said in table["privacy"]["fields"].items() if said["action"] == "keep"}
        assert not kept & personal, name
    assert (root / "datasets").is_dir()
