"""A gzip file of text, an eighth of zlib's work; its header carries neither time nor name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from isal import isal_zlib

from publisher.formats.whole_file import whole_file

GZIP_LEVEL = 2
_GZIP_CONTAINER = 31


@contextmanager
def gzip_file(output: Path) -> Iterator[Callable[[bytes], None]]:
    """Give the function that writes; the same text in the same pieces gives the same bytes.

    Raises:
        StorageError: the file cannot be written.
    """
    gzip = isal_zlib.compressobj(GZIP_LEVEL, wbits=_GZIP_CONTAINER)
    with whole_file(output) as part, part.open("wb") as file:

        def write(text: bytes) -> None:
            file.write(gzip.compress(text))

        yield write
        file.write(gzip.flush())
