"""Fixtures of the tests of sources."""

from samples.source_reader import in_this_process, read

__all__ = ["in_this_process", "read"]
