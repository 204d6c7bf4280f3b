"""Declares the compiled module osm3s._native to cffi: the marked part of native/osm3s.h, and all of native/*.c."""

from __future__ import annotations

import os
from pathlib import Path

from cffi import FFI

NATIVE = Path(__file__).resolve().parent.parent.parent / "native"
BEGIN, END = "/* --- cffi begin --- */", "/* --- cffi end --- */"

WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers"]
SEMANTICS = ["-D_GNU_SOURCE", "-std=gnu11", "-ffp-contract=off"]
"""No fused multiply-add: `around` must compute the same doubles on every machine."""


def declaration() -> str:
    """The part of osm3s.h between its two marker lines."""
    header = (NATIVE / "osm3s.h").read_text()
    return header[header.index(BEGIN) + len(BEGIN) : header.index(END)]


def sources() -> list[str]:
    root = NATIVE.parent
    return [str(path.relative_to(root)) for path in sorted(NATIVE.glob("*.c"))]


ffibuilder = FFI()
ffibuilder.cdef(declaration())
ffibuilder.set_source(
    "osm3s._native",
    '#include "osm3s.h"',
    sources=sources(),
    include_dirs=[str(NATIVE)],
    libraries=["m", "pthread"],
    extra_compile_args=[*SEMANTICS, *WARNINGS, *os.environ.get("OSM3S_CFLAGS", "-O3").split()],
    extra_link_args=os.environ.get("OSM3S_LDFLAGS", "").split(),
)
