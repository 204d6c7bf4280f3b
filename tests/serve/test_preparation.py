"""Texts that take much memory or time to be read, before anybody has admitted them: each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
ASK = """if True:
    import os, resource, sys, tempfile
    from fake_engine import FakeEngine
    from osm3s.serve import preparation, web
    from osm3s.serve.request import Database, Request

    MB = 1024 * 1024
    preparation.HARMLESS_CHARACTERS = 1000
    preparation.FIRST_BYTES, preparation.MOST_BYTES, preparation.MOST_CPU_S = {limits}
    lanes = []
    class Lib:
        def osm3s_lane_change():
            lanes.append("changed")
            return {may_go_on}
    preparation.lib = Lib
    before = resource.getrlimit(resource.RLIMIT_DATA)
    web.limit_execution = lambda *_: print("limits are back:", resource.getrlimit(resource.RLIMIT_DATA) == before)
    with tempfile.TemporaryDirectory() as root:
        open(root + "/osm_base.idx", "w").close()
        request = Request("{door}", transport="http", body=b"{parameters}data=" + {text}, keep_alive=False)
        sys.stdout.flush()
        web.serve(request, 1, Database(root, direct=True), FakeEngine())
    print("\\nlanes:", *lanes)
"""
UNION = b"(" + b"node(1);" * 3000 + b");out;"
SETS = b"node" + b".a" * 40_000 + b";out;"


def ask(text: str, limits: str, door: str = "interpreter", parameters: str = "", may_go_on: int = 1) -> str:
    code = ASK.format(text=text, limits=limits, door=door, parameters=parameters, may_go_on=may_go_on)
    path = os.pathsep.join([str(PROJECT), str(PROJECT / "tests" / "serve")])
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_text_that_takes_little_is_read_at_once() -> None:
    answer = ask(repr(UNION), "64 * MB, 512 * MB, 30.0")
    assert "HTTP/1.1 200 OK" in answer and "limits are back: True" in answer and answer.endswith("lanes:\n")


def test_a_text_that_takes_more_is_read_in_the_slow_lane() -> None:
    answer = ask(repr(SETS), "4 * MB, 512 * MB, 30.0")
    assert "HTTP/1.1 200 OK" in answer and "limits are back: True" in answer and answer.endswith("lanes: changed\n")


@pytest.mark.parametrize(("door", "parameters"), [("interpreter", ""), ("convert", "target=xml&")])
def test_a_text_that_takes_too_much_memory_is_rejected(door: str, parameters: str) -> None:
    answer = ask(repr(SETS), "4 * MB, 8 * MB, 30.0", door, parameters)
    assert answer.startswith("HTTP/1.1 400 Bad Request")
    assert "encoding error: Input too complex: to read it takes more than 8 MB of memory." in answer


def test_a_text_that_takes_too_much_time_is_rejected() -> None:
    answer = ask(repr(SETS), "512 * MB, 512 * MB, 0.01")
    assert answer.startswith("HTTP/1.1 400 Bad Request")
    assert "encoding error: Input too complex: to read it takes more than 0 seconds of processor time." in answer


def test_when_the_slow_lane_stays_full_the_client_is_told_to_come_again() -> None:
    answer = ask(repr(SETS), "4 * MB, 512 * MB, 30.0", may_go_on=0)
    assert answer.startswith("HTTP/1.1 504 Gateway Timeout") and "\nRetry-After: " in answer
    assert "The server is probably too busy to handle your request." in answer


def test_short_texts_are_harmless() -> None:
    """What stands in front of it: no text of this length takes more than the limits of a long one."""
    bombs = ("node" + ".a" * 32_000 + ";", "node(id:" + "1," * 32_000 + "1);", "make a b=1;" * 6_000)
    code = """if True:
        import resource, sys
        from osm3s import ql
        from osm3s.serve.limits import memory_limited
        with memory_limited(32 * 1024 * 1024):
            ql.parse(sys.stdin.read())
    """
    for bomb in bombs:
        env = os.environ | {"PYTHONPATH": str(PROJECT)}
        subprocess.run([sys.executable, "-c", code], env=env, input=bomb, text=True, check=True)
