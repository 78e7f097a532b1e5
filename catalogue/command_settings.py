"""How commands come to the settings: the composer leaves a function in click's `meta`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # the composer reads them when a command asks
    from catalogue.settings import CatalogueSettings

SETTINGS = "catalogue.settings"
"""Where the composer leaves a function that returns `CatalogueSettings`."""


def current_settings() -> CatalogueSettings:
    """Return the settings that the composer left for the running command."""
    read: Callable[[], CatalogueSettings] = click.get_current_context().meta[SETTINGS]
    return read()


def first_line(path: Path) -> str:
    """Return the first line of a file that holds a secret."""
    with click.open_file(str(path), encoding="utf-8") as file:
        return str(file.readline()).rstrip("\r\n")
