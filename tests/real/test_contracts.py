"""The Portuguese workbook: formulas, N/A, days as text. Free texts may name people and stay inside."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from real.real_city import RealCity
from real.released import Released, assert_all_agree
from real.traces import traces

pytestmark = pytest.mark.slow
ROWS = 5214
FREE_TEXTS = [
    "Descrição Breve",
    "Critério de adjudicação",
    "Justificação para mudança de prazo",
    "Justificação para mudança de preço",
]


@pytest.fixture(scope="module")
def delivered(city: RealCity) -> list[dict[str, Any]]:
    path = city.data / "business" / "portugal_public_contracts_2015_2022.xlsx"
    header, *rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def contracts(city: RealCity) -> Released:
    return city.publish("public-contracts")


def test_all_forms_tell_the_same(contracts: Released) -> None:
    assert_all_agree(contracts, {"contracts": ROWS})


def known(value: Any) -> Any:
    """Return a cell's value, null where the workbook says that there is none."""
    return None if value == "N/A" else value


def test_days_missing_values_and_results_of_formulas_are_read(
    contracts: Released, delivered: list[dict[str, Any]]
) -> None:
    wanted = {int(row["ID"]): row for row in delivered}
    assert len(wanted) == ROWS
    for row in contracts.rows("contracts"):
        source = wanted[row["id"]]
        assert row["signed"] == datetime.strptime(source["Data de celebração"], "%d-%m-%Y").date()
        assert row["base_price"] == known(source["Preço Base (€)"])
        assert row["price_difference"] == source["Diferença de Preço"], "the result of a formula"
        assert row["duration_days"] == (row["closed"] - row["signed"]).days, "the result of a formula"
        assert row["is_in_lots"] == (
            None if source["Contratação por lotes (F/V)"] == "N/A" else source["Contratação por lotes (F/V)"]
        )
        assert row["district"] == (None if source["Distrito"] == "N/A" else source["Distrito"].strip())


def test_no_free_text_left(contracts: Released, delivered: list[dict[str, Any]]) -> None:
    texts = {str(row[name]).strip() for row in delivered for name in FREE_TEXTS}
    # Lines of a text count one by one: a file could hold them apart.
    secret = {line.strip() for text in texts for line in text.splitlines()}
    assert len(secret) > 9_000
    public = {str(value).strip() for row in delivered for name, value in row.items() if name not in FREE_TEXTS}
    assert traces(secret, contracts, public=public) == []
