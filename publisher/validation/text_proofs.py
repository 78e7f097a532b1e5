"""Proofs for types whose value stays text: the texts that Frictionless takes and that are canonical already, or nearly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.table_schema import FieldDefinition
from publisher.validation.layouts import Layout, Mask

Proof = Callable[[pa.Array], tuple[Mask, pa.Array]]

_UUID = r"\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z"
_DEGREES = r"(?:-?[1-9][0-9]{0,2}(?:\.[0-9]{0,11}[1-9])?|-?0\.[0-9]{0,11}[1-9]|0)"
_POINT = rf"\A(?P<lon>{_DEGREES}), ?(?P<lat>{_DEGREES})\z"
_CLOCK = Layout(8, (("H", 0), ("M", 3), ("S", 6)), ((2, ord(":")), (5, ord(":"))))
_FARTHEST = {"lon": 180.0, "lat": 90.0}


def text_proof_for(field: FieldDefinition) -> Proof | None:
    """Return the proof for a field whose values stay text, null when there is none; constraints are not looked at."""
    if field.type == "list":
        return _is_there if field.itemType in {None, "string"} else None
    if field.type == "string":
        return _is_uuid if field.format == "uuid" else None
    if field.format not in {None, "default"}:
        return None
    return {"any": _is_there, "time": _is_time, "geopoint": _is_point}.get(field.type)


def _mask(values: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask


def _is_there(values: pa.Array) -> tuple[Mask, pa.Array]:
    return _mask(pc.is_valid(values)), values


def _is_uuid(values: pa.Array) -> tuple[Mask, pa.Array]:
    return _mask(pc.match_substring_regex(values, _UUID)), values


def _is_time(values: pa.Array) -> tuple[Mask, pa.Array]:
    return _CLOCK.read(values)[0], values


def _is_point(values: pa.Array) -> tuple[Mask, pa.Array]:
    parts = pc.extract_regex(values, _POINT)
    proven = _mask(parts.is_valid())
    for name, farthest in _FARTHEST.items():
        texts = pc.if_else(pa.array(proven), pc.struct_field(parts, name), "0")
        proven = proven & (np.abs(pc.cast(texts, pa.float64()).to_numpy()) <= farthest)
    return proven, pc.replace_substring_regex(values, ", ?", ", ")
