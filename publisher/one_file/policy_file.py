"""A policy in a file of its own: the section `privacy` of a definition, with or without that key on top."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from pydantic import ValidationError

from publisher.errors import DescriptorError
from publisher.policy import ACTIONS, GeneraliseHierarchy, Privacy
from publisher.yaml_lines import YamlDocument, read_yaml

_TRUTH = {"true", "false"}
_WORDS = {
    "extra_forbidden": "unknown key",
    "union_tag_not_found": "no action; give one, such as `action: keep`, or a `hierarchy`",
    "union_tag_invalid": f"unknown action; there are {', '.join(ACTIONS)}, or several of top_code, round and perturb in a list",
}
_SHORT = re.compile(r" +\w+: [^,:{}\[\]\"'#]+(?:, \w+: [^,:{}\[\]\"'#]+)+(?:#.*)?")
_SETTINGS = re.compile(r", (?=\w+: )")


@dataclass(frozen=True)
class PolicyFile:
    """A policy, the folder its hierarchies are looked for in, and what was understood beyond its words."""

    privacy: Privacy
    folder: Path
    notes: tuple[str, ...]


def read_policy(path: Path) -> PolicyFile:
    """Read a policy; names of fields are the file's own column names.

    A field that only `group_by` names is kept and counts as a quasi-identifier, so that rows which carry it are protected by k.

    Raises:
        DescriptorError: with every mistake, one a line: file, line, what is wrong, cure.
    """
    document = _document(path)
    _keep_words(document.root)
    whole = yaml.SafeLoader("").construct_document(document.root)
    prefix = ["privacy"] if isinstance(whole, dict) and isinstance(whole.get("privacy"), dict) else []
    policy = whole["privacy"] if prefix else whole
    if not isinstance(policy, dict):
        raise DescriptorError(f"{path}:1: the file must hold a policy.", cure="see docs/policies.md")
    if prefix and "hierarchies" in whole:
        if "hierarchies" in policy:
            raise DescriptorError(
                f"{path}:{document.line_of(['hierarchies'])}: `hierarchies` stands both inside `privacy` and beside it.",
                cure="keep all hierarchies in one of the two places, so that no name can mean two things",
            )
        policy = {**policy, "hierarchies": whole["hierarchies"]}
        whole = {key: value for key, value in whole.items() if key != "hierarchies"}
    if prefix and len(whole) > 1:
        others = ", ".join(str(key) for key in whole if key != "privacy")
        raise DescriptorError(f"{path}: beside `privacy` stands {others}.", cure="keep the policy alone in its file")
    if twice := _named_twice(policy.get("fields")):
        where = f"{path}:{document.line_of([*prefix, 'fields'])}: fields"
        raise DescriptorError(f"{where}: `{'`, `'.join(twice)}` stands twice.", cure="keep one action for each field")
    policy, notes = _completed(policy)
    try:
        privacy = Privacy.model_validate(policy)
    except ValidationError as error:
        raise DescriptorError(
            "\n".join(_mistakes(document, prefix, error)), cure="mend each line; docs/policies.md explains every key"
        ) from None
    return PolicyFile(privacy, path.resolve().parent, tuple(notes))


def hierarchy_files(policy: PolicyFile) -> list[Path]:
    """Return the files that the policy's fields name as their hierarchies."""
    named = (one.file for one in policy.privacy.fields.values() if isinstance(one, GeneraliseHierarchy))
    return [policy.folder / file for file in named if file]


def _document(path: Path) -> YamlDocument:
    """Read the file; several `key: value` in one line, as people write short settings, count as a line each."""
    try:
        return read_yaml(path)
    except DescriptorError as refused:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise refused from None
        lines = [part for line in text.splitlines() for part in _settings(line)]
        with TemporaryDirectory() as folder:
            repaired = Path(folder) / path.name
            repaired.write_text("\n".join(lines), encoding="utf-8")
            try:
                return replace(read_yaml(repaired), path=path)
            except DescriptorError:
                raise refused from None


def _settings(line: str) -> list[str]:
    if not _SHORT.fullmatch(line):
        return [line]
    margin = " " * (len(line) - len(line.lstrip(" ")))
    return [margin + part for part in _SETTINGS.split(line.lstrip(" "))]


def clean_name(name: str) -> str:
    """Return a column's name as policies and files are compared: composed, without white space around it."""
    return unicodedata.normalize("NFC", " ".join(name.strip("\ufeff").split()))


def _keep_words(root: yaml.Node) -> None:
    """Let `yes`, `no`, `on` and `off` be the words they are: leaves of hierarchies are called so."""
    left, seen = [root], {id(root)}
    while left:
        node = left.pop()
        if isinstance(node, yaml.ScalarNode):
            if node.tag == "tag:yaml.org,2002:bool" and node.value.lower() not in _TRUTH:
                node.tag = "tag:yaml.org,2002:str"
            continue
        inner = chain.from_iterable(node.value) if isinstance(node, yaml.MappingNode) else node.value
        new = [one for one in inner if id(one) not in seen]  # what an alias names stands in several places
        seen |= {id(one) for one in new}
        left += new


def _named_twice(fields: Any) -> list[str]:
    """Return the fields that a policy names twice; which of two actions is meant nobody can tell."""
    names = (
        [one.get("name") if isinstance(one, dict) else None for one in fields] if isinstance(fields, list) else fields
    )
    counted = Counter(clean_name(str(name)) for name in names or () if name is not None)
    return sorted(name for name, count in counted.items() if count > 1)


def _completed(policy: dict[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    policy = {"subject": "person", **policy}
    fields = policy.get("fields")
    if isinstance(fields, list) and all(isinstance(one, dict) and "name" in one for one in fields):
        fields = {one["name"]: {key: value for key, value in one.items() if key != "name"} for one in fields}
    if not isinstance(fields, dict):
        return policy, []
    fields = {clean_name(str(name)): action for name, action in fields.items()}
    notes = []
    tables = policy.get("tables")
    for table in tables if isinstance(tables, list) else ():
        groups = table.get("group_by") if isinstance(table, dict) else None
        for name in [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else ():
            if clean_name(str(name)) not in fields:
                fields[clean_name(str(name))] = {"action": "keep", "role": "quasi"}
                notes.append(f"`{name}` stands in group_by alone: it is kept and counts as a quasi-identifier")
    return {**policy, "fields": fields}, notes


def _mistakes(document: YamlDocument, prefix: list[str], error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        place = [*prefix, *fault["loc"]]
        what = _WORDS.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
        steps = ".".join(str(step) for step in fault["loc"]) or "policy"
        lines.append((document.line_of(place), steps, what))
    return [f"{document.path}:{line}: {steps}: {what}" for line, steps, what in sorted(set(lines))]
