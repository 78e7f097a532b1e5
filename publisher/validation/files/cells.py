"""One field over columns of texts: what the fast language proves, and Frictionless' own cell reader for each other distinct text."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from publisher.validation.files.languages import Language, language_of
from publisher.validation.files.texts import Integers, Texts, array_of, indices_of, numbers_of, text_hashes, texts_of
from publisher.validation.layouts import Mask

_KNOWN_TEXTS = 50_000
_PLAIN_INTEGERS = 1 << 62

KeyKind = Literal["text", "integer", "value"]


class Verdict(NamedTuple):
    """Frictionless' judgement of one text: has it no note, and the key of its value (null: the value is missing)."""

    clean: bool
    key: int | None


@dataclass
class CheckedCells:
    """Which rows need Frictionless and which mean nothing (null: none); keys of the values where the field has a part in one.

    Equal values have equal keys; the key of a missing value is meaningless and marked in `nulls`.
    """

    doubtful: Mask | None
    missing: Mask | None
    keys: Integers | None = None
    nulls: Mask | None = None

    def take(self, indices: Integers) -> CheckedCells:
        """Return the checks of a dictionary spread over its rows."""
        return CheckedCells(
            None if self.doubtful is None else self.doubtful[indices],
            None if self.missing is None else self.missing[indices],
            None if self.keys is None else self.keys[indices],
            None if self.nulls is None else self.nulls[indices],
        )


class CellCheck:
    """The checks of one field that the header expects.

    Args:
        field: Frictionless' field.
        is_key: the field takes part in a key, so that keys of its values are wanted.
        categories: other values are doubtful; null when any value may stand there.
    """

    def __init__(self, field: Any, *, is_key: bool = False, categories: Collection[object] | None = None) -> None:
        self.name: str = field.name
        self.judged = 0
        self._reader: Callable[[Any], tuple[Any, dict[str, str] | None]] = field.create_cell_reader()
        self._known: dict[Any, Verdict] = {}
        self._categories = categories
        self.missing_values: list[str] = list(field.missing_values)
        if not field.has_defined("missing_values") and field.schema:
            self.missing_values = list(field.schema.missing_values)
        self.required = bool(field.constraints.get("required"))
        self.is_key = is_key
        self._language: Language | None = None
        if categories is None:
            self._language = language_of(field, field.create_value_reader())
        self._key_kind = self._kind_of(field) if is_key else None
        if self._key_kind == "value":
            self._language = None

    @property
    def has_categories(self) -> bool:
        """Whether a value outside some categories is doubtful."""
        return self._categories is not None

    @property
    def has_language(self) -> bool:
        """Whether texts can be proven without the judge."""
        return self._language is not None

    def _kind_of(self, field: Any) -> KeyKind:
        if field.type == "string" and field.format == "default":
            return "text"
        return "integer" if field.type == "integer" and self._language is not None else "value"

    def check(self, column: pa.Array) -> CheckedCells:
        """Return the checks of a column: string, or dictionary of string, without nulls."""
        if isinstance(column, pa.DictionaryArray):
            return self._check(column.dictionary).take(numbers_of(column.indices, np.int32))
        return self._check(column)

    def judge(self, text: Any) -> Verdict:
        """Return the verdict on one cell: a text, null for a cell that the row does not have, or what a typed file holds."""
        verdict = self._known.get(text)
        if verdict is None:
            if len(self._known) >= _KNOWN_TEXTS:
                self._known.clear()
            verdict = self._known[text] = self._read(text)
            self.judged += 1
        return verdict

    def value(self, text: str | None) -> object:
        """Return the value of one cell; null when it is missing or none."""
        try:
            return self._reader(text)[0]
        except Exception:  # noqa: BLE001  whatever Frictionless raises, it raises again on the row
            return None

    def _read(self, text: Any) -> Verdict:
        try:
            value, notes = self._reader(text)
            clean = not notes and (self._categories is None or value is None or value in self._categories)
            return Verdict(clean, None if value is None or self._key_kind is None else self._key_of(value))
        except Exception:  # noqa: BLE001  whatever Frictionless raises here, it raises again on the row, where it belongs
            return Verdict(clean=False, key=None)

    def _key_of(self, value: Any) -> int:
        if self._key_kind == "text":
            return int(text_hashes(array_of([value]))[0])
        if self._key_kind == "integer" and -_PLAIN_INTEGERS < value < _PLAIN_INTEGERS:
            return int(value)
        return hash(value)

    def _check(self, array: pa.Array) -> CheckedCells:
        texts = texts_of(array, self.missing_values)
        doubtful = np.ones(len(array), np.bool_) if self._language is None else ~self._language(texts)
        if texts.missing is not None:
            doubtful = doubtful | texts.missing if self.required else doubtful & ~texts.missing
        checked = CheckedCells(doubtful, texts.missing)
        if self._key_kind == "text":
            checked.keys, checked.nulls = text_hashes(array), texts.missing
        elif self._key_kind:
            checked.keys, checked.nulls = self._plain_keys(texts), texts.missing
        self._judge(array, checked)
        if checked.doubtful is not None and not checked.doubtful.any():
            checked.doubtful = None
        return checked

    def _plain_keys(self, texts: Texts) -> Integers:
        return np.zeros(len(texts.lengths), np.int64) if texts.integers is None else texts.integers.copy()

    def _judge(self, array: pa.Array, checked: CheckedCells) -> None:
        """Ask the judge about each distinct doubtful text; what it finds clean is doubtful no more."""
        if checked.doubtful is None:
            return
        rows = np.flatnonzero(checked.doubtful)
        if not len(rows):
            return
        encoded = (array if len(rows) == len(array) else array.take(indices_of(rows))).dictionary_encode()
        verdicts = [self.judge(text) for text in encoded.dictionary.to_pylist()]
        indices = numbers_of(encoded.indices, np.int32)
        checked.doubtful[rows] = ~np.array([verdict.clean for verdict in verdicts], np.bool_)[indices]
        if checked.keys is not None and self._key_kind != "text":
            keys = np.array([verdict.key or 0 for verdict in verdicts], np.int64)
            absent = np.array([verdict.key is None for verdict in verdicts], np.bool_)
            checked.keys[rows] = keys[indices]
            if absent.any():
                nulls = np.zeros(len(array), np.bool_) if checked.nulls is None else checked.nulls.copy()
                nulls[rows] |= absent[indices]
                checked.nulls = nulls
