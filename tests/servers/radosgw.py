"""A real S3 service on loopback: Ceph's gateway over one in-memory disk, stopped and forgotten at the end.

Authentication inside the cluster is off and everything listens on loopback only; between gateway and clients it is S3's own.
The disk is placed by hand below: what it would tell the monitor about its own place when it starts is now and then refused
("wrong fsid") on a busy machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers.needs import need_program

ACCESS_KEY = "PHUSATESTACCESSKEY01"
SECRET_KEY = "phusa-test-secret-of-a-store-that-lives-for-minutes"
DISK_BYTES = 4 << 30

CONFIGURATION = """\
[global]
fsid = {fsid}
mon_host = v1:127.0.0.1:{mon_port}/0
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
mon_allow_pool_size_one = true
mon_data_avail_crit = 1
mon_max_pg_per_osd = 1000
osd_crush_chooseleaf_type = 0
osd_objectstore = memstore
osd_class_update_on_start = false
osd_crush_update_on_start = false
memstore_device_bytes = {disk_bytes}
osd_class_dir = {class_folder}
run_dir = {folder}/run
admin_socket = {folder}/run/$name.asok
pid_file = {folder}/run/$name.pid
log_file = {folder}/log/$name.log
mon_data = {folder}/mon
osd_data = {folder}/osd0
ms_bind_msgr2 = false
public_network = 127.0.0.0/8
[client.rgw.a]
rgw_frontends = beast endpoint=127.0.0.1:{port}
rgw_enable_apis = s3, admin
rgw_bucket_quota_ttl = 0
rgw_user_quota_bucket_sync_interval = 1
"""


@dataclass(frozen=True)
class RadosGateway:
    """A running gateway with one user."""

    folder: Path
    port: int

    @property
    def endpoint_url(self) -> str:
        """The address that S3 clients are given."""
        return f"http://127.0.0.1:{self.port}"

    def admin(self, *arguments: str) -> None:
        """Run `radosgw-admin`: users and quotas."""
        socket_path = f"--admin-socket={self.folder}/adm.asok"
        _run("radosgw-admin", *self._client(), socket_path, *arguments)

    def start(self) -> None:
        """Start the gateway, for the first time or after `kill`, and wait until it answers."""
        _run("radosgw", *self._client())
        deadline = time.monotonic() + 90
        while not self._answers():
            if time.monotonic() > deadline:
                pytest.fail("radosgw did not answer within 90 seconds")
            time.sleep(0.2)

    def kill(self) -> None:
        """End the gateway at once, as a crash would; cluster and objects stay."""
        _end(self.folder, "client.rgw.a", signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the gateway from answering while its port still accepts connections."""
        os.kill(_process(self.folder, "client.rgw.a"), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen gateway go on."""
        os.kill(_process(self.folder, "client.rgw.a"), signal.SIGCONT)

    def _client(self) -> tuple[str, ...]:
        return ("-c", f"{self.folder}/ceph.conf", "-n", "client.rgw.a")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.endpoint_url, timeout=2) as answer:
                return int(answer.status) == 200
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def running_radosgw() -> Iterator[RadosGateway]:
    """Start monitor, disk and gateway; end them in the opposite order and remove their folder."""
    for program, package in (("ceph-mon", "ceph-mon"), ("ceph-osd", "ceph-osd"), ("radosgw", "radosgw")):
        need_program(program, package)
    if os.geteuid() != 0:
        pytest.skip("Ceph's daemons start as root only")
    gateway = _started_gateway()
    try:
        keys = (f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}")
        gateway.admin("user", "create", "--uid=phusa", "--display-name=phusa", *keys)
        yield gateway
    finally:
        _end_all(gateway.folder)


def _started_gateway() -> RadosGateway:
    """Start everything; a port that another program took in between is met with another try on other ports."""
    for tries_left in (2, 1, 0):
        folder = Path(tempfile.mkdtemp(prefix="rgw-"))  # short: socket paths may have 107 characters
        gateway = RadosGateway(folder, _free_port())
        try:
            _start_cluster(gateway)
            gateway.start()
        except BaseException as error:
            _end_all(folder)
            if not isinstance(error, pytest.fail.Exception) or not tries_left:
                raise
        else:
            return gateway
    raise AssertionError


def _end_all(folder: Path) -> None:
    for name in ("client.rgw.a", "osd.0", "mon.a"):
        _end(folder, name, signal.SIGTERM)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def radosgw() -> Iterator[RadosGateway]:
    """Return the gateway of this test session."""
    with running_radosgw() as gateway:
        yield gateway


def _start_cluster(gateway: RadosGateway) -> None:
    folder, fsid, disk, mon_port = gateway.folder, str(uuid.uuid4()), str(uuid.uuid4()), _free_port()
    for name in ("mon", "osd0", "run", "log"):
        (folder / name).mkdir()
    class_folder = next(iter(Path("/usr/lib").glob("*/rados-classes")))
    (folder / "ceph.conf").write_text(
        CONFIGURATION.format(
            fsid=fsid,
            mon_port=mon_port,
            port=gateway.port,
            folder=folder,
            class_folder=class_folder,
            disk_bytes=DISK_BYTES,
        )
    )
    cluster = ("-c", f"{folder}/ceph.conf")
    keyring, monmap = f"{folder}/keyring", f"{folder}/monmap"
    _run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    _run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v1:127.0.0.1:{mon_port}]", monmap)
    _run("ceph-mon", *cluster, "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
    _run("ceph-mon", *cluster, "-i", "a")
    _run("ceph", *cluster, "osd", "new", disk)
    _run("ceph-osd", *cluster, "-i", "0", "--mkfs", "--osd-uuid", disk)
    _run("ceph-osd", *cluster, "-i", "0")
    _run("ceph", *cluster, "osd", "crush", "add", "osd.0", "1.0", "host=local", "root=default")


def _run(*command: str) -> None:
    # Daemons hand their output on to what they start, so that a pipe would stay open as long as they live.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(command, stdout=output, stderr=output, timeout=120)
        output.seek(0)
        if done.returncode != 0:
            pytest.fail(f"{command[0]} failed: {output.read().decode(errors='replace')[-800:]}")


def _process(folder: Path, name: str) -> int:
    return int((folder / "run" / f"{name}.pid").read_text())


def _end(folder: Path, name: str, how: signal.Signals) -> None:
    """Send a signal and wait until the process is gone; after 20 seconds it is killed."""
    try:
        process = _process(folder, name)
        os.kill(process, signal.SIGCONT)
        os.kill(process, how)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and _is_alive(process):
            time.sleep(0.05)
        if _is_alive(process):
            os.kill(process, signal.SIGKILL)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return  # never started, or ended already


def _is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
