"""Files on an SFTP server whose host key the definition pins; a server with another key is never signed in to."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets
from publisher.sources.files.places import Listed, Location, is_meant
from publisher.sources.files.spec import FileSource

if TYPE_CHECKING:
    import paramiko

PATIENCE_SECONDS = 20


@contextmanager
def open_sftp(address: str, spec: FileSource, secrets: Secrets) -> Iterator[Location]:
    """Open `sftp://user@host:port/folder`.

    Raises:
        DescriptorError: the host key is missing or unreadable, or the address holds no user.
        SourceError: the server cannot be reached, shows another key, or refuses the sign-in or the folder.
    """
    try:
        import paramiko
    except ModuleNotFoundError:
        raise SourceError(
            "The SFTP library is not installed.", cure="pip install 'phusa[sftp]', then run again"
        ) from None
    parts = urlsplit(address)
    if not parts.hostname or not parts.username:
        raise DescriptorError("The SFTP address names no user or no host.", cure="write sftp://user@host:port/folder")
    port = parts.port or 22
    with paramiko.SSHClient() as client:
        _pin_host(client, parts.hostname, port, spec)
        with _translated(spec):
            client.connect(
                parts.hostname, port, username=unquote(parts.username), allow_agent=False, look_for_keys=False,
                password=secrets.resolve(spec.password) if spec.password else None,
                pkey=_private_key(secrets.resolve(spec.private_key)) if spec.private_key else None,
                timeout=PATIENCE_SECONDS, banner_timeout=PATIENCE_SECONDS, auth_timeout=PATIENCE_SECONDS,
            )  # fmt: skip
            session = client.open_sftp()
        if channel := session.get_channel():
            channel.settimeout(PATIENCE_SECONDS)
        yield _SftpFolder(session, unquote(parts.path) or "/", spec)


def _pin_host(client: paramiko.SSHClient, host: str, port: int, spec: FileSource) -> None:
    import paramiko

    if spec.host_key is None:
        raise DescriptorError(
            "The SFTP source has no `host_key`.", cure="ask the agency for the server's public key and pin it"
        )
    try:
        kind, blob = spec.host_key.split()[:2]
        entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{host} {kind} {blob}")
    except (ValueError, paramiko.SSHException):
        entry = None
    if entry is None or entry.key is None:
        raise DescriptorError("`host_key` is no public key.", cure="write it as `ssh-ed25519 AAAA…`")
    client.get_host_keys().add(host if port == 22 else f"[{host}]:{port}", entry.key.get_name(), entry.key)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())


def _private_key(text: str) -> paramiko.PKey:
    import paramiko

    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text + "\n"))
        except (paramiko.SSHException, ValueError):
            continue
    raise DescriptorError("`private_key` names no usable key.", cure="give an OpenSSH key without a passphrase")


class _SftpFolder:
    arrives_whole = False

    def __init__(self, session: paramiko.SFTPClient, folder: str, spec: FileSource) -> None:
        self._session = session
        self._folder = folder.rstrip("/")
        self._spec = spec

    def files(self) -> list[Listed]:
        with _translated(self._spec):
            entries = self._session.listdir_attr(self._folder or "/")
        return [
            Listed(entry.filename, entry.st_size or 0, float(entry.st_mtime or 0))
            for entry in entries
            if stat.S_ISREG(entry.st_mode or 0) and is_meant(entry.filename) and "/" not in entry.filename
        ]

    def fetch(self, name: str, scratch: Path) -> Path:
        path = scratch / name
        with _translated(self._spec):
            self._session.get(f"{self._folder}/{name}", str(path))  # raises when the sizes differ at the end
        return path


@contextmanager
def _translated(spec: FileSource) -> Iterator[None]:
    import paramiko

    where = f"The SFTP server behind {spec.location.partition('@')[2] or spec.location}"
    try:
        yield
    except paramiko.BadHostKeyException:
        raise SourceError(
            f"{where} shows another host key than the pinned one; nothing was sent to it.",
            cure="ask the agency by another channel whether the key changed, then correct `host_key`",
        ) from None
    except paramiko.AuthenticationException:
        raise SourceError(f"{where} refused the sign-in.", cure="renew `password` or `private_key`") from None
    except FileNotFoundError:
        raise SourceError(f"{where} has no such folder or file.", cure="correct `location`") from None
    except PermissionError:
        raise SourceError(f"{where} does not let this account read.", cure="have the agency grant it") from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise SourceError(
            f"{where} cannot be reached or broke off ({type(error).__name__}).",
            cure="see that it runs and that the network lets us through",
        ) from None
