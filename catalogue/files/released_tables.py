"""Local copies of the released SQLite files, for the datastore actions and for Datasette.

A copy is named after dataset and release and never changes: a new release is a new file beside the old one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from catalogue.files.released_files import FilesUnavailable, ReleasedFiles
from catalogue.rows.connections import Connections
from catalogue.rows.word_index import SUFFIX, WordIndexes

_log = logging.getLogger(__name__)


class ReleasedTables:
    """The SQLite files of releases, copied from object storage once and verified by the manifest's hashes."""

    def __init__(self, files: ReleasedFiles, folder: Path) -> None:
        self.files = files
        self.folder = folder
        self._verified: dict[tuple[str, str], Path] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._guard = threading.Lock()
        self._connections = Connections()
        self._words = WordIndexes()

    def path(self, dataset: str, release: str, *, manifest_sha256: str | None = None) -> Path:
        """Return the local copy of a release's SQLite file, fetching it when it is not here.

        Args:
            dataset: Name of the dataset.
            release: Id of the release.
            manifest_sha256: Hash that the catalogue holds of the manifest; null when the catalogue holds none.

        Raises:
            NotFound: The release or its SQLite file is not in storage.
            FilesUnavailable: The storage does not answer, or bytes and hashes differ.
        """
        key = (dataset, release)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            known = self._verified.get(key)
            if known is None or not known.exists():
                known = self._verified[key] = self._fetched(dataset, release, manifest_sha256)
        return known

    @contextmanager
    def lease(self, path: Path, words: Path | None = None) -> Iterator[sqlite3.Connection]:
        """Lend a read-only connection to a local copy, with its index of words as `side` when that is named."""
        with self._connections.lease(path, words) as connection:
            yield connection

    def close(self) -> None:
        """Let go of the copies; they stay for the next start."""
        self._connections.forget(self.folder)

    def words(self, path: Path, table: str, columns: Sequence[str]) -> Path:
        """Return the file with the words of one table of a local copy; it is made when it is first wanted.

        Raises:
            ValidationError: that takes longer than a caller should wait.
        """
        number = hashlib.sha256(table.encode()).hexdigest()[:12]
        target = path.with_name(f"{path.name.removesuffix('.db')}.{number}{SUFFIX}")
        return self._words.wanted(path, target, table=table, columns=columns)

    def clean(self, keep: Iterable[tuple[str, str]], *, older_than_seconds: float = 60) -> list[Path]:
        """Remove local copies of releases that are not in `keep`; return what was removed.

        Fresh copies stay: they may belong to a release that was published after `keep` was read.

        A reader that still has a removed copy open keeps reading it: the file vanishes when the last one closes it.
        """
        wanted = {self._local(dataset, release).name for dataset, release in keep}
        removed = []
        copies = [path for path in sorted(self.folder.glob("*.*")) if path.suffix in {".db", SUFFIX}]
        for path in copies:
            copy = path.name if path.suffix == ".db" else f"{path.name.rsplit('.', 2)[0]}.db"
            if copy not in wanted and path.stat().st_mtime <= time.time() - older_than_seconds:
                path.unlink(missing_ok=True)
                self._connections.forget(path)
                removed.append(path)
        with self._guard:
            self._verified = {key: path for key, path in self._verified.items() if path not in removed}
        return removed

    def kept(self) -> set[tuple[str, str]]:
        """Return the datasets and releases of which a copy lies here, whichever process made it."""
        names = (path.name.removesuffix(".db").partition(".") for path in self.folder.glob("*.db"))
        return {(dataset, release) for dataset, _, release in names}

    def discard(self, releases: Iterable[tuple[str, str]]) -> list[Path]:
        """Remove the local copies of releases that were taken from the public, however fresh; return what was removed."""
        stems = {self._local(dataset, release).stem for dataset, release in releases}
        if not stems or not self.folder.is_dir():
            return []
        copies = [path for path in sorted(self.folder.glob("*.*")) if path.suffix in {".db", SUFFIX}]
        removed = [path for path in copies if path.stem in stems or path.stem.rpartition(".")[0] in stems]
        for path in removed:
            path.unlink(missing_ok=True)
            self._connections.forget(path)
        with self._guard:
            self._verified = {key: path for key, path in self._verified.items() if path not in removed}
        return removed

    def _local(self, dataset: str, release: str) -> Path:
        return self.folder / f"{dataset}.{release}.db"

    def _fetched(self, dataset: str, release: str, manifest_sha256: str | None) -> Path:
        if manifest_sha256 and self.files.manifest_sha256(dataset, release) != manifest_sha256:
            raise FilesUnavailable(f"the manifest of {dataset} {release} is not the one the catalogue registered")
        stated = self.files.info(dataset, release, f"{dataset}.sqlite")
        local = self._local(dataset, release)
        if not (local.exists() and _sha256(local) == stated.sha256):
            self._copy(dataset, release, local, stated.sha256)
        return local

    def _copy(self, dataset: str, release: str, local: Path, sha256: str | None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        handle, name = tempfile.mkstemp(prefix=f".{dataset}.", suffix=".part", dir=self.folder)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:
                for chunk in self.files.stream(dataset, release, f"{dataset}.sqlite"):
                    digest.update(chunk)
                    target.write(chunk)
            if digest.hexdigest() != sha256:
                raise FilesUnavailable(f"{dataset}.sqlite of {release} is not what its manifest describes")
            part.replace(local)
        finally:
            part.unlink(missing_ok=True)
        _log.info("fetched the tables of %s %s", dataset, release)
        self._clean_up_after(dataset)

    def _clean_up_after(self, dataset: str) -> None:
        """Keep the two newest copies of a dataset: readers in other processes may still turn to the one before."""
        copies = {path: path.name.removesuffix(".db").partition(".") for path in self.folder.glob("*.db")}
        own = [path for path, (owner, _, _) in copies.items() if owner == dataset]
        with suppress(FileNotFoundError):  # another process cleans up too
            older = sorted(own, key=lambda path: path.stat().st_mtime)[:-2]
            self.clean((owner, release) for path, (owner, _, release) in copies.items() if path not in older)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
