"""SQL of the public: one SELECT in PostgreSQL's words, checked piece by piece and translated for SQLite.

What is not on a list of known pieces is refused, so that a new construct of the parser is closed until somebody opens it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from catalogue.errors import NotAuthorized, ValidationError
from catalogue.rows.row_table import RowTable, quoted
from catalogue.rows.sql_names import name_columns

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # its warnings quote the query, which may quote rows

MAX_LETTERS = 20_000
MAX_TABLES = 8
MAX_NODES = 2_000

_PIECES_TEXT = """
Select From Where Group Having Order Ordered Limit Offset Distinct Join Table TableAlias Alias Column Identifier
Star Literal Null Boolean Paren And Or Not EQ NEQ GT GTE LT LTE Is In Between Like ILike Add Sub Mul Div Mod Neg
DPipe Case If Cast DataType DataTypeParam Union Intersect Except Subquery CTE With Exists Tuple Var Window
WindowSpec Filter NullSafeEQ NullSafeNEQ
"""
_PIECES = _PIECES_TEXT.split()
_FUNCTIONS_TEXT = """
Count Sum Avg Min Max Lower Upper Length Trim Substring Round Abs Ceil Floor Coalesce Nullif Greatest Least Replace
Concat Extract TimestampTrunc DateTrunc RowNumber Rank DenseRank Case If Cast And Or Exists
"""
_FUNCTIONS = _FUNCTIONS_TEXT.split()
_ALLOWED_PIECES = {*_PIECES, *_FUNCTIONS}
_STATEMENTS = {
    "Insert": "InsertStmt",
    "Update": "UpdateStmt",
    "Delete": "DeleteStmt",
    "Drop": "DropStmt",
    "Create": "CreateStmt",
    "Alter": "AlterTableStmt",
    "Merge": "MergeStmt",
    "TruncateTable": "TruncateStmt",
}
_CASTS: Mapping[str, str] = {
    **dict.fromkeys(("INT", "BIGINT", "SMALLINT", "TINYINT"), "INTEGER"),
    **dict.fromkeys(("DOUBLE", "FLOAT", "DECIMAL"), "REAL"),
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR", "TIMESTAMP", "TIMESTAMPTZ", "TIME", "NAME"), "TEXT"),
}


@dataclass(frozen=True)
class Statement:
    """A checked SELECT; `tables` are the names of resources in it, in the order in which they appear."""

    tree: exp.Query
    tables: tuple[str, ...]


def read_statement(sql: str) -> Statement:
    """Read one SELECT.

    Raises:
        ValidationError: it is no single SELECT, or has a piece that is not known here.
        NotAuthorized: it calls a function or names a table that is nobody's business.
    """
    if len(sql) > MAX_LETTERS:
        raise _invalid(f"The query is too long: at most {MAX_LETTERS} letters")
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="postgres") if tree is not None]
    except SqlglotError as error:
        raise _invalid(_place(error)) from None
    except RecursionError:
        raise _invalid("The query is nested too deeply") from None
    if len(trees) != 1:
        raise _invalid("Query is not a single statement.")
    tree = trees[0]
    if not isinstance(tree, exp.Query):
        raise _invalid(f"Invalid query AST element: {_STATEMENTS.get(type(tree).__name__, type(tree).__name__)}")
    _check_pieces(tree)
    return Statement(tree, tuple(dict.fromkeys(_resource_names(tree))))


def _invalid(message: str) -> ValidationError:
    return ValidationError({"query": [message]})


def _place(error: SqlglotError) -> str:
    for fault in getattr(error, "errors", []):
        if fault.get("line"):
            return f"The query cannot be read at line {fault['line']}, column {fault['col']}"
    return "The query cannot be read"


def _check_pieces(tree: exp.Expr) -> None:
    for number, node in enumerate(tree.walk()):
        name = type(node).__name__
        if number > MAX_NODES:
            raise _invalid("The query has too many parts")
        if isinstance(node, exp.Func) and name not in _ALLOWED_PIECES:
            called = node.name if isinstance(node, exp.Anonymous) else node.sql_name().lower()
            raise NotAuthorized(f"Not authorized to call function {called[:60]}")
        if name not in _ALLOWED_PIECES:
            raise _invalid(f"Invalid query AST element: {_STATEMENTS.get(name, name)}")
        if isinstance(node, exp.With) and node.args.get("recursive"):
            raise _invalid("Invalid query AST element: WITH RECURSIVE")
        if isinstance(node, exp.Select) and (node.args.get("into") or node.args.get("locks")):
            raise _invalid("Invalid query AST element: IntoClause")


def _resource_names(tree: exp.Expr) -> Iterator[str]:
    named_inside = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            raise NotAuthorized("Not authorized to call functions that return tables")
        if table.catalog or table.db not in {"", "public"} or table.name.lower().startswith(("pg_", "sqlite_")):
            raise NotAuthorized(f"Not authorized to access table {table.name[:100]}")
        if table.name not in named_inside or table.db:
            yield table.name


def origins(statement: Statement, names: Sequence[str]) -> list[str]:
    """Return, for each column of the answer, the column of a table that it shows; empty where it shows something else."""
    selects = list(statement.tree.selects)
    if len(selects) != len(names) or any(one.is_star for one in selects):
        return list(names)
    bare = [one.unalias() for one in selects]
    return [one.name if isinstance(one, exp.Column) else "" for one in bare]


# ---- translation ---------------------------------------------------------------------------------------------------


def translated(statement: Statement, sources: Mapping[str, tuple[RowTable, str]]) -> str:
    """Return the statement for SQLite.

    Args:
        statement: as it was read.
        sources: the table and the name of its attached file, by resource name.

    Raises:
        ValidationError: a column exists in no table.
    """
    tree: exp.Expr = statement.tree.copy()
    name_columns(tree)
    _check_columns(tree, sources)
    for table in list(tree.find_all(exp.Table)):
        if table.name in sources:
            table.replace(_source(table, *sources[table.name]))
    tree = tree.transform(_for_sqlite)
    try:
        ignore = sqlglot.ErrorLevel.IGNORE
        return str(tree.sql(dialect="sqlite", identify=True, comments=False, unsupported_level=ignore))
    except (SqlglotError, RecursionError):
        raise _invalid("Invalid query") from None


def _check_columns(tree: exp.Expr, sources: Mapping[str, tuple[RowTable, str]]) -> None:
    """Refuse names that nothing has: SQLite would read them as texts."""
    known = {column.name for table, _ in sources.values() for column in table.columns}
    known |= {alias.alias for alias in tree.find_all(exp.Alias, exp.Subquery, exp.CTE, exp.Table)}
    known |= {identifier.name for alias in tree.find_all(exp.TableAlias) for identifier in alias.columns}
    lowered = {name.lower() for name in known}
    for column in tree.find_all(exp.Column):
        if isinstance(column.this, exp.Identifier) and column.name.lower() not in lowered:
            raise _invalid(f'column "{column.name[:100]}" does not exist')


def _source(table: exp.Table, rows: RowTable, schema: str) -> exp.Expr:
    columns = ", ".join(f"{column.sql} AS {quoted(column.name)}" for column in rows.columns)
    from_sql = f"{schema}.{rows.sql.removeprefix('main.')}"
    inner = sqlglot.parse_one(f"SELECT {columns} FROM {from_sql} AS t", read="sqlite")  # noqa: S608  names are quoted
    alias = exp.TableAlias(this=exp.to_identifier(table.alias or table.name, quoted=True))
    return exp.Subquery(this=inner, alias=alias)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _for_sqlite(node: exp.Expr) -> exp.Expr:
    """Return what means in SQLite what the node means in PostgreSQL."""
    change = _CHANGES.get(type(node))
    return change(node) if change else node


def _cast(node: exp.Expr) -> exp.Expr:
    kind = node.args["to"].this
    name = kind.name if isinstance(kind, exp.DType) else str(kind)
    if name in {"BOOLEAN", "DATE"}:
        return _call("as_bool" if name == "BOOLEAN" else "as_date", node.this)
    if name not in _CASTS:
        raise _invalid(f"Casting to {name.lower()} is not available")
    return exp.Cast(this=node.this, to=exp.DataType.build(_CASTS[name], dialect="sqlite"))


def _truncated(node: exp.Expr) -> exp.Expr:
    return _call("date_trunc", exp.Literal.string(str(node.args["unit"].name)), node.this)


def _extracted(node: exp.Expr) -> exp.Expr:
    return _call("date_part", exp.Literal.string(str(node.this.name)), node.args["expression"])


_CHANGES: Mapping[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Like: lambda node: _call("like_exactly", node.this, node.args["expression"]),
    exp.ILike: lambda node: _call("like_folded", node.this, node.args["expression"]),
    exp.Cast: _cast,
    exp.TimestampTrunc: _truncated,
    exp.DateTrunc: _truncated,
    exp.Extract: _extracted,
}
