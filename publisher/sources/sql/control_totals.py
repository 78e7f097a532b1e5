"""Control totals: numbers that the source computes itself and that the rows read must give as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import DescriptorError, SourceError
from publisher.sources.sql.session import SqlSession, part_of
from publisher.sources.sql.spec import ControlTotal, SqlSource

TOLERANCE = Decimal("1e-12")
"""Share of the sum of all magnitudes by which sums of binary fractions may differ; their order is not defined."""
SHOWN_FROM_ROWS = 20
"""Totals over fewer rows are close to single values, so that messages leave them out."""

EXACT = Context(prec=120, traps=[])


@dataclass(frozen=True)
class Claim:
    """What the source says about one total."""

    control: ControlTotal
    total: Decimal
    is_binary: bool


@dataclass
class _Sum:
    total: Decimal = Decimal(0)
    magnitude: Decimal = Decimal(0)
    is_binary: bool = False


@dataclass
class Tally:
    """Adds up the rows read, for all claims."""

    claims: Sequence[Claim]
    rows: int = 0
    sums: dict[str, _Sum] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch.

        Raises:
            DescriptorError: a control total sums a column that the query does not give.
            SourceError: a column that is summed holds something else than numbers.
        """
        self.rows += batch.num_rows
        for name in dict.fromkeys(claim.control.column for claim in self.claims):
            if name is None:
                continue
            if name not in batch.schema.names:
                raise DescriptorError(
                    f"A control total sums `{name}`, which the query does not give.",
                    cure="correct `equals`: it names a column of the query",
                )
            _add_column(self.sums.setdefault(name, _Sum()), batch.column(name), name)

    def join(self, other: Tally) -> None:
        """Take what was added up of other rows."""
        self.rows += other.rows
        for name, more in other.sums.items():
            so_far = self.sums.setdefault(name, _Sum())
            so_far.total = EXACT.add(so_far.total, more.total)
            so_far.magnitude = EXACT.add(so_far.magnitude, more.magnitude)
            so_far.is_binary |= more.is_binary

    @property
    def differences(self) -> list[str]:
        """How the rows read differ from what the source says, in words without cell values; empty when they agree."""
        return [text for claim in self.claims if (text := self._difference(claim))]

    def _difference(self, claim: Claim) -> str:
        column = claim.control.column
        read = _Sum(Decimal(self.rows)) if column is None else self.sums.get(column, _Sum())
        if read.total == claim.total or (read.total.is_nan() and claim.total.is_nan()):
            return ""
        if (read.is_binary or claim.is_binary) and read.total.is_finite() and claim.total.is_finite():
            distance = abs(EXACT.subtract(read.total, claim.total))
            if distance <= EXACT.multiply(TOLERANCE, max(read.magnitude, abs(claim.total))):
                return ""
        if self.rows < SHOWN_FROM_ROWS:
            return f"`{claim.control.equals}` differs (both totals withheld, they are over few rows)"
        return (
            f"`{claim.control.equals}` is {_shown(read.total)} in the rows read and {_shown(claim.total)} in the source"
        )


def claims_of(session: SqlSession, spec: SqlSource) -> list[Claim]:
    """Ask the source for its totals; a sum over nothing is 0.

    Raises:
        SourceError: a query gives something else than one number.
    """
    return [_claim(session, spec, control) for control in spec.control_totals]


def checked(batches: Iterator[pa.RecordBatch], claims: Sequence[Claim]) -> Iterator[pa.RecordBatch]:
    """Pass batches on, and refuse in the end when the rows give other totals than the source.

    Raises:
        SourceError: names each total and, unless they are over few rows, both numbers.
    """
    tally = Tally(claims)
    for batch in batches:
        tally.add(batch)
        yield batch
    refuse_differences(tally)


def refuse_differences(tally: Tally) -> None:
    """Refuse when the rows give other totals than the source.

    Raises:
        SourceError: as above.
    """
    if tally.differences:
        raise SourceError(
            f"Control totals differ: {'; '.join(tally.differences)}.",
            cure="see whether the query leaves rows out that the total has; if not, ask the agency which is right",
        )


def _claim(session: SqlSession, spec: SqlSource, control: ControlTotal) -> Claim:
    query = control.query or part_of(spec.query, "1 = 1", columns=str(control.expression))
    found = session.rows(query)
    if len(found) == 1 and len(found[0]) == 1:
        value = found[0][0]
        try:
            return Claim(control, Decimal(str(0 if value is None else value)), isinstance(value, float))
        except InvalidOperation:
            pass
    raise SourceError(
        f"The control total for `{control.equals}` did not give one number.",
        cure="write it as one aggregate, such as SELECT sum(…) FROM …",
    )


def _shown(total: Decimal) -> str:
    return f"{total.normalize(EXACT):f}"


def _add_column(so_far: _Sum, column: pa.Array, name: str) -> None:
    kind = column.type
    if pa.types.is_floating(kind):
        so_far.is_binary = True
        total, magnitude = (pc.sum(values).as_py() or 0.0 for values in (column, pc.abs(column)))
        so_far.total = EXACT.add(so_far.total, Decimal(total))
        so_far.magnitude = EXACT.add(so_far.magnitude, Decimal(magnitude))
        return
    if pa.types.is_integer(kind):
        total = pc.sum(pc.cast(column, pa.decimal128(20, 0))).as_py()
    elif pa.types.is_string(kind) or pa.types.is_null(kind):
        total = _sum_of_texts(column, name)
    else:
        raise SourceError(f"A control total sums `{name}`, which holds no numbers.", cure="sum another column")
    so_far.total = EXACT.add(so_far.total, total or Decimal(0))
    so_far.magnitude = EXACT.add(so_far.magnitude, abs(total or Decimal(0)))


def _sum_of_texts(column: pa.Array, name: str) -> Decimal | None:
    try:
        return pc.sum(pc.cast(column, pa.decimal128(38, 9))).as_py()  # type: ignore[no-any-return]
    except pa.ArrowInvalid:  # more digits than that, NaN, or no number; its message quotes the cell
        pass
    total = Decimal(0)
    try:
        for text in column.drop_null().to_pylist():
            total = EXACT.add(total, Decimal(text))
    except InvalidOperation:
        raise SourceError(
            f"A control total sums `{name}`, but not all of its values are numbers.",
            cure="cast the column to a number in the query, or sum another column",
        ) from None
    return total


def with_count(claims: Sequence[Claim], expected: int | None) -> list[Claim]:
    """Return the claims and, before them, what `count_query` gave."""
    counted = ControlTotal(query="count_query", equals="count")
    return [*([] if expected is None else [Claim(counted, Decimal(expected), is_binary=False)]), *claims]
