"""The only package that touches the compiled core: `lib` and `ffi` are cffi's; `check` makes codes errors."""

from __future__ import annotations

from typing import Any

from osm3s._native import ffi as _ffi
from osm3s._native import lib as _lib
from osm3s.errors import (
    CorruptError,
    InputError,
    Osm3sError,
    QueryFailed,
    QueryOutOfMemory,
    QueryTimeout,
    StorageError,
)

ffi: Any = _ffi
lib: Any = _lib

_ERRORS: dict[int, type[Osm3sError]] = {
    lib.OSM3S_NOMEM: QueryOutOfMemory,
    lib.OSM3S_CORRUPT: CorruptError,
    lib.OSM3S_INPUT: InputError,
    lib.OSM3S_TIMEOUT: QueryTimeout,
    lib.OSM3S_MEMLIMIT: QueryOutOfMemory,
    lib.OSM3S_CANCELLED: QueryFailed,
    lib.OSM3S_IO: StorageError,
    lib.OSM3S_REGEX: QueryFailed,
    lib.OSM3S_LIMIT: InputError,
}


def last_error() -> str:
    text: str = ffi.string(lib.osm3s_last_error()).decode("utf-8", "replace")
    return text


def check(code: int) -> int:
    """Return a non-negative result of the core as it is; raise the error that a negative one stands for."""
    if code < 0:
        raise _ERRORS.get(code, StorageError)(last_error())
    return code
