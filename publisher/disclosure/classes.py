"""G3 and G4: every class of quasi-identifiers is large and varied enough, null being a value, and few enough rows were left out.

Variety is counted in rows. Bounds are met within 1e-9, for sums of shares differ by so much.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from publisher.policy import Microdata
from publisher.policy.microdata import Closeness, Diversity
from publisher.published import PublishedTable

_NEAR = 1e-9
_CELLS = 4_000_000
"""Classes by values that are judged at a time."""
_NUMBER_AHEAD = r"^-?[0-9]+([.][0-9]+)?"


def small_classes(path: Path, table: PublishedTable, microdata: Microdata) -> list[str]:
    """Count units in each class: the unit key's values when all of it is published, else rows."""
    published = {field.name for field in table.fields}
    key = table.source.privacy.unit_key
    unit = f"count(DISTINCT row({_names(key)}))" if key and published.issuperset(key) else "count(*)"
    number, smallest = _below(path, table, unit, microdata.k)
    return [f"{number} classes are smaller than k={microdata.k}, the smallest has {smallest}"] if number else []


def uniform_classes(path: Path, table: PublishedTable, microdata: Microdata) -> list[str]:
    """Judge l-diversity: distinct values, entropy, or recursive, null being one of the values."""
    diversity = microdata.l_diversity
    if diversity is None:
        return []
    if diversity.kind == "distinct":
        field = f'"{diversity.field}"'
        distinct = f"count(DISTINCT {field}) + max(({field} IS NULL)::INTEGER)"
        number, fewest = _below(path, table, distinct, diversity.l)
        told = f"{number} classes hold fewer than l={diversity.l:g} sensitive values, the poorest {fewest}"
        return [told] if number else []
    number = _poor(path, table, diversity)
    return [f"{number} classes miss {diversity.kind} l-diversity of l={diversity.l:g}"] if number else []


def far_classes(path: Path, table: PublishedTable, microdata: Microdata) -> list[str]:
    """Judge t-closeness: the earth mover's distance of each class from all published rows, null being a value."""
    closeness = microdata.t_closeness
    if closeness is None:
        return []
    far = [
        distance for part in _distances(path, table, closeness) for distance in part if distance > closeness.t + _NEAR
    ]
    told = (
        f"{len(far)} classes are further than t={closeness.t:g} from all rows, the furthest {max(far, default=0):.3f}"
    )
    return [told] if far else []


def singling_out(path: Path, table: PublishedTable, microdata: Microdata) -> list[str]:
    """Find columns without a role whose values are shared by fewer than k rows, for most rows.

    k counts the classes of quasi-identifiers only; a case number or a position that was kept without a role would single
    every row out beside it. Pseudonyms are new for each release and say nothing outside of it.
    """
    faults = []
    with closing(_connection()) as connection:
        for field in table.fields:
            if field.role is not None or field.treatment == "pseudonymise":
                continue
            column = f'"{field.name}"'
            groups = f"SELECT count(*) AS n FROM read_parquet(?) WHERE {column} IS NOT NULL GROUP BY {column}"  # noqa: S608  own names
            query = f"SELECT coalesce(sum(n) FILTER (n < ?), 0), coalesce(sum(n), 0) FROM ({groups})"  # noqa: S608
            rare, rows = connection.execute(query, [microdata.k, str(path)]).fetchall()[0]
            if rare > rows / 2:
                faults.append(
                    f"{field.name} has no role and singles rows out; drop or generalise it, or give it a role"
                )
    return faults


def left_out(rows_now: int, rows_before: int | None, microdata: Microdata) -> list[str]:
    """Compare the rows published with the valid rows there were."""
    if rows_before is None:
        return ["the number of valid rows is unknown, so the suppressed share could not be checked"]
    if rows_now > rows_before:
        return ["more rows are published than there were"]
    if rows_before - rows_now > microdata.suppression_limit * rows_before:
        return [
            f"{rows_before - rows_now} of {rows_before} rows were left out, above {microdata.suppression_limit:.1%}"
        ]
    return []


def _below(path: Path, table: PublishedTable, measure: str, least: float) -> tuple[int, int]:
    """Return the number of classes whose measure is below the least, and the smallest measure."""
    quasi = _quasi(table)
    group = f"GROUP BY {', '.join(quasi)}" if quasi else "HAVING count(*) > 0"
    query = f"SELECT count(*), min(m) FROM (SELECT {measure} AS m FROM read_parquet(?) {group}) WHERE m < ?"  # noqa: S608
    with closing(_connection()) as connection:
        number, smallest = connection.execute(query, [str(path), least]).fetchall()[0]
    return int(number), int(smallest or 0)


def _poor(path: Path, table: PublishedTable, diversity: Diversity) -> int:
    """Return how many classes miss entropy or recursive (c, l)-diversity, by the counts of their values."""
    if diversity.kind == "entropy":
        poor, bounds = "ln(sum(n)) - sum(n * ln(n)) / sum(n) < ?", [math.log(diversity.l) - _NEAR]
    else:
        rest = "coalesce(list_sum(list_reverse_sort(list(n))[?::INTEGER:]), 0)"
        poor, bounds = f"max(n) >= ?::DOUBLE * {rest}", [float(diversity.c or 0), diversity.l]
    quasi = _quasi(table)
    values = ", ".join([*quasi, f'"{diversity.field}"'])
    counts = f"SELECT {values}, count(*) AS n FROM read_parquet(?) GROUP BY {values}"  # noqa: S608  own names
    group = f"GROUP BY {', '.join(quasi)}" if quasi else ""
    query = f"SELECT count(*) FROM (SELECT max(n) FROM ({counts}) {group} HAVING {poor})"  # noqa: S608
    with closing(_connection()) as connection:
        return int(connection.execute(query, [str(path), *bounds]).fetchall()[0][0])


def _distances(path: Path, table: PublishedTable, closeness: Closeness) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the distance of each class, some classes at a time as a table of classes by values."""
    query = f"SELECT class, value, n FROM ({_counts(table, closeness.field)}) ORDER BY class"  # noqa: S608  own names
    with closing(_connection()) as connection:
        counted = connection.execute(query, [str(path)]).fetchnumpy()
        order = connection.execute(_order_of_values(closeness.field), [str(path)]).fetchnumpy()["value"]
    classes, values, rows = (np.asarray(counted[name]) for name in ("class", "value", "n"))
    if not len(classes):
        return
    rank = np.argsort(order)[values]
    whole = np.bincount(rank, weights=rows, minlength=len(order)) / rows.sum()
    least = max(1, _CELLS // len(order))
    for start in range(0, int(classes.max()) + 1, least):
        first, last = np.searchsorted(classes, [start, start + least])
        number = int(classes[last - 1]) - start + 1
        shares = np.zeros((number, len(order)))
        shares[classes[first:last] - start, rank[first:last]] = rows[first:last]
        gaps = shares / shares.sum(axis=1, keepdims=True) - whole
        if closeness.distance == "equal":
            yield np.abs(gaps).sum(axis=1) / 2
        else:
            yield np.abs(np.cumsum(gaps, axis=1)).sum(axis=1) / max(1, len(order) - 1)


def _counts(table: PublishedTable, field: str) -> str:
    """Return the query of the rows of each value in each class, both numbered from 0; null is a value like any other."""
    quasi = _quasi(table)
    number = f"dense_rank() OVER (ORDER BY {', '.join(quasi)}) - 1" if quasi else "0"
    columns = ", ".join([*quasi, f'"{field}"'])
    counts = f"SELECT {columns}, count(*) AS n FROM read_parquet(?) GROUP BY {columns}"  # noqa: S608  own names
    return f'SELECT {number} AS class, dense_rank() OVER (ORDER BY "{field}") - 1 AS value, n FROM ({counts})'  # noqa: S608


def _order_of_values(field: str) -> str:
    """Return the query of the values, numbered as `_counts` numbers them, in the order in which ordered distance takes them.

    Texts that begin with a number come first, in the order of these numbers; others follow in that of their code points, and null is last.
    """
    number = f"CASE WHEN typeof(own) = 'VARCHAR' THEN try_cast(regexp_extract(text, '{_NUMBER_AHEAD}') AS DOUBLE) END"
    return f"""
        WITH held AS (
            SELECT dense_rank() OVER (ORDER BY "{field}") - 1 AS value, "{field}" AS own, "{field}"::VARCHAR AS text
            FROM (SELECT DISTINCT "{field}" FROM read_parquet(?))
        )
        SELECT value FROM held ORDER BY own IS NULL, {number} NULLS LAST, own
    """  # noqa: S608  own names


def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute("SET memory_limit = '400MB'")
    return connection


def _quasi(table: PublishedTable) -> list[str]:
    return [f'"{field.name}"' for field in table.fields if field.role == "quasi"]


def _names(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
