"""From a source to the text of a draft, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from publisher.disclosure.personal.spans import detect_text
from publisher.errors import SourceError
from publisher.proposal.draft import Draft, ProposedField, draft_to_yaml
from publisher.proposal.facts import ColumnFacts, column_facts, opened
from publisher.proposal.field_types import TypeGuess, guess_type, writes_decimal_commas
from publisher.proposal.guessed import guess_source
from publisher.proposal.keys import find_key
from publisher.proposal.map_fields import find_geometry
from publisher.proposal.names import dataset_name, field_names, table_name
from publisher.proposal.personal import (
    Judgement,
    judge_columns,
    may_list_values,
    single_out,
    subject_of,
    without_header,
)
from publisher.proposal.proof import prove_fields
from publisher.proposal.staging import StagedSource, stage_source
from publisher.secrets import Secrets


def propose_dataset(
    source: str, *, secrets: Secrets, name: str | None = None, query: str | None = None, table: str | None = None
) -> tuple[str, str]:
    """Return the name of the dataset and the text of its `dataset.yaml`; all rows are read, no value of a personal column is in it.

    Args:
        source: a file, `env:NAME` of an address, or an `https://` address.
        secrets: resolves the address.
        name: of the dataset; out of the source's when null.
        query: for a database, one SELECT.
        table: for a database, a table instead of a query.

    Raises:
        DescriptorError: the source is none of these.
        SourceError: it cannot be read, has no rows, or its header holds what looks like somebody's data.
    """
    guessed = guess_source(source, query=query, table=table, secrets=secrets)
    with TemporaryDirectory(prefix="phusa-propose-") as folder:
        staged = stage_source(guessed, Path(folder) / "source.parquet", secrets=secrets)
        draft = _draft(
            staged, name or dataset_name(guessed.stem), table_name(guessed.stem), has_header=not guessed.columns
        )
    return draft.dataset, draft_to_yaml(draft)


def _draft(staged: StagedSource, dataset: str, table: str, *, has_header: bool) -> Draft:
    _refuse_personal_header(staged)
    with opened(staged) as engine:
        facts = column_facts(engine, staged)
        commas = any(writes_decimal_commas(one) for one in facts)
        guesses = [guess_type(one, decimal_commas=commas) for one in facts]
        judged, findings = judge_columns(staged, facts, [guess.type for guess in guesses])
        subject = subject_of(judged, facts, findings)
        if subject == "person":
            judged = single_out(judged, facts)
        if not has_header:
            judged, subject = without_header(judged), None
        fields = _fields(facts, guesses, judged)
        clean = [one.action == "keep" for one in judged]
        places = find_key(engine, facts, [field.guess.type for field in fields], clean=clean)
        geometry = find_geometry(engine, fields, staged) if subject == "none" else None
    key = prove_fields(fields, [fields[place].name for place in places], staged)
    source = staged.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Draft(dataset, table, staged.rows, source, _safe(staged.notes), fields, key, subject, geometry)


def _fields(
    facts: Sequence[ColumnFacts], guesses: Sequence[TypeGuess], judged: Sequence[Judgement]
) -> list[ProposedField]:
    fields = []
    names = field_names([one.name for one in facts])
    for name, one, guess, judgement in zip(names, facts, guesses, judged, strict=True):
        constraints: dict[str, Any] = {"required": True} if one.values == one.rows else {}
        if guess.type == "string" and may_list_values(one, judgement):
            constraints["enum"] = sorted(text for text, _ in one.few)
        fields.append(ProposedField(name, one, guess, judgement, constraints))
    return fields


def _refuse_personal_header(staged: StagedSource) -> None:
    personal = sum(bool(detect_text(name)) for name in staged.schema.names)
    if personal:
        raise SourceError(
            f"{personal} names of columns look like somebody's data: the header may be a row.",
            cure="have the file delivered with a header, or write the definition by hand",
        )


def _safe(notes: Sequence[str]) -> list[str]:
    return [note for note in notes if not detect_text(note)]
