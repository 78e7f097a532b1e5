"""Which columns of a published table are codes, which are texts, and which hold times: what indexes and filters are for."""

from __future__ import annotations

from publisher.formats.datapackage import published_key
from publisher.published import PublishedField, PublishedTable

_TIMES = {"date", "datetime", "year", "yearmonth"}
_CODE_TREATMENTS = {"pseudonymise", "generalise", "generalise_date", "generalise_number"}


def code_fields(table: PublishedTable) -> list[str]:
    """Return the text and whole-number fields whose values are looked up whole: keys, values of a list or pattern, pseudonyms."""
    keys = {*published_key(table), *table.source.schema_.primaryKey}
    return [
        field.name
        for field in table.fields
        if field.type in {"string", "integer"} and (field.name in keys or _is_code(table, field))
    ]


def text_fields(table: PublishedTable) -> list[str]:
    """Return the fields of words, in which people search for one of several."""
    codes = set(code_fields(table))
    return [field.name for field in table.fields if field.type == "string" and field.name not in codes]


def time_fields(table: PublishedTable) -> list[str]:
    """Return the fields that say when."""
    return [field.name for field in table.fields if field.type in _TIMES]


def _is_code(table: PublishedTable, field: PublishedField) -> bool:
    if field.treatment in _CODE_TREATMENTS:
        return True
    source = next((one for one in table.source.schema_.fields if one.name == field.name), None)
    if source is None or field.type != "string":
        return False
    return source.constraints.enum is not None or source.constraints.pattern is not None
