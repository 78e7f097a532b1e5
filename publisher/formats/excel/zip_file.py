"""A zip file with streamed members and nothing of the moment in it: the container of XLSX.

Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7 and 4.3.12. Members stay below 4 GiB.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from isal import isal_zlib

from publisher.errors import ReleaseRefused

LEVEL = 2
_RAW_DEFLATE = -15
_MAX_BYTES = 2**32 - 1
_VERSION, _UTF8_NAMES, _DEFLATED = 20, 0x0800, 8
_FIRST_DAY = (1980 - 1980) << 9 | 1 << 5 | 1  # the earliest date that a zip file can say
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")


class ZipFile:
    """Members are written one after the other into a file that can seek; `close` ends the archive."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._directory: list[bytes] = []

    @contextmanager
    def member(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Give the function that writes the member's content.

        Raises:
            ReleaseRefused: the content is longer than 4 GiB.
        """
        start = self._file.tell()
        self._file.write(self._local_header(name, 0, 0, 0))
        deflate = isal_zlib.compressobj(LEVEL, wbits=_RAW_DEFLATE)
        checksum = length = 0

        def write(content: bytes) -> None:
            nonlocal checksum, length
            checksum = isal_zlib.crc32(content, checksum)
            length += len(content)
            if length > _MAX_BYTES:
                raise ReleaseRefused(
                    "A table is too long for an Excel file.", step="write", cure="take `xlsx` out of `release.formats`"
                )
            self._file.write(deflate.compress(content))

        yield write
        self._file.write(deflate.flush())
        end = self._file.tell()
        packed = end - start - _LOCAL.size - len(name.encode())
        self._file.seek(start)
        self._file.write(self._local_header(name, checksum, packed, length))
        self._file.seek(end)
        self._directory.append(self._central_header(name, start, checksum, packed, length))

    def add(self, name: str, content: str) -> None:
        """Write a whole member."""
        with self.member(name) as write:
            write(content.encode())

    def close(self) -> None:
        """Write the directory of members."""
        start = self._file.tell()
        directory = b"".join(self._directory)
        members = len(self._directory)
        self._file.write(directory + _END.pack(b"PK\5\6", 0, 0, members, members, len(directory), start, 0))

    @staticmethod
    def _local_header(name: str, checksum: int, packed: int, length: int) -> bytes:
        encoded = name.encode()
        fixed = (_VERSION, _UTF8_NAMES, _DEFLATED, 0, _FIRST_DAY, checksum, packed, length, len(encoded), 0)
        return _LOCAL.pack(b"PK\3\4", *fixed) + encoded

    @staticmethod
    def _central_header(name: str, start: int, checksum: int, packed: int, length: int) -> bytes:
        encoded = name.encode()
        same = (_VERSION, _VERSION, _UTF8_NAMES, _DEFLATED, 0, _FIRST_DAY, checksum, packed, length, len(encoded))
        return _CENTRAL.pack(b"PK\1\2", *same, 0, 0, 0, 0, 0, start) + encoded
