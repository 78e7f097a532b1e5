"""Random codes of machines that look like a person's now and then: a false alarm in one release of a thousand still stops a good release."""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Callable

import pyarrow as pa
import pytest

from publisher.disclosure.personal.detectors import detect_column
from publisher.disclosure.personal.spans import find_spans

pytestmark = pytest.mark.slow
SEEDS = 30
Maker = Callable[[random.Random], str]


def running(draw: random.Random) -> Maker:
    """Numbers of orders: seconds since 1970 with one digit more, a little larger each time."""
    last = [10 * draw.randrange(1_600_000_000, 1_790_000_000)]

    def make(_: random.Random) -> str:
        last[0] += draw.randrange(1, 40)
        return str(last[0])

    return make


def record(draw: random.Random) -> str:
    told = {
        "id": draw.getrandbits(40),
        "ts": draw.randrange(1_600_000_000, 1_790_000_000),
        "h": f"{draw.getrandbits(64):016x}",
    }
    return json.dumps(told)


MAKERS: dict[str, Callable[[random.Random], Maker]] = {
    "digest": lambda _: lambda draw: f"{draw.getrandbits(160):040x}",
    "uuid": lambda _: lambda draw: str(uuid.UUID(int=draw.getrandbits(128))),
    "base64": lambda _: lambda draw: base64.b64encode(draw.randbytes(12)).decode(),
    "fingerprint": lambda _: lambda draw: ":".join(f"{draw.getrandbits(8):02x}" for _ in range(draw.choice([4, 8, 16, 20]))),
    "number below 2^40": lambda _: lambda draw: str(draw.getrandbits(40)),
    "record of a machine": lambda _: record,
    "address with an id": lambda _: lambda draw: f"https://data.gov.vn/{draw.randbytes(5).hex()}?id={draw.randrange(10**11):011d}",
    "order": running,
    "eighteen digits": lambda _: lambda draw: f"{draw.randrange(10**18):018d}",
}  # fmt: skip


@pytest.mark.parametrize("family", MAKERS)
@pytest.mark.parametrize("rows", [5, 60])
def test_random_codes_are_nobodys(family: str, rows: int) -> None:
    found = []
    for seed in range(SEEDS):
        draw = random.Random(f"{family} {seed}")
        make = MAKERS[family](draw)
        cells = [make(draw) for _ in range(rows)]
        found += detect_column(("F10", "token", "id")[seed % 3], pa.array(cells))
    assert found == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Xem https://data.gov.vn/ho-so?id=0912345678 để biết thêm.", set()),
        ("Xem https://data.gov.vn/ho-so/079203001234/tep.pdf để biết thêm.", set()),
        ("Gọi lại https://data.gov.vn/goi?phone=0912345678 giúp tôi.", {"phone"}),
        ("Xem https://data.gov.vn/ho-so, gọi 0912345678.", {"phone"}),
        ("Nhắn https://zalo.me/0912345678 giúp tôi.", {"social_account"}),
    ],
)
def test_a_number_in_a_web_address_is_a_persons_only_where_it_says_so(text: str, kinds: set[str]) -> None:
    assert {span.kind for span in find_spans(text)} == kinds
