"""Thrift's compact protocol, as far as the metadata of a Parquet file needs it: structures as dictionaries by field number.

Written from the protocol's description (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md).
"""

from __future__ import annotations

import struct

Value = int | float | bool | bytes | list["Value"] | dict[int, "Value"]
Struct = dict[int, Value]

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = frozenset({4, 5, 6})
_LONG_LIST = 15


class ThriftReader:
    """Reads one value after the other; `place` is where the next one begins. Broken bytes raise ValueError, IndexError or struct.error."""

    def __init__(self, raw: bytes, place: int = 0) -> None:
        self._raw = raw
        self.place = place

    def structure(self) -> Struct:
        """Return the structure that begins here."""
        fields: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            fields[number] = kind == _TRUE if kind in {_TRUE, _FALSE} else self._value(kind)
        return fields

    def _value(self, kind: int) -> Value:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _STRUCT:
            return self.structure()
        if kind in {_LIST, _SET}:
            return self._list()
        if kind == _BINARY:
            return self._take(self._number())
        if kind == _DOUBLE:
            return float(struct.unpack("<d", self._take(8))[0])
        if kind in {_TRUE, _FALSE, _BYTE}:  # inside a list a boolean is a byte
            return self._byte()
        raise ValueError("a kind of value that Parquet does not use")

    def _list(self) -> list[Value]:
        head = self._byte()
        size = head >> 4 if head >> 4 < _LONG_LIST else self._number()
        if size > len(self._raw):
            raise ValueError("a list longer than its file")
        return [self._value(head & 15) for _ in range(size)]

    def _integer(self) -> int:
        number = self._number()
        return number >> 1 ^ -(number & 1)

    def _number(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 0x80:
            number |= (byte & 0x7F) << shift
            shift += 7
        return number | byte << shift

    def _byte(self) -> int:
        self.place += 1
        return self._raw[self.place - 1]

    def _take(self, size: int) -> bytes:
        taken = self._raw[self.place : self.place + size]
        if len(taken) < size:
            raise ValueError("the bytes end too soon")
        self.place += size
        return taken
