"""The real tables about persons as attacked datasets: read from where they lie, a thousand people kept out as strangers.

Nothing of them is copied into the repository; the drops of a test are its own temporary folder.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from attacks.definitions import dataset
from attacks.knowledge import Hierarchies
from attacks.road import Made, Office

STRANGERS = 1_000
_DEFINITIONS = Path(__file__).parent.parent / "real" / "definitions"
Row = dict[str, str]


@dataclass(frozen=True)
class Attacked:
    """A real table that went down the road, and the rows that are known of the people in it and of strangers."""

    table: str
    made: Made
    fields: dict[str, Any]
    hierarchies: Hierarchies
    inside: list[Row]
    outside: list[Row]
    sensitive: str

    @property
    def quasi(self) -> tuple[str, ...]:
        return tuple(name for name, action in self.fields.items() if action.get("role") == "quasi")


def adults(data: Path, office: Office) -> Attacked:
    """Return the Adult table under the policy of the real tests, with income made sensitive."""
    content, hierarchies = _definition("uci", "adults")
    table = content["resources"][0]
    names = [field["name"] for field in table["schema"]["fields"]]
    rows = _read(data / "persons" / "adult_train.csv.gz", names=names)
    rows = [{name: "" if value == "?" else value for name, value in row.items()} for row in rows]
    table["source"]["format"] = {"kind": "csv"}
    return _attack(office, content, hierarchies, rows, sensitive="income", strangers=STRANGERS)


def requests(data: Path, office: Office) -> Attacked:
    """Return the service requests of Boston, each of them somebody's at an address, under the policy of the real tests."""
    content, hierarchies = _definition("boston", "service-requests")
    rows = _read(data / "requests311" / "boston_311_2011.csv.gz")
    return _attack(office, content, hierarchies, rows, sensitive="source", strangers=STRANGERS)


def passengers(data: Path, office: Office) -> Attacked:
    """Return the passengers of the Titanic: names, tickets and cabins, of whom it must not be read who survived."""
    columns = {
        "passenger_name": ("Name", "string", {"action": "drop"}),
        "ticket": ("Ticket", "string", {"action": "drop"}),
        "cabin": ("Cabin", "string", {"action": "drop"}),
        "age": ("Age", "number", {"action": "generalise_number", "widths": [10, 20, 40], "top": 60, "role": "quasi"}),
        "sex": ("Sex", "string", {"action": "keep", "role": "quasi"}),
        "class_of_travel": ("Pclass", "string", {"action": "keep", "role": "quasi"}),
        "port": ("Embarked", "string", {"action": "keep", "role": "quasi"}),
        "survived": ("Survived", "string", {"action": "keep", "role": "sensitive"}),
    }
    rows = _read(data / "persons" / "titanic.csv")
    return _attack(office, _content("passengers", columns, "survived"), {}, rows, sensitive="survived", strangers=100)


def arrests(data: Path, office: Office) -> Attacked:
    """Return people arrested in Toronto, of whom it must not be read who was released with a summons."""
    columns = {
        "age": ("age", "integer", {"action": "generalise_number", "widths": [5, 10, 20], "top": 50, "role": "quasi"}),
        "sex": ("sex", "string", {"action": "keep", "role": "quasi"}),
        "colour": ("colour", "string", {"action": "keep", "role": "quasi"}),
        "citizen": ("citizen", "string", {"action": "keep", "role": "quasi"}),
        "employed": ("employed", "string", {"action": "keep", "role": "quasi"}),
        "released": ("released", "string", {"action": "keep", "role": "sensitive"}),
    }
    rows = _read(data / "persons" / "toronto_marijuana_arrests.csv")
    return _attack(office, _content("arrests", columns, "released"), {}, rows, sensitive="released", strangers=500)


def _content(name: str, columns: dict[str, tuple[str, str, dict[str, Any]]], sensitive: str) -> dict[str, Any]:
    fields = [
        {"name": field, "source_name": source, "type": kind, "title": field}
        for field, (source, kind, _) in columns.items()
    ]
    privacy = {
        "subject": "person",
        "fields": {field: action for field, (_, _, action) in columns.items()},
        "microdata": {"k": 5, "suppression_limit": 0.15, "l_diversity": {"field": sensitive, "l": 2}},
    }
    content: dict[str, Any] = dataset(name, name, fields, privacy)
    content["resources"][0]["schema"]["fieldsMatch"] = "subset"
    return content


def _definition(agency: str, name: str) -> tuple[dict[str, Any], Hierarchies]:
    folder = _DEFINITIONS / agency / name
    content = yaml.safe_load((folder / "dataset.yaml").read_text(encoding="utf-8"))
    return content, {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.csv")}


def _read(path: Path, *, names: list[str] | None = None) -> list[Row]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, fieldnames=names, skipinitialspace=True) if any(row.values())]


def _attack(
    office: Office,
    content: dict[str, Any],
    hierarchies: Hierarchies,
    rows: list[Row],
    *,
    sensitive: str,
    strangers: int,
) -> Attacked:
    """Keep every n-th row out, deliver the others, make the release."""
    table = content["resources"][0]
    table["source"].update({"location": "env:DROPS", "pattern": f"{content['name']}.csv", "settle_seconds": 0})
    content["release"] = {"cadence": "daily", "approval": "standing", "formats": ["parquet", "csv"]}
    privacy = table["privacy"]
    if "l_diversity" not in privacy["microdata"]:
        privacy["fields"][sensitive] = {"action": "keep", "role": "sensitive"}
        privacy["microdata"]["l_diversity"] = {"field": sensitive, "l": 2}
        privacy["microdata"]["suppression_limit"] = 0.1
    step = len(rows) // strangers
    outside, inside = rows[::step], [row for place, row in enumerate(rows) if place % step]
    with (office.drops / f"{content['name']}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(inside)
    made = office.make(office.define(content, **hierarchies))
    sources = {field["name"]: field.get("source_name", field["name"]) for field in table["schema"]["fields"]}
    known = {name: sources[name] for name, action in privacy["fields"].items() if action.get("role") == "quasi"}
    return Attacked(
        table["name"],
        made,
        privacy["fields"],
        hierarchies,
        [{name: row[source] for name, source in known.items()} for row in inside],
        [{name: row[source] for name, source in known.items()} for row in outside],
        sensitive,
    )
