"""A throwaway MariaDB server on loopback: made in a temporary folder, stopped and forgotten at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest
from servers.needs import free_port, need_program

START_SECONDS = 60


@dataclass(frozen=True)
class MariaDbServer:
    """A running server; its owner signs in with a password over TCP, root through the socket."""

    port: int
    user: str
    password: str
    folder: Path

    def url(self, database: str = "mysql", *, user: str = "", password: str = "", scheme: str = "mariadb") -> str:
        """Return an address such as `mariadb+pymysql://user:password@127.0.0.1:3307/name`."""
        return f"{scheme}+pymysql://{user or self.user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str | None = None, rows: Sequence[Any] = ()) -> None:
        """Run statements as root, the last one once for each of the rows, and commit."""
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            for statement in statements[: len(statements) - bool(rows)]:
                cursor.execute(statement)
            if rows:
                cursor.executemany(statements[-1], rows)
            connection.commit()

    def new_database(self) -> str:
        """Create an empty database that the owner may use, and return its name."""
        name = f"t_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def _connect(self, database: str | None) -> pymysql.Connection[Any]:
        # Old agency databases hold zero dates; the server's default mode would refuse to let tests write them.
        return pymysql.connect(
            unix_socket=str(self.folder / "socket"), user="root", database=database, sql_mode="", charset="utf8mb4"
        )


@contextmanager
def running_mariadb() -> Iterator[MariaDbServer]:
    """Make a data folder, start a server on it, and remove both at the end."""
    program = need_program("mariadbd", "mariadb-server", "/usr/sbin")
    install = need_program("mariadb-install-db", "mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="phusa-mariadb-"))
    user = []
    if os.geteuid() == 0:  # it does not run as root
        shutil.chown(folder, "mysql", "mysql")
        user = ["--user=mysql"]
    server = MariaDbServer(free_port(), "owner", secrets.token_hex(8), folder)
    settings = [
        "--no-defaults", f"--datadir={folder / 'data'}", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M",
        "--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite", *user,
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        made = subprocess.run(
            [install, *settings, "--auth-root-authentication-method=normal", "--skip-test-db"], stdout=log, stderr=log
        )
        assert made.returncode == 0, (folder / "log").read_text(errors="replace")
        process = subprocess.Popen(
            [program, *settings, f"--socket={folder / 'socket'}", f"--port={server.port}", "--bind-address=127.0.0.1",
             "--skip-name-resolve", "--skip-log-bin"],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _wait_for(server, process)
            server.execute(
                f"CREATE USER 'owner'@'127.0.0.1' IDENTIFIED BY '{server.password}'",
                "GRANT ALL ON *.* TO 'owner'@'127.0.0.1'",
            )
            yield server
        finally:
            process.kill()  # nothing in it is worth a clean shutdown
            process.wait()
            shutil.rmtree(folder)


def _wait_for(server: MariaDbServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (server.folder / "socket").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError((server.folder / "log").read_text(errors="replace"))
        time.sleep(0.05)
    server.execute("SELECT 1")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDbServer]:
    """Return one server for the whole test session; ask it for a `new_database()`."""
    with running_mariadb() as server:
        yield server
