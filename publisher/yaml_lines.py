"""YAML with the line of every key, so that an error can point at its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from publisher.errors import DescriptorError

try:
    from yaml import CSafeLoader as _SafeLoader  # six times as fast
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]


@dataclass(frozen=True)
class YamlDocument:
    """Plain values beside the node tree they came from."""

    path: Path
    value: object
    root: yaml.Node

    def line_of(self, location: Sequence[str | int]) -> int:
        """Return the 1-based line of the deepest part of the location that exists in the file."""
        node, line = self.root, self.root.start_mark.line
        for step in location:
            found = _child(node, step)
            if found is None:
                continue  # steps that name a variant of a union are not in the file
            node, line = found
        return line + 1


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line
    return None


class _UniqueKeyLoader(_SafeLoader):
    """A key written twice is an error, not a silent overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(None, None, "a key is a list or a mapping", key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, f"the key `{key.value}` stands twice", key.start_mark)
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep=deep))

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, AttributeError, KeyError, IndexError):  # such as a date that no calendar has
            raise yaml.MarkedYAMLError(None, None, "a value is not what it looks like", node.start_mark) from None


def read_yaml(path: Path) -> YamlDocument:
    """Read one YAML document.

    Raises:
        DescriptorError: the file is absent, is not UTF-8, or is not YAML; names file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=_UniqueKeyLoader)
        value = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506  a SafeLoader
    except FileNotFoundError:
        raise DescriptorError(f"{path}: there is no such file.", cure="create it, or name another folder") from None
    except UnicodeDecodeError as error:
        raise DescriptorError(f"{path}: byte {error.start} is not UTF-8.", cure="save the file as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DescriptorError(f"{path}:{line}: {error.problem}.", cure="mend the YAML there") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DescriptorError(f"{path}:{line}: a character that YAML does not take.", cure="remove it") from None
    if root is None:
        raise DescriptorError(f"{path}:1: the file is empty.", cure="write the definition")
    return YamlDocument(path, value, root)
