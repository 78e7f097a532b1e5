"""Multipart bodies that are broken, huge or odd: a refusal, never a failure, and nothing left in the storage."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest
from samples.served_catalogue import catalogue_on, served

from catalogue.web.action_api import create_app

pytestmark = pytest.mark.slow

DISPOSITION = b"Content-Disposition: form-data; "
GOOD = b"--b\r\n" + DISPOSITION + b'name="package_id"\r\n\r\nbus\r\n'
FILE = b"--b\r\n" + DISPOSITION + b'name="upload"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\na,b\r\n'
END = b"--b--\r\n"
TYPE = "multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    with catalogue_on(tmp_path_factory.mktemp("multipart"), max_resource_size_mb=1) as opened, served(opened):
        opened.token = opened.add_user("boss", sysadmin=True)
        opened.client = create_app(opened.services).test_client()
        opened.call("organization_create", {"name": "org"}, user="boss")
        yield opened


@pytest.fixture(autouse=True)
def empty_dataset(portal):
    if "bus" in portal.call("package_list"):
        portal.call("dataset_purge", {"id": "bus"}, user="boss")
    portal.call("package_create", {"name": "bus", "owner_org": "org"}, user="boss")


def files(portal) -> list[Path]:
    return [path for path in (portal.settings.home / "storage").rglob("*") if path.is_file()]


def send(portal, body, *, kind=TYPE, action="resource_create"):
    return portal.client.post(
        f"/api/3/action/{action}", data=body, content_type=kind, headers={"Authorization": portal.token}
    )


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (GOOD + FILE, TYPE, 400),
        (GOOD + FILE[:-2], TYPE, 400),
        (GOOD + FILE + END, "multipart/form-data", 400),
        (GOOD + FILE + END, "multipart/form-data; boundary=", 400),
        (GOOD + FILE + END, "multipart/form-data; boundary=other", 400),
        (GOOD + FILE + END, "multipart/form-data; boundary=đ".encode().decode("latin-1"), 400),
        (b"", TYPE, 409),
        (b"\x00" * 3000, TYPE, 400),
        (b"\r\n" * 100_000, TYPE, 400),
        (b"x" * 2_000_000, TYPE, 413),
        (b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END, TYPE, 400),
        (b"--b\r\n" + DISPOSITION + b'filename="a.csv"\r\n\r\nx\r\n' + END, TYPE, 400),
        (b"--b\r\n" + DISPOSITION + b'name="\xff\xfe"\r\n\r\nx\r\n' + END, TYPE, 400),
        (b"--b\r\n" + DISPOSITION + b'name="' + b"n" * 2_000_000 + b'"\r\n\r\nx\r\n' + END, TYPE, 413),
        (b"--b\r\nX: " + b"h" * 2_000_000, TYPE, 413),
        (b"--b\r\n" + DISPOSITION + b'name="name"\r\n\r\n' + b"t" * (17 * 2**20) + b"\r\n" + END, TYPE, 413),
        (GOOD * 10_000 + END, TYPE, 413),
        (FILE * 101 + END, TYPE, 409),
        (GOOD + FILE.replace(b'"upload"', b'"' + b"n" * 5000 + b'"') + END, TYPE, 409),
        (GOOD + FILE.replace(b'"upload"', b'"name"') + END, TYPE, 409),
        (GOOD + FILE.replace(b'"upload"', b'""') + END, TYPE, 400),
        (FILE + END, TYPE, 409),
        (GOOD + GOOD + FILE + END, TYPE, 404),
        (GOOD.replace(b"bus", b"\x00") + FILE + END, TYPE, 409),
        (END, TYPE, 409),
    ],
)
def test_a_body_that_is_no_call_is_refused(portal, body, kind, status):
    answer = send(portal, body, kind=kind)
    assert answer.status_code == status, answer.text[:300]
    assert files(portal) == []
    if status == 400:
        assert answer.json.startswith("Bad request: ")


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        (b"../../etc/passwd", "passwd"),
        ("C:\\\\temp\\\\báo cáo.XLSX".encode(), "bao-cao.xlsx"),
        (b"..", "file"),
        (b"...hidden", "hidden"),
        (b"%2e%2e%2fx", "2e2e2fx"),
        ("日本.csv".encode(), "csv"),
        (b"n" * 3000 + b".csv", "n" * 96 + ".csv"),
        (b"a\x01b;c|d.csv", "abcd.csv"),
        ("ĐƯỜNG  Ở Huế.tar.gz".encode(), "duong-o-hue.tar.gz"),
    ],
)
def test_no_name_of_a_file_leaves_its_folder(portal, name, stored):
    answer = send(portal, GOOD + FILE.replace(b"a.csv", name) + END)
    assert answer.status_code == 200, answer.text
    assert answer.json["result"]["url"].rpartition("/")[2] == stored
    (path,) = files(portal)
    assert path.name == stored
    assert path.parent.parent == portal.settings.home / "storage" / "uploads" / "resource"


@pytest.mark.slow
def test_no_mutilated_body_breaks_the_server(portal):
    chance = random.Random(20261122)
    whole = GOOD + b"--b\r\n" + DISPOSITION + b'name="size"\r\n\r\n5\r\n' + FILE + END
    for _ in range(400):
        body = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            start = chance.randrange(len(body))
            cut = chance.choice([b"", b"\r\n", b"--b", b"\x00", b'"', b";", bytes([chance.randrange(256)])])
            body[start : start + chance.choice([0, 1, 1, 5, 40])] = cut
        action = chance.choice(["resource_create", "package_revise", "package_create", "organization_patch"])
        answer = send(portal, bytes(body), action=action)
        assert answer.status_code < 500, bytes(body)
        kept = len(portal.call("package_show", {"id": "bus"})["resources"])
        assert len(files(portal)) <= kept


def test_a_sender_who_goes_away_leaves_nothing(portal):
    host, _, port = portal.url.removeprefix("http://").partition(":")
    head = f"POST /api/3/action/resource_create HTTP/1.1\r\nHost: x\r\nAuthorization: {portal.token}\r\n"
    head += f"Content-Type: {TYPE}\r\nContent-Length: 500000\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(head.encode() + GOOD + FILE + b"x" * 100_000)
        line.shutdown(socket.SHUT_WR)
        answer = line.makefile("rb").readline()
    assert answer.split()[1] == b"400"
    assert files(portal) == []


def test_a_body_in_broken_chunks_is_refused(portal):
    host, _, port = portal.url.removeprefix("http://").partition(":")
    head = f"POST /api/3/action/resource_create HTTP/1.1\r\nHost: x\r\nAuthorization: {portal.token}\r\n"
    head += f"Content-Type: {TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(head.encode() + b"5\r\n--b\r\n\r\nnot a size\r\n")
        line.shutdown(socket.SHUT_WR)
        answer = line.makefile("rb").readline()
    assert answer.split()[1] == b"400"
