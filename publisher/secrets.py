"""Secrets by reference: `env:NAME` or `file:PATH`. Definitions and settings name them and never hold them."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from publisher.errors import DescriptorError


class Secrets:
    """Looks secrets up in the environment it was given, or in files."""

    def __init__(
        self, environment: Mapping[str, str] | None = None, *, own_key: Callable[[], bytes] | None = None
    ) -> None:
        self._environment = os.environ if environment is None else environment
        self._own_key = own_key

    def own(self, purpose: str) -> str:
        """Return a secret of the publisher's own: always the same for a purpose, and of no use for another.

        Raises:
            DescriptorError: there is no publisher around, as when a single file is worked on.
        """
        if self._own_key is None:
            raise DescriptorError(f"There is no key for {purpose}.", cure="name one with `key: env:NAME` in the policy")
        return hmac.digest(self._own_key(), purpose.encode(), hashlib.sha256).hex()

    def resolve(self, reference: str) -> str:
        """Return the secret, without surrounding white space.

        Raises:
            DescriptorError: the reference has no known form, or what it names is absent or empty.
        """
        kind, _, name = reference.partition(":")
        if kind == "env":
            value = self._environment.get(name, "").strip()
            if not value:
                raise DescriptorError(f"The environment has no `{name}`.", cure=f"set {name} before the run")
            return value
        if kind == "file":
            try:
                return Path(name).read_text(encoding="utf-8").strip()
            except OSError as error:
                cure = "create it, readable by this user only"
                raise DescriptorError(f"The secret file {name} cannot be read: {error.strerror}.", cure=cure) from None
        raise DescriptorError("A secret is named neither `env:NAME` nor `file:PATH`.", cure="use one of the two")
