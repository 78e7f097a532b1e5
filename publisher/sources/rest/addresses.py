"""Which addresses may be asked: names are resolved once, every address found is judged, and just that one is connected to.

An address that the operator keeps in the environment or a file may lie inside. One that stands in a definition, or that a
service redirects to, leads to the public Internet only, unless the setting `allowed_hosts` names its host or network.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets

NAT64 = IPv6Network("64:ff9b::/96")

IpAddress = IPv4Address | IPv6Address
SocketAddress = tuple[socket.AddressFamily, Any]


@dataclass(frozen=True)
class Address:
    """A web address from a definition.

    Attributes:
        url: the address itself, which may hold a secret in its query.
        label: how messages call it.
        is_trusted: the operator keeps it, so that its host may lie inside.
    """

    url: str
    label: str
    is_trusted: bool

    @property
    def host(self) -> str:
        """The host's name or address, in lower case."""
        return (urlsplit(self.url).hostname or "").lower()


def resolve_address(reference: str, secrets: Secrets) -> Address:
    """Return the address that a definition names or holds.

    Raises:
        DescriptorError: it is no web address, or holds a user and password.
    """
    is_written_out = reference.startswith(("http://", "https://"))
    url = reference if is_written_out else secrets.resolve(reference)
    label = reference.partition("?")[0] if is_written_out else reference
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise DescriptorError(f"What {_safe(label)} names is no web address.", cure="write it as https://host/path")
    if parts.username is not None or parts.password is not None:
        raise DescriptorError(
            "A web address holds a user or a password.", cure="take them out and give them in `auth`, by reference"
        )
    return Address(url, label, is_trusted=not is_written_out)


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


class Guard:
    """Resolves and judges hosts.

    Args:
        allowed: host names (`*` stands for anything), addresses and networks inside that may be asked.
        trusted: hosts of the operator's own addresses.
        label: how messages call the source.
    """

    def __init__(self, *, allowed: Sequence[str], trusted: Sequence[str], label: str) -> None:
        self._networks = [network for entry in allowed if (network := _network(entry))]
        self._names = [entry.lower() for entry in allowed if _network(entry) is None]
        self._trusted = set(trusted)
        self._label = label

    def addresses(self, host: str, port: int) -> list[SocketAddress]:
        """Return where a host listens.

        Raises:
            OSError: the name is not known.
            SourceError: one of its addresses may not be asked; then none is, for the next answer may be the other.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for _, _, _, _, socket_address in found:
            if not self._may_ask(host.lower().rstrip("."), ip_address(str(socket_address[0]).partition("%")[0])):
                raise SourceError(
                    f"{self._label} leads to an address inside, which may not be asked from here.",
                    cure="correct the address, or have the operator name its host or network in `publisher.allowed_hosts`",
                )
        return [(family, address) for family, _, _, _, address in found]

    def connect(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """Connect to one of the addresses just judged; the name is not resolved again.

        Raises:
            OSError: none of them answers.
            SourceError: as for `addresses`.
        """
        problem: OSError = ConnectionError("no address")
        for family, address in self.addresses(host, port):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(timeout)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.connect(address)
            except OSError as error:
                connection.close()
                problem = error
            else:
                return connection
        raise problem

    def _may_ask(self, host: str, address: IpAddress) -> bool:
        meant = _meant(address)
        if all(any(one in network for network in self._networks) for one in meant):
            return True
        if host in self._trusted or any(fnmatchcase(host, name) for name in self._names):
            # Where clouds keep their machines' keys, and what is no host at all, is nobody's service.
            return not any(one.is_link_local or one.is_multicast or one.is_unspecified for one in meant)
        return all(one.is_global and not one.is_multicast for one in meant)


def _meant(address: IpAddress) -> list[IpAddress]:
    """Return the address, and the IPv4 address that an IPv6 address stands for or tunnels to."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inner = address.sixtofour or (address.teredo[1] if address.teredo else None)
    if address in NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return [address] if inner is None else [address, inner]


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def _safe(label: str) -> str:
    return label if not label.startswith("http") else "the definition"
