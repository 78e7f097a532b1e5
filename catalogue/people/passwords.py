"""Passwords: argon2id hashes, never the password itself."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 8
MAX_LENGTH = 1000  # hashing more is only good for keeping us busy

# Above OWASP's least (19 MiB, two passes); with at most four at once, a flood of guesses cannot eat the memory.
_HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
_AT_ONCE = threading.BoundedSemaphore(4)


def hash_password(password: str) -> str:
    """Return the hash to store."""
    with _AT_ONCE:
        return _HASHER.hash(_normalized(password))


def password_matches(stored: str | None, password: str) -> bool:
    """Tell whether the password belongs to the hash; takes the same time when there is no hash."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        with _AT_ONCE:
            return _HASHER.verify(stored or _nobody(), _normalized(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def password_faults(password: str) -> list[str]:
    """Return what is wrong with a new password, in words for its owner."""
    if len(password) < MIN_LENGTH:
        return [f"Your password must be {MIN_LENGTH} characters or longer"]
    if len(password) > MAX_LENGTH:
        return [f"Your password must be {MAX_LENGTH} characters or shorter"]
    return []


def _normalized(password: str) -> str:
    """Return the password as every keyboard would send it: ễ may come as one character or as three."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobody() -> str:
    """Return what is compared with when there is no such user, so that the time of the answer does not tell who exists."""
    return _HASHER.hash("nobody has this password")
