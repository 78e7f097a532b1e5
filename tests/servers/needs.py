"""What a test needs from the machine: present, or the test is skipped with the reason; in CI its absence is a failure."""

from __future__ import annotations

import os
import shutil
import socket

import pytest


def need_program(program: str, package: str, *folders: str) -> str:
    """Return the path of a program, looked for on PATH and in the folders given."""
    path = os.environ.get("PATH", "") + os.pathsep + os.pathsep.join(folders)
    found = shutil.which(program, path=path)
    if found is None:
        reason = f"{program} is not here; install the Debian package {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
