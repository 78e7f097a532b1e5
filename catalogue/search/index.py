"""The search index: a tantivy index beside the database, which stays the truth.

Each process keeps an index of its own and follows the catalogue's change log before each search, so that it reads its own
writes and those of every other process, and no write waits for an index. A broken index is thrown away and built again.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import tantivy
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from catalogue.errors import SearchError, SearchIndexError
from catalogue.model import ChangeLog, Package
from catalogue.search.answer import AnswerCache, Answerer
from catalogue.search.fields import SCHEMA_VERSION, build_analyzers, build_schema, document_of
from catalogue.search.files import IndexFolder, IndexState, is_intact
from catalogue.search.request import SearchPage, SearchRequest, Visibility
from catalogue.search.rows import DatasetRow, all_rows, rows_by_ids
from catalogue.search.synonyms import Lexicon, Synonyms
from catalogue.settings import CatalogueSettings
from catalogue.store import Store

__all__ = ["SearchIndex", "SearchPage", "SearchRequest", "Visibility"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

BATCH = 500
WRITER_BYTES = 32_000_000
GAP_SECONDS = 60  # how long a missing number of the change log may still be committed by a slow writer
INTACT_SECONDS = 60  # how long files that were found whole are believed to be so
WAIT_SECONDS = 60  # how long a search waits for an index that is being built


class _BrokenIndex(Exception):  # noqa: N818  caught in this module only
    """The files of the index cannot be read."""


class SearchIndex:
    """The index of one process; safe to use from many threads."""

    def __init__(self, settings: CatalogueSettings, store: Store) -> None:
        self._store = store
        self._synonyms = Synonyms(settings.synonyms)
        database = hashlib.sha256(settings.effective_database_url.encode()).hexdigest()[:16]
        self._folder = IndexFolder(settings.home / "search", schema=SCHEMA_VERSION, database=database)
        self._lock = threading.RLock()
        self._schema = build_schema()
        self._analyzers = build_analyzers()
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None
        self._state: IndexState | None = None  # null: in memory
        self._mark = (0, 0)
        self._seq = 0
        self._gaps: dict[int, float] = {}
        self._intact_until = 0.0
        self._cache = AnswerCache()

    @property
    def is_in_memory(self) -> bool:
        """Tell whether the home cannot be written, so that each start builds the index anew."""
        return self._state is None

    # ---- asking

    def search(self, request: SearchRequest, *, now: Callable[[], datetime]) -> SearchPage:
        """Return one page of matches, as of the last committed write to the catalogue.

        Raises:
            SearchError: The query cannot be answered as it stands.
            SearchIndexError: The index is being built, or is broken and could not be built again.
        """
        for is_last in (False, True):
            try:
                return self._answered(request, now)
            except _BrokenIndex as error:
                if is_last:
                    raise SearchIndexError("The search index is broken and could not be built again") from error
                _log.warning("the search index is broken; it is built again")
                self._heal()
        raise AssertionError

    def rebuild(self) -> int:
        """Build the index from the database alone, for all processes of this home; return how many datasets it holds."""
        with self._locked():
            if self._index is None:
                self._folder.take()
            return self._build()

    def close(self) -> None:
        """Let go of the files; the index stays for the next start."""
        with self._lock:
            if self._writer is not None:
                _ignoring(self._writer.wait_merging_threads)
            self._writer = self._index = None
            self._folder.release()

    def _answered(self, request: SearchRequest, now: Callable[[], datetime]) -> SearchPage:
        answerer = self._answerer()
        try:
            return _guarded(partial(answerer.answer, request, now))
        except _BrokenIndex as error:
            if self._is_fault_of_query():
                raise SearchError("The query cannot be answered") from error
            raise

    def _is_fault_of_query(self) -> bool:
        """Tell whether the index is whole, so that what failed is what was asked; looked at once a minute at most."""
        if self._state is None or self._index is None:
            return self._index is not None
        if time.monotonic() > self._intact_until and is_intact(self._folder.path(self._state)):
            self._intact_until = time.monotonic() + INTACT_SECONDS
        return time.monotonic() < self._intact_until

    def _answerer(self) -> Answerer:
        with self._locked():
            lexicon = self._lexicon()
            self._follow()
            assert self._index is not None  # noqa: S101  _follow opened it
            searcher = self._index.searcher()
            return Answerer(self._schema, self._analyzers, searcher, lexicon, self._cache)

    def _lexicon(self) -> Lexicon:
        """Return the words that stand for each other; answers that were kept forget them when they change."""
        lexicon, is_new = self._synonyms.current(self._store)
        if is_new:
            self._cache = AnswerCache()
        return lexicon

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            raise SearchIndexError("The search index is being built; try again in some minutes")
        try:
            yield
        finally:
            self._lock.release()

    # ---- following the catalogue

    def _follow(self) -> None:
        """Index what changed since the last time; opens or builds the index when that has not happened yet."""
        if self._index is None:
            self._open()
        elif self._state is not None and self._folder.mark() != self._mark:
            self._take_over()
        with self._store.read() as session:
            newest = session.scalar(select(func.max(ChangeLog.seq))) or 0
            if newest == self._seq and not self._gaps:
                return
            if newest >= self._seq:
                self._follow_to(session)
                return
        self._build()  # another database than the one that was followed, such as a restored one

    def _follow_to(self, session: Session) -> None:
        lines = session.execute(
            select(ChangeLog.seq, ChangeLog.package_id)
            .where(or_(ChangeLog.seq > self._seq, ChangeLog.seq.in_(list(self._gaps))))
            .order_by(ChangeLog.seq)
        ).all()
        changed = list(dict.fromkeys(package_id for _, package_id in lines))
        for position in range(0, len(changed), BATCH):
            ids = changed[position : position + BATCH]
            self._replace(ids, rows_by_ids(session, ids))
        self._note([seq for seq, _ in lines])
        if changed:
            self._commit()

    def _note(self, seqs: Sequence[int]) -> None:
        """Remember how far the log was read, and which numbers a slow writer may still fill in."""
        deadline = time.monotonic() + GAP_SECONDS
        seen = set(seqs)
        newest = max([*seqs, self._seq])
        if self._seq and newest - self._seq < BATCH:
            missing = set(range(self._seq + 1, newest + 1)) - seen
            self._gaps |= dict.fromkeys(missing, deadline)
        now = time.monotonic()
        self._gaps = {seq: until for seq, until in self._gaps.items() if seq not in seen and until > now}
        self._seq = newest

    def _replace(self, ids: Iterable[str], rows: Iterable[DatasetRow]) -> None:
        writer = self._writer
        assert writer is not None  # noqa: S101  only called on an open index

        def write() -> None:
            for package_id in ids:
                writer.delete_documents_by_term("id", package_id)
            for row in rows:
                writer.add_document(document_of(row))

        _guarded(write)

    def _commit(self) -> None:
        """Make what was written visible, then note how far the log was followed: in doubt a line is read twice."""
        assert self._writer is not None  # noqa: S101  only called on an open index
        assert self._index is not None  # noqa: S101
        _guarded(self._writer.commit)
        _guarded(self._index.reload)
        self._cache = AnswerCache()
        if self._state is not None:
            seq = min([self._seq, *(gap - 1 for gap in self._gaps)])
            self._state = replace(self._state, seq=seq)
            _guarded(partial(self._folder.save, self._state))

    # ---- opening and building

    def _open(self) -> None:
        """Take up the index where the last process left it, or another process's, or build one."""
        if not self._folder.take():
            _log.info("the folder of the search index cannot be written; this process keeps its own index in memory")
            self._build_in_memory()
            return
        self._mark = self._folder.mark()
        own = self._folder.state()
        if own is not None and is_intact(self._folder.path(own)) and self._resume(own):
            return
        with self._folder.building():  # whoever waited here finds the index of the one that built it
            self._mark = self._folder.mark()
            if not self._resume(self._folder.copy_of_another()):
                self._build(is_alone=True)

    def _resume(self, state: IndexState | None) -> bool:
        if state is None:
            return False
        try:
            _guarded(lambda: self._use(tantivy.Index(self._schema, path=str(self._folder.path(state)))))
            with self._store.read() as session:
                lines = session.scalar(select(func.count()).select_from(ChangeLog).where(ChangeLog.seq > state.seq))
                stored = session.scalar(select(func.count()).select_from(Package))
        except _BrokenIndex:
            return False
        assert self._index is not None  # noqa: S101  _use set it
        if not lines and self._index.searcher().num_docs != stored:
            return False
        self._state, self._seq, self._gaps = state, state.seq, {}
        return True

    def _take_over(self) -> None:
        """Go over to the generation that another process put in force."""
        self._mark = self._folder.mark()
        generation = self._folder.generation()
        if self._state is None or generation in {None, self._state.generation}:
            return
        if not self._resume(self._folder.copy_of_another()):
            self._build()

    def _heal(self) -> None:
        """Replace a broken index: by the one of a process that built it meanwhile, else by a new one."""
        with self._locked():
            self._index = self._writer = None
            broken = self._state.generation if self._state else None
            if not self._folder.take():
                self._build_in_memory()
                return
            with self._folder.building():
                self._mark = self._folder.mark()
                is_replaced = self._folder.generation() not in {None, broken}
                if not (is_replaced and self._resume(self._folder.copy_of_another())):
                    self._build(is_alone=True)

    def _build(self, *, is_alone: bool = False) -> int:
        """Build a new generation of the index and put it in force in this home."""
        if not is_alone and self._state is None and self._index is not None:
            return self._build_in_memory()
        if not is_alone:
            try:
                with self._folder.building():
                    return self._build(is_alone=True)
            except OSError:
                return self._build_in_memory()
        self._index = self._writer = self._state = None
        path: Path = _guarded(self._folder.fresh)
        _guarded(lambda: self._use(tantivy.Index(self._schema, path=str(path))))
        count = self._fill()
        generation = uuid.uuid4().hex
        self._folder.put_in_force(generation)
        self._state = IndexState(self._folder.schema, self._folder.database, generation, path.name, self._seq)
        self._folder.save(self._state)
        self._mark = self._folder.mark()
        return count

    def _build_in_memory(self) -> int:
        self._state = None
        self._use(tantivy.Index(self._schema))
        return self._fill()

    def _use(self, index: tantivy.Index) -> None:
        for name, analyzer in self._analyzers.items():
            index.register_tokenizer(name, analyzer)
        self._writer = index.writer(WRITER_BYTES, 1)
        self._index = index
        self._cache = AnswerCache()

    def _fill(self) -> int:
        """Index the whole database into the empty index."""
        count = 0
        with self._store.read() as session:
            self._seq = session.scalar(select(func.max(ChangeLog.seq))) or 0
            self._gaps = {}
            for rows in all_rows(session):
                self._replace([], rows)
                count += len(rows)
        self._commit()
        return count


def _is_index_fault(error: BaseException) -> bool:
    """Tell whether an exception comes from inside the index; panics of its library are no Exceptions."""
    return isinstance(error, ValueError | OSError | RuntimeError) or type(error).__name__ == "PanicException"


def _guarded(act: Callable[[], _T]) -> _T:
    """Do something with the index, and say so when its files are broken."""
    try:
        return act()
    except BaseException as error:
        if _is_index_fault(error):
            raise _BrokenIndex(str(error)) from error
        raise


def _ignoring(act: Callable[[], object]) -> None:
    try:
        _guarded(act)
    except _BrokenIndex:
        _log.info("the search index was broken when it was closed; the next start looks after it")
