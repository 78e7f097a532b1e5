"""How many units changed since the release before: arrived, left, or have other values in what is released.

For a table that asks for a least batch, a keyed digest of each row and of its unit is kept inside with every release. They are
compared as multisets, so that nothing of the rows themselves has to be kept.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from publisher.anonymise.plan import Plan
from publisher.earlier import Earlier
from publisher.engines.local import new_parquet
from publisher.engines.working_files import Table, read_batches
from publisher.errors import BatchTooSmall

_SCHEMA = pa.schema({"unit": pa.uint64(), "row": pa.uint64()})


def hold_small_batch(valid: Table, plan: Plan, earlier: Earlier | None, output: Path) -> dict[str, Path]:
    """Hold the release when some but too few units changed since the newest one.

    Returns:
        The file of digests to be kept inside, by name; none for a table that asks for no least batch. Where none was kept with the newest
        release, as after the batch was asked for anew, nobody can tell how many changed, and nothing is held.

    Raises:
        BatchTooSmall: the changes wait for the next window.
    """
    least = plan.table.privacy.releases.min_batch
    if least is None or earlier is None or plan.table.privacy.subject == "none":
        return {}
    name = f"{plan.table.name}.units.parquet"
    digests = output / f".{name}"
    write_digests(valid, plan, key=earlier.key, output=digests)
    former = earlier.remembered(name)
    changed = changed_units(digests, former, by_key=bool(plan.table.privacy.unit_key)) if former else 0
    if 0 < changed < least:
        raise BatchTooSmall(
            f"In `{plan.table.name}` fewer than {least} units changed since {earlier.releases[-1].release}; they are released together.",
            step="anonymise",
            cure="nothing to do: the changes wait, and the next run that has enough of them releases them",
        )
    return {name: digests}


def write_digests(valid: Table, plan: Plan, *, key: bytes, output: Path) -> None:
    """Write a digest of each row's unit and of all that is released of it, in an order that says nothing."""
    table = plan.table
    measured = {measure.field for aggregate in table.privacy.tables for measure in aggregate.measures if measure.field}
    needed = {*plan.treatments, *measured, *table.privacy.unit_key}
    names = [field.name for field in table.schema_.fields if field.name in needed]
    salt = hmac.digest(key, b"phusa/batch/1", hashlib.sha256).hex()
    with closing(duckdb.connect(":memory:")) as engine, new_parquet(output.with_suffix(".part"), _SCHEMA) as writer:
        for batch in read_batches(valid, columns=names):
            engine.register("batch", pa.Table.from_batches([batch]))
            unit, row = (_digest(salt, some) for some in (table.privacy.unit_key or names, names))
            query = f"SELECT {unit} AS unit, {row} AS row FROM batch"  # noqa: S608  own names
            writer.write_table(engine.sql(query).to_arrow_table().cast(_SCHEMA))
    digests = pq.read_table(output.with_suffix(".part"))
    pq.write_table(digests.sort_by([("unit", "ascending"), ("row", "ascending")]), output, compression="zstd")
    output.with_suffix(".part").unlink()


def _digest(salt: str, names: Sequence[str]) -> str:
    """Return an expression for 64 bits of SHA-256 over a secret and the values of some fields, each with its length before it."""
    texts = (f'CAST("{name}" AS VARCHAR)' for name in names)
    said = " || ".join(f"coalesce(length({text}) || ':' || {text}, '-')" for text in texts)
    return f"('0x' || sha256('{salt}' || {said})[:16])::UBIGINT"


def changed_units(now: Path, then: Path, *, by_key: bool) -> int:
    """Return how many units have rows in one of two files of digests that the other has not.

    Where each row is a unit of its own (`by_key` false), an altered row counts once, not as one that left and one that came.
    """
    with closing(duckdb.connect(":memory:")) as engine:
        engine.execute("SET memory_limit = '400MB'")
        engine.read_parquet(str(now)).create_view("now")
        engine.read_parquet(str(then)).create_view("past")
        came, went = "FROM now EXCEPT ALL FROM past", "FROM past EXCEPT ALL FROM now"
        if by_key:
            [[units]] = engine.sql(f"SELECT count(DISTINCT unit) FROM (({came}) UNION ALL ({went}))").fetchall()  # noqa: S608  fixed text
            return int(units)
        return max(int(engine.sql(f"SELECT count(*) FROM ({rows})").fetchall()[0][0]) for rows in (came, went))  # noqa: S608
