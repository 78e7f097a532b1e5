"""Documents that were written lately: the same question gets the same bytes until the catalogue changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from catalogue.web.documents import Draft

LARGEST_BYTES = 32 * 1024 * 1024
LONGEST_KEY = 20_000  # letters: what is kept must not be more question than answer
_MOVES_WITH_TIME = "NOW"  # date math of the search: what it finds changes while nothing else does


@dataclass(frozen=True)
class _Kept:
    seq: int
    draft: Draft
    body: bytes


class DocumentCache:
    """Keeps what was asked for last, up to a number of bytes; for use by many threads."""

    def __init__(self, largest_bytes: int = LARGEST_BYTES) -> None:
        self.largest_bytes = largest_bytes
        self.size_bytes = 0
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._by_tag: dict[str, Hashable] = {}
        self._lock = threading.Lock()

    def find(self, key: Hashable, seq: int) -> tuple[Draft, bytes] | None:
        """Return the document of a question, null when the change log has grown since it was written."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.seq != seq:
                return None
            self._kept.move_to_end(key)
            return kept.draft, kept.body

    def body_of(self, etag: str) -> bytes | None:
        """Return the bytes under an ETag: something changed, but not this document."""
        with self._lock:
            kept = self._kept.get(self._by_tag.get(etag, ""))
            return kept.body if kept is not None else None

    def keep(self, key: Hashable, seq: int, draft: Draft, body: bytes) -> None:
        """Keep a document, and let go of those that nobody asked for the longest time."""
        name = str(key)
        if len(body) > self.largest_bytes or len(name) > LONGEST_KEY or _MOVES_WITH_TIME in name:
            return
        with self._lock:
            self._drop(key)
            # The draft holds everything that the document was made of; only its head is kept.
            head = Draft(draft.media_type, draft.etag, draft.modified, bytes, draft.links)
            self._kept[key] = _Kept(seq, head, body)
            self._by_tag[draft.etag] = key
            self.size_bytes += len(body)
            while self.size_bytes > self.largest_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.size_bytes -= len(kept.body)
        if self._by_tag.get(kept.draft.etag) == key:
            del self._by_tag[kept.draft.etag]
