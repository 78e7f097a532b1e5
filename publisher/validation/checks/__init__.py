"""The checks of a table by Frictionless' names: vectorised proofs and twins, Frictionless itself for the rows in doubt."""

from publisher.validation.checks.opening import open_checks
from publisher.validation.checks.rows import Failure, Rows, TableCheck, with_checks

__all__ = ["Failure", "Rows", "TableCheck", "open_checks", "with_checks"]
