"""Where search indexes lie on disk: one folder a process, so that none waits for another.

::

    search/generation.json     which building of the index is in force in this home
    search/build.lock          held while an index is built from the database; the others wait and copy it
    search/0/lock              held by the process whose index lies beside it
    search/0/state.json        schema, database, generation, folder of the index, last line of the change log
    search/0/index-<id>/       the files of the index

Files of an index never change once written, so a further process starts with hard links to the files of a running one: no
time, no disk, and one copy in memory. `phusa reindex` builds a new generation; the others see it and take it over.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import struct
import uuid
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

MOST_PROCESSES = 256
_TRIES = 5
_FOOTER = 1337  # the last four bytes of every file of an index


@dataclass(frozen=True)
class IndexState:
    """What an index on disk was made from, and how far it followed the change log."""

    schema: int
    database: str
    generation: str
    folder: str
    seq: int


class IndexFolder:
    """The folder of this process's index, and what it may see of the others'."""

    def __init__(self, root: Path, *, schema: int, database: str) -> None:
        self.root = root
        self.schema = schema
        self.database = database
        self._lock: weakref.finalize[[int], IndexFolder] | None = None
        self._own = root

    def take(self) -> bool:
        """Take a folder that no running process has; false where nothing can be written."""
        self.release()
        for number in range(MOST_PROCESSES):
            own = self.root / str(number)
            try:
                own.mkdir(parents=True, exist_ok=True)
                lock = os.open(own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError:
                return False
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            self._lock, self._own = weakref.finalize(self, os.close, lock), own
            return True
        return False

    def release(self) -> None:
        """Let another process have the folder; a further copy of the index in force is removed."""
        if self._lock is None:
            return
        if self._own.name != "0" and self._others_in_force():
            shutil.rmtree(self._own, ignore_errors=True)
        self._lock()
        self._lock = None

    def generation(self) -> str | None:
        """Return which building of the index is in force; null before the first one."""
        try:
            told = json.loads((self.root / "generation.json").read_text())
            is_ours = told["schema"] == self.schema and told["database"] == self.database
            return str(told["generation"]) if is_ours else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def mark(self) -> tuple[int, int]:
        """Return what changes whenever another generation comes into force; cheap enough for every search."""
        try:
            told = os.stat(self.root / "generation.json")  # noqa: PTH116  a path object costs as much as the call
        except OSError:
            return (0, 0)
        return (told.st_ino, told.st_mtime_ns)

    def put_in_force(self, generation: str) -> None:
        """Let all processes of this home take over this generation."""
        told = {"schema": self.schema, "database": self.database, "generation": generation}
        _write(self.root / "generation.json", told)

    def state(self) -> IndexState | None:
        """Return the state of this process's index when it is of the generation in force, else null."""
        return self._state_in(self._own)

    def save(self, state: IndexState) -> None:
        """Note the state of this process's index."""
        _write(self._own / "state.json", asdict(state))

    def path(self, state: IndexState) -> Path:
        """Return the folder of this process's index."""
        return self._own / state.folder

    def fresh(self) -> Path:
        """Return a new empty folder for an index; older ones of this process are removed."""
        for old in self._own.glob("index-*"):
            shutil.rmtree(old, ignore_errors=True)
        folder = self._own / f"index-{uuid.uuid4().hex[:12]}"
        folder.mkdir(parents=True)
        return folder

    def copy_of_another(self) -> IndexState | None:
        """Take over the newest index of the generation in force from another process; null when there is none."""
        for _ in range(_TRIES):  # the other one may drop a file while it is copied
            others = sorted(self._others_in_force(), key=lambda found: found[1].seq)
            if not others:
                return None
            other, state = others[-1]
            target = self.fresh()
            if _linked(other / state.folder, target):
                copied = IndexState(state.schema, state.database, state.generation, target.name, state.seq)
                self.save(copied)
                return copied
        return None

    @contextlib.contextmanager
    def building(self) -> Iterator[None]:
        """Hold back other processes that would build an index at the same time."""
        with (self.root / "build.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _others_in_force(self) -> list[tuple[Path, IndexState]]:
        found = []
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            state = self._state_in(folder) if folder.name.isdigit() and folder != self._own else None
            if state is not None:
                found.append((folder, state))
        return found

    def _state_in(self, folder: Path) -> IndexState | None:
        try:
            state = IndexState(**json.loads((folder / "state.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        is_ours = state.schema == self.schema and state.database == self.database
        return state if is_ours and isinstance(state.seq, int) and state.generation == self.generation() else None


def _linked(source: Path, target: Path) -> bool:
    """Link all files that an index needs; false when the source changed meanwhile.

    The list of segments is copied first: files that come later are not in it and do no harm, files that it names and that
    are gone show in the second reading of it.
    """
    try:
        listed = (source / "meta.json").read_bytes()
        for path in source.iterdir():
            if path.name not in {"meta.json", ".managed.json"} and path.suffix != ".lock":
                with contextlib.suppress(FileNotFoundError):
                    _link(path, target / path.name)
        if (source / "meta.json").read_bytes() != listed:
            shutil.rmtree(target, ignore_errors=True)
            return False
        (target / "meta.json").write_bytes(listed)
        names = sorted(path.name for path in target.iterdir())
        (target / ".managed.json").write_text(json.dumps(names))
    except OSError:
        shutil.rmtree(target, ignore_errors=True)
        return False
    return True


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def is_intact(folder: Path) -> bool:
    """Tell whether every file of an index still has the checksum in its last bytes, and none that it needs is absent."""
    try:
        segments = json.loads((folder / "meta.json").read_text())["segments"]
        names = {path.name: path for path in folder.iterdir() if path.suffix not in {".json", ".lock"}}
        needed = {segment["segment_id"].replace("-", "") for segment in segments}
        if not needed <= {Path(name).stem for name in names if name.endswith(".store")}:
            return False
        return all(_has_its_checksum(names[name]) for name in names if name.partition(".")[0] in needed)
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return False


def _has_its_checksum(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        length, magic = struct.unpack("<II", file.read(8))
        if magic != _FOOTER or length > size - 8:
            return False
        file.seek(size - 8 - length)
        checksum = json.loads(file.read(length))["crc"]
        file.seek(0)
        left, found = size - 8 - length, 0
        while left > 0:
            block = file.read(min(left, 1 << 20))
            left, found = left - len(block), zlib.crc32(block, found)
            if not block:
                return False
    return bool(found == checksum)


def _write(path: Path, told: dict[str, object]) -> None:
    part = path.with_suffix(f".{uuid.uuid4().hex[:8]}.part")
    try:
        part.write_text(json.dumps(told))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
