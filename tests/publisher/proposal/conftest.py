"""Modules that the tests of this folder share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("filled")
sys.path.insert(0, str(Path(__file__).parent))  # `from filled import ...`
