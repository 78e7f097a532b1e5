"""Where the three heavy steps of a release run: on this machine, or on a cluster with the same functions and the same results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # each step brings its own libraries; who only looks at an engine loads none of them
    from publisher.anonymise import AnonymisedTables
    from publisher.definition import DatasetDefinition, Partition, TableDefinition
    from publisher.earlier import Earlier
    from publisher.extraction import Extract
    from publisher.ledger import Budget
    from publisher.published import PublishedTable
    from publisher.secrets import Secrets
    from publisher.settings import StorageSettings
    from publisher.sources.surroundings import Surroundings
    from publisher.storage import Storage
    from publisher.upload import Upload
    from publisher.validation import QualityReport, Staged


class Engine(Protocol):
    """Runs a step over a whole table. Outputs are tables of `working_files`: a file, or a folder of them."""

    def extract_table(
        self,
        table: TableDefinition,
        output: Path,
        *,
        definition: DatasetDefinition,
        secrets: Secrets,
        surroundings: Surroundings,
    ) -> Extract:
        """As `publisher.extraction.extract_table`."""

    def validate_table(
        self, staged: Path, table: TableDefinition, *, valid: Path, quarantine: Path, others: Mapping[str, Staged]
    ) -> QualityReport:
        """As `publisher.validation.validate_table`."""

    def anonymise_table(  # noqa: PLR0913  each argument is one thing the procedure needs from outside
        self,
        valid: Path,
        table: TableDefinition,
        *,
        folder: Path,
        output: Path,
        secrets: Secrets,
        release: str,
        seed: int,
        earlier: Earlier | None = None,
        budget: Budget | None = None,
    ) -> AnonymisedTables:
        """As `publisher.anonymise.anonymise_table`."""

    def write_parts(self, table: PublishedTable, partition: Partition, source: Path, folder: Path) -> bool:
        """Write the pieces of a partitioned table from its rows in release order, unless the formats' one pass is to write them (false)."""

    def upload(self, files: Sequence[Upload], storage: Storage, *, settings: StorageSettings, secrets: Secrets) -> None:
        """Take files to the object storage and read them back."""


@dataclass(frozen=True)
class LocalEngine:
    """One process on this machine, one batch after the other."""

    def extract_table(
        self,
        table: TableDefinition,
        output: Path,
        *,
        definition: DatasetDefinition,
        secrets: Secrets,
        surroundings: Surroundings,
    ) -> Extract:
        """Read a table's source into a working file."""
        from publisher.extraction import extract_table

        return extract_table(table, output, definition=definition, secrets=secrets, surroundings=surroundings)

    def validate_table(
        self, staged: Path, table: TableDefinition, *, valid: Path, quarantine: Path, others: Mapping[str, Staged]
    ) -> QualityReport:
        """Check every row of a staged table."""
        from publisher.validation import validate_table

        return validate_table(staged, table, valid=valid, quarantine=quarantine, others=others)

    def anonymise_table(  # noqa: PLR0913  each argument is one thing the procedure needs from outside
        self,
        valid: Path,
        table: TableDefinition,
        *,
        folder: Path,
        output: Path,
        secrets: Secrets,
        release: str,
        seed: int,
        earlier: Earlier | None = None,
        budget: Budget | None = None,
    ) -> AnonymisedTables:
        """Apply the policy of a table."""
        from publisher.anonymise import anonymise_table

        return anonymise_table(
            valid,
            table,
            folder=folder,
            output=output,
            secrets=secrets,
            release=release,
            seed=seed,
            earlier=earlier,
            budget=budget,
        )

    def write_parts(self, table: PublishedTable, partition: Partition, source: Path, folder: Path) -> bool:  # noqa: ARG002
        """Leave them to the one pass that writes all forms."""
        return False

    def upload(
        self,
        files: Sequence[Upload],
        storage: Storage,
        *,
        settings: StorageSettings,  # noqa: ARG002  it is open already
        secrets: Secrets,  # noqa: ARG002
    ) -> None:
        """Take one file after the other to the object storage."""
        from publisher.upload import upload_file

        for file in files:
            upload_file(storage, file)
