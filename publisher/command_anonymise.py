"""`phusa anonymise`: one file, one policy, and what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryFile

import click

from publisher.errors import EnvironmentFault
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
    from publisher.one_file.writing import written_whole
    from publisher.rulebook import use_rulebook

    use_rulebook(settings.rulebook)
    for one in (output, report):
        if one is not None:
            _prepare_folder(one)
    done = anonymise_file(
        file, policy, output, schema=schema, report=report, publisher=lambda: open_facilities(settings)
    )
    if report is not None:
        with written_whole(report) as part:
            part.write_text(json.dumps(done.report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for note in done.report["notes"]:
        click.echo(f"Note: {note}.")
    for name, path in done.files.items():
        click.echo(f"{path}: {_in_words(done.report['tables'][name])}")


def _prepare_folder(file: Path) -> None:
    """Make the folder of a file and see that it can be written to before the work begins, so that nothing is found out at its end."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise EnvironmentFault(
            f"The folder {file.parent} cannot be made or written to: {type(error).__name__}.",
            cure="name another place, or give this user the right to write there",
        ) from None


def _in_words(table: dict[str, object]) -> str:
    if table["kind"] != "rows":
        return f"{table['cells']} cells, {table['hidden_cells']} of them hidden"
    words = f"{table['published_rows']} of {table['rows']} rows"
    if "loss" in table:
        levels = ", ".join(f"{name} {level}" for name, level in dict(table["levels"]).items())  # type: ignore[call-overload]
        words += f", smallest class {table['smallest_class']}, loss {table['loss']:.4f} ({levels or 'no levels'})"
    return words
