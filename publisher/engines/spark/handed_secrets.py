"""Secrets on their way to tasks: resolved where the command runs, and only those that a source asks for."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.errors import DescriptorError
from publisher.secrets import Secrets


class NotingSecrets(Secrets):
    """Looks secrets up elsewhere and keeps those that were asked for."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__({})
        self._secrets = secrets
        self.resolved: dict[str, str] = {}

    def resolve(self, reference: str) -> str:
        """Return the secret."""
        self.resolved[reference] = self._secrets.resolve(reference)
        return self.resolved[reference]


class HandedSecrets(Secrets):
    """Knows the secrets that were handed over and no others, whatever machine it is on."""

    def __init__(self, resolved: Mapping[str, str]) -> None:
        super().__init__({})
        self._resolved = dict(resolved)

    def resolve(self, reference: str) -> str:
        """Return the secret.

        Raises:
            DescriptorError: it was not handed over.
        """
        if reference not in self._resolved:
            raise DescriptorError(
                f"The secret {reference} is not known to the tasks of the cluster.",
                cure="release with the local engine",
            )
        return self._resolved[reference]
