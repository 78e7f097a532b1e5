"""Table Schema checks at the speed of Arrow; Frictionless judges what they cannot prove."""

from publisher.validation.report import QualityReport, RuleCount
from publisher.validation.table import validate_table

__all__ = ["QualityReport", "RuleCount", "validate_table"]
