"""What an uploaded file is called and what it is: safe names, media types by name and by content. All functions are pure."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from pathlib import PurePosixPath

from catalogue.folding import folded
from catalogue.formats_table import media_type_of_url

MAX_NAME = 100
HEAD_BYTES = 512  # enough of a file to recognise it
BINARY = "application/octet-stream"
IMAGE_TYPES = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}
_MAX_SUFFIX = 20
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
)
_COMPRESSED = {".gz": "application/gzip", ".bz2": "application/x-bzip2", ".xz": "application/x-xz"}
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|\?xml|!--|[a-z])", re.IGNORECASE)
_ACTIVE = re.compile(r"html|xml|svg|javascript|ecmascript|x-shockwave|multipart/|message/")


def safe_file_name(written: str) -> str:
    """Return the name under which an uploaded file is stored and served.

    Lower case, Latin letters without accents (`đ` is `d`), blanks as dashes, everything else dropped; no folders, at most
    100 characters of which the end keeps the extension; `file` stands for a name of which nothing is left.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFKC", written))[-1]
    kept = re.sub(r"[^a-z0-9_.-]", "", re.sub(r"\s+", "-", folded(last).strip()))
    plain = re.sub(r"-{2,}", "-", re.sub(r"\.{2,}", ".", kept)).strip(".-")
    path = PurePosixPath(plain or "file")
    suffix = path.suffix[:_MAX_SUFFIX]
    stem = path.stem[: MAX_NAME - len(suffix)].strip(".-") or "file"
    return stem + suffix


def shown_media_type(file_name: str, head: bytes) -> str:
    """Return the media type that a resource shows: of the name, a compression aside, else of the content."""
    return media_type_of_url(file_name) or sniffed_media_type(head) or BINARY


def served_media_type(file_name: str, head: bytes) -> str:
    """Return the media type with which the bytes are served: a compressed table is a compressed file."""
    suffix = PurePosixPath(file_name).suffix
    return _COMPRESSED.get(suffix) or mimetypes.guess_type(file_name)[0] or shown_media_type(file_name, head)


def sniffed_media_type(head: bytes) -> str | None:
    """Return the media type that the first bytes tell, or null."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if _MARKUP.match(head):
        return "text/html"
    return next((media_type for signature, media_type in _SIGNATURES if head.startswith(signature)), None)


def is_active(media_type: str) -> bool:
    """Tell whether a browser could run something in a file of this type, which must then never open inside the portal."""
    return bool(_ACTIVE.search(media_type.lower()))
