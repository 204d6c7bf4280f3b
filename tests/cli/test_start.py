"""Ctrl-C ends a program without a traceback, whenever it comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
AT_IMPORT = "import signal\nsignal.raise_signal(signal.SIGINT)\n"
HANDLED = (
    "import signal, sys\ntry:\n    signal.raise_signal(signal.SIGINT)\nexcept KeyboardInterrupt:\n    sys.exit(8)\n"
)
ARGUMENTS = "import sys\nif __name__ == '__main__':\n    print(*sys.argv[1:])\n    sys.exit(9)\n"


def start(folder: Path, program: str, before: Callable[[], None] | None = None) -> tuple[int, str, str]:
    (folder / "a_program.py").write_text(program)
    path = os.pathsep.join((str(PROJECT), str(folder)))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "osm3s.cli.start", "a_program", "one", "two"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        preexec_fn=before,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def ignore() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    os.kill(os.getpid(), signal.SIGINT)


def test_it_ends_by_the_signal_and_says_nothing(tmp_path: Path) -> None:
    assert start(tmp_path, AT_IMPORT) == (-signal.SIGINT, "", "")


def test_one_that_came_before_python_had_started(tmp_path: Path) -> None:
    """The compiled launcher blocks it until then."""
    assert start(tmp_path, ARGUMENTS, block) == (-signal.SIGINT, "", "")


def test_a_program_may_handle_it(tmp_path: Path) -> None:
    assert start(tmp_path, HANDLED)[0] == 8


def test_where_it_is_ignored_it_stays_so(tmp_path: Path) -> None:
    assert start(tmp_path, AT_IMPORT + ARGUMENTS, ignore) == (9, "one two\n", "")


def test_a_program_gets_its_arguments(tmp_path: Path) -> None:
    assert start(tmp_path, ARGUMENTS) == (9, "one two\n", "")
