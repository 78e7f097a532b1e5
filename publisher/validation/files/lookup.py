"""Foreign keys into the table itself: the keys that exist, and which rows refer to none of them.

Membership is exact: values are compared by Frictionless' own set, never by a hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa

from publisher.validation.files.blocks import NotStrictError
from publisher.validation.files.chunks import CellChecks
from publisher.validation.files.texts import numbers_of
from publisher.validation.layouts import Mask

KeyRows = Iterator[dict[str, object]]


class SelfLookup:
    """Stands for the copy of a table that Frictionless reads to know the keys that exist; yields each combination of them once.

    Args:
        plain: the copy that Frictionless would read.
        distinct: yields the combinations; raises `NotStrictError` when the file has to be read by `plain`.
    """

    def __init__(self, plain: Any, distinct: Callable[[], KeyRows]) -> None:
        self.schema = plain.schema
        self._plain = plain
        self._distinct = distinct

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._plain.close()

    @property
    def row_stream(self) -> Iterator[Any]:
        """Rows, as far as keys are concerned."""
        try:
            yield from self._distinct()
        except NotStrictError:
            with self._plain as copy:
                yield from copy.row_stream


def reference_check(
    cells: Sequence[CellChecks], places: list[int], known: set[tuple[object, ...]]
) -> Callable[[list[pa.Array]], Mask]:
    """Return a function that takes the columns of a table and says which rows hold a key that is not known.

    Args:
        cells: the checks of all fields.
        places: of the fields of the key.
        known: the keys as Frictionless gathered them.
    """
    checks = [cells[place] for place in places]

    def is_unknown(values: tuple[object, ...]) -> bool:
        try:
            return set(values) != {None} and values not in known
        except TypeError:  # a value that no set takes: Frictionless raises on the row
            return True

    def unknown(arrays: list[pa.Array]) -> Mask:
        codes, texts = zip(*(_encoded(arrays[place]) for place in places), strict=True)
        if len(places) == 1:
            single: Mask = np.array([is_unknown((checks[0].value(text),)) for text in texts[0]], np.bool_)[codes[0]]
            return single
        combination = np.zeros(len(codes[0]), np.int64)
        for column, column_texts in zip(codes, texts, strict=True):
            _, combination = np.unique(combination * max(len(column_texts), 1) + column, return_inverse=True)
        _, first = np.unique(combination, return_index=True)
        answers = [
            is_unknown(
                tuple(check.value(text[code[row]]) for check, text, code in zip(checks, texts, codes, strict=True))
            )
            for row in first.tolist()
        ]
        spread: Mask = np.array(answers, np.bool_)[combination]
        return spread

    return unknown


def _encoded(array: pa.Array) -> tuple[Any, list[str]]:
    encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    return numbers_of(encoded.indices, np.int32), encoded.dictionary.to_pylist()
