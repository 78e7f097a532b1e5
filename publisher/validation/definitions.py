"""What only Frictionless can say of a definition, with the line it is about; for `phusa dataset check`."""

from __future__ import annotations

from pathlib import Path

from publisher.definition import DatasetDefinition
from publisher.errors import DescriptorError
from publisher.validation.mistakes import FieldError
from publisher.validation.table import prepare_checks
from publisher.yaml_lines import read_yaml


def check_definition(path: Path, definition: DatasetDefinition) -> None:
    """Try the schemas of all tables of a definition that was read from a file.

    Raises:
        DescriptorError: one line for each table that cannot be checked: file, line, table, field, what is wrong.
    """
    mistakes: list[str] = []
    cures: list[str] = []
    for place, table in enumerate(definition.resources):
        try:
            prepare_checks(table)
        except DescriptorError as error:
            where: list[str | int] = ["resources", place, "schema"]
            if isinstance(error, FieldError):
                names = [field.name for field in table.schema_.fields]
                where += ["fields", names.index(error.field), *error.where]
            mistakes.append(f"{path}:{read_yaml(path).line_of(where)}: {error.message}")
            cures.append(error.cure)
    if mistakes:
        raise DescriptorError("\n".join(mistakes), cure="; ".join(dict.fromkeys(cures)))
