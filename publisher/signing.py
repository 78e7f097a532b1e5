"""The publisher's Ed25519 key and its signatures; `publisher/verify.py` is the other half."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from publisher.errors import DescriptorError, StorageError

SigningKey = Ed25519PrivateKey


def signing_key(path: Path) -> SigningKey:
    """Return the key in a PEM file, which is made on first use, readable by this user only.

    Two processes that start at once end up with the same key.

    Raises:
        DescriptorError: others may read the file, or it holds no Ed25519 key.
        StorageError: the file can be neither read nor made.
    """
    try:
        if not path.exists():
            _make_key(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise DescriptorError(f"The signing key {path} may be read by others.", cure=f"chmod 600 {path}")
        pem = path.read_bytes()
    except OSError as error:
        cure = "see that the folder exists and belongs to the user that the publisher runs as"
        raise StorageError(f"The signing key {path} cannot be used: {error.strerror}.", cure=cure) from None
    return _key_from_pem(pem, path)


def sign(data: bytes, key: SigningKey) -> str:
    """Return the base64 signature over exactly these bytes."""
    return base64.b64encode(key.sign(data)).decode("ascii")


def public_key_text(key: SigningKey) -> str:
    """Return the base64 of the 32 public bytes, as manifests carry it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # link() refuses an existing name, so that the first of two processes wins and the other reads its key.
        path.hardlink_to(part)
    except FileExistsError:
        return
    finally:
        part.unlink()


def _key_from_pem(pem: bytes, path: Path) -> SigningKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        cure = "put the right key back from the backup; releases signed with another key show another fingerprint"
        raise DescriptorError(f"The file {path} holds no plain Ed25519 key in PEM form.", cure=cure)
    return key
