"""The bytes of one dropped file, or of one file in an archive: opened as often as needed, never more than allowed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from isal import igzip, isal_zlib

from publisher.errors import DiskFull, SourceError, tells_of_full_disk
from publisher.sources.stream import Readable

MAX_RATIO = 200
RATIO_COUNTS_FROM = 64 * 1024 * 1024
"""Unpacked bytes; small files of one repeated line are packed better than any large table."""
DAMAGE: tuple[type[Exception], ...] = (EOFError, zlib.error, igzip.BadGzipFile, zipfile.BadZipFile)
# The stubs of isal take its error for an instance.
DAMAGE += (isal_zlib.error,)  # type: ignore[operator]


@dataclass
class Allowance:
    """How many bytes may still be unpacked in this run; one for all its files."""

    left: int


@dataclass(frozen=True)
class Payload:
    """Bytes with a name for people. `member` is the file's name in a zip.

    `open()` gives a stream of the unpacked bytes; reading it raises SourceError when they are damaged or too many.
    """

    name: str
    path: Path
    member: str | None = None
    allowance: Allowance = field(default_factory=lambda: Allowance(1 << 62), compare=False)
    _counted: list[int] = field(default_factory=lambda: [0], compare=False)

    @property
    def is_packed(self) -> bool:
        """Whether the file on disk holds the bytes packed."""
        return self.member is not None or self.path.suffix.lower() == ".gz"

    @contextmanager
    def open(self) -> Iterator[Readable]:
        """Open the bytes for reading.

        Raises:
            SourceError: the file cannot be read, or is damaged; also while it is read.
        """
        try:
            with self._unpacked() as stream:
                yield stream
        except DAMAGE:
            raise SourceError(
                f"{self.name} is no intact {'zip' if self.member else 'gzip'} file.",
                cure="have it delivered again; the transfer may have broken off",
            ) from None
        except OSError as error:
            if tells_of_full_disk(error):  # it was unpacked into our own working folder
                raise DiskFull(
                    f"There is no space left to unpack {self.name}.",
                    cure="free space on this machine's disk, then run again",
                ) from None
            raise SourceError(
                f"{self.name} cannot be read: {error.strerror or type(error).__name__}.", cure="see who may read it"
            ) from None

    def as_file(self, scratch: Path) -> Path:
        """Return a path with the unpacked bytes; they are copied into the folder when the file is packed.

        Raises:
            SourceError: as for `open`.
        """
        if not self.is_packed:
            return self.path
        plain = scratch / f"unpacked-{abs(hash((self.path, self.member)))}{Path(self.member or self.path.stem).suffix}"
        with self.open() as packed, plain.open("wb") as unpacked:
            while data := packed.read(1 << 20):
                unpacked.write(data)
        return plain

    @contextmanager
    def _unpacked(self) -> Iterator[Readable]:
        if not self.is_packed:
            with self.path.open("rb") as plain:
                yield plain
        elif self.member is None:
            size = self.path.stat().st_size
            with igzip.open(self.path) as stream:  # type: ignore[no-untyped-call]
                yield _Bounded(stream, self, size)
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                yield _Bounded(stream, self, archive.getinfo(self.member).compress_size)

    def _note(self, position: int, packed_bytes: int) -> None:
        """Count bytes the first time they are unpacked; a second reading costs nothing of the allowance."""
        fresh = position - self._counted[0]
        if fresh > 0:
            self._counted[0] = position
            self.allowance.left -= fresh
        if self.allowance.left < 0:
            raise SourceError(
                f"{self.name} would be larger than allowed once unpacked.",
                cure="see what it holds; when it is right, raise `max_unpacked_bytes`",
            )
        if position > RATIO_COUNTS_FROM and position > MAX_RATIO * packed_bytes:
            raise SourceError(
                f"{self.name} is packed more than {MAX_RATIO} to 1, as only archives are that mean to fill a disk.",
                cure="see what it holds; when it is right, have it delivered unpacked",
            )


class _Bounded:
    """A stream that counts what it gives."""

    def __init__(self, stream: Readable, payload: Payload, packed_bytes: int) -> None:
        self._stream = stream
        self._payload = payload
        self._packed_bytes = packed_bytes
        self._position = 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._position += len(data)
        self._payload._note(self._position, self._packed_bytes)  # noqa: SLF001  two halves of one thing
        return data


def plain_payload(path: Path) -> Payload:
    """Return the payload of a file on its own, packed by gzip when its name ends so."""
    return Payload(path.name, path)
