"""The house rules that a machine can check: folders, names, sizes, arrows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("publisher", "catalogue", "site/cityportal")
FILE_CEILING = 500
FUNCTION_CEILING = 60
VAGUE_NAMES = {"utils.py", "util.py", "helpers.py", "common.py", "base.py", "manager.py", "misc.py"}


def sources() -> Iterator[Path]:
    for folder in SOURCES:
        yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def text_of(path: Path) -> str:
    return path.read_text()


def functions(nodes: Iterable[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield functions and methods, and those inside them; expressions are not walked."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        yield from functions(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


def test_catalogue_and_site_are_no_regular_packages() -> None:
    assert not (ROOT / "catalogue" / "__init__.py").exists()
    assert not (ROOT / "site" / "__init__.py").exists()
    assert (ROOT / "publisher" / "__init__.py").exists()


def test_site_holds_one_package() -> None:
    packages = {path.parent.name for path in (ROOT / "site").glob("*/__init__.py")}
    assert packages == {"cityportal"}


def test_datasets_hold_no_python() -> None:
    assert list((ROOT / "datasets").rglob("*.py")) == []


def test_no_file_outgrows_its_room() -> None:
    long = {
        str(path.relative_to(ROOT)): n for path in sources() if (n := len(text_of(path).splitlines())) > FILE_CEILING
    }
    assert long == {}


@pytest.mark.slow
def test_no_function_outgrows_a_screen() -> None:
    long = {}
    for path in sources():
        if "migrations" in path.parts or len(text_of(path).splitlines()) <= FUNCTION_CEILING:
            continue
        for node in functions(ast.parse(text_of(path)).body):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_CEILING:
                long[f"{path.relative_to(ROOT)}:{node.name}"] = lines
    assert long == {}


def test_no_file_has_a_vague_name() -> None:
    assert [path for path in sources() if path.name in VAGUE_NAMES] == []


def test_one_module_owns_each_foreign_library() -> None:
    owners = {"ckanapi": {"publisher/register.py"}, "datasette": {"catalogue/files/query_service.py"}}
    for library, allowed in owners.items():
        pattern = re.compile(rf"^\s*(import {library}|from {library})\b", re.MULTILINE)
        importers = {str(path.relative_to(ROOT)) for path in sources() if pattern.search(text_of(path))}
        assert importers <= allowed, library


def test_nothing_but_its_engine_knows_spark() -> None:
    room = ROOT / "publisher" / "engines" / "spark"
    pattern = re.compile(r"^\s*(import|from) (pyspark|pysail|py4j)\b", re.MULTILINE)
    importers = {path for path in sources() if pattern.search(path.read_text())}
    assert importers == {room / "session.py"}
    # Whoever works without a cluster loads nothing of it.
    users = {path for path in sources() if "publisher.engines.spark" in path.read_text() and room not in path.parents}
    assert users == {ROOT / "publisher" / "command_release.py"}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if text_of(path).strip() and not text_of(path).lstrip().startswith('"""')
    ]
    assert silent == []


def test_every_folder_has_a_readme_or_a_parent_that_speaks_for_it() -> None:
    rooms = ["publisher", "catalogue", "site", "datasets", "tests", "publisher/sources", "publisher/validation"]
    rooms += ["publisher/anonymise", "publisher/disclosure", "publisher/formats", "publisher/sandbox"]
    assert [room for room in rooms if not (ROOT / room / "README.md").exists()] == []


@pytest.mark.slow
def test_imports_go_one_way() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    answer = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout
