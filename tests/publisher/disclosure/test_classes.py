"""k, l and t of published rows, against the definitions written out row by row."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.definition import TableDefinition
from publisher.disclosure.classes import far_classes, small_classes, uniform_classes
from publisher.policy.microdata import Closeness, Diversity, Microdata
from publisher.published import PublishedTable, published_tables

Make = Callable[..., TableDefinition]
Row = tuple[Any, ...]

QUASI = {"action": "keep", "role": "quasi"}
FIELDS = {"phuong": "string", "gioi": "string", "benh": "string", "tien": "integer", "bac": "string"}
ORDER = {"tien": [1, 5, 9, 100, None], "bac": ["5-9", "10-14", "90+", None], "benh": ["9", "10", "x", None]}


@pytest.fixture
def publish(make_table: Make, tmp_path: Path) -> Callable[..., tuple[Path, PublishedTable]]:
    def write(rows: Sequence[Row], quasi: Sequence[str] = ("phuong", "gioi")) -> tuple[Path, PublishedTable]:
        fields = {name: QUASI if name in quasi else {"action": "keep", "role": "sensitive"} for name in FIELDS}
        policy = {"subject": "person", "fields": fields, "microdata": {"k": 2}}
        [table] = published_tables(make_table(FIELDS, policy))
        columns = dict(zip(FIELDS, zip(*rows, strict=True), strict=True)) if rows else {name: [] for name in FIELDS}
        path = tmp_path / "ho_so.parquet"
        pq.write_table(pa.table({name: list(values) for name, values in columns.items()}, table.arrow_schema), path)
        return path, table

    return write


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", None]),
        st.sampled_from(["nam", None]),
        st.sampled_from(ORDER["benh"]),
        st.sampled_from(ORDER["tien"]),
        st.sampled_from(ORDER["bac"]),
    ),
    min_size=1,
    max_size=40,
)
GENTLE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def classes(rows: Sequence[Row], field: str) -> list[Counter[Any]]:
    held: dict[Row, Counter[Any]] = defaultdict(Counter)
    for row in rows:
        held[row[:2]][row[list(FIELDS).index(field)]] += 1
    return list(held.values())


@pytest.mark.slow
@GENTLE
@given(
    rows=ROWS, kind=st.sampled_from(["distinct", "entropy", "recursive"]), least=st.integers(2, 3), c=st.floats(0.3, 4)
)
def test_every_kind_of_diversity_is_that_of_its_definition(
    publish: Callable[..., tuple[Path, PublishedTable]], rows: Sequence[Row], kind: Any, least: int, c: float
) -> None:
    diversity = Diversity(field="benh", kind=kind, l=least, c=c if kind == "recursive" else None)
    poor = 0
    for counts in classes(rows, "benh"):
        sizes = sorted(counts.values(), reverse=True)
        parts = [size / sum(sizes) for size in sizes]
        good = {
            "distinct": len(sizes) >= least,
            "entropy": -sum(p * math.log(p) for p in parts) >= math.log(least) - 1e-9,
            "recursive": sizes[0] < c * sum(sizes[least - 1 :]),
        }
        poor += not good[kind]
    found = uniform_classes(*publish(rows), Microdata(k=2, l_diversity=diversity))
    assert (not found) == (poor == 0)
    assert all(text.startswith(f"{poor} classes") for text in found)


@pytest.mark.slow
@GENTLE
@given(rows=ROWS, field=st.sampled_from(list(ORDER)), t=st.floats(0.05, 0.7), ordered=st.booleans())
def test_both_distances_of_closeness_are_those_of_their_definition(
    publish: Callable[..., tuple[Path, PublishedTable]], rows: Sequence[Row], field: str, t: float, *, ordered: bool
) -> None:
    whole = sum(classes(rows, field), Counter())
    values = [value for value in ORDER[field] if value in whole]
    far = 0
    for counts in classes(rows, field):
        gaps = [counts[value] / counts.total() - whole[value] / whole.total() for value in values]
        steps = [abs(sum(gaps[: place + 1])) for place in range(len(gaps))]
        distance = sum(steps) / max(1, len(values) - 1) if ordered else sum(map(abs, gaps)) / 2
        far += distance > t + 1e-9
    closeness = Closeness(field=field, t=t, distance="ordered" if ordered else "equal")
    found = far_classes(*publish(rows), Microdata(k=2, t_closeness=closeness))
    assert [text.split()[0] for text in found] == ([str(far)] if far else [])


def test_without_quasi_identifiers_all_rows_are_one_class(
    publish: Callable[..., tuple[Path, PublishedTable]],
) -> None:
    rows = [("A", "nam", "x", 1, "90+")] * 3 + [("B", "nam", "9", 1, "90+")]
    path, table = publish(rows, quasi=())
    for least, c, faults in ((2, 4.0, 0), (2, 3.0, 1), (3, 9.0, 1)):
        diversity = Diversity(field="benh", kind="recursive", l=least, c=c)
        assert len(uniform_classes(path, table, Microdata(k=2, l_diversity=diversity))) == faults
    assert not far_classes(path, table, Microdata(k=2, t_closeness=Closeness(field="benh", t=0.01)))
    assert not small_classes(path, table, Microdata(k=4))
    assert small_classes(path, table, Microdata(k=5))


def test_no_rows_miss_nothing(publish: Callable[..., tuple[Path, PublishedTable]]) -> None:
    path, table = publish([])
    entropy = Diversity(field="benh", kind="entropy", l=2)
    demands = Microdata(k=2, l_diversity=entropy, t_closeness=Closeness(field="benh", t=0.1))
    assert not small_classes(path, table, demands) + uniform_classes(path, table, demands)
    assert not far_classes(path, table, demands)


def test_classes_beyond_one_table_of_cells_are_all_judged(
    publish: Callable[..., tuple[Path, PublishedTable]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.disclosure.classes._CELLS", 6)
    rows = [(f"w{n}", "nam", "x" if n % 3 else "9", n, "90+") for n in range(30) for _ in range(2)]
    path, table = publish(rows)
    found = far_classes(path, table, Microdata(k=2, t_closeness=Closeness(field="benh", t=0.5)))
    assert found == ["10 classes are further than t=0.5 from all rows, the furthest 0.667"]
