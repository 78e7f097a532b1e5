"""From policy to the actions that see the whole table: grids, bounds at quantiles, perturbed counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from publisher.anonymise.fields.fitting import needs_whole_table, simple_step, steps_of, wrong
from publisher.anonymise.fields.grids import GridPlaces
from publisher.anonymise.fields.pseudonyms import separate_key
from publisher.anonymise.fields.steps import CellError, NumbersInTurn
from publisher.anonymise.fields.whole_table import TableAction
from publisher.definition import TableDefinition
from publisher.policy import Grid, Perturb, Round, TopCode
from publisher.secrets import Secrets
from publisher.table_schema import FieldDefinition


def table_actions(table: TableDefinition, *, folder: Path, secrets: Secrets) -> Iterator[TableAction]:
    """Yield the actions of a table, in the order of their fields.

    Raises:
        DescriptorError: a key is missing, or a grid lacks one of its two numbers.
    """
    coordinates: list[tuple[FieldDefinition, Grid]] = []
    for field in table.schema_.fields:
        action = table.privacy.action_of(field.name)
        if isinstance(action, Grid) and field.type in {"integer", "number"}:
            coordinates.append((field, action))
        elif isinstance(action, Grid):
            units = tuple(table.privacy.unit_key)
            yield GridPlaces((field.name,), action.metres, action.min_population, units, field.type == "geopoint")
        elif needs_whole_table(action):
            steps = steps_of(action)
            if sum(isinstance(step, TopCode) and step.p is not None for step in steps) > 1:
                raise wrong(field.name, "is cut at two quantiles", "keep one of them")
            yield _numbers(table, field, steps, domain=(folder.resolve().name, table.name), secrets=secrets)
    if coordinates:
        yield _pair(table, coordinates)


def _pair(table: TableDefinition, coordinates: list[tuple[FieldDefinition, Grid]]) -> GridPlaces:
    first, action = coordinates[0]
    if len(coordinates) != 2 or (coordinates[1][1].metres, coordinates[1][1].min_population) != (
        action.metres,
        action.min_population,
    ):
        raise wrong(
            first.name,
            "is one number of a place on a grid, and there are not exactly two of equal settings",
            "give the same `grid` to the other number of the place, or keep the place in one field",
        )
    names = tuple(field.name for field, _ in coordinates)
    return GridPlaces(names, action.metres, action.min_population, tuple(table.privacy.unit_key))


def _numbers(
    table: TableDefinition,
    field: FieldDefinition,
    steps: list[TopCode | Round | Perturb],
    *,
    domain: tuple[str, ...],
    secrets: Secrets,
) -> NumbersInTurn:
    taken: list[object] = []
    for step in steps:
        if isinstance(step, Perturb):
            key = separate_key(secrets.resolve(step.key), "cell error", *domain, field.name)
            taken.append(CellError(key, step.max))
        else:
            taken.append(step if isinstance(step, TopCode) and step.p is not None else simple_step(field, step))
    privacy = table.privacy
    units = tuple(privacy.unit_key)
    quasi = tuple(one.name for one in table.schema_.fields if privacy.action_of(one.name).role == "quasi")
    # The source's values, not the published ones: a level that changes with the next release must not draw another error.
    cell = units or tuple(name for name in quasi if name != field.name)
    return NumbersInTurn(field.name, taken, units, cell)  # type: ignore[arg-type]
