"""Where written-out addresses may lead: the public Internet, and what the operator allows."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from samples.source_reader import Read
from servers.http import HttpServer, Reply, running_http

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets
from publisher.sources import Surroundings
from publisher.sources.rest import addresses
from publisher.sources.rest.addresses import Guard, resolve_address

RULES = [
    ("127.0.0.1", False), ("127.8.8.8", False), ("10.0.0.1", False), ("172.16.9.9", False), ("192.168.1.1", False),
    ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False),
    ("255.255.255.255", False), ("2130706433", False), ("0x7f000001", False), ("0177.0.0.1", False), ("127.1", False),
    ("::1", False), ("::", False), ("fe80::1", False), ("fd00::1", False), ("fd00:ec2::254", False), ("ff02::1", False),
    ("::ffff:127.0.0.1", False), ("::ffff:a9fe:a9fe", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
    ("8.8.8.8", True), ("2606:4700:4700::1111", True), ("::ffff:8.8.8.8", True),
]  # fmt: skip


def rest(url: str = "env:SERVICE", **more: Any) -> dict[str, Any]:
    return {"kind": "rest", "url": url, "requests_per_second": 10_000, "retries": 0, **more}


@pytest.mark.parametrize(("host", "may_ask"), RULES)
def test_written_out_hosts_are_judged_by_what_they_mean(host: str, may_ask: bool) -> None:
    guard = Guard(allowed=[], trusted=[], label="X")
    if may_ask:
        assert guard.addresses(host, 80)
    else:
        with pytest.raises(SourceError, match="leads to an address inside") as raised:
            guard.addresses(host, 80)
        assert "publisher.allowed_hosts" in raised.value.cure


@pytest.mark.parametrize(
    ("entry", "host", "may_ask"),
    [
        ("10.0.0.0/8", "10.9.9.9", True),
        ("10.0.0.0/8", "192.168.0.1", False),
        ("127.0.0.1", "::ffff:127.0.0.1", True),
        ("localhost", "localhost", True),
        ("local*", "LOCALHOST", True),
        ("localhost", "127.0.0.1", False),
        ("169.254.169.254", "169.254.169.254", True),
        ("169.254.1*", "169.254.169.254", False),
        ("fd00::/8", "fd00::1", True),
    ],
)
def test_the_operator_allows_hosts_and_networks(entry: str, host: str, may_ask: bool) -> None:
    guard = Guard(allowed=[entry], trusted=[], label="X")
    if may_ask:
        assert guard.addresses(host, 80)
    else:
        with pytest.raises(SourceError, match="inside"):
            guard.addresses(host, 80)


def test_even_a_trusted_host_is_no_cloud_metadata() -> None:
    guard = Guard(allowed=[], trusted=["127.0.0.1", "169.254.169.254"], label="X")
    assert guard.addresses("127.0.0.1", 80)
    with pytest.raises(SourceError, match="inside"):
        guard.addresses("169.254.169.254", 80)


def test_a_name_with_one_address_inside_is_refused_and_never_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: the first answer is outside, the second inside; or both come at once."""
    answers = [["93.184.216.34", "127.0.0.1"], ["93.184.216.34"], ["127.0.0.1"]]
    asked = []

    def resolve(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", (address, port)) for address in answers[len(asked) - 1]]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", resolve)
    guard = Guard(allowed=[], trusted=[], label="X")
    with pytest.raises(SourceError, match="inside"):
        guard.addresses("rebinding.example", 80)
    with suppress(OSError):  # whatever the network says: the address just judged was tried, not a new answer
        guard.connect("rebinding.example", 9, 0.05).close()
    assert len(asked) == 2


def test_a_written_out_address_inside_is_not_asked(read: Read, http_server: HttpServer) -> None:
    http_server.routes["/rows"] = lambda _: Reply([{"id": 1}])
    with pytest.raises(SourceError, match="leads to an address inside"):
        read(rest(f"{http_server.url}/rows?key=hidden"), "id")
    assert http_server.requests == []
    around = Surroundings(allowed_hosts=("127.0.0.0/8",))
    assert len(read(rest(f"{http_server.url}/rows?key=hidden"), "id", surroundings=around)) == 1


@pytest.mark.parametrize("url", ["http://user:secret@example.org/", "https://", "http://[::1", "http://host:99999/"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(DescriptorError) as raised:
        resolve_address("env:A", Secrets({"A": url}))
    assert "secret" not in str(raised.value)


def test_a_redirect_leads_on_but_not_inside(read: Read, http_server: HttpServer) -> None:
    http_server.routes["/old"] = lambda _: Reply(b"", 302, {"Location": "/new?page=1"})
    http_server.routes["/new"] = lambda request: Reply([{"id": request.headers["authorization"]}])
    auth = {"kind": "bearer", "token": "env:TOKEN"}
    secrets = {"SERVICE": f"{http_server.url}/old", "TOKEN": "hidden"}
    assert read(rest(auth=auth), "id", secrets=secrets)[0] == {"id": "Bearer hidden"}
    inside = http_server.url.replace("127.0.0.1", "127.0.0.2")
    http_server.routes["/old"] = lambda _: Reply(b"", 307, {"Location": f"{inside}/new"})
    with pytest.raises(SourceError, match="leads to an address inside"):
        read(rest(auth=auth), "id", secrets=secrets)


def test_a_redirect_to_another_origin_loses_the_key(read: Read, http_server: HttpServer) -> None:
    with running_http() as other:
        other.routes["/rows"] = lambda request: Reply(
            [{"id": str(request.headers.get("x-key")), "q": str(request.query)}]
        )
        http_server.routes["/old"] = lambda _: Reply(b"", 302, {"Location": f"{other.url}/rows"})
        for auth in ({"header": "X-Key"}, {"parameter": "key"}):
            got = read(rest(auth={"kind": "api_key", "key": "env:TOKEN", **auth}), "id",
                       secrets={"SERVICE": f"{http_server.url}/old", "TOKEN": "hidden"})  # fmt: skip
            assert got[0] == {"id": "None", "q": "{}"}


@pytest.mark.parametrize(
    ("location", "message"),
    [("/old", "without end"), ("ftp://example.org/", "no web address"), ("http://u:p@127.0.0.1/", "no web address")],
)
def test_redirects_that_lead_nowhere(read: Read, http_server: HttpServer, location: str, message: str) -> None:
    http_server.routes["/old"] = lambda _: Reply(b"", 302, {"Location": location})
    with pytest.raises(SourceError, match=message):
        read(rest(), "id", secrets={"SERVICE": f"{http_server.url}/old"})
    assert len(http_server.requests) <= 6


def test_the_proxy_of_the_environment_is_not_asked(
    read: Read, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy, nobody would see where a name leads."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    http_server.routes["/rows"] = lambda _: Reply([{"id": 1}])
    assert len(read(rest(), "id", secrets={"SERVICE": f"{http_server.url}/rows"})) == 1


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a key and a certificate for `localhost` that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_certificates_are_checked_against_the_name_asked_for(
    read: Read, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_http(certificate=certificate) as server:
        server.routes["/rows"] = lambda _: Reply([{"id": 1}])
        asked = {"SERVICE": f"{server.url}/rows".replace("127.0.0.1", "localhost")}
        with pytest.raises(SourceError, match="nobody here vouches for"):
            read(rest(), "id", secrets=asked)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert len(read(rest(), "id", secrets=asked)) == 1
        with pytest.raises(SourceError, match="nobody here vouches for"):  # it is another name's
            read(rest(), "id", secrets={"SERVICE": f"{server.url}/rows"})
