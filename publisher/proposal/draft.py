"""The draft as YAML with comments; what only a person knows stays empty, so that `phusa dataset check` asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from publisher.proposal.facts import ColumnFacts
from publisher.proposal.field_types import TypeGuess
from publisher.proposal.names import title_of
from publisher.proposal.personal import Judgement


@dataclass
class ProposedField:
    """Everything about one field of the draft."""

    name: str
    facts: ColumnFacts
    guess: TypeGuess
    judgement: Judgement
    constraints: dict[str, Any]

    def descriptor(self, *, with_source: bool = True) -> dict[str, Any]:
        """Return the field as the definition holds it."""
        said: dict[str, Any] = {"name": self.name}
        if with_source and self.facts.name != self.name:
            said["source_name"] = self.facts.name
        if self.guess.type != "string":
            said["type"] = self.guess.type
        said |= {"title": title_of(self.facts.name) or self.name, **self.guess.options}
        return said | ({"constraints": self.constraints} if self.constraints else {})


@dataclass
class Draft:
    """Everything that a draft says.

    `subject` is null where a person must say whom the rows are about; `geometry` where no coordinates were found.
    """

    dataset: str
    table: str
    rows: int
    source: Mapping[str, Any]
    notes: Sequence[str]
    fields: Sequence[ProposedField]
    key: Sequence[str]
    subject: str | None
    geometry: Mapping[str, Any] | None

    @property
    def kept(self) -> set[str]:
        """Return the names of the fields that are proposed to leave."""
        return {field.name for field in self.fields if field.judgement.action == "keep"}


def draft_to_yaml(draft: Draft) -> str:
    """Return the text of `dataset.yaml`."""
    return "\n".join([*_head(draft), *_source(draft), *_schema(draft), *_privacy(draft)]) + "\n"


def _head(draft: Draft) -> Iterator[str]:
    yield f"# A draft from all {draft.rows} rows of the source. Fill in the empty keys, look at every comment, then: phusa dataset check"
    yield "$schema: https://datapackage.org/profiles/2.0/datapackage.json"
    yield f"name: {draft.dataset}"
    yield "title:  # fill in: what people look for"
    yield "title_translated: {}  # {en: …}"
    yield "description:  # fill in: what the data are, from where, since when"
    yield "licenses:"
    yield "  - {name: CC-BY-4.0, path: 'https://creativecommons.org/licenses/by/4.0/', title: Creative Commons Ghi công 4.0}  # confirm"
    yield "contact: {name: }  # fill in: the office that answers, never a person"
    yield "release:"
    yield "  cadence:  # fill in: hourly, daily, weekly, monthly, quarterly, yearly or static"
    yield "  approval: four_eyes"
    yield "resources:"
    yield f"  - name: {draft.table}"
    yield "    title:  # fill in"
    yield "    row:  # fill in: what one row is, in one sentence"


def _source(draft: Draft) -> Iterator[str]:
    yield "    source:"
    for key, value in draft.source.items():
        yield f"      {key}: {_flow(value)}" + ("  # confirm: where it is dropped" if key == "location" else "")
    for note in draft.notes:
        yield f"      # {_one_line(note)}"


def _schema(draft: Draft) -> Iterator[str]:
    if draft.geometry:
        yield f"    geometry: {_flow(draft.geometry)}  # confirm"
    if sort := [name for name in draft.key if name in draft.kept]:
        yield f"    sort_by: {_flow(sort)}"
    yield "    schema:"
    if draft.key:
        yield f"      primaryKey: {_flow(list(draft.key))}  # confirm: no row repeats it today"
    yield "      fields:"
    for field in draft.fields:
        for comment in field.guess.comments:
            yield f"        # {comment}"
        yield f"        - {_flow(field.descriptor())}"


def _privacy(draft: Draft) -> Iterator[str]:
    yield "    privacy:"
    if draft.subject is None:
        yield "      subject:  # fill in: person, household, business or none; some columns look personal"
    else:
        yield f"      subject: {draft.subject}  # confirm"
    if draft.subject == "person":
        yield "      microdata: {k: 5}  # confirm, and give `role: quasi` to what helps to single a person out"
    yield "      default: drop"
    if not draft.fields:
        yield "      fields: {}"
        return
    yield "      fields:"
    for field in draft.fields:
        judgement = field.judgement
        if judgement.action == "decide":
            yield f"        # {field.name}: stays inside until you decide; {judgement.why}"
        else:
            yield f"        {_flow(field.name)}: {{action: {judgement.action}}}  # {judgement.why}"
    if all(field.judgement.action == "decide" for field in draft.fields):
        yield "        {}"


class _Quoting(yaml.SafeDumper):
    """Quotes texts of digits, which other readers of YAML than ours would take for numbers: `08`."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if text[:1].isdigit() else None)


_Quoting.add_representer(str, _text)


def _flow(value: Any) -> str:
    """Return a value in YAML on one line."""
    text = yaml.dump(
        _plain(value), Dumper=_Quoting, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10**9
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _one_line(text: str) -> str:
    return " ".join(text.split())
