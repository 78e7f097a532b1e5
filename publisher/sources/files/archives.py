"""What a fetched file holds: itself, or the files in a zip. Hostile archives are refused before anything is unpacked."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from publisher.errors import SourceError
from publisher.sources.files.payload import Allowance, Payload

MAX_MEMBERS = 10_000
ARCHIVES = (".zip", ".gz", ".tgz", ".7z", ".rar", ".tar", ".bz2", ".xz", ".zst")
LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
ENCRYPTED = 0x1
END_OF_DIRECTORY = b"PK\x05\x06"
END_BYTES = 22 + 65_535
WORKBOOK_BYTES = 2 << 30
"""A workbook's parts unpacked; a sheet of a million rows and twenty columns has less than half of it."""
DEFLATE_MAX = 1032
"""Deflate packs no better than that."""


def payloads_of(path: Path, *, name: str, member: str | None, allowance: Allowance) -> list[Payload]:
    """Return what is to be read of a fetched file, in name order.

    Raises:
        SourceError: the zip is damaged, encrypted or hostile, or holds no such member, or several where one is meant.
    """
    if path.suffix.lower() != ".zip":
        return [Payload(name, path, allowance=allowance)]
    members = _members(path, name)
    if member is not None:
        wanted = [one for one in members if fnmatchcase(one, member) or fnmatchcase(PurePosixPath(one).name, member)]
        if not wanted:
            raise SourceError(
                f"{name} holds no file that matches `{member}`.", cure="correct `member`, or ask the agency"
            )
    elif len(members) == 1:
        wanted = members
    else:
        raise SourceError(
            f"{name} holds {len(members)} files where one is expected.",
            cure="say by `member`, a glob over the names in the zip, which to read",
        )
    nested = [one for one in wanted if one.lower().endswith(ARCHIVES)]
    if nested:
        raise SourceError(f"{name} holds archives in the archive.", cure="have the files themselves packed, once")
    return [Payload(f"{name}/{one}", path, one, allowance) for one in sorted(wanted)]


def _members(path: Path, name: str) -> list[str]:
    """Return the names of the files in a zip after looking at what its directory claims."""
    if _claimed_members(path) > MAX_MEMBERS:
        raise SourceError(f"{name} holds more than {MAX_MEMBERS} files.", cure="have only what is needed packed")
    infos = [info for info in _directory(path, name) if not info.is_dir()]
    infos = [info for info in infos if not any(part in info.filename for part in LITTER)]
    for info in infos:
        parts = PurePosixPath(info.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in info.filename:
            raise SourceError(
                f"{name} holds names that lead out of its folder, as only hostile archives do.",
                cure="do not open it elsewhere; ask the agency where it comes from",
            )
        if info.flag_bits & ENCRYPTED:
            raise SourceError(f"{name} is encrypted.", cure="have it packed without password; the way here is private")
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise SourceError(
                f"{name} is packed by a method that is not read here.",
                cure="have it packed as an ordinary zip (method Deflate)",
            )
    names = [info.filename for info in infos]
    if len(set(names)) < len(names):
        raise SourceError(f"{name} holds two files of one name.", cure="have it packed anew")
    return names


def _directory(path: Path, name: str) -> Sequence[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    # A mutilated directory makes the library stumble in more ways than it documents.
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, struct.error, NotImplementedError, OverflowError):
        raise SourceError(
            f"{name} is no intact zip file.", cure="have it delivered again; the transfer may have broken off"
        ) from None


def _claimed_members(path: Path) -> int:
    """Return how many entries the end of the zip states, without reading them; 0 when there is no such end."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - END_BYTES, 0))
        tail = file.read()
    at = tail.rfind(END_OF_DIRECTORY)
    return int.from_bytes(tail[at + 10 : at + 12], "little") if at >= 0 else 0


def refuse_hostile_workbook(path: Path, name: str) -> None:
    """Refuse a zipped workbook (.xlsx, .ods) whose parts would fill the memory.

    Raises:
        SourceError: the parts are too large, or packed larger than they claim.
    """
    if not zipfile.is_zipfile(path):
        return  # an old .xls, or no workbook at all, which its reader tells
    infos = _directory(path, name)
    too_large = sum(info.file_size for info in infos) > WORKBOOK_BYTES or len(infos) > MAX_MEMBERS
    if too_large or not all(_keeps_its_word(path, info) for info in infos if info.compress_size):
        raise SourceError(
            f"{name} is a workbook that would take more than {WORKBOOK_BYTES >> 30} GiB once unpacked.",
            cure="have only the needed sheet saved, or delivered as CSV",
        )


def _keeps_its_word(path: Path, info: zipfile.ZipInfo) -> bool:
    """Return whether a part unpacks to no more than it claims; only those that could be dangerous are tried."""
    if info.compress_type != zipfile.ZIP_DEFLATED or info.compress_size * DEFLATE_MAX <= WORKBOOK_BYTES // 8:
        return True
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = 0
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            archive.open(info).close()  # its checks of the local header
            file.seek(info.header_offset + 26)
            name_bytes, extra_bytes = struct.unpack("<HH", file.read(4))
            file.seek(name_bytes + extra_bytes, 1)
            left = info.compress_size
            while left > 0 and not unpacker.eof and unpacked <= info.file_size:
                data = unpacker.unconsumed_tail or file.read(min(left, 1 << 16))
                left -= 0 if unpacker.unconsumed_tail else len(data)
                if not data:
                    break
                unpacked += len(unpacker.decompress(data, 1 << 20))
    except (zipfile.BadZipFile, zlib.error, OSError, struct.error, NotImplementedError, RuntimeError, ValueError):
        return True  # damaged: its reader says so
    return unpacked <= info.file_size
