"""The units under a real systemd: started, killed, stopped in the middle, locked in. By hand: `make systemd`.

It takes root and a minute, so the suite leaves it out; test_services.py plays systemd's side there.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from booted_machine import DB_DIR, Machine, missing

from osm3s.replication.state import path_of

pytestmark = [
    pytest.mark.skipif(os.environ.get("OSM3S_SYSTEMD") != "1", reason="boots a container: only with OSM3S_SYSTEMD=1"),
    pytest.mark.skipif(missing() is not None, reason=f"systemd cannot be started here: {missing()}"),
    pytest.mark.timeout(600),
]

OSM = "<osm version='0.6'><node id='1' lat='1' lon='2' version='1' timestamp='2026-01-01T00:00:00Z'/></osm>"
SERVICES = ("osm3s-dispatcher", "osm3s-areas-dispatcher", "osm3s-server")


def publish(feed: Path, sequence: int) -> None:
    """A diff that tells its number by the latitude of node 1."""
    state = f"sequenceNumber={sequence}\ntimestamp=2026-01-01T00\\:{sequence:02}\\:00Z\n"
    change = (
        f"<osmChange version='0.6'><modify><node id='1' lat='{sequence}' lon='2' version='{sequence}' "
        f"timestamp='2026-01-01T00:{sequence:02}:00Z'/></modify></osmChange>"
    )
    place = feed / path_of(sequence)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_name(place.name + ".osc.gz").write_bytes(gzip.compress(change.encode()))
    place.with_name(place.name + ".state.txt").write_text(state)
    (feed / "state.txt").write_text(state)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Installed and started with the very lines that `osm3s install-units` prints."""
    with tempfile.TemporaryDirectory(prefix="osm3s-", dir="/var/tmp") as name:
        work = Path(name)
        work.chmod(0o755)
        (work / "feed").mkdir()
        publish(work / "feed", 2)
        machine = Machine(work)
        try:
            machine.run("chmod", "o+x", *map(str, Path(os.path.realpath(sys.executable)).parents))  # root's own, maybe
            told = machine.run("/opt/osm3s/bin/osm3s", "install-units", f"--db-dir={DB_DIR}")
            lines = [line.partition("  if ")[0].strip() for line in told.splitlines() if line.startswith("  system")]
            prepare, enable, enable_following = lines
            options = 'DISPATCHER_OPTIONS="--rate-limit=0"\nFOLLOW_OPTIONS="--start=1 /srv/work/feed"\n'
            machine.run("tee", "/etc/default/osm3s", stdin=options)
            machine.run("sh", "-ec", prepare)
            update = ["/opt/osm3s/bin/osm3s", "update", f"--db-dir={DB_DIR}", "--meta"]
            machine.run("runuser", "-u", "osm3s", "--", *update, stdin=OSM)
            machine.run("sh", "-ec", enable)
            machine.run("sh", "-ec", enable_following)
            yield machine
        finally:
            print(machine.asked("journalctl", "--no-pager", "--unit=osm3s*"))
            machine.shut_down()


@pytest.fixture(autouse=True)
def all_run(machine: Machine) -> None:
    machine.run("systemctl", "start", "osm3s-server.socket", *SERVICES, "osm3s-follow")
    for service in (*SERVICES, "osm3s-follow"):
        assert machine.unit(service, "ActiveState") == "active"


def main_pid(machine: Machine, service: str) -> int:
    return int(machine.unit(service, "MainPID"))


def is_restarted(machine: Machine, service: str, before: int) -> bool:
    return machine.unit(service, "ActiveState") == "active" and main_pid(machine, service) not in (0, before)


def latitude(machine: Machine) -> int:
    return json.loads(machine.answer("[out:json];node(1);out;"))["elements"][0]["lat"]


def open_files(machine: Machine, pid: str) -> int:
    """How many a process may have at most."""
    limits = machine.run("cat", f"/proc/{pid}/limits").splitlines()
    return next(int(line.split()[4]) for line in limits if line.startswith("Max open files"))


def test_everything_runs_and_updates_arrive(machine: Machine) -> None:
    assert machine.run("cat", "/proc/1/comm") == "systemd\n"
    machine.until(lambda: latitude(machine) == 2)
    publish(machine.work / "feed", 3)
    machine.run("systemctl", "restart", "osm3s-follow")  # it would look again after a minute
    machine.until(lambda: latitude(machine) == 3)
    assert machine.unit("osm3s-follow", "StatusText") != ""
    for service in SERVICES:
        assert machine.unit(service, "NRestarts") == "0"
        assert machine.unit(service, "StatusText") == f"Serving {DB_DIR}"


@pytest.mark.parametrize("service", SERVICES)
def test_killed_services_come_back(machine: Machine, service: str) -> None:
    before = main_pid(machine, service)
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", service)
    machine.until(lambda: is_restarted(machine, service, before))
    assert latitude(machine) >= 2


def test_everything_killed_at_once(machine: Machine) -> None:
    before = {service: main_pid(machine, service) for service in SERVICES}
    machine.run("systemctl", "kill", "--kill-whom=all", "--signal=KILL", *SERVICES)
    for service in SERVICES:
        machine.until(lambda service=service: is_restarted(machine, service, before[service]))
    assert latitude(machine) >= 2


@pytest.mark.parametrize("service", SERVICES)
def test_services_that_hang_are_restarted(machine: Machine, service: str) -> None:
    machine.run("mkdir", "-p", f"/run/systemd/system/{service}.service.d")
    machine.run("tee", f"/run/systemd/system/{service}.service.d/soon.conf", stdin="[Service]\nWatchdogSec=3\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", service)
    before, restarts = main_pid(machine, service), int(machine.unit(service, "NRestarts"))
    machine.run("kill", "-STOP", str(before))
    machine.until(lambda: is_restarted(machine, service, before))
    assert int(machine.unit(service, "NRestarts")) == restarts + 1
    assert "Watchdog timeout" in machine.run("journalctl", "--no-pager", "--unit", service)
    assert latitude(machine) >= 2


def test_the_first_client_starts_the_server(machine: Machine) -> None:
    machine.run("systemctl", "stop", "osm3s-server.service")
    assert machine.unit("osm3s-server.service", "ActiveState") == "inactive"
    assert latitude(machine) >= 2
    assert machine.unit("osm3s-server.service", "ActiveState") == "active"


def test_clients_wait_while_the_server_restarts(machine: Machine) -> None:
    machine.run("systemctl", "restart", "--no-block", "osm3s-server.service")
    assert latitude(machine) >= 2


@pytest.mark.parametrize("service", (*SERVICES, "osm3s-follow"))
def test_the_sandbox_holds(machine: Machine, service: str) -> None:
    pid = str(main_pid(machine, service))
    status = dict(line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").splitlines())
    assert (status["NoNewPrivs"], status["Seccomp"].strip()) == ("1", "2")
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    assert machine.run("ps", "-o", "user=", "-p", pid).strip() == "osm3s"
    inside = ["nsenter", "--target", pid, "--mount", "--"]
    for place in ("/etc", "/usr", "/opt/osm3s", "/root"):
        assert "Read-only file system" in machine.asked(*inside, "touch", f"{place}/written")
    machine.run(*inside, "touch", f"{DB_DIR}/written")
    machine.run("rm", f"{DB_DIR}/written")
    devices = machine.run(*inside, "ls", "/dev").split()
    assert "null" in devices and "mem" not in devices and "kmsg" not in devices
    # a machine that has not the right to raise limits, CAP_SYS_RESOURCE, cannot pass it on
    most = min(int(machine.unit(service, "LimitNOFILE")), open_files(machine, "1"))
    assert open_files(machine, pid) == most


def test_stopped_together_and_without_a_trace(machine: Machine) -> None:
    machine.run("systemctl", "stop", "osm3s.target")
    for service in (*SERVICES, "osm3s-follow", "osm3s-server.socket"):
        machine.until(lambda service=service: machine.unit(service, "ActiveState") == "inactive")
        assert machine.unit(service, "Result") == "success"
    assert "osm3s" not in machine.asked("ps", "-u", "osm3s", "-o", "args=")
    machine.run("systemctl", "start", "osm3s.target")
    for service in SERVICES:
        machine.until(lambda service=service: machine.unit(service, "ActiveState") == "active")
    assert latitude(machine) >= 2


def test_doctor_finds_nothing_but_the_age_of_the_data(machine: Machine) -> None:
    told = machine.asked("runuser", "-u", "osm3s", "--", "/opt/osm3s/bin/osm3s", "doctor", f"--db-dir={DB_DIR}")
    (wrong,) = (line for line in told.splitlines() if line.startswith("WRONG"))
    assert "days old" in wrong


def test_logs_are_rotated(machine: Machine) -> None:
    if not machine.asked("which", "logrotate"):
        pytest.skip("logrotate is not installed")
    machine.run("logrotate", "--force", "/etc/logrotate.d/osm3s")
    assert latitude(machine) >= 2
    machine.until(lambda: machine.asked("stat", "-c", "%s", f"{DB_DIR}/transactions.log") not in ("0", ""))
