"""One field of one batch: cleaned, proven or judged, converted."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.published import ARROW_TYPES
from publisher.validation.excel_dates import serials_to_iso
from publisher.validation.judge import FieldJudge, Verdict
from publisher.validation.layouts import Mask
from publisher.validation.proofs import Proof, proof_for
from publisher.validation.text import base64_text, canonical_text, clean_text
from publisher.validation.typed import TypedCheck, typed_check_for


@dataclass(frozen=True)
class CheckedColumn:
    """Typed values, null where missing or of the wrong type, and which rows break a rule of the field.

    `identity` is null for nearly all rows; it tells apart values that only Frictionless can tell apart (see `Verdict`).
    A mask is null when it would be false everywhere.
    """

    values: pa.Array
    identity: pa.Array | None = None
    type_errors: Mask | None = None
    constraint_errors: Mask | None = None

    def take(self, indices: pa.Array) -> CheckedColumn:
        """Return the column spread over the rows that the indices stand for; a null index is a missing value."""
        return CheckedColumn(
            self.values.take(indices),
            None if self.identity is None else self.identity.take(indices),
            _take_mask(self.type_errors, indices),
            _take_mask(self.constraint_errors, indices),
        )

    @property
    def blank(self) -> Mask:
        """Rows whose value is missing (not: wrong)."""
        blank: Mask = self.values.is_null().to_numpy(zero_copy_only=False)
        return blank if self.type_errors is None else blank & ~self.type_errors


class FieldCheck:
    """The checks of one field over Arrow columns."""

    def __init__(self, judge: FieldJudge, *, is_key: bool) -> None:
        self.judge = judge
        self.definition = judge.definition
        self.kind: pa.DataType = ARROW_TYPES[judge.definition.type]
        self._proof: Proof | None = proof_for(judge, is_key=is_key)
        self._typed: TypedCheck | None = typed_check_for(judge, is_key=is_key)

    def check(self, column: pa.Array) -> CheckedColumn:
        """Return the checked column.

        Args:
            column: string, dictionary of string, or typed as the source's driver delivers it; null is a missing value.

        Raises:
            DescriptorError: bounds and values cannot be compared.
            DriftError: the column's type cannot be read as the field's.
        """
        column = plain_column(column)
        if pa.types.is_dictionary(column.type):
            checked = self._check_values(column.dictionary).take(column.indices)
        else:
            checked = self._check_values(column)
        if not self.definition.constraints.required or not checked.values.null_count:
            return checked
        absent = checked.blank
        bad = absent if checked.constraint_errors is None else absent | checked.constraint_errors
        return replace(checked, constraint_errors=_or_none(bad))

    def _check_values(self, column: pa.Array) -> CheckedColumn:
        if pa.types.is_null(column.type):
            return CheckedColumn(pa.nulls(len(column), self.kind))
        found = self._typed(column) if self._typed else None
        if found is not None:
            values, wrong, outside = found
            return CheckedColumn(values, None, _or_none(wrong), _or_none(outside))
        if self._holds_items(column):
            return self._judge(canonical_text(column, field_type="array"), is_json=True)
        return self._check_text(self.texts(column))

    def texts(self, column: pa.Array) -> pa.Array:
        """Return the cleaned texts that Frictionless would be shown; null where the value is missing.

        Args:
            column: as `check` takes it.

        Raises:
            DriftError: the column's type cannot be read as the field's.
        """
        column = plain_column(column)
        if pa.types.is_dictionary(column.type):
            return self.texts(column.dictionary).take(column.indices)
        texts = self._without_missing(clean_text(self._written(column)))
        return serials_to_iso(texts, field_type=self.definition.type) if self.definition.format == "excel" else texts

    def cells(self, column: pa.Array) -> list[Any]:
        """Return the cells that Frictionless would be shown: texts, or the items of a list that the source delivers apart."""
        column = plain_column(column)
        texts: list[Any] = self.texts(column).to_pylist()
        if not self._holds_items(column):
            return texts
        return [None if text is None else json.loads(text) for text in texts]

    def _holds_items(self, column: pa.Array) -> bool:
        """Whether the source delivers the items of a list apart; they need no delimiter then."""
        return self.definition.type == "list" and pa.types.is_nested(column.type)

    def _written(self, column: pa.Array) -> pa.Array:
        """Return the texts that the source would have written for this field."""
        kind, field = column.type, self.definition
        if pa.types.is_null(kind):
            return pa.nulls(len(column), pa.string())
        if pa.types.is_boolean(kind) and field.type == "boolean":
            yes, no = (
                words[0] if words else word
                for words, word in ((field.trueValues, "true"), (field.falseValues, "false"))
            )
            return pc.if_else(column, yes, no)
        if field.format == "binary" and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
            return base64_text(column)
        return canonical_text(column, field_type="array" if self._holds_items(column) else field.type)

    def _check_text(self, texts: pa.Array) -> CheckedColumn:
        present: Mask = texts.is_valid().to_numpy(zero_copy_only=False)
        if self._proof is None:
            return self._judge(texts, present)
        proven, values = self._proof(texts)
        doubtful = present & ~proven
        if not doubtful.any():
            return CheckedColumn(values if present.all() else _null_where(values, ~present))
        judged = self._judge(texts, doubtful)
        if not proven.any():
            return judged
        mixed = pc.if_else(pa.array(doubtful), judged.values, values)
        return replace(judged, values=_null_where(mixed, ~present))

    def _without_missing(self, texts: pa.Array) -> pa.Array:
        for missing in self.judge.missing:
            found = pc.equal(texts, missing)
            if pc.any(found).as_py():
                texts = pc.if_else(found, pa.scalar(None, pa.string()), texts)
        return texts

    def _judge(self, texts: pa.Array, doubtful: Mask | None = None, *, is_json: bool = False) -> CheckedColumn:
        """Judge each distinct doubtful text once; all other rows come out null and without errors."""
        if doubtful is not None and not doubtful.all():
            texts = _null_where(texts, ~doubtful)
        encoded = texts.dictionary_encode()
        verdicts = [self.judge.judge(text, is_json=is_json) for text in encoded.dictionary.to_pylist()]
        return _column_of(verdicts, self.kind).take(encoded.indices)


def plain_column(column: pa.Array) -> pa.Array:
    """Return a column without Arrow's wrappings: extension types of drivers and run-end encoding; dictionaries stay."""
    if pa.types.is_run_end_encoded(column.type):
        column = pc.run_end_decode(column)
    is_wrapped = isinstance(column.type, pa.BaseExtensionType) and not isinstance(column.type, pa.UuidType)
    return column.storage if is_wrapped else column


def _column_of(verdicts: list[Verdict], kind: pa.DataType) -> CheckedColumn:
    identities = [verdict.identity for verdict in verdicts]
    return CheckedColumn(
        pa.array([verdict.value for verdict in verdicts], kind),
        pa.array(identities, pa.string()) if any(identities) else None,
        _or_none(np.array([verdict.type_error for verdict in verdicts], np.bool_)),
        _or_none(np.array([verdict.constraint_error for verdict in verdicts], np.bool_)),
    )


def _or_none(mask: Mask | None) -> Mask | None:
    return mask if mask is not None and mask.any() else None


def _null_where(values: pa.Array, mask: Mask) -> pa.Array:
    return pc.if_else(pa.array(mask), pa.scalar(None, values.type), values)


def _take_mask(mask: Mask | None, indices: pa.Array) -> Mask | None:
    if mask is None:
        return None
    return _or_none(pc.fill_null(pa.array(mask).take(indices), False).to_numpy(zero_copy_only=False))
