"""Definitions of the attacked datasets: the synthetic patients, with every protection, and without."""

from __future__ import annotations

from typing import Any

from attacks.people import COLUMNS, ward_rows

QUASI = ("nam_sinh", "gioi_tinh", "ma_phuong")
SENSITIVE = "chan_doan"
K, L = 5, 2
_TYPES = {"ngay_sinh": "date", "ngay_kham": "date", "chi_phi": "integer"}
_NAMES = {"ngay_sinh": "nam_sinh"}
FIELDS: dict[str, Any] = {
    "so_cccd": {"action": "pseudonymise", "key": "env:PSEUDO_KEY"},
    "nam_sinh": {"action": "generalise_date", "levels": ["year", "5y", "10y", "*"], "role": "quasi"},
    "gioi_tinh": {"action": "keep", "role": "quasi"},
    "ma_phuong": {"action": "generalise", "hierarchy": "phuong.csv", "levels": ["phuong", "khu", "*"], "role": "quasi"},
    "chan_doan": {"action": "keep", "role": "sensitive"},
    "ngay_kham": {"action": "generalise_date", "levels": ["month"], "role": "sensitive"},
    "chi_phi": {"action": "round", "base": 50},
}
MICRODATA: dict[str, Any] = {
    "k": K,
    "suppression_limit": 0.05,
    "l_diversity": {"field": SENSITIVE, "l": L},
    "shuffle_rows": True,
}
PRIVACY: dict[str, Any] = {
    "subject": "person",
    "unit_key": ["so_cccd"],
    "fields": FIELDS,
    "microdata": MICRODATA,
}
UNPROTECTED: dict[str, Any] = {
    "subject": "none",
    "fields": {
        "so_cccd": FIELDS["so_cccd"],
        "nam_sinh": {"action": "keep"},
        "gioi_tinh": {"action": "keep"},
        "ma_phuong": {"action": "keep"},
        "chan_doan": {"action": "keep"},
        "ngay_kham": {"action": "keep"},
        "chi_phi": {"action": "keep"},
    },
}
"""The same rows as an office would publish them that drops the names and thinks that this is enough."""


def patients(
    privacy: dict[str, Any], *, name: str = "kham-benh", formats: tuple[str, ...] = ("parquet", "csv")
) -> dict[str, Any]:
    """Return the definition's content; its table is called `kham_benh`, the register `register.csv`."""
    fields = [
        {
            "name": _NAMES.get(column, column),
            "source_name": column,
            "type": _TYPES.get(column, "string"),
            "title": _NAMES.get(column, column),
        }
        for column in COLUMNS
    ]
    content = dataset(name, "kham_benh", fields, privacy)
    content["release"]["formats"] = list(formats)
    content["resources"][0]["source"]["pattern"] = "register.csv"
    return content


def dataset(name: str, table: str, fields: list[dict[str, Any]], privacy: dict[str, Any]) -> dict[str, Any]:
    """Return a definition of one table that is read from the file `<name>.csv` in the agency's folder."""
    resource = {
        "name": table,
        "title": table,
        "row": "Mỗi dòng là một lượt.",
        "schema": {"fields": fields},
        "source": {
            "kind": "file",
            "location": "env:DROPS",
            "pattern": f"{name}.csv",
            "settle_seconds": 0,
            "format": {"kind": "csv"},
        },
        "privacy": privacy,
    }
    return {
        "name": name,
        "title": "Số liệu để thử",
        "description": "Số liệu để thử.",
        "licenses": [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/", "title": "CC BY"}],
        "contact": {"name": "Sở Thử"},
        "release": {"cadence": "daily", "approval": "standing", "max_row_change": 9, "formats": ["parquet", "csv"]},
        "resources": [resource],
    }


def ward_hierarchy() -> str:
    """Return the hierarchy of wards, which everybody may have, as CSV."""
    return "phuong,khu\n" + "".join(f"{ward},{area}\n" for ward, area in ward_rows())
