"""The progress bar of an import: on a terminal only; elements, rate, and how long all of the import still takes."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

from programs import PROJECT

from osm3s.update.progress import READING_SHARE, Progress

IMPORT_S = 100.0
N = 1000


def lines_of_an_import(size_bytes: int | None) -> list[tuple[float, str]]:
    """What is drawn in an import that takes 100 s, with the time of each line."""
    now_s, drawn = [50.0], []
    stream = io.StringIO()
    progress = Progress(stream, enabled=True, clock_s=lambda: now_s[0])

    def step(seconds: float) -> None:
        now_s[0] += seconds

    def look() -> None:
        if text := stream.getvalue():
            drawn.append((now_s[0] - 50, text.removeprefix("\r\x1b[K")))
            stream.seek(0)
            stream.truncate()

    for i in range(1, N + 1):
        step(IMPORT_S * READING_SHARE / N)
        progress.read(7, i * 10, size_bytes)
        look()
    for _ in range(N):
        progress.wrote(7)
        step(IMPORT_S * (1 - READING_SHARE) / N)
        look()
    progress.done()
    look()
    return drawn


def test_remaining_time_is_that_of_the_whole_import() -> None:
    drawn = lines_of_an_import(N * 10)
    assert len(drawn) > 300
    for at_s, line in drawn[:-1]:
        left = re.fullmatch(r"(reading|writing) +([\d,]+) elements +([\d,]+)/s  \[(#*)(\.*)\] +(\d+) s left", line)
        assert left, line
        assert abs(int(left[6]) - (IMPORT_S - at_s)) < 2, (at_s, line)
        assert abs(len(left[4]) / 24 - at_s / IMPORT_S) < 0.06
        rate = 7 * N / IMPORT_S / (READING_SHARE if left[1] == "reading" else 1 - READING_SHARE)
        assert left[1] == "writing" or abs(int(left[3].replace(",", "")) - rate) < 2
    assert drawn[-1][1] == "7,000 elements in 100.0 s\n"


def test_of_a_pipe_only_what_was_read_is_known() -> None:
    reading = [line for _, line in lines_of_an_import(None) if line.startswith("reading")]
    assert reading and not any("left" in line for line in reading)


def test_it_is_drawn_on_a_terminal_only(tmp_path: Path) -> None:
    (tmp_path / "data.osm").write_text('<osm><node id="1" lat="1" lon="2"/></osm>')
    program = str(PROJECT / "bin" / "update_database")
    outer, inner = os.openpty()
    for place, name in ((inner, "terminal"), (os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT), "file")):
        (tmp_path / name).mkdir()
        arguments = [program, f"--db-dir={tmp_path / name}", str(tmp_path / "data.osm")]
        pid = os.posix_spawn(program, arguments, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, place, 2)])
        assert os.waitpid(pid, 0)[1] == 0
        os.close(place)
    assert b"1 elements in " in os.read(outer, 65536)
    os.close(outer)
    assert (tmp_path / "log").read_bytes() == b""
