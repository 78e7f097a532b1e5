"""A real SFTP server in a thread, with host keys of its own; signs in one user by password or key."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest


@dataclass(frozen=True)
class SftpServer:
    """A running server whose root is a local folder."""

    port: int
    root: Path
    user: str
    password: str
    host_key: str
    private_key: str

    def url(self, folder: str = "/", *, user: str = "") -> str:
        return f"sftp://{user or self.user}@127.0.0.1:{self.port}{folder}"


@contextmanager
def running_sftp(root: Path) -> Iterator[SftpServer]:
    """Serve the folder on a free port of 127.0.0.1 until the end of the context."""
    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))

    visitors: list[asyncssh.SSHServerConnection] = []

    class Door(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            visitors.append(conn)

        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("intake", "right")

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == "intake" and key.public_data == user_key.public_data

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Door, server_host_keys=[host_key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode()),
        )  # fmt: skip

    loop = asyncio.new_event_loop()  # in a thread of its own: a browser test may have left a running one in this thread
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(listen(), loop).result(timeout=30)
    try:
        yield SftpServer(
            listening.get_port(), root, "intake", "right",
            host_key.export_public_key().decode().strip(), user_key.export_private_key().decode(),
        )  # fmt: skip
    finally:
        asyncio.run_coroutine_threadsafe(_close(listening, visitors), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _close(listening: asyncssh.SSHAcceptor, visitors: list[asyncssh.SSHServerConnection]) -> None:
    listening.close()
    for visitor in visitors:
        visitor.abort()
        await visitor.wait_closed()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await listening.wait_closed()


@pytest.fixture
def sftp_server(tmp_path: Path) -> Iterator[SftpServer]:
    """Return a server of this test's own, over an empty folder."""
    root = tmp_path / "sftp"
    root.mkdir()
    with running_sftp(root) as server:
        yield server
