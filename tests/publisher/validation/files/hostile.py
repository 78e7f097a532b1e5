"""Schemas and files for the differential test: clean rows with some cells, rows and forms of file that are awkward on purpose.

Everything comes from a seeded `random.Random`, so that a case can be made again by its number.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from random import Random
from typing import Any

Descriptor = dict[str, Any]
REQUIRED = {"required": True}
PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"

AWKWARD = [
    "", " ", "  5 ", "007", "+7", "-0", "1_000", "١٢٣", "٢٠٢٤", "NaN", "nan", "inf", "-INF", "1e5", "1E400", "1e-400", ".5", "5.", "0x1F", "12345678901234567890",
    "-9223372036854775809", "99999999999999999999.5", "0.1000000000000000055511151231257827", "1,5", "1 000", "1.000,5", "true", "TRUE", "True", "yes", "có",
    "2023-02-29", "2024-02-29", "0000-01-01", "2024-1-5", "2024-13-01", "2024-12-32", "10000-01-01", "2024-01-05\n", "2024-01-05T10:00:00", "2024-01-05 10:00:00",
    "2024-01-05T24:00:00Z", "2024-01-05T23:59:60Z", "2024-01-05T10:00:00+07:00", "2024-01-05T10:00:00.123456Z", "2024-01-05T10:00:00.5", "2024-01-05T10:00Z", "20240105T100000Z",
    "31/12/2023", "1/2/2023", "29/02/2023", "12:30:00", "24:00:00", "12:30", "12:30:00Z", "2024-05", "2024-5", "P1Y2M", "PT36H", "P", "10.5,106.7", "200,10", "[1,2]", '{"a": 1}',
    "[1,", "a,b", "a;b", "1,2,x", "an@example.org", "an@", "http://example.org/x y", "https://example.org/ả", "SR0000000001", "sr0000000001", "SR000000000１", "SR0000000001\n", "Đà Nẵng",
    "Đà Nẵng", "ă" * 21, "x" * 41, "😀" * 20, 'say "hi"', 'a "quoted" b', "line\nbreak", "line\r\nbreak", "tab\there", "NA", "-", "None", "null", "n/a", "#1", "# comment", "\u00a0", "\ufeff",
    "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000", "POINT (10 106)", "aGVsbG8=", "sNaN", "0", "1", "-1", "5", "6", "9999", "99999",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A schema, and how a clean row of it looks."""

    name: str
    schema: Descriptor
    row: Any


def _letters(chance: Random, count: int) -> str:
    return "".join(chance.choice("abcđêơ ưxyz") for _ in range(count)).strip() or "a"


def _requests(chance: Random, number: int) -> list[str]:
    return [
        f"SR{number:010}",
        str(100_000_000 + number),
        f"20{chance.randint(20, 25)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:00:59Z",
        chance.choice(["", f"2024-0{chance.randint(1, 9)}-11T10:11:12"]),
        chance.choice(["Đất đai", "Thuế", "Khác"]),
        f"{chance.randint(26_700, 26_720)}",
        chance.choice(["web", "app"]),
        f"{chance.uniform(0, 400):.1f}",
        chance.choice(["", "1", "5"]),
        f"{chance.uniform(8, 24):.6f}",
        chance.choice(["", _letters(chance, 20), "rác, " + _letters(chance, 5), 'mùi "lạ" quá', "hai\ndòng"]),
        f"{chance.randint(0, 10**12 - 1):012}",
        f"{chance.randint(1930, 2020)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
    ]


REQUESTS = Kind(
    "requests",
    {
        "fields": [
            {"name": "request_id", "type": "string", "constraints": {**REQUIRED, "pattern": r"SR\d{10}"}},
            {
                "name": "receipt_no",
                "type": "integer",
                "constraints": {**REQUIRED, "unique": True, "minimum": 100_000_000},
            },
            {"name": "created_at", "type": "datetime", "constraints": REQUIRED},
            {"name": "closed_at", "type": "datetime", "constraints": {}},
            {"name": "category", "type": "string", "constraints": {**REQUIRED, "enum": ["Đất đai", "Thuế", "Khác"]}},
            {"name": "ward", "type": "string", "constraints": {**REQUIRED, "pattern": r"\d{5}"}},
            {"name": "channel", "type": "string", "constraints": {"enum": ["web", "app"]}},
            {"name": "hours", "type": "number", "constraints": {"minimum": 0, "maximum": 20000}},
            {"name": "satisfaction", "type": "integer", "constraints": {"minimum": 1, "exclusiveMaximum": 6}},
            {"name": "lat", "type": "number", "constraints": {**REQUIRED, "exclusiveMinimum": 7.5, "maximum": "24"}},
            {"name": "description", "type": "string", "constraints": {"maxLength": 40, "minLength": 1}},
            {"name": "citizen_id", "type": "string", "constraints": {**REQUIRED, "pattern": "[0-9]{12}|x"}},
            {
                "name": "born",
                "type": "date",
                "constraints": {"minimum": "1930-06-01", "exclusiveMaximum": "2020-01-01"},
            },
        ],
        "primaryKey": ["request_id"],
    },
    _requests,
)


def _every_type(chance: Random, number: int) -> list[str]:
    return [
        f"{chance.randint(1, 9)}.{chance.randint(100, 999)},{chance.randint(0, 9)}",
        f"${chance.randint(1, 999)}",
        f"{chance.randint(1, 99)} kg",
        chance.choice(["có", "không"]),
        f"{chance.randint(1, 28):02}/{chance.randint(1, 12):02}/20{chance.randint(10, 24)}",
        chance.choice(["5 Jan 2024", "2024/03/01"]),
        f"0{chance.randint(1, 9)}.0{chance.randint(1, 9)}.2024 1{chance.randint(0, 9)}:30",
        f"1{chance.randint(0, 9)}:30:00",
        f"19{chance.randint(10, 99)}",
        f"2024-0{chance.randint(1, 9)}",
        chance.choice(["P1Y2M", "PT36H", "P3D"]),
        chance.choice(["10.5,106.7", "11,107"]),
        chance.choice(["[10.5, 106.7]", "[11, 107]"]),
        chance.choice(["a;b", "c"]),
        chance.choice(["1,2,3", "4"]),
        chance.choice(['{"a": 1}', "{}"]),
        chance.choice(["[1, 2]", "[]"]),
        chance.choice(["an@example.org", "binh@example.vn"]),
        chance.choice(["https://example.org/a", "ftp://example.org"]),
        f"123e4567-e89b-12d3-a456-{number:012}",
        chance.choice(["aGVsbG8=", ""]),
        chance.choice(["POINT (10 106)", "POINT (11 107)"]),
        chance.choice(['{"type": "Point", "coordinates": [106, 10]}', ""]),
        chance.choice(["NA", "-", "x"]),
        _letters(chance, 8),
        f"{chance.uniform(-5, 5):.3f}",
        f"20{chance.randint(10, 24)}-0{chance.randint(1, 9)}-1{chance.randint(0, 9)} 10:00:00.{chance.randint(0, 999):03}",
    ]


EVERY_TYPE = Kind(
    "every-type",
    {
        "fields": [
            {"name": "price", "type": "number", "groupChar": ".", "decimalChar": ",", "constraints": {"maximum": 9000}},
            {"name": "dollars", "type": "integer", "bareNumber": False},
            {"name": "weight", "type": "number", "bareNumber": False, "constraints": {"minimum": 2}},
            {"name": "flag", "type": "boolean", "trueValues": ["có"], "falseValues": ["không"]},
            {"name": "day", "type": "date", "format": "%d/%m/%Y", "constraints": {"minimum": "05/01/2010"}},
            {"name": "some_day", "type": "date", "format": "any"},
            {"name": "moment", "type": "datetime", "format": "%d.%m.%Y %H:%M"},
            {"name": "hour", "type": "time", "constraints": {"minimum": "10:30:00", "exclusiveMaximum": "19:30:00"}},
            {"name": "year", "type": "year", "constraints": {"minimum": 1920}},
            {"name": "month", "type": "yearmonth"},
            {"name": "lasts", "type": "duration"},
            {"name": "place", "type": "geopoint"},
            {"name": "place_array", "type": "geopoint", "format": "array"},
            {"name": "list", "type": "list", "delimiter": ";", "constraints": {"maxLength": 2}},
            {"name": "numbers", "type": "list", "itemType": "integer"},
            {"name": "object", "type": "object"},
            {"name": "array", "type": "array", "arrayItem": {"type": "integer", "constraints": {"maximum": 1}}},
            {"name": "mail", "type": "string", "format": "email"},
            {"name": "link", "type": "string", "format": "uri"},
            {"name": "uuid", "type": "string", "format": "uuid", "constraints": {"unique": True}},
            {"name": "binary", "type": "string", "format": "binary"},
            {"name": "shape", "type": "string", "constraints": {"enum": ["POINT (10 106)", "x", "NA"]}},
            {"name": "json", "type": "geojson"},
            {"name": "anything", "type": "any", "constraints": REQUIRED, "missingValues": ["x"]},
            {"name": "pattern", "type": "string", "constraints": {"pattern": "[a-zđêơư ]+|x.*"}},
            {"name": "float", "type": "number", "floatNumber": True, "constraints": {"exclusiveMinimum": -5}},
            {"name": "stamp", "type": "datetime", "constraints": {"minimum": "2012-01-01T00:00:00"}},
        ],
        "missingValues": ["", "NA", "-"],
    },
    _every_type,
)


def _nodes(chance: Random, number: int) -> list[str]:
    return [
        chance.choice(["north", "south"]),
        str(number),
        chance.choice(["", str(chance.randint(1, number))]),
        f"20{chance.randint(10, 24)}-01-{chance.randint(1, 28):02}",
        f"{number}.{chance.choice(['0', '00', '5'])}",
        _letters(chance, 6),
    ]


NODES = Kind(
    "nodes",
    {
        "fields": [
            {"name": "region", "type": "string"},
            {"name": "number", "type": "integer"},
            {"name": "parent", "type": "integer"},
            {"name": "since", "type": "date"},
            {"name": "level", "type": "number", "constraints": {"unique": True}},
            {"name": "note", "type": "string"},
        ],
        "primaryKey": ["region", "number"],
        "foreignKeys": [{"fields": ["parent"], "reference": {"resource": "", "fields": ["number"]}}],
    },
    _nodes,
)

PAIRS = Kind(
    "pairs",
    {
        **NODES.schema,
        "primaryKey": ["region", "number", "since"],
        "foreignKeys": [
            {"fields": ["region", "parent"], "reference": {"resource": "", "fields": ["region", "number"]}}
        ],
        "missingValues": ["", "NA", "0"],
    },
    _nodes,
)


def _moments(chance: Random, number: int) -> list[str]:
    day = f"20{chance.randint(10, 24)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    return [
        str(number),
        f"{day}T10:00:00Z",
        f"{day}T{chance.randint(0, 23):02}:00:00{chance.choice(['Z', '+07:00', '+00:00', '.25Z'])}",
        chance.choice(["true", "false", "1", "0", ""]),
        day,
        f"{chance.randint(1, 999)} {chance.randint(100, 999)}",
    ]


MOMENTS = Kind(
    "moments",
    {
        "fields": [
            {"name": "id", "type": "string", "constraints": {"unique": True}},
            {"name": "at", "type": "datetime", "constraints": {"minimum": "2012-01-01T00:00:00Z"}},
            {"name": "zoned", "type": "datetime", "constraints": {"unique": True}},
            {"name": "flag", "type": "boolean", "constraints": REQUIRED},
            {"name": "day", "type": "date", "constraints": {"unique": True, "enum": None}},
            {"name": "grouped", "type": "number", "groupChar": " "},
        ],
        "primaryKey": ["id"],
        "missingValues": [],
    },
    _moments,
)
del MOMENTS.schema["fields"][4]["constraints"]["enum"]

ONE_FIELD = Kind(
    "one-field",
    {"fields": [{"name": "name", "type": "string", "constraints": {"minLength": 2, "unique": True}}]},
    lambda chance, number: [f"{_letters(chance, 5)}{number}"],
)

NUMBERED = Kind(
    "numbered",
    {
        "fields": [
            {"name": "a", "type": "integer", "constraints": {"enum": [1, 2, 3]}},
            {"name": "b", "type": "string", "constraints": {"minLength": 3}},
            {"name": "c", "type": "number", "decimalChar": ",", "constraints": {"maximum": 100}},
        ],
    },
    lambda chance, number: [chance.choice("123"), _letters(chance, 9) + "abc", f"{chance.randint(0, 99)},{number}"],
)

KINDS = [REQUESTS, EVERY_TYPE, NODES, PAIRS, MOMENTS, ONE_FIELD, NUMBERED]


@dataclass(frozen=True)
class Case:
    """One file with the schema, dialect and limit to check it by."""

    name: str
    content: bytes
    schema: Descriptor
    dialect: Descriptor | None
    limit_errors: int


def case(number: int) -> Case:
    """Return the case of a number."""
    chance = Random(number)
    kind = KINDS[number % len(KINDS)]
    schema, labels, places = _matched(chance, {"$schema": PROFILE, **kind.schema})
    rows = _rows(chance, kind, places)
    dialect, writing = _dialect(chance)
    content = _written(chance, labels, rows, writing)
    suffix = "tsv" if writing["delimiter"] == "\t" and chance.random() < 0.7 else "csv"
    limit = chance.choice([5, 1000, 1000, 10**6, 10**6, 10**6])
    return Case(f"{kind.name}-{number}.{suffix}", content, schema, dialect, limit)


def _matched(chance: Random, schema: Descriptor) -> tuple[Descriptor, list[str], list[int]]:
    """Return the schema with a way to match fields, the labels of the file, and which field stands under each (-1: none)."""
    names = [field["name"] for field in schema["fields"]]
    labels, places = list(names), list(range(len(names)))
    mode = chance.choice([None, None, None, "exact", "equal", "subset", "superset", "partial"])
    if mode is not None:
        schema = {**schema, "fieldsMatch": mode}
    if chance.random() < 0.15 and len(names) > 1:
        where = chance.randrange(len(names))
        labels[where] = chance.choice(["", labels[where - 1], labels[where].upper(), "other"])
    if mode not in {None, "exact"} and chance.random() < 0.7:
        order = chance.sample(places, len(places))
        labels, places = [labels[at] for at in order], [places[at] for at in order]
    if chance.random() < 0.1:
        labels, places = labels[:-1] or labels, places[:-1] or places
    if chance.random() < 0.1:
        labels, places = [*labels, "extra"], [*places, -1]
    return schema, labels, places


def _rows(chance: Random, kind: Kind, places: list[int]) -> list[list[str]]:
    count = chance.choice([0, 3, 40, 150, 150, 300, 300, 400])
    share = chance.choice([0, 0.02, 0.1, 0.3, 0.6])
    rows: list[list[str]] = []
    for number in range(1, count + 1):
        clean = kind.row(chance, number)
        row = [clean[place] if place >= 0 else "more" for place in places]
        for at in range(len(row)):
            if chance.random() < share / 2:
                row[at] = chance.choice(AWKWARD)
        if rows and chance.random() < share:
            row = chance.choice(
                [
                    row[: chance.randrange(len(row) + 1)],
                    [*row, "thừa"],
                    [*row, "", "x"],
                    [],
                    [""] * len(row),
                    list(chance.choice(rows)),
                    [*chance.choice(rows)[:2], *row[2:]],
                ]
            )
        rows.append(row)
    if chance.random() < 0.15:
        chance.shuffle(rows)
    return rows


COMMA = {"csv": {"delimiter": ","}}
FORMS: list[tuple[int, list[Descriptor | None], Descriptor]] = [
    (45, [None, COMMA, {"csv": {"skipInitialSpace": False}}], {}),
    (4, [None, {"csv": {"delimiter": ";"}}], {"delimiter": ";"}),
    (3, [None, {"csv": {"delimiter": "|"}}], {"delimiter": "|"}),
    (4, [None, {"csv": {"delimiter": "\t"}}], {"delimiter": "\t"}),
    (7, [{"csv": {"quoteChar": "'", "delimiter": ","}}], {"quotechar": "'"}),
    (8, [None], {"quoting": csv.QUOTE_ALL}),
    (5, [{"csv": {"skipInitialSpace": True}}], {}),
    (6, [{"commentChar": "#"}], {"comments": True}),
    (3, [{"commentRows": [3, 5], "skipBlankRows": True}], {}),
    (4, [{"skipBlankRows": True}], {}),
    (4, [{"header": False}], {"header": False}),
    (3, [{"headerCase": False}], {}),
    (3, [{"headerRows": [3]}, None], {"before": 2}),
    (1, [{"csv": {"escapeChar": "\\"}}], {}),
]
"""How often, with which dialects, and how the file is written."""


def _dialect(chance: Random) -> tuple[Descriptor | None, Descriptor]:
    _, dialects, writing = chance.choices(FORMS, [weight for weight, _, _ in FORMS])[0]
    plain = {"delimiter": ",", "quotechar": '"', "before": 0, "quoting": csv.QUOTE_MINIMAL, "comments": False}
    return chance.choice(dialects), {**plain, **writing}


def _written(chance: Random, labels: list[str], rows: list[list[str]], writing: dict[str, Any]) -> bytes:
    end = chance.choice(["\n", "\n", "\n", "\r\n", "\r"] if chance.random() < 0.5 else ["\n"])
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=writing["delimiter"],
        quotechar=writing["quotechar"],
        quoting=writing["quoting"],
        lineterminator=end,
    )
    for _ in range(writing["before"]):
        writer.writerow(["Title"])
    if writing.get("header", True):
        writer.writerow(labels)
    for row in rows:
        if writing["comments"] and chance.random() < 0.05:
            writer.writerow(["# comment", "x"])
        writer.writerow(row)
    content = text.getvalue()
    if chance.random() < 0.15:
        content = content.removesuffix(end)
    if chance.random() < 0.05:
        content = content.replace("a", chance.choice(['a"b', 'x""', "\0"]), 3)
    encoding = chance.choice(["utf-8"] * 7 + ["utf-8-sig", "utf-16", "cp1258"])
    encoded = content.encode(encoding, "replace")
    if chance.random() < 0.03 and len(encoded) > 300:
        encoded = encoded[:250] + b"\xff\xfe\xed\xa0\x80" + encoded[250:]
    return encoded
