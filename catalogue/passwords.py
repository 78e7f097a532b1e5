"""Passwords: argon2id hashes, never the password itself."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 8
MAX_LENGTH = 1000  # hashing more is only good for keeping us busy

_HASHER = PasswordHasher()
# Compared with when there is no such user, so that the time of the answer does not tell who exists.
_NOBODY = _HASHER.hash("nobody has this password")


def hash_password(password: str) -> str:
    """Return the hash to store."""
    return _HASHER.hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Tell whether the password belongs to the hash; takes the same time when there is no hash."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def password_faults(password: str) -> list[str]:
    """Return what is wrong with a new password, in words for its owner."""
    if len(password) < MIN_LENGTH:
        return [f"Your password must be {MIN_LENGTH} characters or longer"]
    if len(password) > MAX_LENGTH:
        return [f"Your password must be {MAX_LENGTH} characters or shorter"]
    return []
