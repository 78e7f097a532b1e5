"""G3 and G4: every class of quasi-identifiers is large and varied enough, null being a value, and few enough rows were left out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from publisher.policy import Microdata
from publisher.published import PublishedTable


def small_classes(path: Path, table: PublishedTable, microdata: Microdata) -> list[str]:
    """Count units in each class: the unit key's values when all of it is published, else rows."""
    published = {field.name for field in table.fields}
    key = table.source.privacy.unit_key
    unit = f"count(DISTINCT row({_names(key)}))" if key and published.issuperset(key) else "count(*)"
    number, smallest = _below(path, table, unit, microdata.k)
    return [f"{number} classes are smaller than k={microdata.k}, the smallest has {smallest}"] if number else []


def uniform_classes(path: Path, table: PublishedTable, microdata: Microdata) -> list[str]:
    """Count distinct sensitive values in each class, null being one of them."""
    diversity = microdata.l_diversity
    if diversity is None:
        return []
    field = f'"{diversity.field}"'
    distinct = f"count(DISTINCT {field}) + max(({field} IS NULL)::INTEGER)"
    number, fewest = _below(path, table, distinct, diversity.l)
    return (
        [f"{number} classes hold fewer than l={diversity.l} sensitive values, the poorest {fewest}"] if number else []
    )


def singling_out(path: Path, table: PublishedTable, microdata: Microdata) -> list[str]:
    """Find columns without a role whose values are shared by fewer than k rows, for most rows.

    k counts the classes of quasi-identifiers only; a case number or a position that was kept without a role would single
    every row out beside it. Pseudonyms are new for each release and say nothing outside of it.
    """
    faults = []
    for field in table.fields:
        if field.role is None and field.treatment != "pseudonymise":
            column = f'"{field.name}"'
            groups = f"SELECT count(*) AS n FROM read_parquet(?) WHERE {column} IS NOT NULL GROUP BY {column}"  # noqa: S608  own names
            query = f"SELECT coalesce(sum(n) FILTER (n < ?), 0), coalesce(sum(n), 0) FROM ({groups})"  # noqa: S608
            with closing(duckdb.connect(":memory:")) as connection:
                connection.execute("SET memory_limit = '400MB'")
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


def _below(path: Path, table: PublishedTable, measure: str, least: int) -> tuple[int, int]:
    """Return the number of classes whose measure is below the least, and the smallest measure."""
    quasi = _names([field.name for field in table.fields if field.role == "quasi"])
    group = f"GROUP BY {quasi}" if quasi else "HAVING count(*) > 0"
    query = f"SELECT count(*), min(m) FROM (SELECT {measure} AS m FROM read_parquet(?) {group}) WHERE m < ?"  # noqa: S608
    with closing(duckdb.connect(":memory:")) as connection:
        connection.execute("SET memory_limit = '400MB'")
        number, smallest = connection.execute(query, [str(path), least]).fetchall()[0]
    return int(number), int(smallest or 0)


def _names(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
