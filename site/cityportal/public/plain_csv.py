"""The plain CSV of a released `<table>.csv.gz`, under `<table>.csv`: the same bytes, unpacked on their way.

Who takes gzip, as every browser does, gets the released bytes themselves with `Content-Encoding: gzip`. Others get text whose
length nobody knows before it has been unpacked: without Content-Length, and without parts, since a part from the middle would mean
unpacking all before it each time. A download that shall go on after a break is the `.csv.gz`, which has both.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from flask import Response, request
from isal import isal_zlib
from isal.igzip_lib import IsalError

from catalogue.errors import NotFound
from catalogue.files.released_files import FilesUnavailable, ReleasedFile, ReleasedFiles

PACKED = ".gz"
_GZIP_CONTAINER = 31
_PIECE_BYTES = 1 << 20


def file_or_packed(files: ReleasedFiles, dataset: str, release: str, name: str) -> ReleasedFile:
    """Return the file of this name, or for a CSV that was released gzipped alone, that one.

    Raises:
        NotFound: the release has neither.
        FilesUnavailable: the storage does not answer.
    """
    try:
        return files.info(dataset, release, name)
    except NotFound:
        if not name.endswith(".csv"):
            raise
        return files.info(dataset, release, name + PACKED)


def plain_csv(files: ReleasedFiles, packed: ReleasedFile) -> Any:
    """Answer the request with the text of a gzipped CSV file."""
    takes_gzip = request.accept_encodings["gzip"] > 0
    answer: Any = Response(content_type="text/csv; charset=utf-8")
    answer.automatically_set_content_length = False  # the answer to HEAD would say that the text is empty
    answer.set_etag(f"{packed.etag}-{'gzip' if takes_gzip else 'text'}")
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Accept-Ranges"] = "none"
    answer.headers["Content-Disposition"] = f"attachment; filename={packed.name.removesuffix(PACKED)}"
    if takes_gzip:
        answer.headers["Content-Encoding"] = "gzip"
        answer.content_length = packed.size_bytes
        if packed.sha256:
            answer.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(packed.sha256)).decode()}:"
    if answer.get_etag()[0] in request.if_none_match:
        answer.status_code = 304
        del answer.headers["Content-Length"]
        return answer
    if request.method != "HEAD":
        content = files.stream(packed.dataset, packed.release, packed.name)
        answer.response = content if takes_gzip else _unpacked(content)
    return answer


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the text; a file that ends too early breaks the answer off, so that nobody takes it for whole.

    Raises:
        FilesUnavailable: what is stored is not a whole gzip file.
    """
    gzip = isal_zlib.decompressobj(_GZIP_CONTAINER)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if text := gzip.decompress(rest, _PIECE_BYTES):
                    yield text
                rest = gzip.unused_data if gzip.eof else gzip.unconsumed_tail
                if gzip.eof and rest:  # a gzip file may have several members
                    gzip = isal_zlib.decompressobj(_GZIP_CONTAINER)
        if text := gzip.flush():
            yield text
    except IsalError as error:  # type: ignore[misc]  # isal types the class as an instance of it
        raise FilesUnavailable("a released CSV file is not gzip") from error
    if not gzip.eof:
        raise FilesUnavailable("a released CSV file ends too early")
