"""What a database's refusal means, in words that hold no cell value, address or password."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from publisher.errors import SourceError
from publisher.sources.sql.spec import SqlSource

CAUSES: tuple[tuple[str, str, str], ...] = (
    # what the driver's text says, what happened, cure
    ("no such table|relation .* does not exist|unknown table|table .* doesn.t exist|invalid object name|42P01|ORA-00942", "a table of the query is not there",
     "compare the query with the database; was a table renamed?"),
    ("no such column|column .* does not exist|unknown column|invalid column name|42703|ORA-00904", "a column of the query is not there",
     "compare the query with the database; was a column renamed?"),
    ("syntax error|incomplete input|error in your SQL syntax|incorrect syntax|42601|ORA-009[0-3]", "the query is no valid SQL", "run the query by hand and correct it"),
    ("password authentication failed|access denied|no password supplied|login failed|28P01|28000|ORA-01017",
     "the database refused user or password", "renew the secret and see that the account may read"),
    ("permission denied|permission was denied|command denied|42501|ORA-01031", "the account may not read this", "have the agency grant SELECT on it"),
    ("snapshot isolation", "the database allows no snapshot isolation, without which totals and rows would not fit",
     "have its owner run ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON"),
    ("read.?only|25006|ORA-01456", "the query tries to write; sources are only read", "let the query be one SELECT"),
    ("statement timeout|interrupted|max_execution_time|max_statement_time|57014|query timeout|HYT00|DPY-4024",
     "the query took longer than statement_timeout_seconds",
     "index what it filters by, or raise statement_timeout_seconds"),
    (r"server closed|connection .*closed|(terminating|lost) connection|gone away|consuming input failed|57P0|08006|DPY-4011",
     "the connection broke while rows were read", "see that the database runs, then run again"),
    ("database .* does not exist|unknown database|3D000|ORA-12514", "the database is not there", "correct the address"),
    ("connection refused|could not translate|timed? ?out|unable to open|no route|could not connect|can.t connect|08001|failed to connect|DPY-600[15]",
     "the database cannot be reached", "see that it runs and that the address and the network are right"),
    ("malformed|not a database", "the file is no intact SQLite database", "restore it from a backup"),
    ("locked", "another program holds the database locked", "run again later, or read from a replica"),
    ("division by zero|invalid input|out of range|could not convert|22\\d{3}",
     "a value in the table does not fit a computation in the query", "cast more carefully in the query"),
)  # fmt: skip


CULPRIT = re.compile(
    r"""(?:no such (?:table|column):\s|(?:relation|near)\s"?|column\s["']?|table\s'\w+\.)([A-Za-z_][\w.]*)""",
    re.IGNORECASE,
)
"""Where the databases' texts name what they complain about."""


def sql_error(spec: SqlSource, error: BaseException) -> SourceError:
    """Return our error for a driver's exception; only identifiers that stand in the query itself are repeated."""
    if isinstance(error, SourceError):
        return error
    lines = str(error).strip().splitlines() or [""]  # ADBC repeats the whole query below the first line
    text = f"{lines[0]} {getattr(error, 'sqlstate', '') or ''}"
    for pattern, happened, cure in CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return SourceError(f"The database behind {spec.url}: {happened}{_culprit(text, spec)}.", cure=cure)
    return SourceError(
        f"The database behind {spec.url} reported {type(error).__name__}.",
        cure="run the query by hand with the same account to see the database's own words",
    )


def _culprit(text: str, spec: SqlSource) -> str:
    """Return the identifier the database complains about, when the query or count_query itself names it."""
    found = CULPRIT.search(text)
    written = f"{spec.query} {spec.count_query or ''}"
    return f" (`{found[1]}`)" if found and found[1] in written else ""


def check_columns(names: Sequence[str]) -> list[str]:
    """Return the column names of the query.

    Raises:
        SourceError: two columns have one name, or one has none.
    """
    for name in names:
        if not name or name == "?column?" or list(names).count(name) > 1:
            raise SourceError(
                f"The query gives {'a column without a name' if name in {'', '?column?'} else f'two columns `{name}`'}.",
                cure="name every column in the query with AS",
            )
    return list(names)


def count_from(rows: Sequence[Any]) -> int:
    """Return the number that `count_query` gave.

    Raises:
        SourceError: it gave something else than one whole number.
    """
    if len(rows) == 1 and len(rows[0]) == 1:
        text = str(rows[0][0])
        if text.isdecimal():
            return int(text)
    raise SourceError("count_query did not give one number.", cure="write it as SELECT count(*) FROM …")
