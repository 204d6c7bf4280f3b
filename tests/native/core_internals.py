"""Parts of the core that have no door to Python, compiled for the tests into a module of their own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cffi import FFI

from osm3s.ffi.build_native import python_headers

NATIVE = Path(__file__).resolve().parent.parent.parent / "native"

DECLARATION = """
typedef ... pile;
pile *pile_new(const char *folder, size_t arena_len);
void pile_free(pile *);
int pile_add(pile *, uint64_t key, const void *data, size_t len);
int pile_finish(pile *);
int pile_next(pile *, uint64_t *key, const uint8_t **data, size_t *len);
typedef ... locations;
locations *new_locations(void);
void free_locations(locations *);
int locations_add(locations *, uint64_t id, int32_t lat, int32_t lon);
int locations_seal(locations *);
ptrdiff_t locations_find(const locations *, uint64_t id);
int32_t lat_of(const locations *, size_t row);
const uint8_t *varint_round_trip(uint64_t v, uint8_t out[10], size_t room, uint64_t *back, size_t *len);
int64_t zigzag_round_trip(int64_t v);
"""

SOURCE = """
#include "pile.h"
#include "locations.h"
#include "varint.h"
static locations *new_locations(void) { return calloc(1, sizeof(locations)); }
static void free_locations(locations *l) { locations_free(l); free(l); }
static int32_t lat_of(const locations *l, size_t row) { return l->at[row].lat; }
static const uint8_t *varint_round_trip(uint64_t v, uint8_t out[10], size_t room, uint64_t *back, size_t *len)
{
    *len = (size_t)(varint_put(out, v) - out);
    return varint_get(out, out + (*len < room ? *len : room), back);
}
static int64_t zigzag_round_trip(int64_t v) { return unzigzag(zigzag(v)); }
"""


@cache
def internals() -> Any:
    """The compiled module: `lib` and `ffi`. Skips without a C compiler."""
    if shutil.which(os.environ.get("CC", "cc")) is None:
        pytest.skip("needs a C compiler")
    ffi = FFI()
    ffi.cdef(DECLARATION)
    ffi.set_source(
        "core_internals_module",
        SOURCE,
        sources=[str(NATIVE / name) for name in ("pile.c", "locations.c", "memory.c", "error.c")],
        include_dirs=[str(NATIVE), *python_headers()],
        libraries=["pthread"],
        extra_compile_args=["-D_GNU_SOURCE", "-std=gnu11", *os.environ.get("OSM3S_CFLAGS", "-O1").split()],
        extra_link_args=os.environ.get("OSM3S_LDFLAGS", "").split(),
    )
    folder = tempfile.mkdtemp()
    try:
        path = ffi.compile(tmpdir=folder)
        spec = importlib.util.spec_from_file_location("core_internals_module", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        shutil.rmtree(folder)
    return module
