"""What is documented exists, what exists is documented, and generated pages are up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cityportal.cli import main
from cityportal.command_docs import commands_page, settings_page

ROOT = Path(__file__).resolve().parent.parent


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    assert (ROOT / "docs" / "commands.md").read_text() == commands_page(main), "run `make docs`"


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page(), "run `make docs`"


def test_every_make_target_of_the_readmes_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        named = set(re.findall(r"(?:`|^\s+)make ([a-z]+)", page.read_text(), re.MULTILINE))
        assert named <= targets, page.name


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md"], ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_dependency_has_its_reason() -> None:
    declared = re.search(r"^dependencies = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert declared is not None
    names = re.findall(r'"([a-z0-9-]+)', declared.group(1))
    page = (ROOT / "docs" / "dependencies.md").read_text()
    assert [name for name in names if not re.search(rf"\b{name}\b", page)] == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-spark.lock", "requirements-sail.lock"])
def test_no_package_index_is_named_in_the_lock(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert "--index-url" not in lock
    assert "://" not in lock


def test_spark_and_its_connect_client_never_meet() -> None:
    packages = {
        name: set(re.findall(r"^(py(?:spark|spark-client|sail))==", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-spark.lock", "requirements-sail.lock")
    }
    assert packages == {
        "requirements.lock": set(),
        "requirements-spark.lock": {"pyspark"},
        "requirements-sail.lock": {"pyspark-client", "pysail"},
    }


def test_the_tests_of_the_reliability_page_exist() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", page))
    assert named
    assert [name for name in sorted(named) if f"def {name}(" not in tests] == []
