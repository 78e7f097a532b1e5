"""Writes docs/commands.md and docs/settings.md from the commands and settings themselves, so that they cannot differ."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cityportal.settings import PortalSettings


def commands_page(group: click.Group) -> str:
    """Return every command with its help, as Markdown."""
    parts = ["# Commands\n\nWritten by `make docs` from `phusa --help`; change the command, not this page.\n"]
    parts.extend(_command_parts(group, "phusa"))
    return "\n".join(parts)


def settings_page() -> str:
    """Return every setting with its default and meaning, as Markdown."""
    lines = [
        "# Settings",
        "",
        "Written by `make docs` from the settings themselves; change them, not this page.",
        "",
        "A setting stands in `phusa.toml` (in the working folder, or named by `PHUSA_CONFIG`) or in the environment, which wins:",
        "`home` is `PHUSA_HOME`, `storage.url` is `PHUSA_STORAGE__URL` (two underscores between section and name).",
        "Unknown settings in the file are errors. Secrets are never written here: a setting says where one lies, `env:NAME` or `file:PATH`.",
        "",
        "| setting | environment | default | meaning |",
        "|---|---|---|---|",
        *_rows(PortalSettings, ()),
    ]
    return "\n".join(lines) + "\n"


def write_docs(docs: Path, group: click.Group) -> None:
    """Write both pages."""
    (docs / "commands.md").write_text(commands_page(group), encoding="utf-8")
    (docs / "settings.md").write_text(settings_page(), encoding="utf-8")


def _command_parts(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
    yield f"## `{path}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _command_parts(command.commands[name], f"{path} {name}")


def _rows(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        here = (*path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _rows(field.annotation, here)
            continue
        default = "" if field.default is PydanticUndefined or field.default in {"", None} else f"`{field.default}`"
        environment = f"PHUSA_{'__'.join(here).upper()}"
        yield f"| `{'.'.join(here)}` | `{environment}` | {default} | {field.description or ''} |"


if __name__ == "__main__":
    from cityportal.cli import main

    write_docs(Path(sys.argv[1]), main)
