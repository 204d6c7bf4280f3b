"""The services as a service manager sees them: the notify protocol, inherited sockets, the units."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from osm3s.cli import install_units
from osm3s.errors import UsageError

PROJECT = Path(__file__).resolve().parent.parent.parent
WAIT_S = 60
OSM = "<osm version='0.6'><node id='1' lat='1' lon='2' version='1'/></osm>"


class Manager:
    """What systemd does: a socket for notifications, and an environment that tells of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(directory / "notify"))
        self._socket.settimeout(WAIT_S)

    def start(self, *arguments: str, listener: socket.socket | None = None) -> subprocess.Popen[str]:
        env = os.environ | {
            "PYTHONPATH": str(PROJECT),
            "OSM3S_SHM_DIR": str(self.directory),
            "NOTIFY_SOCKET": str(self.directory / "notify"),
            "WATCHDOG_USEC": "100000",
        }
        if listener is not None:
            env["LISTEN_FDS"] = "1"
        with_pid = ["sh", "-c", 'export LISTEN_PID=$$; exec "$0" "$@"']
        return subprocess.Popen(
            [*with_pid, sys.executable, "-m", *arguments],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[3] if listener else [],
            preexec_fn=(lambda: os.dup2(listener.fileno(), 3) and None) if listener else None,
        )

    def wait_for(self, line: str) -> None:
        while line not in self._socket.recv(4096).decode().split("\n"):
            pass

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager() -> Iterator[Manager]:
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        manager = Manager(Path(name))
        yield manager
        manager.close()


@pytest.fixture
def db(manager: Manager) -> Path:
    db = manager.directory / "db"
    update = [sys.executable, "-m", "osm3s.cli.update_database", f"--db-dir={db}"]
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    subprocess.run(update, input=OSM.encode(), env=env, check=True, capture_output=True)
    return db


def test_the_dispatcher_tells_its_manager(manager: Manager) -> None:
    db = manager.directory / "empty"
    db.mkdir()
    dispatcher = manager.start("osm3s.cli.dispatcher", "--osm-base", f"--db-dir={db}")
    for line in ("READY=1", "WATCHDOG=1", "WATCHDOG=1"):
        manager.wait_for(line)
    dispatcher.send_signal(signal.SIGTERM)
    manager.wait_for("STOPPING=1")
    assert dispatcher.wait(WAIT_S) == 0
    assert dispatcher.stdout is not None
    dispatcher.stdout.close()


def test_the_server_tells_its_manager_and_answers_on_the_socket_it_is_given(manager: Manager, db: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = manager.start("osm3s.cli.server", f"--db-dir={db}", "--port=1", listener=listener)
        manager.wait_for("READY=1")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/interpreter?data=node(1);out;") as answer:
            assert b'<node id="1"' in answer.read()
        manager.wait_for("WATCHDOG=1")
        server.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        assert server.wait(WAIT_S) == 0
        assert server.stdout is not None
        server.stdout.close()


def test_units_are_installed_and_the_options_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db = tmp_path / "db"
    db.mkdir()
    options = install_units.parse([f"--db-dir={db}", f"--into={tmp_path}", "--user=root", "--listen=127.0.0.1:8123"])
    written = [Path(path) for path in install_units.install(options)]
    assert len(written) == len(list(install_units.TEMPLATES.iterdir())) - 1
    for path in written:
        assert not re.search(r"@[A-Z_]+@", path.read_text()), path
    service = (tmp_path / "etc/systemd/system/osm3s-dispatcher.service").read_text()
    assert f"--osm-base --db-dir={db} " in service and f"ReadWritePaths={db} /dev/shm" in service
    assert "ListenStream=127.0.0.1:8123" in (tmp_path / "etc/systemd/system/osm3s-server.socket").read_text()
    default = tmp_path / "etc/default/osm3s"
    default.write_text("DISPATCHER_OPTIONS=--rate-limit=7\n")
    assert str(default) not in install_units.install(options)
    assert default.read_text() == "DISPATCHER_OPTIONS=--rate-limit=7\n"
    programs = {line.split("=", 1)[1].split()[0] for line in service.splitlines() if line.startswith("ExecStart=")}
    assert all(os.access(program, os.X_OK) for program in programs)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, which is not here")
def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    install_units.install(install_units.parse([f"--db-dir={tmp_path}", f"--into={tmp_path}", "--user=root"]))
    units = sorted(map(str, (tmp_path / "etc/systemd/system").iterdir()))
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=WAIT_S)
    faults = re.compile(r"Unknown|Failed to parse|not executable|Invalid|ignoring", re.IGNORECASE)
    assert not [line for line in done.stderr.splitlines() if "osm3s-" in line and faults.search(line)]


@pytest.mark.parametrize(
    "arguments",
    [[], ["--db-dir="], ["--db-dir=/a b"], ["--db-dir=/a", "--user=a;b"], ["--db-dir=/a", "--listen=nowhere"], ["x"]],
)
def test_wrong_options(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        install_units.parse(arguments)
