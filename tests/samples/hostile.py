"""Requests nobody sends by mistake: values, bodies and addresses that break careless programs, made from a seed."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field, replace
from io import BytesIO
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.datastructures import FileStorage

from catalogue.actions.parameter_table import Parameter

HUGE = 10**6
TEXTS = [
    *("", " ", "\t\r\n", "\x00", "bus\x00", "\x1f\x7f", "\ud800", "\udfff\ud800", "a\ud83d", "\ufeffbus", "\ufffe"),
    *("\u202egpj.exe", "\u2066bus\u2069", "\u200b", "\u0301" * 50, "\U0001f6f5", "İ", "ſſ", "ﬃ", "Ὀ", "ẞ", "\u2028"),
    *(unicodedata.normalize("NFD", "Đường phố Huế"), "Sở Giao thông", "Ä".encode().decode("latin-1"), "²", "٣", "１２"),
    *("'", '"', "`", "\\", "%", "_", "'; DROP TABLE package; --", "' OR '1'='1", '" UNION SELECT * FROM "user" --'),
    *(
        "1; ATTACH DATABASE '/tmp/x' AS y",
        "1) OR 1=1 /*",
        "SELECT 1",
        'SELECT * FROM "r1"',
        "SELECT load_extension('x')",
    ),
    *("WITH RECURSIVE n(x) AS (SELECT 1 UNION SELECT x+1 FROM n) SELECT * FROM n", "SELECT '", 'SELECT "', "PRAGMA x"),
    *("*", "*:*", "*:* OR private:true", "+capacity:private", "{!parent which=*:*}", "name:(", "name:[a TO", 'title:"'),
    *(
        "a~9999999999",
        "a^1e400",
        "a^",
        "NOT NOT NOT",
        "AND OR",
        "/(a+)+$/",
        "(" * 300,
        "a OR " * 300,
        "?*?*?*?*",
        "!" * 99,
    ),
    *(
        "state:(active OR draft OR deleted)",
        "[* TO *]",
        "metadata_modified:[NOW-99999999999YEARS TO NOW]",
        ":",
        "a:b:c",
    ),
    *("../../../../etc/passwd", "..", ".", "/", "//x.vn", "%00", "%ff", "%2e%2e%2f", "C:\\x", "file:///etc/passwd"),
    *(
        "http://[::1",
        "http://",
        "http://x.vn:99999999/",
        "javascript:alert(1)",
        "mailto:",
        "a@b@c",
        "=1+1",
        "${x}",
        "{{7*7}}",
    ),
    *("<script>alert(1)</script>", "]]>", "&#0;", "<!ENTITY x>", "\r\nX-Y: z", "bus\nbus", "a,b,,", "a|b", "a;b"),
    *(
        "0",
        "-0",
        "-1",
        "1.5",
        "1e400",
        "NaN",
        "-Infinity",
        "9" * 30,
        "9" * 5000,
        "0x10",
        "1_000",
        "1e5",
        "True",
        "null",
    ),
    *(
        "2026-13-45",
        "0001-01-01",
        "9999-12-31T23:59:59+14:00",
        "2026-01-01T00:00:00.0000000001Z",
        "-1-1-1",
        "99999-1-1",
    ),
    *("[", "[]", "{}", "[1]", '["a", {}]', '{"a":', "[" * 2000, '"', "x" * 101, "x" * 5000, "X", "Ab-_", "new", "edit"),
]
NUMBERS = [*(-1, 0, 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**400, 1.5, -0.0, 1e308, 5e-324), True, False]
SHAPES: list[Any] = [
    *([], {}, [[]], [{}], [None], ["a"], [1, "a", None, {}], [["a", ["b"]]], {"": ""}, {"a": {"b": [{}]}}, {"$ne": 1}),
    *(
        [{"name": {}}],
        [{"name": []}],
        [{"id": []}],
        [{"name": "a"}, {"name": "a"}],
        [{"key": "a"}],
        [{"key": 1, "value": {}}],
    ),
    *({"name": ["bus"]}, {"id": None}, [{"id": "r1", "url": 1}], [{"type": "int"}], [{"id": "a", "type": {}}], None),
]
KNOWN_WORDS = {
    "role": ["admin", "editor", "member"],
    "capacity": ["admin", "editor", "member", "public", "private"],
    "object_type": ["package", "user", "group"],
    "type": ["links_to", "organization", "dataset"],
    "sort": ["name asc", "title desc", "metadata_modified desc"],
    "order_by": ["name", "title"],
    "format": ["ttl", "xml", "jsonld"],
    "records_format": ["objects", "lists", "csv", "tsv"],
    "method": ["upsert", "insert", "update"],
    "email": ["a@b.vn"],
    "password": ["12345678"],
    "view_type": ["recline_view"],
    "diff_type": ["html", "unified"],
    "permission": ["create_dataset", "read"],
    "state": ["active", "deleted", "draft"],
    "sql": ['SELECT * FROM "r1"'],
    "query": ["name:a", "a"],
    "fields": ["a", ["a"], [{"id": "a", "type": "text"}]],
    "records": [[{"a": "1"}]],
    "filters": [{"a": "1"}],
    "match": [{"name": "bus"}],
    "update": [{"notes": "a"}],
    "resources": [[{"id": "r1", "url": "http://x.vn"}]],
    "tags": [[{"name": "xe"}]],
    "extras": [[{"key": "a", "value": "b"}]],
    "groups": [[{"name": "theme"}], ["theme"]],
    "users": [[{"name": "lan", "capacity": "editor"}]],
    "resource": [{"package_id": "bus"}],
    "package": [{"id": "bus"}],
}
FORM = "application/x-www-form-urlencoded"
REFERRING = {"id", "resource_id", "package_id", "datasets", "match"}
ADDRESS_WORDS = [
    *("q", "fq", "page", "limit", "offset", "rows", "start", "sort", "format", "bom", "callback", "incomplete", "next"),
    *(
        "profiles",
        "modified_since",
        "lang",
        "organization",
        "groups",
        "tags",
        "res_format",
        "license_id",
        "table",
        "key",
    ),
    *("filters", "fields", "q[]", "facet.field", "id", "resource_id", "release", "from", "to", "as", "x" * 300, ""),
]
ODD_HEADERS = [
    *(
        {},
        {},
        {},
        {"Range": "bytes=0-"},
        {"Range": "bytes=-1"},
        {"Range": "bytes=9-1,a-b"},
        {"Range": "bytes=0-0," * 500},
    ),
    *({"If-None-Match": '"'}, {"If-None-Match": "*"}, {"If-Modified-Since": "yesterday"}, {"If-Range": "x"}),
    *(
        {"Accept": "text/turtle;q=1e400,*/*;q=-1"},
        {"Accept": ";;;,,,"},
        {"Accept": "application/ld+json"},
        {"Accept": "text/csv"},
    ),
    *({"Accept-Language": "x" * 3000}, {"Accept-Language": "en;q=NaN, *;q=1"}, {"Accept-Encoding": "gzip;q=a"}),
    *({"Cookie": "session=\xff; ;=;"}, {"Cookie": "session=.eJx"}, {"X-Forwarded-For": "'"}, {"Content-Length": "0"}),
    *(
        {"Authorization": "Bearer"},
        {"Authorization": "Basic !"},
        {"X-CKAN-API-Key": "\xff" * 99},
        {"Authorization": "a" * 9000},
    ),
]


@dataclass(frozen=True)
class Call:
    """One request as the test client takes it; `told` describes a body that was not made from `params`."""

    method: str
    path: str
    params: dict[str, Any] = field(default_factory=dict)
    told: str = ""
    body: bytes | dict[str, Any] | None = None
    content_type: str = "application/json"
    query: str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """Return the arguments of the test client's `open`."""
        options: dict[str, Any] = {"method": self.method, "query_string": self.query, "headers": self.headers}
        if self.method == "POST":
            body = json.dumps(self.params).encode() if self.body is None else self.body
            if isinstance(body, dict):  # a file can be read once
                body = {
                    name: FileStorage(BytesIO(b"a,b\n"), one) if name in self.told.split() else one
                    for name, one in body.items()
                }
            options |= {"data": body, "content_type": self.content_type}
        return options

    @property
    def sent(self) -> str:
        """Return all that was sent, to search it for words."""
        body = repr(self.body).replace("\\x00", "")  # so that words are found in UTF-16, too
        return f"{self.path} {self.query!r} {self.params!r} {body} {self.headers!r}"

    def __str__(self) -> str:
        body = self.told if self.body is not None else short(self.params)
        return f"{self.method} {self.path[:300]} {self.content_type} query={short(self.query)} {short(self.headers)} {body}"

    def without(self, name: str) -> Call:
        """Return the call without one of its parameters."""
        return replace(self, params={key: value for key, value in self.params.items() if key != name})


def short(value: Any) -> str:
    """Write a value so that a person can read it and a program repeat it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{short(key)}: {short(one)}" for key, one in list(value.items())[:20]) + "}"
    if isinstance(value, list):
        shown = f"[{', '.join(short(one) for one in value[:5])}]"
        return shown if len(value) <= 5 else f"{shown} ... {len(value)} in all"
    if isinstance(value, str | bytes) and len(value) > 120:
        return (
            f"{value[:1]!r} * {len(value)}"
            if value == value[:1] * len(value)
            else f"{value[:120]!r}... {len(value)} in all"
        )
    return (
        ascii(value) if not isinstance(value, int) or abs(value) < 10**40 else f"a number of {value.bit_length()} bits"
    )


def nested(depth: int, inner: Any = "a") -> Any:
    """Return lists and objects in each other."""
    for level in range(depth):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


def value(chance: Random) -> Any:
    """Return a value that fits nowhere, or hardly."""
    kind = chance.random()
    if kind < 0.5:
        return chance.choice(TEXTS)
    if kind < 0.65:
        return chance.choice(NUMBERS)
    if kind < 0.9:
        return chance.choice(SHAPES)
    return chance.choice(
        (nested(10), nested(48), nested(60), ["a"] * 3000, [{}] * 500, {str(n): n for n in range(2000)}, "x" * 60_000)
    )


def fitting(parameter: Parameter, names: list[str], hidden: list[str], chance: Random) -> Any:
    """Return a value that the parameter may well take; a hidden name only where none is stored."""
    if (parameter.kind == "reference" or parameter.name in REFERRING) and chance.random() < 0.4:
        name = chance.choice(hidden)
        return {"datasets": [name], "match": {"name": name}}.get(parameter.name, name)
    if parameter.name in KNOWN_WORDS:
        return chance.choice(KNOWN_WORDS[parameter.name])
    plain = {"boolean": [True, False, "true"], "integer": [1, "2"], "natural": [0, 1, "5", 100], "number": [1.5, 1e9]}
    return chance.choice(plain.get(parameter.kind, names))


def parameters(told: tuple[Parameter, ...], names: list[str], hidden: list[str], chance: Random) -> dict[str, Any]:
    """Return parameters of an action, one to three of which are hostile."""
    chosen = [one for one in told if one.is_required or chance.random() < 0.3]
    params = {one.name: fitting(one, names, hidden, chance) for one in chosen}
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        name = chance.choice([one.name for one in told] or ["id"]) if chance.random() < 0.9 else chance.choice(TEXTS)
        params[name] = value(chance)
    return params


@dataclass(frozen=True)
class Caller:
    """Makes the calls of one caller."""

    names: list[str]
    hidden: list[str]
    chance: Random

    def calls(self, action: str, told: tuple[Parameter, ...], *, many: int) -> list[Call]:
        """Return calls of an action: most as JSON, one each as query string, form, multipart, broken and huge body."""
        path, chance = f"/api/3/action/{action}", self.chance
        sets = [parameters(told, self.names, self.hidden, chance) for _ in range(many + 5)]
        huge = {chance.choice([one.name for one in told] or ["id"]): "x" * HUGE}
        form = _query(sets[1], chance).encode()
        return [
            Call("GET", path, query=_query(sets[0], chance), headers=chance.choice(ODD_HEADERS[:-4])),
            Call("POST", path, told=f"form {short(form)}", body=form, content_type=FORM),
            _multipart(path, sets[2], chance),
            _broken(path, sets[3], chance),
            Call("POST", path, sets[4] | huge),
            *(Call("POST", path, one) for one in sets[5:]),
        ]


def _query(params: dict[str, Any], chance: Random) -> str:
    texts = [(key, one if isinstance(one, str) else json.dumps(one)) for key, one in params.items()]
    repeated = texts + texts[:1] * chance.choice((0, 0, 1, 3))
    written = urlencode([(key[:9000], one[:9000]) for key, one in repeated], errors="surrogatepass")
    return written + chance.choice(
        ("", "", "&", "&=&;=", "&id=%ff%fe", "&%", "&id=%zz", "&callback=f", "&callback=%00")
    )


def _multipart(path: str, params: dict[str, Any], chance: Random) -> Call:
    texts = {k: one if isinstance(one, str) else json.dumps(one) for k, one in params.items()}
    clean = {_encodable(key) or "a": _encodable(one) for key, one in texts.items()}
    field = chance.choice([*clean, "upload", "image_upload"]).replace(" ", "") or "upload"
    body = clean | {field: chance.choice(("a.csv", "../../a", "đ.csv", "a" * 500, "a.png", "."))}
    return Call("POST", path, told=field, body=body, content_type="multipart/form-data")


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _broken(path: str, params: dict[str, Any], chance: Random) -> Call:
    """Return a call whose body is no JSON object, or one in an odd writing."""
    name = chance.choice([*params, "id"])
    key = json.dumps(name).encode()
    text = json.dumps(params, ensure_ascii=False)
    bodies = [
        *(
            b"",
            b"{",
            b"null",
            b"[]",
            b'"a"',
            b"1",
            b"{}{}",
            b"\xff\xfe",
            b"\x00",
            b"\xef\xbb\xbf{}",
            b"{" + key + b":",
            b"{'id': 1}",
        ),
        *(
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"{" + key + b":" + b"[" * 900 + b"]" * 900 + b"}",
            b"{" + key + b': "\xe9"}',
        ),
        *(
            b"{" + key + b": " + number + b"}"
            for number in (b"1e400", b"-1e400", b"NaN", b"Infinity", b"9" * 5000, b"01")
        ),
        *(b"{" + key + b': "bus", ' + key + b': {"a": 1}}', b"{" + key + b": " + key + b", " + key + b": null}"),
        *(
            text.encode(encoding, "surrogatepass")
            for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8", "utf-8-sig")
        ),
        *(
            text.encode("latin-1", "replace"),
            text.encode(errors="surrogatepass")[:-1],
            text.encode("cp1258", "replace"),
        ),
    ]
    kinds = [
        *["application/json"] * 6,
        *(
            "application/json; charset=utf-16",
            "application/json; charset=none",
            "text/plain",
            "",
            "x",
            "multipart/form-data",
        ),
        *(
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=x",
            "multipart/form-data; boundary=b",
        ),
    ]
    body = chance.choice(bodies)
    return Call("POST", path, told=f"{short(body)}", body=body, content_type=chance.choice(kinds))


def address(rule: str, names: list[str], chance: Random, *, method: str) -> Call:
    """Return a request to an address of this rule, with known and hostile words in its places."""
    path = ""
    for place in rule.replace("<", "\x00<").replace(">", "\x00").split("\x00"):
        if not place.startswith("<"):
            path += place
            continue
        kind, _, _ = place[1:].rpartition(":")
        choices = (
            kind[4:-1].split(", ")
            if kind.startswith("any(")
            else [str(n) for n in (0, 1, 10**30)]
            if kind == "int"
            else names
        )
        word = (
            chance.choice(choices)
            if kind.startswith(("any(", "int")) or chance.random() < 0.6
            else chance.choice(TEXTS)
        )
        path += quote(word[:2000], safe="" if kind != "path" else "/", errors="surrogatepass")
    pairs = {
        chance.choice(ADDRESS_WORDS): chance.choice([*TEXTS, *names]) for _ in range(chance.choice((0, 1, 1, 2, 3)))
    }
    query = _query(pairs, chance)
    headers = chance.choice(ODD_HEADERS)
    if method != "POST":
        return Call(method, path, query=query, headers=headers)
    fields = {
        chance.choice(("name", "password", "again", "key", "reason", "expires", "old")): _encodable(
            chance.choice(TEXTS)
        )
        for _ in range(3)
    }
    form = urlencode(fields | {"form_token": "token"}).encode()
    return Call(
        "POST", path, told=short(form), body=form, content_type="application/x-www-form-urlencoded", query=query
    )
