"""Fixtures of the tests of sources."""

from samples.source_reader import read
from servers.http import http_server
from servers.postgres import postgres
from servers.sftp import sftp_server

__all__ = ["http_server", "postgres", "read", "sftp_server"]
