"""Open read-only connections that wait for the next reader: opening a file costs more than a small query."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

IDLE_FILES = 64
IDLE_OF_ONE_FILE = 4
_MAPPED_BYTES = 256 * 2**20

Key = tuple[str, ...]


def file_uri(path: Path) -> str:
    """Return the SQLite address of a file that nobody changes."""
    return f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"


def open_immutable(path: Path, words: Path | None = None) -> sqlite3.Connection:
    """Open a file that nobody changes, and beside it, as `side`, its index of words."""
    connection = sqlite3.connect(file_uri(path), uri=True, check_same_thread=False, isolation_level=None)
    connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
    if words is not None:
        connection.execute("ATTACH ? AS side", (file_uri(words),))
    return connection


class Connections:
    """Idle connections by file, least recently used files closed first."""

    def __init__(self) -> None:
        self._idle: OrderedDict[Key, list[sqlite3.Connection]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def lease(self, path: Path, words: Path | None = None) -> Iterator[sqlite3.Connection]:
        """Lend a connection to a file that nobody changes."""
        key = (str(path), str(words or ""))
        with self.lease_opened(key, lambda: open_immutable(path, words)) as connection:
            yield connection

    @contextmanager
    def lease_opened(self, key: Key, opened: Callable[[], sqlite3.Connection]) -> Iterator[sqlite3.Connection]:
        """Lend a connection to the files of the key; one on which something failed is not lent again."""
        with self._lock:
            idle = self._idle.get(key)
            connection = idle.pop() if idle else None
        connection = connection or opened()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._take_back(key, connection)

    def _take_back(self, key: Key, connection: sqlite3.Connection) -> None:
        surplus: list[sqlite3.Connection] = []
        with self._lock:
            idle = self._idle.setdefault(key, [])
            self._idle.move_to_end(key)
            (idle if len(idle) < IDLE_OF_ONE_FILE else surplus).append(connection)
            while len(self._idle) > IDLE_FILES:
                surplus += self._idle.popitem(last=False)[1]
        for one in surplus:
            one.close()

    def forget(self, path: Path) -> None:
        """Close what is idle of a file that was removed, or of all files in a folder."""
        with self._lock:
            keys = [key for key in self._idle if any(path in (Path(part), *Path(part).parents) for part in key)]
            idle = [one for key in keys for one in self._idle.pop(key)]
        for one in idle:
            one.close()
