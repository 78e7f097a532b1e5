"""Proofs that rows satisfy a formula: comparisons of fields and constants, joined by `and`, `or` and `not`.

Every part gives two masks, the rows where it is proven true and those where it is proven false, both without an exception on the
way. Whatever is in neither, a missing value that is compared or two decimals that share a float, is Frictionless' to judge.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.validation.checks.rows import Rows
from publisher.validation.layouts import Mask
from publisher.validation.rows import CheckedBatch
from publisher.validation.stored import EXACT_DIGITS

Truth = tuple[Mask, Mask]
"""Rows proven true, rows proven false."""

_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_KINDS = {
    "integer": "whole",
    "year": "whole",
    "number": "decimal",
    "string": "text",
    "boolean": "truth",
    "date": "moment",
    "datetime": "moment",
}
_EXACT_WHOLE = 10**EXACT_DIGITS


class _NotSimple(Exception):  # noqa: N818  no fault, another way is taken
    """The formula is more than comparisons."""


@dataclass(frozen=True)
class _Operand:
    """Values of one kind, row by row: which are there, and which are told exactly by `values`."""

    kind: str
    values: Any
    valid: Mask
    exact: Mask


def proof_of(formula: str, types: Mapping[str, str], schema: pa.Schema) -> Callable[[Rows], Mask] | None:
    """Return a function that tells the rows proven to satisfy the formula, null when it is too rich for that.

    Args:
        formula: a Python expression.
        types: of the fields, by name; decimals must come with identities (see `Verdict`).
        schema: the typed schema.
    """
    tree = ast.parse(formula.strip(), mode="eval").body

    def prove(rows: Rows) -> Mask:
        try:
            return _Reading(rows, types).truth(tree)[0]
        except _NotSimple:  # moments with a zone
            return np.zeros(rows.count, np.bool_)

    empty = pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
    try:
        _Reading(Rows(empty, CheckedBatch(empty, ()), 0), types).truth(tree)
    except _NotSimple:
        return None
    return prove


class _Reading:
    """A formula read over one batch."""

    def __init__(self, rows: Rows, types: Mapping[str, str]) -> None:
        self._rows = rows
        self._types = types
        self._all = np.ones(rows.count, np.bool_)

    def truth(self, node: ast.expr) -> Truth:
        """Return where the node is true and where it is false."""
        if isinstance(node, ast.BoolOp):
            join = _and if isinstance(node.op, ast.And) else _or
            first, *others = (self.truth(value) for value in node.values)
            for other in others:
                first = join(first, other)
            return first
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yes, no = self.truth(node.operand)
            return no, yes
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.Name) and self._types.get(node.id) == "boolean":
            operand = self._operand(node)
            return operand.valid & operand.values, ~(operand.valid & operand.values)
        raise _NotSimple

    def _compared(self, node: ast.Compare) -> Truth:
        outcome = (self._all, ~self._all)
        left = node.left
        for comparison, right in zip(node.ops, node.comparators, strict=True):
            outcome = _and(outcome, self._pair(left, comparison, right))
            left = right
        return outcome

    def _pair(self, left: ast.expr, comparison: ast.cmpop, right: ast.expr) -> Truth:
        if isinstance(comparison, (ast.NotEq, ast.IsNot, ast.NotIn)):
            opposite = {ast.NotEq: ast.Eq, ast.IsNot: ast.Is, ast.NotIn: ast.In}[type(comparison)]()
            yes, no = self._pair(left, opposite, right)
            return no, yes
        if isinstance(right, ast.Constant) and right.value is None and isinstance(comparison, (ast.Eq, ast.Is)):
            valid = self._operand(left).valid
            return ~valid, valid
        if isinstance(comparison, ast.In) and isinstance(right, (ast.Tuple, ast.List)) and right.elts:
            first, *others = (self._equal(left, element) for element in right.elts)
            for other in others:
                first = _or(first, other)
            return first
        if isinstance(comparison, ast.Eq):
            return self._equal(left, right)
        if type(comparison) not in _ORDER:
            raise _NotSimple
        a, b = self._operands(left, right)
        both = a.valid & b.valid
        sure = both & (a.exact & b.exact | (a.values != b.values))
        holds = _ORDER[type(comparison)](a.values, b.values)
        return sure & holds, sure & ~holds

    def _equal(self, left: ast.expr, right: ast.expr) -> Truth:
        a, b = self._operands(left, right)
        both = a.valid & b.valid
        same = a.values == b.values
        # a missing value equals nothing but another one
        yes = (both & same & a.exact & b.exact) | (~a.valid & ~b.valid)
        return yes, (both & ~same) | (a.valid != b.valid)

    def _operands(self, left: ast.expr, right: ast.expr) -> tuple[_Operand, _Operand]:
        a, b = self._operand(left), self._operand(right)
        if a.kind != b.kind:
            if {a.kind, b.kind} != {"whole", "decimal"}:
                raise _NotSimple
            a, b = (_as_decimal(a), _as_decimal(b))
        return a, b

    def _operand(self, node: ast.expr) -> _Operand:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            value = node.operand.value
            return self._constant(-value if isinstance(value, (int, float)) and not isinstance(value, bool) else None)
        if isinstance(node, ast.Constant):
            return self._constant(node.value)
        if not isinstance(node, ast.Name) or self._types.get(node.id) not in _KINDS:
            raise _NotSimple
        return self._column(node.id)

    def _column(self, name: str) -> _Operand:
        kind, column = _KINDS[self._types[name]], self._rows.typed(name)
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        identity = self._rows.identity(name)
        exact = self._all if identity is None else identity.is_null().to_numpy(zero_copy_only=False)
        if kind == "text":
            return _Operand(kind, _Texts(column), valid, exact)
        if kind == "moment":
            if not exact.all():
                raise _NotSimple
            kind = self._types[name]
            column = pc.cast(column, pa.int32() if kind == "date" else pa.int64())
        values = pc.fill_null(column, pa.scalar(0).cast(column.type)).to_numpy(zero_copy_only=False)
        return _Operand(kind, values, valid, exact)

    def _constant(self, value: object) -> _Operand:
        if isinstance(value, str):
            return _Operand("text", _Texts(value), self._all, self._all)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _EXACT_WHOLE:
            return _Operand("whole", np.full(self._rows.count, value, np.int64), self._all, self._all)
        if isinstance(value, float) and abs(value) < _EXACT_WHOLE:
            whole = self._all if value.is_integer() else ~self._all
            return _Operand("decimal", np.full(self._rows.count, value), self._all, whole)
        raise _NotSimple


class _Texts:
    """Texts that compare as Python's do: by code point, which is the order of their UTF-8 bytes."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __eq__(self, other: object) -> Mask:  # type: ignore[override]
        return self._ask(pc.equal, other)

    def __ne__(self, other: object) -> Mask:  # type: ignore[override]
        return self._ask(pc.not_equal, other)

    def __lt__(self, other: object) -> Mask:
        return self._ask(pc.less, other)

    def __le__(self, other: object) -> Mask:
        return self._ask(pc.less_equal, other)

    def __gt__(self, other: object) -> Mask:
        return self._ask(pc.greater, other)

    def __ge__(self, other: object) -> Mask:
        return self._ask(pc.greater_equal, other)

    __hash__ = None  # type: ignore[assignment]

    def _ask(self, compare: Callable[[Any, Any], pa.Array], other: object) -> Mask:
        if not isinstance(other, _Texts) or (isinstance(self._values, str) and isinstance(other._values, str)):  # noqa: SLF001
            raise _NotSimple
        outcome: Mask = pc.fill_null(compare(self._values, other._values), False).to_numpy(zero_copy_only=False)  # noqa: SLF001
        return outcome


def _as_decimal(operand: _Operand) -> _Operand:
    if operand.kind == "decimal":
        return operand
    return _Operand("decimal", operand.values.astype(np.float64), operand.valid, np.abs(operand.values) < _EXACT_WHOLE)


def _and(left: Truth, right: Truth) -> Truth:
    return left[0] & right[0], left[1] | (left[0] & right[1])


def _or(left: Truth, right: Truth) -> Truth:
    return left[0] | (left[1] & right[0]), left[1] & right[1]
