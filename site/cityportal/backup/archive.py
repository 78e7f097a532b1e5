"""The file of a backup: a tar whose last member names every other one with its SHA-256, so that a torn file is known for one."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from publisher.errors import EnvironmentFault

CONTENTS = "contents.json"
FORMAT = 1
_BLOCK = 1 << 20


class Archive:
    """A backup in the making."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.members: dict[str, str] = {}

    def add_lines(self, name: str, lines: Iterable[bytes]) -> int:
        """Add lines that come one after the other, and return how many there were.

        They wait in a temporary file, for a tar wants the length first.
        """
        number = 0
        with tempfile.TemporaryFile() as file:
            for number, line in enumerate(lines, start=1):  # noqa: B007  the last number is wanted
                file.write(line)
            size = file.tell()
            file.seek(0)
            self.add(name, file, size)
        return number

    def add(self, name: str, stream: IO[bytes], size: int) -> None:
        """Add `size` bytes of a stream."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        hashed = _Hashed(stream)
        self._tar.addfile(member, hashed)
        self.members[name] = hashed.digest.hexdigest()

    def close(self, facts: dict[str, Any]) -> None:
        """Add the list of contents, the last member."""
        contents = {"format": FORMAT, **facts, "members": self.members}
        written = json.dumps(contents, ensure_ascii=False, indent=1).encode()
        self.add(CONTENTS, io.BytesIO(written), len(written))


@contextmanager
def new_archive(path: Path) -> Iterator[Archive]:
    """Open a new file for this user only; it appears under its name when it is whole.

    Raises:
        EnvironmentFault: there is such a file already; a backup never takes the place of another.
    """
    if path.exists():
        raise EnvironmentFault(f"{path} is there already.", cure="give the backup another name")
    part = path.with_name(f".{path.name}.part")
    try:
        part.touch(mode=0o600)
        with tarfile.open(part, "w") as tar:
            yield Archive(tar)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def read_contents(path: Path) -> dict[str, Any]:
    """Return the list of contents after every member was read and found to be as it says.

    Raises:
        EnvironmentFault: the file is no backup, is torn, or was changed.
    """
    found: dict[str, str] = {}
    contents: dict[str, Any] | None = None
    try:
        for name, stream in members_of(path):
            data = _Hashed(stream)
            if name == CONTENTS:
                contents = json.loads(data.read())
            else:
                while data.read(_BLOCK):
                    pass
                found[name] = data.digest.hexdigest()
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise _torn(path, type(error).__name__) from None
    if contents is None or contents.get("format") != FORMAT:
        raise _torn(path, "its list of contents is missing")
    if contents["members"] != found:
        raise _torn(path, "its members are not those that it lists")
    return contents


def members_of(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name and bytes of each member in the order of the file; a stream is to be read before the next one."""
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is not None:
                yield member.name, stream


def _torn(path: Path, why: str) -> EnvironmentFault:
    return EnvironmentFault(f"{path} is no whole backup: {why}.", cure="take another backup file")


class _Hashed(io.RawIOBase):
    """A stream that is hashed as it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        return data
