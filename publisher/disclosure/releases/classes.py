"""G7 for rows: between any two releases a class differs by no rows or by at least k, and its rows come and go in such numbers only.

Rows are compared as multisets over all columns but pseudonyms, which are new for each release; sizes of classes with every earlier release.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from publisher.earlier import ROWS, Earlier
from publisher.policy import FieldAction, GeneraliseDate, GeneraliseHierarchy, GeneraliseNumber, Microdata
from publisher.published import PublishedTable

_DIGIT = re.compile(r"\d")
_BAND = re.compile(r"(-?[\d.]+)-(-?[\d.]+)")


def changed_classes(path: Path, table: PublishedTable, microdata: Microdata, earlier: Earlier) -> list[str]:
    """Compare the classes of a table of rows with those of all earlier releases, and its rows with the newest's."""
    with closing(duckdb.connect(":memory:")) as engine:
        engine.execute("SET memory_limit = '400MB'")
        check = _Check(engine, path, table, microdata.k)
        faults = check.levels(earlier)
        if faults:
            return faults  # classes of other levels say nothing about each other
        faults = check.sizes(earlier)
        former = earlier.of(table.name)
        return faults + (check.rows(former[-1].path) if former else [])


class _Check:
    """The new file, opened beside earlier ones."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, path: Path, table: PublishedTable, k: int) -> None:
        self._engine, self._table, self._k = engine, table, k
        self._quasi = [field.name for field in table.fields if field.role == "quasi"]
        self._mode = table.source.privacy.releases.mode
        engine.read_parquet(str(path)).create_view("new")

    def levels(self, earlier: Earlier) -> list[str]:
        """See that every quasi-identifier has the level that it had."""
        faults = {}
        for one in earlier.classes_of(self._table.name):
            for name in self._common(one.path):
                if not _same_level(
                    self._table.source.privacy.action_of(name),
                    self._values(name, "new"),
                    self._values(name, _file(one.path)),
                ):
                    faults[name] = (
                        f"{name} has another level than in an earlier release, so that classes cannot be compared"
                    )
        return list(faults.values())

    def sizes(self, earlier: Earlier) -> list[str]:
        """Compare the sizes of classes with every earlier release, over the quasi-identifiers that both have."""
        near = fewer = 0
        for one in earlier.classes_of(self._table.name):
            by = self._common(one.path)
            group = f"GROUP BY {_columns(by)}" if by else "HAVING count(*) > 0"
            same = " AND ".join(f"a.{_q(n)} IS NOT DISTINCT FROM b.{_q(n)}" for n in by) or "true"
            now = f"SELECT {_columns([*by])}{', ' if by else ''}count(*) AS n FROM new {group}"  # noqa: S608  names of the definition
            then = f"SELECT {_columns([*by])}{', ' if by else ''}sum({ROWS}) AS n FROM {_file(one.path)} {group}"  # noqa: S608
            query = f"""SELECT count(*) FILTER (abs(a.n - b.n) BETWEEN 1 AND {self._k - 1}), count(*) FILTER (a.n < b.n)
                FROM ({now}) a JOIN ({then}) b ON {same}"""  # noqa: S608
            [[small, lost]] = self._engine.execute(query).fetchall()
            near, fewer = max(near, small), max(fewer, lost if self._mode != "snapshot" else 0)
        faults = [f"{near} classes differ from an earlier release by fewer than k={self._k} rows"] * bool(near)
        return faults + [f"{fewer} classes have fewer rows than before, and the mode is {self._mode}"] * bool(fewer)

    def rows(self, former: Path) -> list[str]:
        """Compare the rows themselves with those of the newest earlier release that is kept, by 64-bit hashes of rows and classes."""
        known = set(pq.read_schema(former).names)
        fields = [one.name for one in self._table.fields if one.treatment != "pseudonymise" and one.name in known]
        by = [name for name in self._quasi if name in fields]
        if not fields:
            return []
        columns, key = _columns(fields), f"hash({_columns(by)})" if by else "0"
        told = f"SELECT {key} AS c, hash({columns}) AS h"
        signed = f"{told}, 1 AS new FROM new UNION ALL {told}, 0 AS new FROM {_file(former)}"
        each = f"SELECT c, sum(new) AS now, sum(1 - new) AS was FROM ({signed}) GROUP BY c, h"  # noqa: S608  names of the definition
        classes = f"""SELECT sum(now) AS now, sum(was) AS was, sum(greatest(now - was, 0)) AS came,
            sum(greatest(was - now, 0)) AS went FROM ({each}) GROUP BY c"""  # noqa: S608
        query = f"""SELECT count(*) FILTER (now > 0 AND was > 0 AND greatest(came, went) BETWEEN 1 AND {self._k - 1}),
            count(*) FILTER (went > 0) FROM ({classes})"""  # noqa: S608
        [[few, left]] = self._engine.execute(query).fetchall()
        faults = [f"in {few} classes fewer than k={self._k} rows came, went or changed"] * bool(few)
        gone = self._mode == "append_only" and bool(left)
        return faults + [f"in {left} classes rows are gone, and the mode is append_only"] * gone

    def _common(self, path: Path) -> list[str]:
        known = set(pq.read_schema(path).names)
        return [name for name in self._quasi if name in known]

    def _values(self, name: str, source: str) -> set[str]:
        query = f"SELECT DISTINCT CAST({_q(name)} AS VARCHAR) FROM {source} WHERE {_q(name)} IS NOT NULL"  # noqa: S608  a declared name
        return {row[0] for row in self._engine.execute(query).fetchall()}


def _same_level(action: FieldAction, one: set[str], other: set[str]) -> bool:
    """Tell by their forms whether the values of two releases can be of one level; no values fit any."""
    if not one or not other or one == other:
        return True
    if isinstance(action, GeneraliseDate):
        return {_DIGIT.sub("9", text) for text in one} == {_DIGIT.sub("9", text) for text in other}
    if isinstance(action, GeneraliseNumber):
        return bool(_widths(one) & _widths(other)) or not (_widths(one) or _widths(other))
    if isinstance(action, GeneraliseHierarchy):
        return 2 * len(one & other) >= min(len(one), len(other))
    return True


def _widths(labels: set[str]) -> set[float]:
    """Return the widths of bands; a lone number is a band of one, `*` and open bands tell none."""
    bands = [match for text in labels if (match := _BAND.fullmatch(text.replace("<", "")))]
    found = {round(float(match[2]) - float(match[1]), 6) for match in bands}
    return (
        found
        | ({0.0} if any(text.lstrip("-").isdecimal() for text in labels) else set())
        | ({-1.0} if "*" in labels else set())
    )


def _columns(names: Sequence[str]) -> str:
    return ", ".join(_q(name) for name in names)


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _file(path: Path) -> str:
    return "read_parquet('" + str(path).replace("'", "''") + "')"
