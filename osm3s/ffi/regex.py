"""POSIX extended regular expressions (native/regex.c)."""

from __future__ import annotations

from typing import Any

from osm3s.errors import QueryFailed
from osm3s.ffi import check, ffi, last_error, lib

lib.osm3s_set_locale()  # regular expressions see characters, whatever the environment says


class Regex:
    """A compiled pattern; `handle` is the `osm3s_regex *`. Raises QueryFailed for an invalid one."""

    __slots__ = ("handle",)

    def __init__(self, pattern: str, ignore_case: bool = False) -> None:
        regex = lib.osm3s_regex_new(pattern.encode("utf-8", "surrogateescape"), ignore_case)
        if regex == ffi.NULL:
            raise QueryFailed(last_error())
        self.handle: Any = ffi.gc(regex, lib.osm3s_regex_free)

    def matches(self, text: str | bytes) -> bool:
        """Whether some part of the text matches."""
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        return bool(check(lib.osm3s_regex_matches(self.handle, raw, len(raw))))
