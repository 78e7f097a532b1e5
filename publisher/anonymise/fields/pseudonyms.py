"""Keyed pseudonyms: HMAC-SHA-256, one key for each dataset, table, field and release, so that nothing links across them."""

from __future__ import annotations

import hashlib
import hmac

from publisher.errors import DescriptorError

SHORTEST_KEY_BYTES = 16


def separate_key(secret: str, *domain: str) -> bytes:
    """Return the key for one domain, such as dataset, table, field and release; each part counts with its length.

    Raises:
        DescriptorError: the secret is shorter than 16 bytes.
    """
    key = secret.encode()
    if len(key) < SHORTEST_KEY_BYTES:
        raise DescriptorError(
            f"The pseudonym key has {len(key)} bytes, {SHORTEST_KEY_BYTES} are the least.",
            cure="make one with `openssl rand -hex 32`",
        )
    message = b"phusa/pseudonym/1" + b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in domain)
    return hmac.digest(key, message, hashlib.sha256)


def pseudonym(key: bytes, text: str, length: int) -> str:
    """Return the first `length` hexadecimal digits of the keyed digest."""
    return hmac.digest(key, text.encode(), "sha256").hex()[:length]
