"""Real processes, killed at every stage of what they do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from osm3s.dispatch import status_page
from osm3s.errors import DispatcherError
from osm3s.paths import DatabaseDir
from osm3s.paths import status_page as page_path

from .conftest import PROJECT, Site, eventually
from .simulated_storage import SimulatedStorage

WRITER_STAGES = {
    # what the writer has done when it is killed, and the txn id of the database afterwards
    "write": 0,
    "write complete": 1,
    "write complete commit": 1,
    "write complete commit merge": 1,
    "write complete commit merge done": 1,
}


def status(site: Site) -> status_page.Status:
    found = status_page.read(page_path(site.db_dir))
    assert found is not None
    return found


def test_a_commit_is_published_everywhere(site: Site) -> None:
    dispatcher, writer, reader = site.start(), site.participant(), site.participant()
    assert reader.ask("read") == "0" and reader.ask("opened 0") == "ok"
    assert [writer.ask(word) for word in ["write", "complete", "commit"]] == ["0", "ok", "ok"]
    assert Path(DatabaseDir(site.db_dir).lock).read_text() == f"{writer.pid}\n"
    assert status(site).writer_pid == writer.pid
    assert [writer.ask(word) for word in ["merge", "done", "end"]] == ["1", "ok", "ok"]
    assert not Path(DatabaseDir(site.db_dir).lock).exists()
    shown = status(site)
    assert shown.alive and shown.pid == dispatcher.pid
    assert shown.version == (1, "2026-11-21T00:01:00Z", "101") and (shown.active_readers, shown.writer_pid) == (1, 0)
    assert writer.ask("write") == "0"  # the reader still sees version 0
    assert reader.ask("end") == "ok"
    eventually(lambda: status(site).active_readers == 0)


@pytest.mark.parametrize("stage", WRITER_STAGES)
def test_a_writer_is_killed(site: Site, stage: str) -> None:
    site.start()
    writer, waiting = site.participant(), site.participant()
    for word in stage.split():
        assert not writer.ask(word).startswith("failed")
    waiting.tell("write")
    writer.kill()
    assert waiting.line() == str(WRITER_STAGES[stage])  # granted, with everything repaired
    assert SimulatedStorage(site.db_dir).txn_id() == WRITER_STAGES[stage]
    assert status(site).version.txn_id == WRITER_STAGES[stage]
    assert [waiting.ask(word) for word in ["complete", "commit", "merge", "done"]][-1] == "ok"
    assert status(site).version.txn_id == WRITER_STAGES[stage] + 1


@pytest.mark.parametrize("stage", ["read", "read opened"])
def test_a_reader_is_killed(site: Site, stage: str) -> None:
    site.start()
    reader, writer = site.participant(), site.participant()
    for word in stage.split():
        reader.ask(word.replace("opened", "opened 0"))
    eventually(lambda: status(site).active_readers == 1)
    reader.kill()
    eventually(lambda: status(site).active_readers == 0)
    site.logged(f"read_aborted of process {reader.pid}.")
    for word in ["write", "complete", "commit", "merge", "done"]:
        writer.ask(word)
    assert writer.ask("write") == "1"  # nobody holds version 0 any more


@pytest.mark.parametrize("stage", WRITER_STAGES)
def test_dispatcher_and_writer_are_killed(site: Site, stage: str) -> None:
    """As when the machine loses power: the next start repairs everything by itself."""
    first = site.start()
    writer = site.participant()
    for word in stage.split():
        assert not writer.ask(word).startswith("failed")
    first.kill()
    writer.kill()
    site.start()
    assert site.participant().ask("write") == str(WRITER_STAGES[stage])
    assert SimulatedStorage(site.db_dir).txn_id() == WRITER_STAGES[stage]


def test_the_dispatcher_is_killed_under_a_writer_that_goes_on(site: Site) -> None:
    site.start().kill()
    first = site.start()
    writer = site.participant()
    assert writer.ask("write") == "0" and writer.ask("complete") == "ok"
    first.kill()
    site.start()
    other = site.participant()
    other.tell("write")
    site.logged(f"Waiting for the end of process {writer.pid}")
    assert Path(site.db_dir, "shadow").exists()  # nobody touches it while its writer lives
    assert writer.ask("commit").startswith("failed lost the dispatcher")
    writer.kill()
    assert other.line() == "1"


def test_a_writer_that_lost_its_dispatcher_asks_the_next_one(site: Site) -> None:
    first = site.start()
    writer = site.participant()
    assert writer.ask("write") == "0"
    first.kill()
    site.start()
    assert writer.ask("commit").startswith("failed") and writer.ask("end").startswith("failed")
    assert writer.ask("reconnect") == "ok" and writer.ask("write") == "0"


def test_the_dispatcher_is_killed_under_a_reader_that_goes_on(site: Site) -> None:
    first = site.start()
    reader = site.participant()
    reader.ask("read")
    reader.ask("opened 0")
    eventually(lambda: status_page.survivors(page_path(site.db_dir)) == {reader.pid: 0})
    first.kill()
    assert not status(site).alive
    site.start()
    writer = site.participant()
    for word in ["write", "complete", "commit", "merge", "done"]:
        assert not writer.ask(word).startswith("failed")
    assert writer.ask("write") == "0"  # the reader is still looked after
    assert status(site).active_readers == 1
    reader.kill()
    eventually(lambda: status(site).active_readers == 0)
    writer.ask("end")
    assert writer.ask("write") == "1"


def test_a_silent_writer_is_killed(site: Site) -> None:
    site.start("--purge-timeout=1")
    writer, waiting = site.participant(), site.participant()
    assert writer.ask("write") == "0"
    writer.popen.send_signal(signal.SIGSTOP)
    assert waiting.ask("write") == "0"
    assert writer.popen.wait(60) == -signal.SIGKILL
    site.logged(f"purge of process {writer.pid}.")


def test_a_silent_reader_is_forgotten_and_told_so(site: Site) -> None:
    site.start("--purge-timeout=1")
    reader, busy = site.participant(), site.participant()
    reader.ask("read")
    busy.ask("read")

    def purged_while_the_other_is_busy() -> bool:
        assert busy.ask("prolongate") == "ok"
        return any(f"purge of process {reader.pid}." in line for line in site.log())

    eventually(purged_while_the_other_is_busy)
    assert "has purged this session" in reader.ask("prolongate")
    assert busy.ask("prolongate") == "ok"


def test_purge_on_demand(site: Site) -> None:
    site.start()
    reader, writer, waiting = site.participant(), site.participant(), site.participant()
    reader.ask("read")
    writer.ask("write")
    waiting.tell("write")
    with site.client() as client:
        assert client.purge(reader.pid) == 1
        assert client.purge(reader.pid) == 0
        assert client.purge(writer.pid) == 1
    assert writer.popen.wait(60) == -signal.SIGKILL
    assert waiting.line() == "0"
    assert reader.running()


def test_recovery_that_fails_leaves_reading_possible(site: Site) -> None:
    site.start()
    writer, other = site.participant(), site.participant()
    writer.ask("write")
    broken = Path(site.db_dir, "broken")
    broken.touch()
    writer.kill()
    assert "the disk is full" in other.ask("write")
    with site.client() as client, client.reading():
        assert "Counter of started requests: 1" in client.status()
    broken.unlink()
    assert other.ask("write") == "0"


def test_sigterm_lets_the_writer_finish(site: Site) -> None:
    dispatcher = site.start()
    writer, waiting = site.participant(), site.participant()
    for word in ["write", "complete", "commit"]:
        writer.ask(word)
    waiting.tell("write")
    dispatcher.popen.send_signal(signal.SIGTERM)
    assert "about to stop" in waiting.line()
    assert writer.ask("merge") == "1" and writer.ask("done") == "ok"
    assert dispatcher.popen.wait(60) == 0
    assert not Path(site.db_dir, "osm3s_osm_base").exists() and not list(site.shm_dir.iterdir())
    assert site.log()[-1].endswith("cycles for writing process 0.")


def test_a_reader_outlives_an_orderly_end(site: Site) -> None:
    first = site.start()
    reader = site.participant()
    reader.ask("read")
    reader.ask("opened 0")
    eventually(lambda: status_page.survivors(page_path(site.db_dir)) == {reader.pid: 0})
    assert first.kill(signal.SIGTERM) == 0
    assert not status(site).alive
    site.start()
    assert status(site).active_readers == 1
    assert reader.ask("end") == "ok"  # its answer is complete, whether or not there is anybody to tell
    reader.kill()
    eventually(lambda: status(site).active_readers == 0)


def test_sigterm_asks_a_writer_to_stop(site: Site) -> None:
    dispatcher = site.start()
    writer = site.participant()
    writer.ask("write")
    assert dispatcher.kill(signal.SIGTERM) == 0
    assert writer.popen.wait(60) == -signal.SIGTERM
    assert not Path(site.db_dir, "shadow").exists()


def test_a_lost_connection_without_dispatcher_is_an_error(site: Site) -> None:
    dispatcher = site.start()
    with site.client() as client, pytest.raises(DispatcherError) as caught, client.writing():
        dispatcher.kill()
        client.status()
    assert caught.value.origin == "Dispatcher_Client::output_status::socket"


class InterruptedWhileWaiting:
    """A socket on which nothing arrives before somebody presses Ctrl-C."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def recv(self, _size: int) -> bytes:
        raise KeyboardInterrupt


def test_a_writer_that_gives_up_waiting_does_not_get_the_permission(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.start()
    writer = site.participant()
    assert writer.ask("write") == "0"
    with site.client() as impatient:
        monkeypatch.setattr(impatient, "_socket", InterruptedWhileWaiting(impatient._socket))
        with pytest.raises(KeyboardInterrupt), impatient.writing():
            pytest.fail("there is another writer")
    assert writer.ask("end") == "ok"
    assert site.participant().ask("write") == "0"


OUTLIVES = """if True:
    import signal, socket
    from osm3s.dispatch.client import DispatcherClient
    from osm3s.dispatch.session import ReadSession
    from osm3s.dispatch.version import Version

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in a frontend, whose client may leave
    ours, dispatcher = socket.socketpair()
    session = ReadSession(DispatcherClient(ours, "somewhere"), 900, Version())
    dispatcher.close()
    session.finish(1)
    print("the answer goes on")
"""


def test_a_query_ends_well_whose_dispatcher_was_killed_meanwhile() -> None:
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", OUTLIVES], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "the answer goes on\n", "")
