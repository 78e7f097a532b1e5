"""What PostgreSQL calls the columns of an answer that the statement gives no name: clients read `records[0].count`."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

NAMELESS = "?column?"

# Functions whose class is not named as PostgreSQL names the column.
_FUNCTIONS: Mapping[type[exp.Expr], str] = {
    exp.Trim: "btrim",
    exp.TimestampTrunc: "date_trunc",
    exp.DateTrunc: "date_trunc",
    exp.Exists: "exists",
}
_TYPES: Mapping[str, str] = {
    "INT": "int4",
    "BIGINT": "int8",
    "SMALLINT": "int2",
    "TINYINT": "int2",
    "DOUBLE": "float8",
    "FLOAT": "float4",
    "DECIMAL": "numeric",
    "BOOLEAN": "bool",
    "CHAR": "bpchar",
}


def name_columns(tree: exp.Expr) -> None:
    """Give every unnamed column of the statement and of the queries in it the name that PostgreSQL gives it."""
    for select in list(tree.find_all(exp.Select)):
        named = [_named(column) for column in select.expressions]
        select.set("expressions", named)


def _named(column: exp.Expr) -> exp.Expr:
    if isinstance(column, exp.Alias | exp.Column | exp.Star):
        return column
    return exp.Alias(this=column, alias=exp.to_identifier(_name(column) or _fallback(column), quoted=True))


def _name(node: exp.Expr | None) -> str:
    """Return the name that an expression brings along; empty when only its kind could name it."""
    if isinstance(node, exp.Paren | exp.Window | exp.Filter | exp.Cast):
        return _name(node.this)
    if isinstance(node, exp.Column | exp.Alias):
        return node.alias_or_name
    if isinstance(node, exp.Subquery):
        columns = node.selects
        return _name(columns[0]) if len(columns) == 1 else ""
    if isinstance(node, exp.Case):
        return _name(node.args.get("default"))
    if isinstance(node, exp.Func) and not isinstance(node, exp.And | exp.Or):
        return _FUNCTIONS.get(type(node)) or node.sql_name().lower()
    return ""


def _fallback(node: exp.Expr) -> str:
    if isinstance(node, exp.Paren):
        return _fallback(node.this)
    if isinstance(node, exp.Case):
        return "case"
    if isinstance(node, exp.Boolean):
        return "bool"
    if isinstance(node, exp.Cast):
        kind = node.args["to"].this
        name = kind.name if isinstance(kind, exp.DType) else str(kind)
        return _TYPES.get(name, name.lower())
    return NAMELESS
