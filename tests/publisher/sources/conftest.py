"""Fixtures of the tests of sources."""

from samples.source_reader import read

__all__ = ["read"]
