"""Fixtures that every folder of tests shares."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from catalogue.people import passwords

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(Path(__file__).parent))  # `from servers.needs import need_program`
pytest.register_assert_rewrite("real.released")  # before its import, so that its failures show both sides

# One server of each kind a session, started by the first test that asks for it.
pytest_plugins = ["servers.http", "servers.mariadb", "servers.postgres", "servers.radosgw", "servers.sftp"]

_FAST = "not slow and not server"
_WHOLE_FILE_IS_NOT = re.compile(r"^pytestmark = .*pytest\.mark\.(slow|server)\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave files that are slow as a whole unread when only the fast tests are asked for; each worker would read them all."""
    if config.option.markexpr != _FAST or collection_path.suffix != ".py" or not collection_path.is_file():
        return None
    return True if _WHOLE_FILE_IS_NOT.search(collection_path.read_text(encoding="utf-8")) else None


@pytest.fixture(autouse=True, scope="session")
def dear_passwords() -> Iterator[PasswordHasher]:
    """Hash the passwords of tests cheaply, because a tenth of a second each is for guessers; return the real hasher."""
    real = passwords._HASHER
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield real
    passwords._HASHER = real


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real input data that lies beside the checkout."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real input data is not beside this checkout (../shared/data)")
    return folder
