"""The engine that `phusa release --engine spark` uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from publisher.anonymise import AnonymisedTables
from publisher.definition import DatasetDefinition, Partition, TableDefinition
from publisher.earlier import Earlier
from publisher.engines.engine import LocalEngine
from publisher.engines.spark.anonymise import anonymise_on_cluster
from publisher.engines.spark.extract import extract_on_cluster
from publisher.engines.spark.parts import upload_on_cluster, write_parts_on_cluster
from publisher.engines.spark.session import spark_session
from publisher.engines.spark.tasks import Cluster
from publisher.engines.spark.validate import validate_on_cluster
from publisher.extraction import Extract
from publisher.ledger import Budget
from publisher.published import PublishedTable
from publisher.secrets import Secrets
from publisher.settings import StorageSettings
from publisher.sources.surroundings import Surroundings
from publisher.storage import Storage
from publisher.upload import Upload
from publisher.validation import QualityReport, Staged


@contextmanager
def spark_engine(master: str) -> Iterator[SparkEngine]:
    """Open an engine on the cluster of a master; see `spark_session`.

    Raises:
        DescriptorError: Spark's Python package is not installed.
        EnvironmentFault: the cluster does not answer.
    """
    with spark_session(master) as session:
        yield SparkEngine(Cluster(session))


@dataclass(frozen=True)
class SparkEngine:
    """Tasks of a cluster; all paths must lead every executor to the same files as here."""

    cluster: Cluster

    def extract_table(
        self,
        table: TableDefinition,
        output: Path,
        *,
        definition: DatasetDefinition,
        secrets: Secrets,
        surroundings: Surroundings,
    ) -> Extract:
        """Read a table's source into working files."""
        return extract_on_cluster(
            self.cluster,
            table,
            output.resolve(),
            definition=definition,
            secrets=secrets,
            surroundings=surroundings,
        )

    def validate_table(
        self, staged: Path, table: TableDefinition, *, valid: Path, quarantine: Path, others: Mapping[str, Staged]
    ) -> QualityReport:
        """Check every row of a staged table."""
        return validate_on_cluster(
            self.cluster, staged.resolve(), table, valid=valid.resolve(), quarantine=quarantine, others=others
        )

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
        budget: Budget | None = None,  # noqa: ARG002  nothing is paid for here: noise is refused
    ) -> AnonymisedTables:
        """Apply the policy of a table."""
        return anonymise_on_cluster(
            self.cluster,
            valid.resolve(),
            table,
            folder=folder,
            output=output.resolve(),
            secrets=secrets,
            release=release,
            seed=seed,
            earlier=earlier,
        )

    def write_parts(self, table: PublishedTable, partition: Partition, source: Path, folder: Path) -> bool:
        """Write the pieces of a partitioned table."""
        write_parts_on_cluster(self.cluster, table, partition, source.resolve(), folder.resolve())
        return True

    def upload(self, files: Sequence[Upload], storage: Storage, *, settings: StorageSettings, secrets: Secrets) -> None:
        """Take files to the object storage: tasks to S3, where all reach it, this process to a folder."""
        if settings.url.startswith("s3://"):
            files = [replace(file, path=file.path.resolve()) for file in files]
            upload_on_cluster(self.cluster, files, settings, secrets)
        else:
            LocalEngine().upload(files, storage, settings=settings, secrets=secrets)
