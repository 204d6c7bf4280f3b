"""Declares the compiled module osm3s._native to cffi: the parts of native/osm3s.h, and all of native/*.c."""

from __future__ import annotations

import os
import re
import sysconfig
from pathlib import Path

from cffi import FFI

NATIVE = Path(__file__).resolve().parent.parent.parent / "native"
STABLE_ABI = NATIVE / "stable_abi"
PART = re.compile(r'^#include "(interface/\w+\.h)"$', re.M)

WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers"]
WARNINGS += ["-Werror=implicit-function-declaration"]
SEMANTICS = ["-D_GNU_SOURCE", "-std=gnu11", "-ffp-contract=off"]
"""No fused multiply-add: `around` must compute the same doubles on every machine."""


def declaration() -> str:
    """What the parts of osm3s.h declare, in its order."""
    parts = PART.findall((NATIVE / "osm3s.h").read_text())
    return "".join((NATIVE / part).read_text().replace("#pragma once\n", "", 1) for part in parts)


def sources() -> list[str]:
    root = NATIVE.parent
    return [str(path.relative_to(root)) for path in sorted(NATIVE.glob("*.c"))]


def python_headers() -> list[str]:
    """Directories with a Python.h: none to add if Python's own is installed (on Debian: python3-dev), else ours, which
    declares the stable ABI. That of debugging and free-threaded builds of Python differs, so they need their own."""
    installed = Path(sysconfig.get_path("include"), "Python.h").exists()
    unusual = sysconfig.get_config_var("Py_DEBUG") or sysconfig.get_config_var("Py_GIL_DISABLED")
    return [] if installed or unusual else [str(STABLE_ABI)]


ffibuilder = FFI()
ffibuilder.cdef(declaration())
ffibuilder.set_source(
    "osm3s._native",
    '#include "osm3s.h"',
    sources=sources(),
    include_dirs=[str(NATIVE), *python_headers()],
    libraries=["m", "pthread"],
    extra_compile_args=[*SEMANTICS, *WARNINGS, *os.environ.get("OSM3S_CFLAGS", "-O3").split()],
    extra_link_args=os.environ.get("OSM3S_LDFLAGS", "").split(),
)
