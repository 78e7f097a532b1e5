"""The key that rounds the cells of a dataset's aggregated tables: the same in all its releases, and of no use elsewhere."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from publisher.errors import DescriptorError
from publisher.policy import Privacy
from publisher.secrets import Secrets

_SHORTEST_KEY = 16


def cell_key_of(privacy: Privacy, *, folder: Path, secrets: Secrets) -> bytes:
    """Return the key that rounds the cells of a policy, of this dataset alone and the same in all its releases; empty where none is rounded.

    Raises:
        DescriptorError: the tables name several keys, or one that is absent or shorter than 16 bytes.
    """
    named = {table.or_round.key for table in privacy.tables if table.or_round}
    if not named:
        return b""
    if len(named) > 1:
        raise DescriptorError("Tables of one source are rounded with different keys.", cure="give `or_round` one `key`")
    dataset, [reference] = folder.resolve().name, named
    raw = (secrets.resolve(reference) if reference else secrets.own(f"rounding the cells of {dataset}")).encode()
    if len(raw) < _SHORTEST_KEY:
        raise DescriptorError(
            f"The key for rounding cells has fewer than {_SHORTEST_KEY} bytes.", cure="give it a longer random key"
        )
    return hmac.digest(raw, f"cells\x1f{dataset}".encode(), hashlib.sha256)
