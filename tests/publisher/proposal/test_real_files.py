"""Drafts of real files: expected types, keys, marks and formats; every draft is right once its empty keys are filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from filled import load_filled

from publisher.proposal.propose import propose_dataset
from publisher.secrets import Secrets

EXPECTED: list[tuple[str, dict[str, Any], list[str] | None, dict[str, str]]] = [
    ("admin/vn_wards_2026-07-25_34p.csv", {"kind": "csv"}, ["ward_code"], {"ward_code": "string", "province_code": "string"}),
    ("admin/vn_communes_2025-03-01_63p.csv", {"kind": "csv"}, None, {"commune_code": "string"}),
    ("admin/hue_commune_boundaries_2026.ndjson.gz", {"kind": "geojson"}, ["id"], {"code": "string", "area_km2": "number"}),
    ("messy/air_quality_uci_semicolon.csv", {"kind": "csv", "delimiter": ";"}, None, {"date": "date %d/%m/%Y", "time": "time %H.%M.%S", "co_gt": "number ,"}),
    ("messy/koeln_budget_teilfinanzplan.csv", {"kind": "csv", "delimiter": ";"}, ["teilplan", "teilpanzeile"], {"produktbereich": "string", "plan_2011": "number ,"}),
    ("messy/gso_units_ha_noi.xls", {"kind": "excel"}, ["ma_px"], {"ma_tp": "string", "ma_px": "string", "cap": "string"}),
    ("messy/nrc_events_pipe.txt", {"kind": "csv", "delimiter": "|"}, ["en_no"], {}),
    ("business/sydney_bidders_bulk.csv", {"kind": "csv", "encoding": "mac-roman"}, None, {"date": "string"}),
    ("business/kansas_1033_transfers.csv", {"kind": "csv"}, None, {"nsn": "string", "quantity": "integer", "ship_date": "datetime %m/%d/%Y %H:%M:%S"}),
    ("health_education/worldbank_population.xls", {"kind": "excel", "sheet": "Data", "header_rows": [4]}, ["country_code", "year"], {"year": "year"}),
    ("health_education/worldbank_poverty_raw_2021.csv.gz", {"kind": "csv", "header_rows": [5]}, ["country_code", "indicator_code"], {"cot_1960": "string", "cot_1990": "number"}),
    ("air/beijing_12_stations_hourly_2013_2017.parquet", {"kind": "parquet"}, ["no", "station"], {"year": "integer", "temp": "number"}),
    ("requests311/boston_311_animal_2015.csv.gz", {"kind": "csv"}, ["case_enquiry_id"], {"open_dt": "datetime %Y-%m-%d %H:%M:%S", "case_enquiry_id": "string"}),
    ("persons/titanic.csv", {"kind": "csv"}, ["passenger_id"], {"age": "number", "survived": "integer"}),
    ("persons/adult_train.csv.gz", {"kind": "csv", "header": False}, None, {"cot_1": "integer"}),
    ("transport/koeln_street_segments.geojson.gz", {"kind": "geojson"}, ["objectid"], {}),
]  # fmt: skip

NEVER_KEPT = {
    "persons/titanic.csv": {"name", "sex", "age", "survived", "ticket", "cabin"},
    "persons/adult_train.csv.gz": {f"cot_{n}" for n in range(1, 16)},
    "requests311/boston_311_animal_2015.csv.gz": {"location", "location_street_name", "latitude", "longitude"},
    "business/sydney_bidders_bulk.csv": {"committee_mem1", "committee_mem2", "committee_mem3", "bidder"},
}


def told(field: dict[str, Any]) -> str:
    return " ".join(
        [field.get("type", "string"), *(str(field[key]) for key in ("format", "decimalChar") if key in field)]
    )


@pytest.mark.slow
@pytest.mark.parametrize(("path", "form", "key", "types"), EXPECTED, ids=[one[0] for one in EXPECTED])
def test_a_real_file_gives_a_draft_that_holds(
    shared_data: Path, tmp_path: Path, path: str, form: dict[str, Any], key: list[str] | None, types: dict[str, str]
) -> None:
    name, text = propose_dataset(str(shared_data / path), secrets=Secrets({}))
    table = yaml.safe_load(text)["resources"][0]
    assert table["source"]["format"] == form
    assert table["schema"].get("primaryKey") == key
    found = {field["name"]: told(field) for field in table["schema"]["fields"]}
    assert {field: found[field] for field in types} == types
    kept = {field for field, said in table["privacy"]["fields"].items() if said["action"] == "keep"}
    assert not kept & NEVER_KEPT.get(path, set())
    assert load_filled(text, tmp_path, name).resources[0].name == table["name"]
