"""`phusa dataset propose`: the draft to the screen, or into a folder of definitions."""

from __future__ import annotations

import os
from pathlib import Path

import click

from publisher.errors import DescriptorError
from publisher.proposal.names import dataset_name
from publisher.proposal.propose import propose_dataset
from publisher.secrets import Secrets

_ORGANIZATION = """\
name: {name}
title:  # fill in: the agency's name
title_translated: {{}}  # {{en: …}}
"""


def propose(
    source: str,
    *,
    name: str | None,
    organization: str | None,
    output: Path | None,
    query: str | None,
    table: str | None,
) -> None:
    """Print the draft, or write it to `OUTPUT/<organization>/<name>/dataset.yaml`; a file that is there is left alone.

    Raises:
        DescriptorError: the name cannot be one, or the file is there already.
    """
    if name is not None and dataset_name(name) != name:
        raise DescriptorError("The name is none that the catalogue takes.", cure=f"for instance: {dataset_name(name)}")
    found, text = propose_dataset(source, secrets=Secrets(), name=name, query=query, table=table)
    if output is None:
        click.echo(text, nl=False)
        return
    owner = dataset_name(organization or "co-quan")
    path = output / owner / found / "dataset.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise DescriptorError(
            f"{path} is there already.", cure="choose another `--name`, or move the file away"
        ) from None
    agency = path.parent.parent / "organization.yaml"
    if not agency.exists():
        agency.write_text(_ORGANIZATION.format(name=owner), encoding="utf-8")
    click.echo(f"{os.fspath(path)}: fill in the empty keys, look at every comment, then `phusa dataset check {found}`.")
