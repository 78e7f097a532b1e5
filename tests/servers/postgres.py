"""A throwaway PostgreSQL cluster on loopback: made in a temporary folder, stopped and forgotten at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from servers.needs import need_program

PROGRAMS = "/usr/lib/postgresql/15/bin"


@dataclass(frozen=True)
class PostgresServer:
    """A running cluster with one superuser that signs in with a password."""

    port: int
    user: str
    password: str
    folder: Path
    programs: Path

    def url(self, database: str = "postgres", *, user: str = "", password: str = "", driver: str = "") -> str:
        """Return an address such as `postgresql://user:password@127.0.0.1:5433/name`; the driver is SQLAlchemy's."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://{user or self.user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each in a transaction of its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement))

    def new_database(self) -> str:
        """Create an empty database and return its name."""
        name = f"t_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def stop(self, *, mode: str = "fast") -> None:
        """Stop the cluster; mode `immediate` is what a crash looks like to clients."""
        self._control("-m", mode, "stop")

    def start(self) -> None:
        """Start the cluster again, or for the first time."""
        self._control("-l", str(self.folder / "log"), "-o", f"-p {self.port}", "start")

    def _control(self, *arguments: str) -> None:
        run_as_postgres([str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", *arguments])


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Make a cluster, start it, and remove it at the end."""
    programs = Path(need_program("initdb", "postgresql", PROGRAMS)).parent
    folder = Path(tempfile.mkdtemp(prefix="phusa-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    server = PostgresServer(_free_port(), "owner", secrets.token_hex(8), folder, programs)
    try:
        _make_cluster(server)
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop(mode="immediate")
        shutil.rmtree(folder)


def run_as_postgres(command: list[str]) -> None:
    """Run a program of PostgreSQL, which refuses to run as root."""
    if os.geteuid() == 0:
        command = [need_program("runuser", "util-linux", "/usr/sbin"), "-u", "postgres", "--", *command]
    # pg_ctl hands its output on to the server, so a pipe would stay open as long as the server lives
    with tempfile.TemporaryFile() as output:
        finished = subprocess.run(command, cwd="/", stdout=output, stderr=output)
        output.seek(0)
        assert finished.returncode == 0, output.read().decode(errors="replace")


def _make_cluster(server: PostgresServer) -> None:
    password_file = server.folder / "password"
    password_file.write_text(server.password)
    password_file.chmod(0o644)
    run_as_postgres([
        str(server.programs / "initdb"), "-D", str(server.folder / "data"), "-U", server.user,
        "--auth=scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
    ])  # fmt: skip
    with (server.folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write(
            f"listen_addresses = '127.0.0.1'\nunix_socket_directories = '{server.folder}'\n"
            "fsync = off\nshared_buffers = 32MB\nmax_connections = 50\n"
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return one cluster for the whole test session; ask it for a `new_database()`."""
    with running_postgres() as server:
        yield server
