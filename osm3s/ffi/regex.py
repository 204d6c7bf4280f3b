"""POSIX extended regular expressions (native/regex.c)."""

from __future__ import annotations

from typing import Any

from osm3s.ffi import check, ffi, lib

lib.osm3s_set_locale()  # regular expressions see characters, whatever the environment says


class Regex:
    """A compiled pattern; `handle` is the `osm3s_regex *`.

    Raises QueryFailed for an invalid one; making and matching it raises QueryTimeout when the time is used up,
    QueryOutOfMemory when it would take too much.
    """

    __slots__ = ("_context", "handle")

    def __init__(self, pattern: str, ignore_case: bool, size: int, context: Any = ffi.NULL) -> None:
        """`size`: see `osm3s.ql.regex.size_here`; `context`: the `osm3s_context *` of the query."""
        self._context = context
        out = ffi.new("osm3s_regex **")
        error = lib.osm3s_regex_new(pattern.encode("utf-8", "surrogateescape"), ignore_case, size, context, out)
        self.handle: Any = ffi.gc(out[0], lib.osm3s_regex_free)
        check(error)

    def matches(self, text: str | bytes) -> bool:
        """Whether some part of the text matches."""
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        return bool(check(lib.osm3s_regex_matches(self.handle, raw, len(raw))))
