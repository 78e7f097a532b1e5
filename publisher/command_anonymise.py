"""`phusa anonymise`: one file, one policy, and what came of it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from publisher.errors import DescriptorError, EnvironmentFault
from publisher.settings import PublisherSettings


def anonymise(
    settings: PublisherSettings, file: Path, policy: Path, output: Path, *, report: Path | None, schema: Path | None
) -> None:
    """Write the anonymised file and its report, and say in a few lines what it cost.

    Raises:
        PublisherError: nothing was written, and why.
    """
    from publisher.facilities import open_facilities
    from publisher.one_file.anonymise import anonymise_file
    from publisher.rulebook import use_rulebook

    if any(one is not None and one.resolve() in {file.resolve(), policy.resolve()} for one in (output, report)):
        raise DescriptorError("The output or report would replace its own source.", cure="name another file")
    for one in (output, report):
        if one is not None:
            _make_folder(one)
    use_rulebook(settings.rulebook)
    done = anonymise_file(file, policy, output, schema=schema, publisher=lambda: open_facilities(settings))
    if report is not None:
        report.write_text(json.dumps(done.report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for note in done.report["notes"]:
        click.echo(f"Note: {note}.")
    for name, path in done.files.items():
        click.echo(f"{path}: {_in_words(done.report['tables'][name])}")


def _make_folder(file: Path) -> None:
    """Make the folder of a file before the work begins, so that nothing is found out at its end."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(
            f"The folder {file.parent} cannot be made: {type(error).__name__}.", cure="name another place"
        ) from None


def _in_words(table: dict[str, object]) -> str:
    if table["kind"] != "rows":
        return f"{table['cells']} cells, {table['hidden_cells']} of them hidden"
    words = f"{table['published_rows']} of {table['rows']} rows"
    if "loss" in table:
        levels = ", ".join(f"{name} {level}" for name, level in dict(table["levels"]).items())  # type: ignore[call-overload]
        words += f", smallest class {table['smallest_class']}, loss {table['loss']:.4f} ({levels or 'no levels'})"
    return words
