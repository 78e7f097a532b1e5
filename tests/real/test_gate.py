"""Free texts of real files hold e-mail addresses of people, others hold houses: a policy that keeps such a column is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from real.real_city import RealCity

from publisher.definition import dataset_paths, load_dataset
from publisher.runs import run_dataset

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("dataset", "field", "kind", "kept"),
    [
        ("service-requests", "closure_reason", "email", "status"),
        ("service-requests", "location", "address", "status"),
        ("service-requests", "location_street_name", "address", "status"),
    ],
)
def test_a_column_of_addresses_of_people_is_refused(
    city: RealCity, tmp_path: Path, *, dataset: str, field: str, kind: str, kept: str
) -> None:
    released = city.publish(dataset)
    path = dataset_paths(city.portal.facilities.settings.definitions)[dataset]
    careless = tmp_path / path.parents[1].name
    shutil.copytree(path.parents[1], careless)
    text = path.read_text(encoding="utf-8")
    line = f"        {kept}: {{action: keep}}\n"
    assert line in text
    (careless / dataset / "dataset.yaml").write_text(
        text.replace(line, f"{line}        {field}: {{action: keep}}\n"), encoding="utf-8"
    )

    definition = load_dataset(careless / dataset / "dataset.yaml")
    run = run_dataset(definition, city.portal.facilities, trigger="manual", actor="somebody")
    assert (run.state, run.reason_code) == ("held", "privacy"), run.message
    assert f"the column {field} looks like {kind}" in run.message
    assert "@" not in run.message, "a refusal shows no value"
    assert city.fetch(dataset).extras["release"] == released.extras["release"], "the public keeps what it has"
