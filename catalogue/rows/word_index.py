"""An index of words for a released table, in a file of its own beside the local copy, which itself never changes.

FTS5 without the texts; it is made once per release, in a thread of its own, when somebody first searches words.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from catalogue.errors import ValidationError
from catalogue.rows.connections import file_uri
from catalogue.rows.row_table import quoted

_log = logging.getLogger(__name__)

SUFFIX = ".words"
WAIT_SECONDS = 20.0
COMMON_WORD_ROWS = 500  # how often words that rarely matter for speed occur is counted when it is asked
TOKENIZER = "unicode61 remove_diacritics 2"
BEING_MADE = "The words of this table are being indexed; ask again in a minute"


def words_sql(expression: str) -> str:
    """Return the SQL of a value as it is indexed: `đ`, which has no accent to remove, becomes `d`."""
    return f"replace(replace({expression}, 'đ', 'd'), 'Đ', 'D')"


def create_words(connection: sqlite3.Connection, columns: Sequence[str]) -> None:
    """Create the empty index `words` with columns of these plain names."""
    connection.execute(
        f"CREATE VIRTUAL TABLE words USING fts5({', '.join(columns)}, content = '', tokenize = '{TOKENIZER}')"
    )


class WordIndexes:
    """The indexes of one folder, made by one thread of one process at a time."""

    def __init__(self) -> None:
        self._at_work: dict[Path, threading.Event] = {}
        self._guard = threading.Lock()

    def wanted(self, source: Path, target: Path, *, table: str, columns: Sequence[str]) -> Path:
        """Return the file with the index of a table, after it was made.

        Args:
            source: file with the table.
            target: file of the index.
            table: name of the table.
            columns: names of its columns; `c0` of the index is the first.

        Raises:
            ValidationError: making it takes longer than a caller should wait; it goes on meanwhile.
        """
        if target.exists():
            return target
        with self._guard:
            done = self._at_work.get(target)
            if done is None:
                done = self._at_work[target] = threading.Event()
                work = (source, target, table, tuple(columns), done)
                threading.Thread(target=self._make, args=work, name="words", daemon=True).start()
        if not done.wait(WAIT_SECONDS) or not target.exists():
            raise ValidationError({"q": [BEING_MADE]})
        return target

    def _make(self, source: Path, target: Path, table: str, columns: tuple[str, ...], done: threading.Event) -> None:
        try:
            with (target.parent / ".words.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not target.exists():
                    build(source, target, table=table, columns=columns)
                    _log.info("indexed the words of %s", table)
        except (OSError, sqlite3.Error) as error:
            _log.warning("the words of %s could not be indexed: %s", table, type(error).__name__)
        finally:
            with self._guard:
                self._at_work.pop(target, None)
            done.set()


def build(source: Path, target: Path, *, table: str, columns: Sequence[str]) -> None:
    """Write the index of a table; the file appears whole or not at all. Reads every row once."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(f"file:{part}", uri=True, isolation_level=None)) as database:
            for setting in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
                database.execute(f"PRAGMA {setting}")
            database.execute("ATTACH ? AS released", (file_uri(source),))
            _fill(database, table, columns)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _fill(database: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
    database.execute("BEGIN")
    plain = [f"c{number}" for number in range(len(columns))]
    create_words(database, plain)
    names = ", ".join(plain)
    values = ", ".join(words_sql(quoted(column)) for column in columns)
    database.execute(
        f"INSERT INTO words (rowid, {names}) SELECT rowid, {values} FROM released.{quoted(table)} ORDER BY rowid"  # noqa: S608  names are quoted
    )
    database.execute("INSERT INTO words (words) VALUES ('optimize')")
    database.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row)")
    database.execute("CREATE TABLE terms (term TEXT PRIMARY KEY, doc, cnt) WITHOUT ROWID")
    database.execute("INSERT INTO terms SELECT term, doc, cnt FROM vocabulary WHERE doc >= ?", (COMMON_WORD_ROWS,))
    database.execute("DROP TABLE vocabulary")
    database.execute("COMMIT")
