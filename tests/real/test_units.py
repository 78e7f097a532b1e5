"""The statistics office's Excel files: five provinces, codes stay text with their leading zeros."""

from __future__ import annotations

import pytest
from python_calamine import CalamineWorkbook
from real.real_city import RealCity
from real.released import Released, assert_all_agree

pytestmark = pytest.mark.slow
ROWS = {"01": 579, "46": 141, "48": 57, "79": 312, "92": 83}


@pytest.fixture(scope="module")
def units(city: RealCity) -> Released:
    return city.publish("administrative-units")


def test_all_forms_tell_the_same(units: Released) -> None:
    assert_all_agree(units, {"units": sum(ROWS.values())})


def test_codes_are_text_with_leading_zeros_in_every_form(units: Released) -> None:
    assert dict(units.ask("SELECT province_code, count(*) FROM released GROUP BY 1", "units")) == ROWS
    first = units.rows("units")[0]
    assert [first[name] for name in ("province_code", "district_code", "commune_code")] == ["01", "001", "00001"]
    page = units.portal.get(f"/query/{units.name}/units.json?commune_code=00001").json()
    assert [row["district_code"] for row in page["rows"]] == ["001"]


def test_every_cell_of_the_workbooks_left(units: Released, city: RealCity) -> None:
    delivered = [
        tuple(str(cell).strip() or None for cell in row)
        for path in (city.data / "messy").glob("gso_units_*.xls")
        for row in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()[1:]
    ]
    left = [tuple(row.values()) for row in units.rows("units")]
    assert sorted(left, key=str) == sorted(delivered, key=str)
    alone = [row for row in units.rows("units") if row["commune_code"] is None]
    assert [row["district"] for row in alone] == ["Huyện Hoàng Sa"], "a district without communes is kept"
