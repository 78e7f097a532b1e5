"""What the quality report tells of tables whose number of rows would tell of hidden cells."""

from __future__ import annotations

import pytest

from publisher.quality.document import quality_document
from publisher.quality.score import Score
from publisher.validation.report import QualityReport


@pytest.mark.parametrize(("valid", "told"), [(100_000, 1.0), (99_999, 0.99), (98_999, 0.98)])
def test_a_table_whose_rows_may_not_be_counted_tells_whole_per_cents_and_never_all_when_one_is_missing(
    valid: int, told: float
) -> None:
    report = QualityReport("calls", 100_000, valid, (), (), {"ward": 0.99877, "day": 0.29}, 1.5)
    [table] = quality_document([report], [], Score({}), [], countless={"calls"})["tables"]
    assert table["validity"] == told
    assert table["completeness"] == {"ward": 0.99, "day": 0.29}
    assert not {"rows", "valid_rows", "seconds"} & table.keys()


def test_other_tables_are_counted() -> None:
    report = QualityReport("streets", 10, 9, (), (), {"name": 0.9}, 1.5)
    [table] = quality_document([report], [], Score({}), [], countless=set())["tables"]
    assert (table["rows"], table["valid_rows"], table["invalid_rows"]) == (10, 9, 1)
