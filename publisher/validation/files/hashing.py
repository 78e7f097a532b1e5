"""MD5 and SHA-256 of a file, computed beside the checks from the blocks that they read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from publisher.validation.files.blocks import Block

_WAITING = 4


class FileHashes:
    """The two hashes that Frictionless reports; bytes are added in order and hashed by a thread of their own."""

    def __init__(self, head: bytes) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1)
        self._waiting: list[Future[None]] = []
        self._add(head)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def of(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield the blocks on, adding the bytes of each."""
        for block in blocks:
            if block.content is not None:
                self._add(block.content)
            yield block

    def digests(self) -> tuple[str, str]:
        """Return MD5 and SHA-256 of all bytes added, in hexadecimal."""
        for waiting in self._waiting:
            waiting.result()
        return self._md5.hexdigest(), self._sha256.hexdigest()

    def _add(self, content: bytes) -> None:
        self.size += len(content)
        if len(self._waiting) >= _WAITING:
            self._waiting.pop(0).result()
        self._waiting.append(self._pool.submit(self._hash, content))

    def _hash(self, content: bytes) -> None:
        self._md5.update(content)
        self._sha256.update(content)
