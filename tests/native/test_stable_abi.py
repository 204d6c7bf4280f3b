"""The core can be built where Python's header files are not installed: native/stable_abi declares what cffi needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cffi import FFI

from osm3s.ffi import build_native

COMPILER = os.environ.get("CC", "cc").split()
DECLARATION = """
    typedef struct { int32_t lat; double size; } thing;
    double of_double(double value);
    float of_float(float value);
    int64_t of_signed(int64_t value);
    uint64_t of_unsigned(uint64_t value);
    bool of_bool(bool value);
    char of_char(char value);
    const char *of_text(const char *text, int skip);
    thing *of_thing(thing *value);
    void nothing(void);
"""
SOURCE = """
    #include <stdbool.h>
    typedef struct { int32_t lat; double size; } thing;
    static double of_double(double value) { return -value; }
    static float of_float(float value) { return -value; }
    static int64_t of_signed(int64_t value) { return -value; }
    static uint64_t of_unsigned(uint64_t value) { return ~value; }
    static bool of_bool(bool value) { return !value; }
    static char of_char(char value) { return value + 1; }
    static const char *of_text(const char *text, int skip) { return text + skip; }
    static thing *of_thing(thing *value) { value->lat++; return value; }
    static void nothing(void) {}
"""
CALLS = """
import threading
from built import ffi, lib
assert lib.of_double(2.5) == -2.5 and lib.of_float(0.5) == -0.5
assert lib.of_signed(2**63 - 1) == 1 - 2**63 and lib.of_unsigned(1) == 2**64 - 2
assert lib.of_bool(False) is True and lib.of_char(b"a") == b"b"
assert ffi.string(lib.of_text(b"abc", 1)) == b"bc"
thing = ffi.new("thing *", {"lat": 6})
assert lib.of_thing(thing) == thing and thing.lat == 7
assert lib.nothing() is None
for call in (lambda: lib.of_text(b"abc"), lambda: lib.of_double("x"), lambda: lib.of_thing(b"abc")):
    try:
        call()
    except TypeError:
        continue
    raise SystemExit("a wrong argument was taken")
workers = [threading.Thread(target=lambda: [lib.of_thing(thing) for _ in range(2000)]) for _ in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print("all well")
"""

pytestmark = pytest.mark.skipif(shutil.which(COMPILER[0]) is None, reason="needs a C compiler")


def test_a_module_that_is_built_with_it_works(tmp_path: Path) -> None:
    builder = FFI()
    builder.cdef(DECLARATION)
    builder.set_source(
        "built", SOURCE, include_dirs=[str(build_native.STABLE_ABI)], extra_compile_args=build_native.WARNINGS
    )
    builder.compile(str(tmp_path))
    done = subprocess.run([sys.executable, "-c", CALLS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "all well\n", "")


def test_it_declares_all_that_the_core_uses(tmp_path: Path) -> None:
    generated = tmp_path / "native.c"
    build_native.ffibuilder.emit_c_code(str(generated))
    flags = [*build_native.SEMANTICS, *build_native.WARNINGS, "-fsyntax-only"]
    places = [f"-I{build_native.NATIVE}", f"-I{build_native.STABLE_ABI}"]
    subprocess.run([*COMPILER, *flags, *places, str(generated)], check=True)


def test_python_s_own_headers_come_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build_native.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(build_native.sysconfig, "get_config_var", lambda name: None)
    assert build_native.python_headers() == [str(build_native.STABLE_ABI)]
    (tmp_path / "Python.h").touch()
    assert build_native.python_headers() == []
