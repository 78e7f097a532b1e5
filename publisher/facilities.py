"""What a release needs around it: database, object storage, catalogue, keys, working folders."""

from __future__ import annotations

import hashlib
import hmac
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from publisher.definition import DatasetDefinition, TableDefinition
from publisher.engines.engine import Engine, LocalEngine
from publisher.errors import DescriptorError
from publisher.register import Register
from publisher.rulebook import use_rulebook
from publisher.secrets import Secrets
from publisher.settings import PublisherSettings
from publisher.signing import SigningKey, signing_key
from publisher.sources.surroundings import Surroundings
from publisher.storage import Storage, open_storage
from publisher.store import Store


@dataclass(frozen=True)
class Facilities:
    """Opened once a process; the parts that talk to the network open at first use."""

    settings: PublisherSettings
    store: Store
    secrets: Secrets
    engine: Engine = field(default_factory=LocalEngine)

    @property
    def code_version(self) -> str:
        """The installed version, part of every release's fingerprint."""
        return version("phusa")

    @cached_property
    def storage(self) -> Storage:
        """The object storage."""
        return open_storage(self.settings.storage, self.secrets, home=self.settings.home)

    @property
    def register(self) -> Register:
        """The catalogue, asked with the publisher's token; the token is read anew, it may have been renewed."""
        reference = self.settings.catalogue_token.format(home=self.settings.home)
        try:
            token = self.secrets.resolve(reference)
        except DescriptorError as error:
            error.cure = (
                "start the portal once with `phusa serve`, which makes the token, or name one in `catalogue_token`"
            )
            raise
        return Register(self.settings.catalogue_url, token, site_url=self.settings.site_url)

    @cached_property
    def signing_key(self) -> SigningKey:
        """The key that signs manifests, made at first use."""
        return signing_key(self.settings.home / "keys" / "signing.pem")

    def shuffle_seed(self, dataset_id: str, release: str, table: str) -> int:
        """Return a number for shuffling a table's rows: the same one whenever the release is made, and nobody outside can know it."""
        purpose = f"shuffle {dataset_id} {release} {table}".encode()
        digest = hmac.digest(self.signing_key.private_bytes_raw(), purpose, "sha256")
        return int.from_bytes(digest[:7])

    def work_folder(self, dataset: str, run_id: str) -> Path:
        """Return the folder of a run's intermediate files; it exists."""
        folder = self._work / dataset / run_id
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def memory_folder(self, dataset: str) -> Path:
        """Return where it is kept what the sources of a dataset held last; it need not exist."""
        return self.settings.home / "sources" / dataset

    def surroundings(self, definition: DatasetDefinition, table: TableDefinition) -> Surroundings:
        """Return what the source of a table may use of this installation."""
        names = {field.name: field.at_source for field in table.schema_.fields}
        recipe = hashlib.sha256(f"{self.code_version}\n{definition.digest}\n{table.name}".encode()).hexdigest()
        return Surroundings(
            time_zone=definition.release.time_zone,
            key=tuple(names[name] for name in table.schema_.primaryKey),
            memory=self.memory_folder(definition.name) / table.name,
            recipe=recipe,
            allowed_hosts=tuple(self.settings.allowed_hosts),
        )

    def quarantine_file(self, dataset: str, run_id: str, table: str) -> Path:
        """Return where a table's failing rows wait for the steward; its folder exists."""
        folder = self.settings.home / "quarantine" / dataset / run_id
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / f"{table}.parquet"

    def sweep(self, now: datetime) -> None:
        """Delete quarantined rows, and working files of dead runs, that are older than the settings keep them; `now` is UTC."""
        oldest = (now - timedelta(days=self.settings.keep_work_days)).replace(tzinfo=UTC).timestamp()
        for room in (self.settings.home / "quarantine", self._work):
            for folder in room.glob("*/*"):
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)

    def remove_work(self, dataset: str, run_id: str) -> None:
        """Delete a run's intermediate files."""
        shutil.rmtree(self._work / dataset / run_id, ignore_errors=True)

    @property
    def _work(self) -> Path:
        return self.settings.work or self.settings.home / "work"


def open_facilities(settings: PublisherSettings, environment: Mapping[str, str] | None = None) -> Facilities:
    """Open the publisher's database, bringing its tables up to date, and find everything else at first use."""
    use_rulebook(settings.rulebook)
    settings.home.mkdir(parents=True, exist_ok=True)
    store = Store(settings.database_url or f"sqlite:///{settings.home / 'publisher.db'}")
    store.upgrade()
    secrets = Secrets(
        environment, own_key=lambda: signing_key(settings.home / "keys" / "signing.pem").private_bytes_raw()
    )
    return Facilities(settings, store, secrets)
