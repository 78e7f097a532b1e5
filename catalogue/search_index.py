"""The search index: a tantivy index beside the database, which stays the truth.

Each process keeps an index of its own and follows the catalogue's change log before each search, so that it reads its own
writes and those of every other process. A broken index is thrown away and built again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import tantivy
from sqlalchemy import func, or_, select

from catalogue.errors import SearchIndexError
from catalogue.model import ChangeLog, Package
from catalogue.packages import everything, packages_by_ids
from catalogue.query import MatchAll, Node
from catalogue.search_compile import Compiler, is_scored
from catalogue.search_fields import EXACT_FIELDS, SCHEMA_VERSION, build_analyzers, build_schema, document_of, json_key
from catalogue.search_order import SCORE, SortKey, page_of_ids
from catalogue.settings import CatalogueSettings
from catalogue.store import Store

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

BATCH = 500
WRITER_BYTES = 32_000_000
MOST_FACET_VALUES = 65_000
GAP_SECONDS = 60  # how long a missing number of the change log may still be committed by a slow writer


@dataclass(frozen=True)
class Visibility:
    """What the caller may find beside active public datasets; stands outside whatever the caller's query says.

    Attributes:
        user_id: Owner of the drafts and deleted datasets that may be found; null for anonymous callers.
        organizations: Ids of organizations whose private datasets may be found.
        is_unlimited: Sysadmin: all private, draft and deleted datasets that were asked for.
    """

    user_id: str | None = None
    organizations: tuple[str, ...] = ()
    is_unlimited: bool = False
    include_private: bool = False
    include_drafts: bool = False
    include_deleted: bool = False


PUBLIC_ONLY = Visibility()
EVERYTHING = MatchAll()


@dataclass(frozen=True)
class SearchRequest:
    """One question to the index."""

    query: Node = EVERYTHING
    filters: tuple[Node, ...] = ()
    visibility: Visibility = PUBLIC_ONLY
    sort: tuple[SortKey, ...] = ()
    start: int = 0
    rows: int = 10
    facets: tuple[str, ...] = ()
    facet_limit: int = 50
    facet_mincount: int = 1


@dataclass(frozen=True)
class SearchPage:
    """The answer: how many datasets match, the ids of one page, and counts per value of each facet field."""

    count: int
    ids: list[str]
    facets: dict[str, dict[str, int]]


class _BrokenIndex(Exception):  # noqa: N818  caught in this module only
    """The files of the index cannot be read."""


class SearchIndex:
    """The index of one process; safe to use from many threads."""

    def __init__(self, settings: CatalogueSettings, store: Store) -> None:
        self._store = store
        self._folder = settings.home / "search"
        self._database = hashlib.sha256(settings.effective_database_url.encode()).hexdigest()[:16]
        self._lock = threading.RLock()
        self._schema = build_schema()
        self._analyzers = build_analyzers()
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None
        self._in_memory = False
        self._seq = 0
        self._gaps: dict[int, float] = {}

    # ---- asking

    def search(self, request: SearchRequest, *, now: Callable[[], datetime]) -> SearchPage:
        """Return one page of matches, as of the last committed write to the catalogue.

        Raises:
            SearchError: The query cannot be answered as it stands.
            SearchIndexError: The index is broken and could not be built again.
        """
        try:
            return self._answer(request, now)
        except _BrokenIndex:
            _log.warning("the search index is broken; it is built again")
            self.rebuild()
        try:
            return self._answer(request, now)
        except _BrokenIndex as error:
            raise SearchIndexError("The search index is broken and could not be built again") from error

    def catch_up(self) -> None:
        """Bring the index up to the last line of the catalogue's change log."""
        try:
            with self._lock:
                self._follow()
        except _BrokenIndex:
            self.rebuild()

    def rebuild(self) -> int:
        """Build the index of this process from the database alone; return how many datasets it holds."""
        with self._lock:
            if self._index is None:
                self._open()  # takes the folder's lock: an index that another process uses is not thrown away
            self._discard()
            self._open()
            return self._fill()

    def close(self) -> None:
        """Let go of the files; the index stays for the next start."""
        with self._lock:
            if self._writer is not None:
                _guarded(self._writer.wait_merging_threads)
            self._writer = self._index = None

    def _answer(self, request: SearchRequest, now: Callable[[], datetime]) -> SearchPage:
        with self._lock:
            self._follow()
            assert self._index is not None  # noqa: S101  _follow opened it
            searcher = self._index.searcher()
        compiler = Compiler(self._schema, self._analyzers, searcher, now)
        query = _with_filters(
            compiler.compile(request.query),
            [compiler.compile(node) for node in request.filters],
            self._visible(request.visibility),
        )
        keys = [key for key in request.sort if key.field != SCORE or is_scored(request.query)]
        return _guarded(
            lambda: SearchPage(
                count=_count(searcher, query),
                ids=page_of_ids(searcher, query, keys, start=request.start, rows=request.rows) if request.rows else [],
                facets={name: _facet(searcher, query, name, request) for name in request.facets},
            )
        )

    def _visible(self, who: Visibility) -> tantivy.Query:
        """Return the query of all datasets that the caller may find."""
        ways = [self._all_of(state="active", capacity="public")]
        if who.include_private and who.is_unlimited:
            ways.append(self._all_of(state="active", capacity="private"))
        elif who.include_private and who.organizations:
            own = tantivy.Query.term_set_query(self._schema, "owner_org", list(who.organizations))
            ways.append(_every([self._all_of(state="active", capacity="private"), own]))
        for state, is_wanted in (("draft", who.include_drafts), ("deleted", who.include_deleted)):
            if is_wanted and who.is_unlimited:
                ways.append(self._all_of(state=state))
            elif is_wanted and who.user_id:
                ways.append(self._all_of(state=state, creator_user_id=who.user_id))
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, way) for way in ways])

    def _all_of(self, **values: str) -> tantivy.Query:
        return _every([tantivy.Query.term_query(self._schema, name, value) for name, value in values.items()])

    # ---- following the catalogue

    def _follow(self) -> None:
        """Index what changed since the last time; opens or builds the index when that has not happened yet."""
        if self._index is None:
            self._open()
            if not self._resume():
                self._fill()
        with self._store.read() as session:
            newest = session.scalar(select(func.max(ChangeLog.seq))) or 0
            if newest == self._seq and not self._gaps:
                return
            if newest < self._seq:  # another database than the one that was followed, such as a restored one
                self._discard()
                self._open()
                self._fill()
                return
            lines = session.execute(
                select(ChangeLog.seq, ChangeLog.package_id)
                .where(or_(ChangeLog.seq > self._seq, ChangeLog.seq.in_(list(self._gaps))))
                .order_by(ChangeLog.seq)
            ).all()
            changed = list(dict.fromkeys(package_id for _, package_id in lines))
            for position in range(0, len(changed), BATCH):
                ids = changed[position : position + BATCH]
                self._replace(ids, packages_by_ids(session, ids))
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

    def _fill(self) -> int:
        """Index the whole database into the empty index."""
        count = 0
        with self._store.read() as session:
            self._seq = session.scalar(select(func.max(ChangeLog.seq))) or 0
            self._gaps = {}
            statement = select(Package).options(*everything()).order_by(Package.id)
            last = ""
            while packages := list(session.scalars(statement.where(Package.id > last).limit(BATCH))):
                self._replace([], packages)
                count += len(packages)
                last = packages[-1].id
                session.expunge_all()
        self._commit()
        return count

    def _replace(self, ids: Iterable[str], packages: Iterable[Package]) -> None:
        writer = self._writer
        assert writer is not None  # noqa: S101  only called on an open index

        def write() -> None:
            for package_id in ids:
                writer.delete_documents_by_term("id", package_id)
            for package in packages:
                writer.add_document(document_of(package))

        _guarded(write)

    def _commit(self) -> None:
        """Make what was written visible, then note how far the log was followed: in doubt a line is read twice."""
        assert self._writer is not None  # noqa: S101  only called on an open index
        assert self._index is not None  # noqa: S101
        _guarded(self._writer.commit)
        _guarded(self._index.reload)
        if not self._in_memory:
            seq = min([self._seq, *(gap - 1 for gap in self._gaps)])
            part = self._state_path.with_suffix(".part")
            part.write_text(json.dumps({"schema": SCHEMA_VERSION, "database": self._database, "seq": seq}))
            part.replace(self._state_path)

    # ---- files

    @property
    def _state_path(self) -> Path:
        return self._folder / "state.json"

    def _open(self) -> None:
        """Open the index in the folder; in memory while another process has it, or when the folder cannot be written."""
        path = self._folder / "index"
        for is_last in (False, True):
            try:
                path.mkdir(parents=True, exist_ok=True)
                self._use(tantivy.Index(self._schema, path=str(path)))
            except BaseException as error:
                if not _is_index_fault(error):
                    raise
                if is_last or "lock" in str(error).lower():
                    _log.info("the folder of the search index is taken; this process keeps its own index in memory")
                    break
                self._remove_files()
            else:
                self._in_memory = False
                return
        self._use(tantivy.Index(self._schema))
        self._in_memory = True

    def _use(self, index: tantivy.Index) -> None:
        for name, analyzer in self._analyzers.items():
            index.register_tokenizer(name, analyzer)
        self._writer = index.writer(WRITER_BYTES, 1)
        self._index = index

    def _resume(self) -> bool:
        """Take up where the last process stopped; false when the index must be filled from the start."""
        if self._in_memory:
            return False
        try:
            state = json.loads(self._state_path.read_text())
            is_ours = state["schema"] == SCHEMA_VERSION and state["database"] == self._database
            seq = int(state["seq"])
        except (OSError, ValueError, KeyError, TypeError):
            is_ours, seq = False, 0
        if is_ours:
            self._seq = seq
            return True
        self._empty()
        return False

    def _empty(self) -> None:
        assert self._writer is not None  # noqa: S101  only called on an open index
        _guarded(self._writer.delete_all_documents)
        _guarded(self._writer.commit)

    def _discard(self) -> None:
        """Throw the index away, broken or not."""
        self._index = self._writer = None
        if not self._in_memory:
            self._remove_files()

    def _remove_files(self) -> None:
        shutil.rmtree(self._folder / "index", ignore_errors=True)
        with contextlib.suppress(OSError):
            self._state_path.unlink(missing_ok=True)


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


def _every(queries: Iterable[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])


def _with_filters(query: tantivy.Query, filters: Sequence[tantivy.Query], visible: tantivy.Query) -> tantivy.Query:
    """Return the query with filters that do not change the rank."""
    return _every([query, *(tantivy.Query.const_score_query(other, 0.0) for other in (*filters, visible))])


def _count(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    found: Any = searcher.search(query, limit=1)  # the library's types leave the count out
    return int(found.count)


def _facet(searcher: tantivy.Searcher, query: tantivy.Query, name: str, request: SearchRequest) -> dict[str, int]:
    """Return counts per value, the most frequent first; a custom key is a field like any other."""
    field = name if name in EXACT_FIELDS else f"facets.{json_key(name)}"
    terms: dict[str, Any] = {"field": field, "size": MOST_FACET_VALUES}
    buckets = searcher.aggregate(query, {"values": {"terms": terms}})["values"]["buckets"]
    counted = [(str(b["key"]), int(b["doc_count"])) for b in buckets if b["key"] != ""]
    ranked = sorted(counted, key=lambda pair: (-pair[1], pair[0]))
    limit = len(ranked) if request.facet_limit < 0 else request.facet_limit
    return {value: count for value, count in ranked[:limit] if count >= request.facet_mincount}
