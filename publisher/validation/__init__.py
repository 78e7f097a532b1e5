"""Table Schema checks at the speed of Arrow; Frictionless judges what they cannot prove."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from publisher.validation.files.report import validate_file
    from publisher.validation.foreign_keys import Staged
    from publisher.validation.report import QualityReport, RuleCount
    from publisher.validation.table import validate_table

__all__ = ["QualityReport", "RuleCount", "Staged", "validate_file", "validate_table"]

_HOMES = {
    "QualityReport": "publisher.validation.report",
    "RuleCount": "publisher.validation.report",
    "Staged": "publisher.validation.foreign_keys",
    "validate_file": "publisher.validation.files.report",
    "validate_table": "publisher.validation.table",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: a file is checked without the modules of the release procedure."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(_HOMES[name]), name)
