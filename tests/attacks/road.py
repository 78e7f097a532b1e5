"""The real road for attacks: definition and file in, release folder out, through every step of `make_release`.

An attack looks at the bytes whether the checker let them pass or not; `refused` says what it said. So a disabled protection is seen
by the attack itself and not only by the checker behind it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from attacks.definitions import patients, ward_hierarchy
from attacks.people import Person
from samples.working_tables import write_working

from publisher.anonymise import AnonymisedTables, anonymise_table
from publisher.definition import DatasetDefinition, TableDefinition, load_dataset
from publisher.errors import PublisherError
from publisher.facilities import Facilities, open_facilities
from publisher.lease import Lease
from publisher.ledger import Budget
from publisher.published import PublishedTable, arrow_schema, published_tables
from publisher.release import make_release
from publisher.run_log import RunLog
from publisher.secrets import Secrets
from publisher.settings import PublisherSettings
from publisher.store import Run

ORGANIZATION = "name: so-thu\ntitle: Sở Thử\n"
PSEUDONYM_KEY = hashlib.sha256(b"attacks").hexdigest()
ENVIRONMENT = {"PSEUDO_KEY": PSEUDONYM_KEY, "CELL_KEY": PSEUDONYM_KEY[::-1]}


@dataclass(frozen=True)
class Made:
    """A release folder as it would be uploaded; `refused` is what the checker or a step before it said, else empty."""

    folder: Path
    definition: DatasetDefinition
    refused: str
    work: Path

    @property
    def tables(self) -> list[PublishedTable]:
        return [table for one in self.definition.resources for table in published_tables(one)]

    def rows(self, table: str) -> pa.Table:
        """Return the public's rows of a table."""
        return pq.read_table(self.folder / f"{table}.parquet")

    def document(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


class Office:
    """A publisher with its home, its definitions and the folder that the agency drops files into; there is no portal."""

    def __init__(self, root: Path) -> None:
        self.drops = root / "drops"
        self._definitions = root / "definitions"
        self.drops.mkdir(parents=True)
        settings = PublisherSettings(
            home=root / "home", definitions=self._definitions, catalogue_url="http://127.0.0.1:9"
        )
        self.facilities: Facilities = open_facilities(settings, {"DROPS": str(self.drops), **ENVIRONMENT})

    def define(self, content: dict[str, Any], **beside: str) -> DatasetDefinition:
        """Write a definition, with files beside it by name (without `.csv`), and read it as the publisher does."""
        folder = self._definitions / "so-thu" / str(content["name"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder.parent / "organization.yaml").write_text(ORGANIZATION, encoding="utf-8")
        for name, text in beside.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        path = folder / "dataset.yaml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return load_dataset(path)

    def make(self, definition: DatasetDefinition) -> Made:
        """Make a release up to the point where it would be uploaded."""
        name, store = definition.name, self.facilities.store
        run = Run(dataset=name, trigger="command", actor="attacker", state="running")
        with store.session() as session:
            session.add(run)
        refused = ""
        with Lease(store, name, seconds=60) as lease:
            try:
                make_release(definition, self.facilities, RunLog(store, run, lease), dry_run=True)
            except PublisherError as error:
                refused = f"{error.reason_code}: {error.message}"
        store.move(run.id, "failed" if refused else "checked")
        work = self.facilities.work_folder(name, run.id)
        return Made(work / "release", definition, refused, work)


def anonymised(
    folder: Path,
    people: Sequence[Person],
    privacy: dict[str, Any],
    *,
    release: str = "2026-11-22.1",
    budget: Budget | None = None,
) -> AnonymisedTables:
    """Return what the anonymiser lets out, for attacks that repeat it often: the road without its other steps."""
    folder.mkdir(parents=True)
    (folder / "phuong.csv").write_text(ward_hierarchy(), encoding="utf-8")
    table = TableDefinition.model_validate(patients(privacy)["resources"][0])
    schema = arrow_schema(table.schema_.fields)
    texts = [pa.array(column) for column in zip(*(row for person in people for row in person.rows()), strict=True)]
    columns = [
        pc.if_else(pc.equal(text, ""), None, text).cast(kind) for text, kind in zip(texts, schema.types, strict=True)
    ]
    valid = write_working(pa.Table.from_arrays(columns, schema=schema), folder / "valid.arrow")
    return anonymise_table(
        valid,
        table,
        folder=folder,
        output=folder / "out",
        secrets=Secrets(ENVIRONMENT),
        release=release,
        seed=7,
        budget=budget,
    )


def rows_of(done: AnonymisedTables, name: str = "kham_benh") -> pa.Table:
    """Return the rows of one published table."""
    return next(pq.read_table(path) for table, path in done.tables if table.name == name)
